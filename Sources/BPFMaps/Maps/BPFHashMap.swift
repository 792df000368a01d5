// SPDX-License-Identifier: Apache-2.0

/// A hash table, or one that drops what was used least recently.
///
/// Look-ups and single updates are one system call each, on stack copies, without allocation. The map may be used from
/// many tasks at once; each operation is atomic for its key.
///
/// ```swift
/// let flows = try object.map("flow", as: BPFHashMap<flow_key, flow_state>.self)
/// try flows.updateValue(state, forKey: key)
/// ```
public struct BPFHashMap<Key: BPFValue & BitwiseCopyable, Value: BPFValue & BitwiseCopyable>: ~Copyable, BPFRemovableMap
{
  @usableFromInline let handle: BPFMapHandle

  /// A hash by ``BPFMapKind/hash`` or ``BPFMapKind/lruHash``.
  public static var shape: BPFMapShape {
    BPFMapShape(kinds: [.hash, .lruHash], key: Key.ownLayout, value: Value.ownLayout)
  }

  /// Wraps a checked map.
  public init(checked handle: consuming BPFMapHandle) { self.handle = handle }

  /// Lends the untyped map.
  @inlinable
  public borrowing func withHandle<Result: ~Copyable, Failure: Error>(
    _ body: (borrowing BPFMapHandle) throws(Failure) -> Result
  ) throws(Failure) -> Result { try body(handle) }

  /// The value at a key; nil: absent.
  ///
  /// - Throws: `permissionDenied`; `systemCall`. Absence is not an error. `BPF_MAP_LOOKUP_ELEM`
  @inlinable
  public borrowing func value(forKey key: Key) throws(BPFError) -> Value? {
    try handle.lookUp(key, as: Value.self)
  }

  /// Writes an entry.
  ///
  /// - Throws: `full`; `alreadyExists` with ``BPFUpdateMode/new``; `notFound` with ``BPFUpdateMode/existing``.
  ///   `BPF_MAP_UPDATE_ELEM`
  @inlinable
  public borrowing func updateValue(_ value: Value, forKey key: Key, mode: BPFUpdateMode = .any) throws(BPFError) {
    try handle.update(key, value, mode)
  }

  /// Removes an entry; false: there was none.
  ///
  /// - Throws: `systemCall`. Absence is not an error. `BPF_MAP_DELETE_ELEM`
  @inlinable @discardableResult
  public borrowing func removeValue(forKey key: Key) throws(BPFError) -> Bool {
    try handle.remove(key)
  }

  /// Removes an entry and returns its value, in one step; nil: absent.
  ///
  /// - Throws: `systemCall`. Absence is not an error.
  /// - Requires: Linux 5.14. `BPF_MAP_LOOKUP_AND_DELETE_ELEM`
  @inlinable
  public borrowing func takeValue(forKey key: Key) throws(BPFError) -> Value? {
    try handle.lookUpAndRemove(key, as: Value.self)
  }

  /// Removes every entry that an iteration sees, and returns them with the values they had when they were removed.
  ///
  /// Entry by entry this is one step, so that what a program adds meanwhile is either returned or stays.
  ///
  /// - Returns: The entries, in no order.
  /// - Throws: `systemCall`. The message says how many were read; those are lost. Entries that stay are not.
  /// - Requires: Linux 5.6. `BPF_MAP_LOOKUP_AND_DELETE_BATCH`
  @inlinable
  public borrowing func takeAll() throws(BPFError) -> [(Key, Value)] {
    try handle.entries(Key.self, Value.self, removing: true)
  }
}

/// A hash that drops what was used least recently: the same operations.
public typealias BPFLRUHashMap<Key: BPFValue & BitwiseCopyable, Value: BPFValue & BitwiseCopyable> = BPFHashMap<
  Key, Value
>
