// SPDX-License-Identifier: Apache-2.0

internal import LinuxSystem

// Entries as bytes, for tools that meet maps whose types they do not know.
extension BPFMapHandle {
  /// How many bytes a look-up gives: of a per-CPU map, one value for each possible CPU, each rounded up to 8 bytes.
  ///
  /// 0 for a per-CPU map where /sys does not say how many CPUs there are.
  public var valueByteCount: Int { valueSpace }

  /// The bytes of the value at a key; nil: absent.
  ///
  /// - Parameter key: Exactly as many bytes as the map's keys have; none for a queue or stack.
  /// - Returns: ``valueByteCount`` bytes.
  /// - Throws: `invalidArgument` for a key of another size; `notSupported`, also for a bloom filter, which is asked for a
  ///   value and has none to give; `systemCall`. `BPF_MAP_LOOKUP_ELEM`
  public borrowing func bytes(forKey key: [UInt8]) throws(BPFError) -> [UInt8]? {
    try check("key", key.count, info.keySize)
    guard info.kind != .bloomFilter else {
      throw BPFError(.notSupported, "look up a key in map \"\(info.name)\": a bloom filter gives no values")
    }
    guard valueSpace > 0 || !info.kind.isPerCPU else { throw slotFailure() }
    let descriptor = descriptor.rawValue
    var value = [UInt8](repeating: 0, count: valueSpace)
    let status = unsafe key.withUnsafeBytes { key in
      unsafe value.withUnsafeMutableBytes { value in
        unsafe mapLookUp(descriptor, key.isEmpty ? nil : key.baseAddress, value.baseAddress)
      }
    }
    if status == 0 { return value }
    if status == CInt.statusNotFound { return nil }
    throw failure("look up a key in", status)
  }

  /// Writes the bytes of an entry.
  ///
  /// - Parameters:
  ///   - value: ``valueByteCount`` bytes.
  ///   - key: Exactly as many bytes as the map's keys have; none for a queue or stack.
  ///   - mode: Whether it may create or replace.
  /// - Throws: `invalidArgument` for another size; `full`; `alreadyExists`; `notFound`. `BPF_MAP_UPDATE_ELEM`
  public borrowing func updateBytes(
    _ value: [UInt8], forKey key: [UInt8], mode: BPFUpdateMode = .any
  ) throws(BPFError) {
    try check("key", key.count, info.keySize)
    guard valueSpace > 0 || !info.kind.isPerCPU else { throw slotFailure() }
    try check("value", value.count, valueSpace)
    let descriptor = descriptor.rawValue
    let status = unsafe key.withUnsafeBytes { key in
      unsafe value.withUnsafeBytes { value in
        unsafe mapUpdate(descriptor, key.isEmpty ? nil : key.baseAddress, value.baseAddress, mode.rawValue)
      }
    }
    if status != 0 { throw failure("update", status) }
  }

  /// Removes the entry at a key; false: there was none.
  ///
  /// - Parameter key: Exactly as many bytes as the map's keys have.
  /// - Returns: Whether there was one.
  /// - Throws: `invalidArgument` for a key of another size; `systemCall`. `BPF_MAP_DELETE_ELEM`
  @discardableResult
  public borrowing func removeBytes(forKey key: [UInt8]) throws(BPFError) -> Bool {
    try check("key", key.count, info.keySize)
    let descriptor = descriptor.rawValue
    let status = unsafe key.withUnsafeBytes { unsafe mapDelete(descriptor, $0.baseAddress) }
    if status == 0 { return true }
    if status == CInt.statusNotFound { return false }
    throw failure("remove a key from", status)
  }

  /// Calls `body` with the bytes of each entry, in buffers that are reused; see ``BPFKeyedMap`` for what is seen.
  ///
  /// - Parameter body: Gets a key, and a value of ``valueByteCount`` bytes.
  /// - Throws: `notSupported` for a map that cannot be walked; `interrupted` when entries are removed faster than they
  ///   can be read; what `body` throws. `BPF_MAP_LOOKUP_BATCH`, `BPF_MAP_GET_NEXT_KEY`
  public borrowing func forEachBytes(_ body: (RawSpan, RawSpan) throws -> Void) throws {
    guard info.keySize > 0, !info.kind.isStorage || info.kind == .attachedCgroupStorage else {
      throw BPFError(.notSupported, "read map \"\(info.name)\": the kernel does not list the entries of a \(info.kind)")
    }
    guard valueSpace > 0 || !info.kind.isPerCPU else { throw slotFailure() }
    var reader = MapReader(self, capacity: batchLimit)
    while case let count = try reader.next(of: self), count > 0 {
      for index in 0..<count {
        let key = unsafe UnsafeRawBufferPointer(start: reader.keys + index * reader.keySize, count: reader.keySize)
        let value = unsafe UnsafeRawBufferPointer(
          start: reader.values + index * reader.valueSize, count: reader.valueSize)
        try unsafe body(key.bytes, value.bytes)
      }
    }
  }

  private borrowing func check(_ what: String, _ count: Int, _ wanted: Int) throws(BPFError) {
    guard count == wanted else {
      throw BPFError(
        .invalidArgument, "map \"\(info.name)\": a \(what) of \(count) bytes was given, but it has \(wanted)")
    }
  }
}
