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
    // A trie's batches go from key to key and start over where one is gone.
    let hasBatches = [1, 2, 5, 6, 9, 10].contains(info.kind.rawValue)
    if hasBatches, try forEachByBatch(body) { return }
    try forEachByKey(body)
  }

  /// False: the kernel has no batches for this map.
  private borrowing func forEachByBatch(_ body: (Entry) -> Bool) throws(BPFError) -> Bool {
    let (keySize, valueBytes) = (info.keySize, valueBytes)
    var capacity = max(1, min(1 << 20 / (keySize + valueBytes), 1024, Int(info.maximumEntryCount)))
    var keys = [UInt8](repeating: 0, count: capacity * keySize)
    var values = [UInt8](repeating: 0, count: max(capacity * valueBytes, 1))
    // The position is a bucket number for hashes, a key for arrays.
    var position = [UInt8](repeating: 0, count: max(keySize, 8))
    var next = position
    var isFirst = true
    while true {
      var count = UInt32(capacity)
      let status = lookUpBatch(from: isFirst ? nil : position, next: &next, &keys, &values, &count)
      switch status {
      case 0, CInt.statusNotFound:
        for index in 0..<min(Int(count), capacity) {
          let start = index * valueBytes
          let entry = Entry(
            key: Array(keys[index * keySize..<(index + 1) * keySize]), values: split(values[start..<start + valueBytes])
          )
          guard body(entry) else { return true }
        }
        if status != 0 { return true }
        position = next
        isFirst = false
      case -28:  // ENOSPC: one bucket holds more than the buffers
        guard capacity < 1 << 20 else { throw failure("read", status) }
        capacity *= 2
        keys = [UInt8](repeating: 0, count: capacity * keySize)
        values = [UInt8](repeating: 0, count: max(capacity * valueBytes, 1))
      case -4, -11: continue
      case -524, -95, -22, -38:
        guard isFirst else { throw failure("read", status) }
        return false
      default: throw failure("read", status)
      }
    }
  }

  private borrowing func lookUpBatch(
    from position: [UInt8]?, next: inout [UInt8], _ keys: inout [UInt8], _ values: inout [UInt8], _ count: inout UInt32
  ) -> CInt {
    let descriptor = handle.descriptor.rawValue
    return unsafe next.withUnsafeMutableBytes { next in
      unsafe keys.withUnsafeMutableBytes { keys in
        unsafe values.withUnsafeMutableBytes { values in
          guard let position else {
            return unsafe mapLookUpBatch(
              descriptor, from: nil, next: next.baseAddress, keys.baseAddress, values.baseAddress, &count,
              removing: false)
          }
          return unsafe position.withUnsafeBytes { position in
            unsafe mapLookUpBatch(
              descriptor, from: position.baseAddress, next: next.baseAddress, keys.baseAddress, values.baseAddress,
              &count, removing: false)
          }
        }
      }
    }
  }

  /// The kernel starts over when the key to go on from was removed: keys seen before are skipped, restarts bounded.
  private borrowing func forEachByKey(_ body: (Entry) -> Bool) throws(BPFError) {
    var seen: Set<[UInt8]> = []
    var repeats = 0
    var key = try nextKey(after: nil)
    while let current = key {
      if seen.insert(current).inserted {
        if let values = try values(forKey: current) {
          guard body(Entry(key: current, values: values)) else { return }
        }
      } else {
        repeats += 1
        guard repeats <= 64 * (seen.count + 16) else {
          throw BPFError(
            .interrupted,
            "read map \"\(info.name)\": entries are removed faster than they can be read (\(seen.count) were); try again"
          )
        }
      }
      key = try nextKey(after: current)
    }
  }

  private borrowing func nextKey(after key: [UInt8]?) throws(BPFError) -> [UInt8]? {
    var next = [UInt8](repeating: 0, count: info.keySize)
    let descriptor = handle.descriptor.rawValue
    let status = unsafe next.withUnsafeMutableBytes { next in
      guard let key else { return unsafe mapNextKey(descriptor, nil, next.baseAddress) }
      return unsafe key.withUnsafeBytes { unsafe mapNextKey(descriptor, $0.baseAddress, next.baseAddress) }
    }
    if status == CInt.statusNotFound { return nil }
    guard status == 0 else { throw failure("read", status) }
    return next
  }
}
