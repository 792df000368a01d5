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
public struct BPFHashMap<Key: BPFValue & BitwiseCopyable, Value: BPFValue & BitwiseCopyable>: ~Copyable, BPFMapProtocol
{
  @usableFromInline let handle: BPFMapHandle

  /// A hash by ``BPFMapKind/hash`` or ``BPFMapKind/lruHash``.
  public static var shape: BPFMapShape {
    BPFMapShape(kinds: [.hash, .lruHash], key: Key.layout, value: Value.layout)
  }

  /// Wraps a checked map.
  public init(checked handle: consuming BPFMapHandle) { self.handle = handle }

  /// Lends the untyped map.
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

  /// Writes many entries, by batches where the kernel has them.
  ///
  /// - Throws: As ``updateValue(_:forKey:mode:)``; the message says how many were written before.
  ///   `BPF_MAP_UPDATE_BATCH`
  public borrowing func update(_ entries: [(Key, Value)], mode: BPFUpdateMode = .any) throws(BPFError) {
    try handle.update(entries, mode)
  }

  /// Every entry, in no order.
  ///
  /// An entry that is there throughout is seen exactly once, whatever others do meanwhile.
  ///
  /// - Throws: `interrupted` where the kernel has no batches and the map changes too fast. `BPF_MAP_LOOKUP_BATCH`
  public borrowing func entries() throws(BPFError) -> [(Key, Value)] {
    if let entries = try handle.entriesByBatch(Key.self, Value.self) { return entries }
    return try handle.entriesByKey { (key) throws(BPFError) in try self.value(forKey: key) }
  }

  /// Calls `body` with each entry of a snapshot (see ``entries()``).
  ///
  /// - Throws: As ``entries()``, and what `body` throws.
  public borrowing func forEach(_ body: (Key, Value) throws -> Void) throws {
    for (key, value) in try entries() { try body(key, value) }
  }

  /// Removes every entry that a snapshot has; entries written meanwhile may stay.
  ///
  /// - Throws: As ``entries()``. What was removed before stays removed.
  public borrowing func removeAll() throws(BPFError) {
    for (key, _) in try entries() { _ = try handle.remove(key) }
  }
}

/// A hash that drops what was used least recently: the same operations.
public typealias BPFLRUHashMap<Key: BPFValue & BitwiseCopyable, Value: BPFValue & BitwiseCopyable> = BPFHashMap<
  Key, Value
>
