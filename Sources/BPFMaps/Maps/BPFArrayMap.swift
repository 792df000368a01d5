// SPDX-License-Identifier: Apache-2.0

/// An array: every index below ``count`` always has a value, zero at first.
public struct BPFArrayMap<Value: BPFValue & BitwiseCopyable>: ~Copyable, BPFKeyedMap {
  /// Indexes.
  public typealias Key = UInt32

  @usableFromInline let handle: BPFMapHandle

  /// An array by 32-bit index.
  public static var shape: BPFMapShape { BPFMapShape(kinds: [.array], key: UInt32.layout, value: Value.ownLayout) }

  /// Wraps a checked map.
  public init(checked handle: consuming BPFMapHandle) { self.handle = handle }

  /// Lends the untyped map.
  @inlinable
  public borrowing func withHandle<Result: ~Copyable, Failure: Error>(
    _ body: (borrowing BPFMapHandle) throws(Failure) -> Result
  ) throws(Failure) -> Result { try body(handle) }

  /// How many values it has.
  public var count: UInt32 { handle.info.maximumEntryCount }

  /// The value at an index; nil: the index is not below ``count``.
  ///
  /// - Throws: `systemCall`. `BPF_MAP_LOOKUP_ELEM`
  @inlinable
  public borrowing func value(at index: UInt32) throws(BPFError) -> Value? {
    try handle.lookUp(index, as: Value.self)
  }

  /// Writes the value at an index.
  ///
  /// - Throws: `invalidArgument` for an index that is not below ``count``; `permissionDenied` for a map that the kernel
  ///   froze, such as constants. `BPF_MAP_UPDATE_ELEM`
  @inlinable
  public borrowing func setValue(_ value: Value, at index: UInt32) throws(BPFError) {
    try handle.update(index, value, .any)
  }

  /// Every value, by index.
  ///
  /// - Throws: `systemCall`. `BPF_MAP_LOOKUP_BATCH`
  @inlinable
  public borrowing func values() throws(BPFError) -> [Value] {
    var reader = MapReader(handle, capacity: handle.batchLimit)
    var values: [Value] = []
    values.reserveCapacity(Int(count))
    while case let count = try reader.next(of: handle), count > 0 {
      for index in 0..<count { values.append(reader.value(at: index, as: Value.self)) }
    }
    return values
  }
}
