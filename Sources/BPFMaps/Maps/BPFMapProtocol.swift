// SPDX-License-Identifier: Apache-2.0

internal import LinuxSystem
public import SystemPackage

/// What a typed map demands of the kernel's map.
public struct BPFMapShape: Sendable, Hashable {
  /// The kinds it can be.
  public var kinds: [BPFMapKind]
  /// The key's layout; nil: keys are not typed.
  public var key: StructLayout?
  /// The value's layout; nil: values are not typed.
  public var value: StructLayout?
  /// The layout of a ring buffer's records.
  public var record: StructLayout?
  /// In bytes, where keys are not typed.
  var keySize = 0
  /// In bytes, where values are not typed.
  var valueSize = 0
  /// Whether any struct of the key's size will do that begins with a 32-bit prefix length.
  var keyIsPrefix = false

  /// Makes a demand.
  public init(
    kinds: [BPFMapKind], key: StructLayout? = nil, value: StructLayout? = nil, record: StructLayout? = nil
  ) {
    self.kinds = kinds
    self.key = key
    self.value = value
    self.record = record
  }
}

/// A typed map: a descriptor whose map has been checked against the Swift types.
public protocol BPFMapProtocol: ~Copyable, Sendable {
  /// What it demands of the kernel's map.
  static var shape: BPFMapShape { get }

  /// Wraps a map that has been checked against ``shape``. Obtain maps from ``LoadedObject/map(_:as:)`` or
  /// ``open(pinnedAt:)``, which check.
  init(checked handle: consuming BPFMapHandle)

  /// Lends the untyped map.
  borrowing func withHandle<Result: ~Copyable, Failure: Error>(
    _ body: (borrowing BPFMapHandle) throws(Failure) -> Result
  ) throws(Failure) -> Result
}

extension BPFMapProtocol where Self: ~Copyable {
  /// What the kernel said of the map when it was opened.
  public var info: BPFMapInfo {
    withHandle { $0.info }
  }

  /// The kernel's identifier, as `bpftool map` shows it.
  public var identifier: UInt32 { info.identifier }

  /// Opens a map that somebody pinned, and checks its kind, sizes and, where the kernel has its BTF, field layout.
  ///
  /// - Parameter path: A file on a bpf file system.
  /// - Returns: The object behind the pin or identifier.
  /// - Throws: `notFound`; `malformedPin` for a pinned program or attachment; `incompatibleMap`; `layoutMismatch`;
  ///   `permissionDenied`.
  /// - Requires: CAP_BPF, Linux 5.8. `BPF_OBJ_GET`
  public static func open(pinnedAt path: FilePath) throws(BPFError) -> Self {
    let handle = try BPFMapHandle.open(pinnedAt: path)
    try shape.check(handle.info, try BTF.ofKernel(handle.info.btf))
    return Self(checked: handle)
  }

  /// Opens a map by the kernel's identifier, with the checks of ``open(pinnedAt:)``.
  ///
  /// - Parameter identifier: As `bpftool map` shows it.
  /// - Returns: The object behind the pin or identifier.
  /// - Throws: `notFound`; `incompatibleMap`; `layoutMismatch`; `permissionDenied`.
  /// - Requires: CAP_SYS_ADMIN. `BPF_MAP_GET_FD_BY_ID`
  public static func open(identifier: UInt32) throws(BPFError) -> Self {
    let handle = try BPFMapHandle.open(identifier: identifier)
    try shape.check(handle.info, try BTF.ofKernel(handle.info.btf))
    return Self(checked: handle)
  }

