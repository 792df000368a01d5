// SPDX-License-Identifier: Apache-2.0

/// A trie that finds the longest prefix that matches.
///
/// The key's struct begins with a 32-bit prefix length in bits, in the machine's byte order; what follows is matched
/// bit by bit from its first byte.
public struct BPFLPMTrie<Key: BPFValue & BitwiseCopyable, Value: BPFValue & BitwiseCopyable>: ~Copyable, BPFMapProtocol
{
  @usableFromInline let handle: BPFMapHandle

  /// An LPM trie.
  public static var shape: BPFMapShape { BPFMapShape(kinds: [.lpmTrie], key: Key.layout, value: Value.layout) }

  /// Wraps a checked map.
  public init(checked handle: consuming BPFMapHandle) { self.handle = handle }

  /// Lends the untyped map.
  public borrowing func withHandle<Result: ~Copyable, Failure: Error>(
    _ body: (borrowing BPFMapHandle) throws(Failure) -> Result
  ) throws(Failure) -> Result { try body(handle) }

  /// The value of the longest prefix that matches the key and is no longer than the key's own; nil: none matches.
  ///
  /// - Throws: `systemCall`. `BPF_MAP_LOOKUP_ELEM`
  @inlinable
  public borrowing func value(forKey key: Key) throws(BPFError) -> Value? {
    try handle.lookUp(key, as: Value.self)
  }

  /// Writes the entry of exactly this prefix.
  ///
  /// - Throws: `full`; `alreadyExists` with ``BPFUpdateMode/new``; `notFound` with ``BPFUpdateMode/existing``;
  ///   `invalidArgument` for a prefix longer than the key. `BPF_MAP_UPDATE_ELEM`
  @inlinable
  public borrowing func updateValue(_ value: Value, forKey key: Key, mode: BPFUpdateMode = .any) throws(BPFError) {
    try handle.update(key, value, mode)
  }

  /// Removes the entry of exactly this prefix; false: there was none.
  ///
  /// - Throws: `systemCall`. Absence is not an error. `BPF_MAP_DELETE_ELEM`
  @inlinable @discardableResult
  public borrowing func removeValue(forKey key: Key) throws(BPFError) -> Bool {
    try handle.remove(key)
  }

  /// Writes many entries, by batches where the kernel has them.
  ///
  /// - Throws: As ``updateValue(_:forKey:mode:)``; the message says how many were written before.
  public borrowing func update(_ entries: [(Key, Value)], mode: BPFUpdateMode = .any) throws(BPFError) {
    try handle.update(entries, mode)
  }

  /// Every entry, in the trie's order.
  ///
  /// An entry that is there throughout is seen exactly once.
  ///
  /// The kernel has no exact look-up for tries: of an entry that is removed between its key and its value being read,
  /// the value is that of the next shorter prefix.
  ///
  /// - Throws: `interrupted` where entries are removed faster than they can be read.
  public borrowing func entries() throws(BPFError) -> [(Key, Value)] {
    try handle.entriesByKey { (key) throws(BPFError) in try self.value(forKey: key) }
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
