// SPDX-License-Identifier: Apache-2.0

/// A hash with a value for each possible CPU at each key, LRU or not.
public struct BPFPerCPUHashMap<Key: BPFValue & BitwiseCopyable, Value: BPFValue & BitwiseCopyable>: ~Copyable,
  BPFMapProtocol
{
  @usableFromInline let handle: BPFMapHandle

  /// A per-CPU hash, LRU or not.
  public static var shape: BPFMapShape {
    BPFMapShape(kinds: [.perCPUHash, .lruPerCPUHash], key: Key.ownLayout, value: Value.ownLayout)
  }

  /// Wraps a checked map.
  public init(checked handle: consuming BPFMapHandle) { self.handle = handle }

  /// Lends the untyped map.
  @inlinable
  public borrowing func withHandle<Result: ~Copyable, Failure: Error>(
    _ body: (borrowing BPFMapHandle) throws(Failure) -> Result
  ) throws(Failure) -> Result { try body(handle) }

  /// The values at a key, one for each possible CPU; nil: absent.
  ///
  /// - Throws: `notSupported` where /sys does not say how many CPUs there are; `systemCall`.
  @inlinable
  public borrowing func values(forKey key: Key) throws(BPFError) -> [Value]? {
    try withValues(forKey: key) { $0.copied }
  }

  /// Calls `body` with the values at a key, one for each possible CPU, without allocating; nil: absent.
  ///
  /// - Throws: As ``values(forKey:)``.
  @inlinable
  public borrowing func withValues<Result>(
    forKey key: Key, _ body: (Span<Value>) -> Result
  ) throws(BPFError) -> Result? {
    try handle.withElements(of: key, as: Value.self, body)
  }

  /// The sum of a number over all CPUs, wrapping around; nil: absent.
  ///
  /// - Parameters:
  ///   - key: The key.
  ///   - number: Such as `\.packets`.
  /// - Returns: The sum.
  /// - Throws: As ``values(forKey:)``.
  @inlinable
  public borrowing func sum<Number: FixedWidthInteger>(
    forKey key: Key, of number: (Value) -> Number
  ) throws(BPFError) -> Number? {
    try withValues(forKey: key) { $0.sum(of: number) }
  }

  /// The largest of a number over all CPUs; nil: absent.
  ///
  /// - Throws: As ``values(forKey:)``.
  @inlinable
  public borrowing func max<Number: FixedWidthInteger>(
    forKey key: Key, of number: (Value) -> Number
  ) throws(BPFError) -> Number? {
    try withValues(forKey: key) { $0.max(of: number) }
  }

  /// Writes an entry.
  ///
  /// - Parameters:
  ///   - values: One for each possible CPU.
  ///   - key: The key.
  ///   - mode: Whether it may create or replace.
  /// - Throws: `invalidArgument` for another number of values; `full`; `alreadyExists`; `notFound`.
  @inlinable
  public borrowing func updateValues(
    _ values: [Value], forKey key: Key, mode: BPFUpdateMode = .any
  ) throws(BPFError) {
    try handle.updateSlots(key, count: values.count, mode) { values[$0] }
  }

  /// Writes an entry with the same value for every CPU.
  ///
  /// - Throws: `full`; `alreadyExists`; `notFound`.
  @inlinable
  public borrowing func updateEveryValue(
    _ value: Value, forKey key: Key, mode: BPFUpdateMode = .any
  ) throws(BPFError) {
    try handle.updateSlots(key, count: handle.slotCount, mode) { _ in value }
  }

  /// Removes an entry; false: there was none.
  ///
  /// - Throws: `systemCall`. Absence is not an error.
  @inlinable @discardableResult
  public borrowing func removeValue(forKey key: Key) throws(BPFError) -> Bool { try handle.remove(key) }

  /// Removes an entry and returns its values, in one step; nil: absent.
  ///
  /// - Throws: `systemCall`. Absence is not an error.
  /// - Requires: Linux 5.14. `BPF_MAP_LOOKUP_AND_DELETE_ELEM`
  @inlinable
  public borrowing func takeValues(forKey key: Key) throws(BPFError) -> [Value]? {
    try handle.withElements(of: key, as: Value.self, removing: true) { $0.copied }
  }
}

extension BPFPerCPUHashMap where Value: FixedWidthInteger {
  /// The sum over all CPUs, wrapping around; nil: absent.
  ///
  /// - Throws: As ``values(forKey:)``.
  @inlinable
  public borrowing func sum(forKey key: Key) throws(BPFError) -> Value? { try sum(forKey: key) { $0 } }

  /// The largest value of a CPU; nil: absent.
  ///
  /// - Throws: As ``values(forKey:)``.
  @inlinable
  public borrowing func max(forKey key: Key) throws(BPFError) -> Value? { try max(forKey: key) { $0 } }
}
