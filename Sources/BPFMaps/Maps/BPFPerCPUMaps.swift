// SPDX-License-Identifier: Apache-2.0

/// An array with a value for each possible CPU at each index: counters that programs need not share.
public struct BPFPerCPUArrayMap<Value: BPFValue & BitwiseCopyable>: ~Copyable, BPFMapProtocol {
  private let handle: BPFMapHandle

  /// A per-CPU array by 32-bit index.
  public static var shape: BPFMapShape { BPFMapShape(kinds: [.perCPUArray], key: UInt32.layout, value: Value.layout) }

  /// Wraps a checked map.
  public init(checked handle: consuming BPFMapHandle) { self.handle = handle }

  /// Lends the untyped map.
  public borrowing func withHandle<Result: ~Copyable, Failure: Error>(
    _ body: (borrowing BPFMapHandle) throws(Failure) -> Result
  ) throws(Failure) -> Result { try body(handle) }

  /// How many indexes it has.
  public var count: UInt32 { handle.info.maximumEntryCount }

  /// The values at an index, one for each possible CPU; nil: the index is not below ``count``.
  ///
  /// - Throws: `notSupported` where /sys does not say how many CPUs there are; `systemCall`.
  public borrowing func values(at index: UInt32) throws(BPFError) -> [Value]? {
    try handle.lookUpPerCPU(index, as: Value.self)
  }

  /// Writes the values at an index.
  ///
  /// - Parameters:
  ///   - values: One for each possible CPU.
  ///   - index: Below ``count``.
  /// - Throws: `invalidArgument` for another number of values, or an index that is not below ``count``.
  public borrowing func setValues(_ values: [Value], at index: UInt32) throws(BPFError) {
    try handle.updatePerCPU(index, values, .any)
  }
}

/// A hash with a value for each possible CPU at each key.
public struct BPFPerCPUHashMap<Key: BPFValue & BitwiseCopyable, Value: BPFValue & BitwiseCopyable>: ~Copyable,
  BPFMapProtocol
{
  private let handle: BPFMapHandle

  /// A per-CPU hash, LRU or not.
  public static var shape: BPFMapShape {
    BPFMapShape(kinds: [.perCPUHash, .lruPerCPUHash], key: Key.layout, value: Value.layout)
  }

  /// Wraps a checked map.
  public init(checked handle: consuming BPFMapHandle) { self.handle = handle }

  /// Lends the untyped map.
  public borrowing func withHandle<Result: ~Copyable, Failure: Error>(
    _ body: (borrowing BPFMapHandle) throws(Failure) -> Result
  ) throws(Failure) -> Result { try body(handle) }

  /// The values at a key, one for each possible CPU; nil: absent.
  ///
  /// - Throws: `notSupported` where /sys does not say how many CPUs there are; `systemCall`.
  public borrowing func values(forKey key: Key) throws(BPFError) -> [Value]? {
    try handle.lookUpPerCPU(key, as: Value.self)
  }

  /// Writes an entry.
  ///
  /// - Parameters:
  ///   - values: One for each possible CPU.
  ///   - key: The key.
  ///   - mode: Whether it may create or replace.
  /// - Throws: `invalidArgument` for another number of values; `full`; `alreadyExists`; `notFound`.
  public borrowing func updateValues(
    _ values: [Value], forKey key: Key, mode: BPFUpdateMode = .any
  ) throws(BPFError) {
    try handle.updatePerCPU(key, values, mode)
  }

  /// Removes an entry; false: there was none.
  ///
  /// - Throws: `systemCall`. Absence is not an error.
  @discardableResult
  public borrowing func removeValue(forKey key: Key) throws(BPFError) -> Bool { try handle.remove(key) }

  /// Every entry, in no order.
  ///
  /// - Throws: `interrupted` where entries are removed faster than they can be read.
  public borrowing func entries() throws(BPFError) -> [(Key, [Value])] {
    try handle.entriesByKey { (key) throws(BPFError) in try self.values(forKey: key) }
  }
}

/// Numbers of this machine that per-CPU maps depend on.
public enum BPFProcessors {
  /// How many values a per-CPU map has at each key: CPUs that could be there, not only those online.
  ///
  /// 1 where /sys does not say; operations on per-CPU maps are then `notSupported`.
  public static var possibleCount: Int { possibleCPUCount() ?? 1 }
}
