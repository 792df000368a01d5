// SPDX-License-Identifier: Apache-2.0

/// The header of a message (`struct nlmsghdr`) and where its payload lies in the datagram.
struct Message: Equatable {
  let type: UInt16
  let flags: UInt16
  let sequence: UInt32
  let port: UInt32
  /// What follows the header, as offsets in the datagram.
  let payload: Range<Int>

  static let headerSize = 16

  /// The attributes that follow a fixed header of `size` bytes.
  func attributes(after size: Int) -> AttributeCursor {
    AttributeCursor(Swift.min(payload.lowerBound + Attribute.aligned(size), payload.upperBound)..<payload.upperBound)
  }
}

/// Walks the messages of a datagram.
struct MessageCursor {
  private(set) var offset = 0

  /// The next message, or nil after the last one.
  mutating func next(in datagram: RawSpan) throws(WireError) -> Message? {
    let available = datagram.byteCount - offset
    guard available > 0 else { return nil }
    guard available >= Message.headerSize else {
      throw .messageLength(offset: offset, length: Message.headerSize, available: available)
    }
    let length = Int(try datagram.load(UInt32.self, at: offset))
    guard length >= Message.headerSize, length <= available else {
      throw .messageLength(offset: offset, length: length, available: available)
    }
    let message = Message(
      type: try datagram.load(UInt16.self, at: offset + 4), flags: try datagram.load(UInt16.self, at: offset + 6),
      sequence: try datagram.load(UInt32.self, at: offset + 8), port: try datagram.load(UInt32.self, at: offset + 12),
      payload: offset + Message.headerSize..<offset + length)
    offset += Attribute.aligned(length)
    return message
  }
}
