// SPDX-License-Identifier: Apache-2.0

internal import LinuxSystem

/// An array whose slots hold maps, to be swapped in one step under running programs.
///
/// ```swift
/// let generations = try object.map("generation", as: BPFArrayOfMaps<BPFHashMap<UInt32, verdict>>.self)
/// let next = try BPFHashMap<UInt32, verdict>.create(name: "verdict", maximumEntryCount: 1024)
/// try next.update(verdicts)
/// try generations.setMap(next, at: 0)
/// ```
///
/// A slot keeps its map alive.
public struct BPFArrayOfMaps<Inner: BPFMapProtocol & ~Copyable>: ~Copyable, BPFMapProtocol {
  @usableFromInline let handle: BPFMapHandle

  /// An array of maps, by 32-bit index.
  public static var shape: BPFMapShape {
    var shape = BPFMapShape(kinds: [.arrayOfMaps])
    (shape.keySize, shape.valueSize) = (4, 4)
    return shape
  }

  /// Wraps a checked map.
  public init(checked handle: consuming BPFMapHandle) { self.handle = handle }

  /// Lends the untyped map.
  @inlinable
  public borrowing func withHandle<Result: ~Copyable, Failure: Error>(
    _ body: (borrowing BPFMapHandle) throws(Failure) -> Result
  ) throws(Failure) -> Result { try body(handle) }

  /// Makes an array without an object.
  ///
  /// - Parameters:
  ///   - name: Letters, digits, `_` and `.`; the kernel keeps 15 of them.
  ///   - maximumEntryCount: How many slots.
  ///   - prototype: A map like those to be put in: of the same kind, sizes and flags, and, unless it is a hash or was
  ///     made with ``BPFMapFlags/inner``, of the same number of entries. It is not kept.
  /// - Returns: The array, whose slots are empty.
  /// - Throws: `invalidArgument`; `permissionDenied`.
  /// - Requires: CAP_BPF. `BPF_MAP_CREATE`
  public static func create(
    name: String, maximumEntryCount: UInt32, prototype: borrowing Inner
  ) throws(BPFError) -> Self {
    var definition = try MapDefinition(shape, name: name, maximumEntryCount: maximumEntryCount)
    definition.inner = prototype.withHandle { $0.descriptor.rawValue }
    return Self(checked: try definition.create())
  }

  /// How many slots it has.
  public var count: UInt32 { handle.info.maximumEntryCount }

  /// Puts a map into a slot, replacing what was there in one step.
  ///
  /// When the call returns, no program uses the one that was replaced, except sleepable
  /// ones, for which the kernel does not wait.
  ///
  /// - Throws: `invalidArgument` for an index that is not below ``count``, or a map that is not like the prototype.
  ///   `BPF_MAP_UPDATE_ELEM`
  public borrowing func setMap(_ map: borrowing Inner, at index: UInt32) throws(BPFError) {
    let descriptor = map.withHandle { $0.descriptor.rawValue }
    try handle.update(index, UInt32(bitPattern: descriptor), .any)
  }

  /// Empties a slot; false: it was empty.
  ///
  /// - Throws: `invalidArgument` for an index that is not below ``count``. `BPF_MAP_DELETE_ELEM`
  @discardableResult
  public borrowing func clear(at index: UInt32) throws(BPFError) -> Bool { try handle.remove(index) }

  /// The identifier of the map in a slot; nil: empty, or not below ``count``.
  ///
  /// - Throws: `systemCall`. `BPF_MAP_LOOKUP_ELEM`
  public borrowing func identifier(at index: UInt32) throws(BPFError) -> UInt32? {
    try handle.lookUp(index, as: UInt32.self)
  }

  /// Opens the map in a slot, and checks it against the Swift types; nil: empty, or not below ``count``.
  ///
  /// - Throws: `incompatibleMap`; `layoutMismatch`; `permissionDenied`.
  /// - Requires: CAP_SYS_ADMIN. `BPF_MAP_GET_FD_BY_ID`
  public borrowing func map(at index: UInt32) throws(BPFError) -> Inner? {
    try handle.openInner(Inner.self, index)
  }
}

