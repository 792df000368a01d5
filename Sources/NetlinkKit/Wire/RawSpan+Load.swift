// SPDX-License-Identifier: Apache-2.0

internal import NetworkTypes

/// Bounds-checked loads. Nothing in here traps on bytes from outside: what does not fit throws.
extension RawSpan {
  /// A value of `type` at `offset`, in the byte order of this machine.
  @inline(__always)
  func load<T: BitwiseCopyable>(_ type: T.Type, at offset: Int) throws(WireError) -> T {
    let needed = MemoryLayout<T>.size
    guard offset >= 0, offset <= byteCount, byteCount - offset >= needed else {
      throw .truncated(offset: offset, needed: needed, available: Swift.max(0, byteCount - offset))
    }
    return unsafe unsafeLoadUnaligned(fromByteOffset: offset, as: type)
  }

  /// The payload of `attribute`, which must be exactly as wide as `T`.
  @inline(__always)
  func value<T: FixedWidthInteger & BitwiseCopyable>(
    _ attribute: Attribute, as type: T.Type = T.self
  ) throws(WireError) -> T {
    guard attribute.payload.count == MemoryLayout<T>.size else {
      throw .attributeWidth(
        type: attribute.type, expected: MemoryLayout<T>.size, actual: attribute.payload.count)
    }
    return try load(type, at: attribute.payload.lowerBound)
  }

  /// The payload of `attribute` as a C struct, which must be exactly as long.
  @inline(__always)
  func structure<T: BitwiseCopyable>(_ attribute: Attribute, as type: T.Type) throws(WireError) -> T {
    guard attribute.payload.count == MemoryLayout<T>.size else {
      throw .attributeWidth(
        type: attribute.type, expected: MemoryLayout<T>.size, actual: attribute.payload.count)
    }
    return try load(type, at: attribute.payload.lowerBound)
  }

  /// The payload of `attribute` as text, up to its first zero byte; bytes that are not UTF-8 are replaced.
  func string(_ attribute: Attribute) throws(WireError) -> String {
    var end = attribute.payload.lowerBound
    while end < attribute.payload.upperBound, try load(UInt8.self, at: end) != 0 { end += 1 }
    return unsafe extracting(attribute.payload.lowerBound..<end).withUnsafeBytes {
      unsafe String(decoding: $0, as: UTF8.self)
    }
  }

  /// A copy of the bytes in `range`.
  func bytes(_ range: Range<Int>) throws(WireError) -> [UInt8] {
    guard range.lowerBound >= 0, range.upperBound <= byteCount else {
      throw .truncated(
        offset: range.lowerBound, needed: range.count, available: Swift.max(0, byteCount - range.lowerBound))
    }
    return unsafe extracting(range).withUnsafeBytes { unsafe [UInt8]($0) }
  }

  /// Copies the bytes in `range` to the end of `storage`.
  func append(_ range: Range<Int>, to storage: inout [UInt8]) throws(WireError) {
    guard range.lowerBound >= 0, range.upperBound <= byteCount else {
      throw .truncated(
        offset: range.lowerBound, needed: range.count, available: Swift.max(0, byteCount - range.lowerBound))
    }
    unsafe extracting(range).withUnsafeBytes { unsafe storage.append(contentsOf: $0) }
  }

  /// The payload of `attribute` as a link-layer address; it must be six bytes long.
  @inline(__always)
  func macAddress(_ attribute: Attribute) throws(WireError) -> MACAddress {
    guard attribute.payload.count == 6 else {
      throw .attributeWidth(type: attribute.type, expected: 6, actual: attribute.payload.count)
    }
    let start = attribute.payload.lowerBound
    let high = UInt64(UInt32(bigEndian: try load(UInt32.self, at: start)))
    return MACAddress(truncating: high << 16 | UInt64(UInt16(bigEndian: try load(UInt16.self, at: start + 4))))
  }

  /// The payload of `attribute` as an address of `family`.
  func address(_ attribute: Attribute, family: AddressFamily) throws(WireError) -> IPAddress {
    switch family {
    case .ipv4:
      return .v4(IPv4Address(networkOrder: try value(attribute)))
    case .ipv6:
      guard attribute.payload.count == 16 else {
        throw .attributeWidth(type: attribute.type, expected: 16, actual: attribute.payload.count)
      }
      let start = attribute.payload.lowerBound
      let high = UInt64(bigEndian: try load(UInt64.self, at: start))
      let low = UInt64(bigEndian: try load(UInt64.self, at: start + 8))
      return .v6(IPv6Address(high: high, low: low))
    }
  }
}
