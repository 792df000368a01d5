// SPDX-License-Identifier: Apache-2.0

internal import NetworkTypes

/// How a map's keys and values are printed and read: by its types where it has them, as bytes where not.
///
/// ```swift
/// let format = try BPFMapFormat(map.info, map.info.types())
/// let key = try format.keyBytes(parsing: "source=10.0.0.1 port=80")
/// if let value = try map.values(forKey: key)?.first { print(try format.value(of: value)) }
/// ```
public struct BPFMapFormat: Sendable {
  /// The map.
  public let info: BPFMapInfo
  /// Its types.
  public let types: BPFMapTypes
  private let key: BTFValueReader?
  private let value: BTFValueReader?

  /// Prepares to print and read.
  ///
  /// - Parameters:
  ///   - info: The map.
  ///   - types: Its types, as ``BPFMapInfo/types()`` found them.
  /// - Throws: `malformedObject` for types without size or end.
  public init(_ info: BPFMapInfo, _ types: BPFMapTypes) throws(BPFError) {
    self.info = info
    self.types = types
    key = if let type = types.key { try BTFValueReader(type) } else { nil }
    value = if let type = types.value { try BTFValueReader(type) } else { nil }
  }

  /// Whether keys and values both have types; an array's index needs none.
  public var isTyped: Bool { (key != nil || isIndexed) && value != nil }

  /// A key as a value of its type; without types: an array's index as a number, else bytes.
  ///
  /// - Parameter bytes: As ``BPFRawMap`` reads them.
  /// - Returns: The key.
  /// - Throws: `layoutMismatch` for too few bytes.
  public func key(of bytes: [UInt8]) throws(BPFError) -> BTFDatum {
    if let key { return try key.value(of: bytes) }
    return isIndexed && bytes.count == 4 ? .unsigned(bytes.bits(0, 32)) : .bytes(bytes)
  }

  /// A value as one of its type; without types: the identifier in a map of programs or maps as a number, else bytes.
  ///
  /// - Parameter bytes: As ``BPFRawMap`` reads them.
  /// - Returns: The value.
  /// - Throws: `layoutMismatch` for too few bytes.
  public func value(of bytes: [UInt8]) throws(BPFError) -> BTFDatum {
    if let value { return try value.value(of: bytes) }
    return info.kind.holdsIdentifiers && bytes.count == 4 ? .unsigned(bytes.bits(0, 32)) : .bytes(bytes)
  }

  /// Reads a key as people write it: as ``BTFType/bytes(parsing:)``, and for a trie `10.0.0.0/8` or an address alone.
  ///
  /// - Parameter text: Without types: a number of the key's size, an address, or bytes: `hex:0a00`, `hex 0a 00`.
  /// - Returns: ``BPFMapInfo/keySize`` bytes.
  /// - Throws: `invalidArgument`, naming map and field.
  public func keyBytes(parsing text: String) throws(BPFError) -> [UInt8] {
    if info.kind == .lpmTrie, let prefix = try prefix(text) { return prefix }
    return try bytes(parsing: text, types.key, size: info.keySize, role: "key")
  }

  /// Reads a value as people write it: as ``BTFType/bytes(parsing:)``.
  ///
  /// - Parameter text: Without types: a number of the value's size, an address, or bytes: `hex:0a00`, `hex 0a 00`.
  /// - Returns: ``BPFMapInfo/valueSize`` bytes.
  /// - Throws: `invalidArgument`, naming map and field.
  public func valueBytes(parsing text: String) throws(BPFError) -> [UInt8] {
    try bytes(parsing: text, types.value, size: info.valueSize, role: "value")
  }

  private var isIndexed: Bool { [2, 3, 6, 12].contains(info.kind.rawValue) }

  private func bytes(
    parsing text: String, _ type: BTFType?, size: Int, role: String
  ) throws(BPFError) -> [UInt8] {
    do {
      if let type { return try type.bytes(parsing: text) }
      return try Self.untyped(text, size: size)
    } catch {
      throw BPFError(error.code, "\(role) of map \"\(info.name)\": \(error.message)", errno: error.errno)
    }
  }

  private static func untyped(_ text: String, size: Int) throws(BPFError) -> [UInt8] {
    let given: [UInt8]?
    if let bytes = try BTFScalarInput.hexBytes(text) ?? BTFScalarInput.address(text) {
      given = bytes
    } else if let number = BTFScalarInput.number(text), [1, 2, 4, 8].contains(size) {
      guard number.fits(isSigned: number.isNegative, width: size * 8) else {
        throw BPFError(.invalidArgument, "\(text) does not fit in its \(size) bytes")
      }
      var bytes = [UInt8](repeating: 0, count: size)
      bytes.setBits(0, size * 8, to: number.bits)
      given = bytes
    } else {
      // `1 0 0 0x0a`, as bpftool takes it.
      let parts = text.split { $0 == " " || $0 == "," }.map { BTFScalarInput.number(String($0)) }
      given =
        parts.allSatisfy { $0.map { !$0.isNegative && $0.bits < 256 } ?? false }
        ? parts.map { UInt8(truncatingIfNeeded: $0?.bits ?? 0) } : nil
    }
    guard let given else {
      if [1, 2, 4, 8].contains(size), BTFScalarInput.wide(text) != nil || text.allSatisfy(\.isWholeNumber) {
        throw BPFError(.invalidArgument, "\(text) does not fit in its \(size) bytes")
      }
      throw BPFError(
        .invalidArgument, "\"\(text)\": it has \(size) bytes and no types; write hex: and two digits for each byte")
    }
    guard given.count == size else {
      throw BPFError(.invalidArgument, "it has \(size) bytes, but \(given.count) were given")
    }
    return given
  }

  /// A trie's key: the prefix's length in the machine's order, then the address. `struct bpf_lpm_trie_key`
  ///
  /// nil: the text is none of an address as long as the key's.
  private func prefix(_ text: String) throws(BPFError) -> [UInt8]? {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count <= 2, let first = parts.first, let address = IPAddress(first)?.bytes,
      address.count + 4 == info.keySize
    else { return nil }
    var length = UInt32(address.count * 8)
    if parts.count == 2 {
      guard let given = UInt32(parts[1]), given <= length else {
        throw BPFError(
          .invalidArgument, "key of map \"\(info.name)\": \"\(text)\": the prefix's length is 0 to \(length)")
      }
      length = given
    }
    return (0..<4).map { UInt8(truncatingIfNeeded: length >> (8 * UInt32($0))) } + address
  }
}