/// A hash whose values are maps.
public struct BPFHashOfMaps<Key: BPFValue & BitwiseCopyable, Inner: BPFMapProtocol & ~Copyable>: ~Copyable,
  BPFMapProtocol
{
  @usableFromInline let handle: BPFMapHandle

  /// A hash of maps.
  public static var shape: BPFMapShape {
    var shape = BPFMapShape(kinds: [.hashOfMaps], key: Key.ownLayout)
    shape.valueSize = 4
    return shape
  }

  /// Wraps a checked map.
  public init(checked handle: consuming BPFMapHandle) { self.handle = handle }

  /// Lends the untyped map.
  @inlinable
  public borrowing func withHandle<Result: ~Copyable, Failure: Error>(
    _ body: (borrowing BPFMapHandle) throws(Failure) -> Result
  ) throws(Failure) -> Result { try body(handle) }

  /// Makes a hash without an object.
  ///
  /// - Parameters:
  ///   - name: Letters, digits, `_` and `.`; the kernel keeps 15 of them.
  ///   - maximumEntryCount: How many maps it can hold.
  ///   - prototype: As for ``BPFArrayOfMaps/create(name:maximumEntryCount:prototype:)``.
  /// - Returns: The hash, empty.
  /// - Throws: `invalidArgument`; `permissionDenied`.
  /// - Requires: CAP_BPF. `BPF_MAP_CREATE`
  public static func create(
    name: String, maximumEntryCount: UInt32, prototype: borrowing Inner
  ) throws(BPFError) -> Self {
    var definition = try MapDefinition(shape, name: name, maximumEntryCount: maximumEntryCount)
    definition.inner = prototype.withHandle { $0.descriptor.rawValue }
    return Self(checked: try definition.create())
  }

  /// Puts a map at a key, replacing what was there in one step.
  ///
  /// When the call returns, no program uses the one that was replaced, except sleepable
  /// ones, for which the kernel does not wait.
  ///
  /// - Throws: `full`; `alreadyExists` with ``BPFUpdateMode/new``; `notFound` with ``BPFUpdateMode/existing``;
  ///   `invalidArgument` for a map that is not like the prototype. `BPF_MAP_UPDATE_ELEM`
  public borrowing func setMap(
    _ map: borrowing Inner, forKey key: Key, mode: BPFUpdateMode = .any
  ) throws(BPFError) {
    let descriptor = map.withHandle { $0.descriptor.rawValue }
    try handle.update(key, UInt32(bitPattern: descriptor), mode)
  }

  /// Removes the map at a key; false: there was none.
  ///
  /// - Throws: `systemCall`. Absence is not an error. `BPF_MAP_DELETE_ELEM`
  @discardableResult
  public borrowing func removeMap(forKey key: Key) throws(BPFError) -> Bool { try handle.remove(key) }

  /// The identifier of the map at a key; nil: absent.
  ///
  /// - Throws: `systemCall`. `BPF_MAP_LOOKUP_ELEM`
  public borrowing func identifier(forKey key: Key) throws(BPFError) -> UInt32? {
    try handle.lookUp(key, as: UInt32.self)
  }

  /// Opens the map at a key, and checks it against the Swift types; nil: absent.
  ///
  /// - Throws: `incompatibleMap`; `layoutMismatch`; `permissionDenied`.
  /// - Requires: CAP_SYS_ADMIN. `BPF_MAP_GET_FD_BY_ID`
  public borrowing func map(forKey key: Key) throws(BPFError) -> Inner? { try handle.openInner(Inner.self, key) }

  /// Every key, and the identifier of its map.
  ///
  /// - Throws: `interrupted` when entries are removed faster than they can be read. `BPF_MAP_LOOKUP_BATCH`
  public borrowing func identifiers() throws(BPFError) -> [(Key, UInt32)] {
    try handle.entries(Key.self, UInt32.self)
  }
}

extension BPFMapHandle {
  /// Opens the map at a key by its identifier.
  ///
  /// A map that was replaced between the two calls may be gone: then its successor is opened.
  borrowing func openInner<Key: BitwiseCopyable, Inner: BPFMapProtocol & ~Copyable>(
    _: Inner.Type, _ key: Key
  ) throws(BPFError) -> Inner? {
    var last: UInt32?
    while let identifier = try lookUp(key, as: UInt32.self) {
      do {
        return try Inner.open(identifier: identifier)
      } catch  where error.code == .notFound && identifier != last {
        last = identifier
      }
    }
    return nil
  }
}
