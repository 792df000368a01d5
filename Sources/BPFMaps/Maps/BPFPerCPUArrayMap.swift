// SPDX-License-Identifier: Apache-2.0

/// An array with a value for each possible CPU at each index: counters that programs need not share.
///
/// ```swift
/// let drops = try object.map("drop_counter", as: BPFPerCPUArrayMap<drop_counter>.self)
/// let packets = try drops.sum(at: 3, of: \.packets)
/// ```
public struct BPFPerCPUArrayMap<Value: BPFValue & BitwiseCopyable>: ~Copyable, BPFMapProtocol {
  @usableFromInline let handle: BPFMapHandle

  /// A per-CPU array by 32-bit index.
  public static var shape: BPFMapShape {
    BPFMapShape(kinds: [.perCPUArray], key: UInt32.layout, value: Value.ownLayout)
  }

  /// Wraps a checked map.
  public init(checked handle: consuming BPFMapHandle) { self.handle = handle }

  /// Lends the untyped map.
  @inlinable
  public borrowing func withHandle<Result: ~Copyable, Failure: Error>(
    _ body: (borrowing BPFMapHandle) throws(Failure) -> Result
  ) throws(Failure) -> Result { try body(handle) }

  /// How many indexes it has.
  public var count: UInt32 { handle.info.maximumEntryCount }

  /// The values at an index, one for each possible CPU; nil: the index is not below ``count``.
  ///
  /// - Throws: `notSupported` where /sys does not say how many CPUs there are; `systemCall`.
  @inlinable
  public borrowing func values(at index: UInt32) throws(BPFError) -> [Value]? {
    try withValues(at: index) { $0.copied }
  }

  /// Calls `body` with the values at an index, one for each possible CPU, without allocating; nil: the index is not below
  /// ``count``.
  ///
  /// - Throws: As ``values(at:)``.
  @inlinable
  public borrowing func withValues<Result>(
    at index: UInt32, _ body: (Span<Value>) -> Result
  ) throws(BPFError) -> Result? {
    try handle.withElements(of: index, as: Value.self, body)
  }

  /// The sum of a number over all CPUs, wrapping around; nil: the index is not below ``count``.
  ///
  /// - Parameters:
  ///   - index: Below ``count``.
  ///   - number: Such as `\.packets`.
  /// - Returns: The sum.
  /// - Throws: As ``values(at:)``.
  @inlinable
  public borrowing func sum<Number: FixedWidthInteger>(
    at index: UInt32, of number: (Value) -> Number
  ) throws(BPFError) -> Number? {
    try withValues(at: index) { $0.sum(of: number) }
  }

  /// The largest of a number over all CPUs; nil: the index is not below ``count``.
  ///
  /// - Throws: As ``values(at:)``.
  @inlinable
  public borrowing func max<Number: FixedWidthInteger>(
    at index: UInt32, of number: (Value) -> Number
  ) throws(BPFError) -> Number? {
    try withValues(at: index) { $0.max(of: number) }
  }

  /// Writes the values at an index.
  ///
  /// - Parameters:
  ///   - values: One for each possible CPU.
  ///   - index: Below ``count``.
  /// - Throws: `invalidArgument` for another number of values, or an index that is not below ``count``.
  @inlinable
  public borrowing func setValues(_ values: [Value], at index: UInt32) throws(BPFError) {
    try handle.updateSlots(index, count: values.count, .any) { values[$0] }
  }

  /// Writes the same value for every CPU at an index: zeros reset a counter.
  ///
  /// - Throws: `invalidArgument` for an index that is not below ``count``.
  @inlinable
  public borrowing func setEveryValue(_ value: Value, at index: UInt32) throws(BPFError) {
    try handle.updateSlots(index, count: handle.slotCount, .any) { _ in value }
  }

  /// Calls `body` with each index and its values, in buffers that are reused.
  ///
  /// - Throws: As ``values(at:)``, and what `body` throws. `BPF_MAP_LOOKUP_BATCH`
  @inlinable
  public borrowing func forEach(_ body: (UInt32, Span<Value>) throws -> Void) throws {
    try handle.forEachSlots(UInt32.self, Value.self, body)
  }
}

extension BPFPerCPUArrayMap where Value: FixedWidthInteger {
  /// The sum over all CPUs, wrapping around; nil: the index is not below ``count``.
  ///
  /// - Throws: As ``values(at:)``.
  @inlinable
  public borrowing func sum(at index: UInt32) throws(BPFError) -> Value? { try sum(at: index) { $0 } }

  /// The largest value of a CPU; nil: the index is not below ``count``.
  ///
  /// - Throws: As ``values(at:)``.
  @inlinable
  public borrowing func max(at index: UInt32) throws(BPFError) -> Value? { try max(at: index) { $0 } }
}