  /// Makes a map without an object, described by BTF so that tools can print it.
  ///
  /// ```swift
  /// let seen = try BPFHashMap<UInt32, UInt64>.create(name: "seen", maximumEntryCount: 1024)
  /// ```
  ///
  /// - Parameters:
  ///   - name: Letters, digits, `_` and `.`; the kernel keeps 15 of them.
  ///   - kind: One of the kinds that the type can be; by default the first, which is never LRU.
  ///   - maximumEntryCount: At least 1. For a ring buffer: bytes, a power of two of at least a page. Without meaning for
  ///     storage, which is limited by what it belongs to.
  ///   - flags: Tries and storage add `noPreallocation` by themselves.
  /// - Returns: The map; it is gone with its last descriptor, pin, or program that uses it.
  /// - Throws: `invalidArgument`; `permissionDenied`; `notSupported`, with the first kernel that has such maps.
  /// - Requires: CAP_BPF. `BPF_MAP_CREATE`
  public static func create(
    name: String, kind: BPFMapKind? = nil, maximumEntryCount: UInt32, flags: BPFMapFlags = []
  ) throws(BPFError) -> Self {
    Self(
      checked: try MapDefinition(shape, kind: kind, name: name, maximumEntryCount: maximumEntryCount, flags: flags)
        .create())
  }

  /// Another owner of the same map: a second descriptor.
  ///
  /// - Throws: `systemCall` when the process has too many open descriptors.
  public borrowing func duplicate() throws(BPFError) -> Self {
    Self(checked: try withHandle { (handle) throws(BPFError) in try handle.duplicate() })
  }

  /// Keeps the map at a path, beyond the life of this process.
  ///
  /// - Parameter path: A file that does not exist, in a directory on a bpf file system.
  /// - Throws: `pinExists`: nothing is replaced; `notBPFFileSystem`; `notFound` for a missing directory;
  ///   `permissionDenied`.
  /// - Requires: Write access to the directory. `BPF_OBJ_PIN`
  public borrowing func pin(at path: FilePath) throws(BPFError) {
    try withHandle { (handle) throws(BPFError) in
      try Pins.pin(handle.descriptor.rawValue, "map \"\(handle.info.name)\"", at: path)
    }
  }
}

extension BPFMapShape {
  /// Compares a map with the demand.
  ///
  /// `types` describes its key and value; nil: only kinds and sizes are compared.
  func check(_ info: BPFMapInfo, _ types: BTF?) throws(BPFError) {
    guard kinds.contains(info.kind) else {
      let wanted = kinds.map(\.description).joined(separator: " or ")
      throw BPFError(.incompatibleMap, "map \"\(info.name)\" is of kind \(info.kind), not \(wanted)")
    }
    if keyIsPrefix {
      try checkPrefix(info, types?.type(info.keyType))
    } else {
      // Keys of these two are compared field by field, or bit by bit, by the kernel.
      let isBytes = info.kind != .lpmTrie && info.kind != .attachedCgroupStorage
      try check(info, "key", key, size: info.keySize, type: types?.type(info.keyType), isKey: isBytes)
    }
    try check(info, "value", value, size: info.valueSize, type: types?.type(info.valueType), isKey: false)
  }

  /// A key of prefix length and address has no struct that both sides share: only what the kernel asks of it is checked.
  private func checkPrefix(_ info: BPFMapInfo, _ type: ObjectType?) throws(BPFError) {
    guard let key else { return }
    if let first = type?.fields?.min(by: { $0.bitOffset < $1.bitOffset }), first.bitOffset != 0 || first.size != 4 {
      throw BPFError(
        .layoutMismatch,
        "map \"\(info.name)\", key: field \"\(first.name)\" is where a trie's key has its prefix length of 32 bits")
    }
    try check(info, "key", key, size: info.keySize, type: nil, isKey: false)
  }

  private func check(
    _ info: BPFMapInfo, _ role: String, _ layout: StructLayout?, size: Int, type: ObjectType?, isKey: Bool
  ) throws(BPFError) {
    guard let layout else { return }
    if let type, let differences = layout.differences(from: type) {
      throw BPFError(.layoutMismatch, "map \"\(info.name)\", \(role): \(differences)")
    }
    if isKey, let padding = type?.unnamedPadding {
      throw BPFError(.layoutMismatch, "map \"\(info.name)\", \(role): \(padding)")
    }
    guard layout.size == size else {
      throw BPFError(
        .layoutMismatch,
        "map \"\(info.name)\": its \(role) has \(size) bytes, but \(layout.name) has \(layout.size) in Swift")
    }
  }
}
