// SPDX-License-Identifier: Apache-2.0

internal import LinuxSystem

extension BPFRawMap {
  /// Every entry, in the map's own order.
  ///
  /// - Returns: The entries.
  /// - Throws: As ``forEachEntry(_:)``.
  public borrowing func entries() throws(BPFError) -> [Entry] {
    var entries: [Entry] = []
    try forEachEntry { entry in
      entries.append(entry)
      return true
    }
    return entries
  }

  /// Visits every entry: in batches where the kernel has them for this kind of map, else key by key.
  ///
  /// An entry that is there throughout is visited once, whatever is removed meanwhile.
  ///
  /// - Parameter body: Called for each; false ends the visit.
  /// - Throws: `notSupported` for a kind of map without keys to go through, such as a ring buffer; `interrupted` where
  ///   entries are removed faster than they can be read.
  public borrowing func forEachEntry(_ body: (Entry) -> Bool) throws(BPFError) {
    guard info.keySize > 0, !info.kind.isStorage || info.kind == .attachedCgroupStorage else {
      throw BPFError(
        .notSupported, "read map \"\(info.name)\": the kernel does not list the entries of a \(info.kind) map")
    }
    var reader = MapReader(handle, capacity: handle.batchLimit)
    while true {
      let count: Int
      do { count = try reader.next(of: handle) } catch { throw explained(error, "read") }
      guard count > 0 else { return }
      for index in 0..<count {
        let key = unsafe UnsafeRawBufferPointer(start: reader.keys + index * reader.keySize, count: reader.keySize)
        let value = unsafe UnsafeRawBufferPointer(
          start: reader.values + index * reader.valueSize, count: reader.valueSize)
        guard unsafe body(Entry(key: Array(key), values: split(Array(value)))) else { return }
      }
    }
  }
}
