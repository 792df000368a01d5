// SPDX-License-Identifier: Apache-2.0

/// A trie that finds the longest prefix that matches.
///
/// The key's struct begins with a 32-bit prefix length in bits, in the machine's byte order; what follows is matched
/// bit by bit from its first byte. ``IPv4PrefixKey`` and ``IPv6PrefixKey`` are such keys, for `NetworkTypes`' blocks.
public struct BPFLPMTrie<Key: BPFValue & BitwiseCopyable, Value: BPFValue & BitwiseCopyable>: ~Copyable, BPFRemovableMap
{
  @usableFromInline let handle: BPFMapHandle

  /// An LPM trie.
  public static var shape: BPFMapShape {
    var shape = BPFMapShape(kinds: [.lpmTrie], key: Key.ownLayout, value: Value.ownLayout)
    shape.keyIsPrefix = Key.self is any BPFPrefixKey.Type
    return shape
  }

  /// Wraps a checked map.
  public init(checked handle: consuming BPFMapHandle) { self.handle = handle }

  /// Lends the untyped map.
  @inlinable
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
}
