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
    guard info.keySize > 0 else {
      throw BPFError(
        .notSupported, "read map \"\(info.name)\": a \(info.kind) map has no keys, and cannot be read entry by entry")
    }
    do throws(BPFError) {
      var reader = MapReader(handle, capacity: handle.batchLimit)
      while case let count = try reader.next(of: handle), count > 0 {
        for index in 0..<count {
          guard unsafe body(entry(reader.keys + index * reader.keySize, reader.values + index * reader.valueSize))
          else { return }
        }
      }
    } catch {
      throw inWords(error, "read")
    }
  }

  private borrowing func entry(_ key: UnsafeRawPointer, _ value: UnsafeRawPointer) -> Entry {
    let bytes = unsafe [UInt8](UnsafeRawBufferPointer(start: value, count: valueBytes))
    return Entry(
      key: unsafe [UInt8](UnsafeRawBufferPointer(start: key, count: info.keySize)), values: split(bytes[...]))
  }
}
