// SPDX-License-Identifier: Apache-2.0

/// A set that never forgets what was added, and at times says yes to what was not.
///
/// Nothing can be removed.
public struct BPFBloomFilter<Value: BPFValue & BitwiseCopyable>: ~Copyable, BPFMapProtocol {
  @usableFromInline let handle: BPFMapHandle

  /// A bloom filter, without keys.
  public static var shape: BPFMapShape { BPFMapShape(kinds: [.bloomFilter], value: Value.ownLayout) }

  /// Wraps a checked map.
  public init(checked handle: consuming BPFMapHandle) { self.handle = handle }

  /// Lends the untyped map.
  @inlinable
  public borrowing func withHandle<Result: ~Copyable, Failure: Error>(
    _ body: (borrowing BPFMapHandle) throws(Failure) -> Result
  ) throws(Failure) -> Result { try body(handle) }

  /// Makes a filter without an object.
  ///
  /// - Parameters:
  ///   - name: Letters, digits, `_` and `.`; the kernel keeps 15 of them.
  ///   - expectedCount: How many values it is to be made for; more can be added, and make it say yes more often.
  ///   - hashCount: How many bits each value sets, 1...15.
  /// - Returns: The filter.
  /// - Throws: `invalidArgument`; `permissionDenied`.
  /// - Requires: CAP_BPF, Linux 5.16. `BPF_MAP_CREATE`
  public static func create(name: String, expectedCount: UInt32, hashCount: Int = 5) throws(BPFError) -> Self {
    guard (1...15).contains(hashCount) else {
      throw BPFError(.invalidArgument, "create map \"\(name)\" (bloom filter): \(hashCount) hashes; use 1 to 15")
    }
    var definition = try MapDefinition(shape, name: name, maximumEntryCount: expectedCount)
    definition.extra = UInt64(hashCount)
    return Self(checked: try definition.create())
  }

  /// Adds a value.
  ///
  /// - Throws: `systemCall`. `BPF_MAP_UPDATE_ELEM`
  @inlinable
  public borrowing func add(_ value: Value) throws(BPFError) { try handle.append(value, .any) }

  /// Whether a value may have been added; false is certain.
  ///
  /// - Throws: `systemCall`. `BPF_MAP_LOOKUP_ELEM`
  @inlinable
  public borrowing func contains(_ value: Value) throws(BPFError) -> Bool { try handle.answers(for: value) }
}
