// SPDX-License-Identifier: Apache-2.0

/// Where one attribute (`struct nlattr`) lies in a datagram.
///
/// It holds no bytes, so reading one allocates nothing.
struct Attribute: Equatable {
  /// The type without the nested and byte-order bits.
  let type: UInt16
  /// The payload, as offsets in the datagram.
  let payload: Range<Int>
  /// The attribute with its header, without trailing padding.
  var whole: Range<Int> { payload.lowerBound - Attribute.headerSize..<payload.upperBound }

  /// The type as the kernel's constants are imported.
  var kind: Int { Int(type) }

  static let headerSize = 4
  /// `NLA_TYPE_MASK`: all but `NLA_F_NESTED` and `NLA_F_NET_BYTEORDER`.
  static let typeMask: UInt16 = 0x3fff

  /// `length` rounded up to the four bytes that attributes and messages are aligned to.
  @inline(__always)
  static func aligned(_ length: Int) -> Int { (length + 3) & ~3 }
}

/// Walks the attributes in a range of a datagram.
///
/// Every step advances by at least a header, so a hostile length can end the walk with an error but never stall it.
struct AttributeCursor {
  private var offset: Int
  private let end: Int

  init(_ range: Range<Int>) {
    offset = range.lowerBound
    end = range.upperBound
  }

  /// The next attribute, or nil after the last one.
  @inline(__always)
  mutating func next(in datagram: RawSpan) throws(WireError) -> Attribute? {
    let available = end - offset
    guard available > 0 else { return nil }
    guard available >= Attribute.headerSize else {
      throw .attributeLength(offset: offset, length: Attribute.headerSize, available: available)
    }
    let length = Int(try datagram.load(UInt16.self, at: offset))
    guard length >= Attribute.headerSize, length <= available else {
      throw .attributeLength(offset: offset, length: length, available: available)
    }
    let type = try datagram.load(UInt16.self, at: offset + 2) & Attribute.typeMask
    let payload = offset + Attribute.headerSize..<offset + length
    offset += Attribute.aligned(length)
    return Attribute(type: type, payload: payload)
  }
}
