// SPDX-License-Identifier: Apache-2.0

internal import LinuxSystem
public import SystemPackage

/// A map whose types Swift never saw: bytes in, bytes out.
///
/// A per-CPU map has a value for each possible CPU at each key; other maps have one.
///
/// ```swift
/// let map = try BPFRawMap.open(pinnedAt: "/sys/fs/bpf/flow")
/// let types = try map.info.types()
/// for entry in try map.entries() { print(try types.key?.value(of: entry.key) ?? .bytes(entry.key)) }
/// ```
public struct BPFRawMap: ~Copyable, Sendable {
  /// An entry's bytes as they lie in memory.
  public struct Entry: Sendable, Hashable {
    /// The key.
    public var key: [UInt8]
    /// One value, or one for each possible CPU.
    public var values: [[UInt8]]

    /// Puts an entry together.
    ///
    /// - Parameters:
    ///   - key: The key.
    ///   - values: One value, or one for each possible CPU.
    public init(key: [UInt8], values: [[UInt8]]) {
      self.key = key
      self.values = values
    }
  }

  let handle: BPFMapHandle
  /// How many values there are at each key.
  public let valueCount: Int

  /// Takes over a map.
  ///
  /// - Throws: `notSupported` for a per-CPU map where /sys does not say how many CPUs there are.
  public init(_ handle: consuming BPFMapHandle) throws(BPFError) {
    guard handle.slotCount > 0 else { throw handle.slotFailure() }
    valueCount = handle.slotCount
    self.handle = handle
  }

  /// Opens a pinned map.
  ///
  /// - Parameter path: A file on a bpf file system.
  /// - Returns: The map.
  /// - Throws: `notFound`; `malformedPin` for a pinned program or attachment; `permissionDenied`. `BPF_OBJ_GET`
  public static func open(pinnedAt path: FilePath) throws(BPFError) -> BPFRawMap {
    try BPFRawMap(BPFMapHandle.open(pinnedAt: path))
  }

  /// Opens a map by the kernel's identifier.
  ///
  /// - Parameter identifier: As `bpftool map` shows it.
  /// - Returns: The map.
  /// - Throws: `notFound`; `permissionDenied`.
  /// - Requires: CAP_SYS_ADMIN. `BPF_MAP_GET_FD_BY_ID`
  public static func open(identifier: UInt32) throws(BPFError) -> BPFRawMap {
    try BPFRawMap(BPFMapHandle.open(identifier: identifier))
  }

  /// What the kernel said of the map when it was opened.
  public var info: BPFMapInfo { handle.info }

  /// What the kernel counts as the map's memory, in bytes; nil: it does not say.
  ///
  /// Before Linux 6.4: an estimate from its sizes.
  public var memory: Int? { KernelObjectFields(of: handle.descriptor.rawValue)?.number("memlock") }

  /// Whether user space may no longer write it. `BPF_MAP_FREEZE`
  public var isFrozen: Bool { KernelObjectFields(of: handle.descriptor.rawValue)?.number("frozen") == 1 }

  /// The values at a key; nil: absent.
  ///
  /// For a map of programs or maps: the identifier of what is there.
  ///
  /// - Parameter key: Of ``BPFMapInfo/keySize`` bytes; a queue or stack has no keys: give none.
  /// - Returns: ``valueCount`` values of ``BPFMapInfo/valueSize`` bytes.
  /// - Throws: `invalidArgument` for another size; `notSupported` for a kind of map that cannot be read so.
  public borrowing func values(forKey key: [UInt8]) throws(BPFError) -> [[UInt8]]? {
    try check(key, operation: "look up a key in")
    let bytes: [UInt8]?
    do { bytes = try handle.bytes(forKey: key) } catch { throw explained(error, "look up a key in") }
    guard let bytes else { return nil }
    return split(bytes)
  }

  /// Writes an entry.
  ///
  /// For a map of programs or maps: the identifier of what is to be there.
  ///
  /// - Parameters:
  ///   - values: ``valueCount`` values of ``BPFMapInfo/valueSize`` bytes.
  ///   - key: Of ``BPFMapInfo/keySize`` bytes.
  ///   - mode: Whether it may create or replace.
  /// - Throws: `invalidArgument` for another size or count; `full`; `alreadyExists`; `notFound`; `permissionDenied` for a map
  ///   that is frozen.
  public borrowing func updateValues(
    _ values: [[UInt8]], forKey key: [UInt8], mode: BPFUpdateMode = .any
  ) throws(BPFError) {
    try check(key, operation: "update")
    guard values.count == valueCount, values.allSatisfy({ $0.count == info.valueSize }) else {
      throw BPFError(
        .invalidArgument,
        "update map \"\(info.name)\": it wants \(valueCount) values of \(info.valueSize) bytes, but got "
          + "\(values.count) of \(values.map { "\($0.count)" }.joined(separator: ", "))")
    }
    // The kernel answers with identifiers, but takes descriptors.
    let object = try openObject(values)
    var buffer: [UInt8] = []
    buffer.reserveCapacity(valueBytes)
    for value in object.map({ [$0.bytes] }) ?? values {
      buffer += value + [UInt8](repeating: 0, count: slot - value.count)
    }
    // What is put there stays open until the kernel has it.
    defer { withExtendedLifetime(object) {} }
    do {
      try handle.updateBytes(buffer, forKey: key, mode: mode)
    } catch { throw explained(error, "update") }
  }

  /// Removes an entry; false: there was none.
  ///
  /// - Parameter key: Of ``BPFMapInfo/keySize`` bytes.
  /// - Returns: Whether there was one.
  /// - Throws: `invalidArgument` for another size, or a kind of map that nothing is removed from, such as an array.
  @discardableResult
  public borrowing func removeValues(forKey key: [UInt8]) throws(BPFError) -> Bool {
    try check(key, operation: "remove a key from")
    do {
      return try handle.removeBytes(forKey: key)
    } catch { throw explained(error, "remove a key from") }
  }

  /// A value's bytes as the system call has them: CPUs' values at multiples of 8.
  var slot: Int { info.kind.hasValuePerCPU ? (info.valueSize + 7) / 8 * 8 : info.valueSize }
  var valueBytes: Int { slot * valueCount }

  func split(_ bytes: [UInt8]) -> [[UInt8]] {
    (0..<valueCount).map { index in
      let start = index * slot
      return Array(bytes[start..<start + info.valueSize])
    }
  }

  /// The same with the reason, where it lies in the map and not in who asks.
  borrowing func explained(_ error: BPFError, _ operation: String) -> BPFError {
    guard error.errno == .notSupported || error.errno == BPFError.kernelNotSupported else { return error }
    return BPFError(
      .notSupported, "\(operation) map \"\(info.name)\": a \(info.kind) map cannot be used so", errno: error.errno)
  }

  private borrowing func check(_ key: [UInt8], operation: String) throws(BPFError) {
    guard key.count == info.keySize else {
      throw BPFError(
        .invalidArgument,
        "\(operation) map \"\(info.name)\": its keys have \(info.keySize) bytes, but \(key.count) were given")
    }
  }
}
