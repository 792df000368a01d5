// SPDX-License-Identifier: Apache-2.0

internal import CLibmnl

/// What the kernel said when it refused: `struct nlmsgerr` and the extended acknowledgement after it.
struct KernelFailure: Equatable, Sendable {
  /// The error number, positive; 0 is success.
  var errno: Int32
  /// The kernel's own words (`NLMSGERR_ATTR_MSG`).
  var message: String?
  /// Where the offending attribute lies in the request (`NLMSGERR_ATTR_OFFS`), in bytes from its header.
  var attributeOffset: Int?

  init(errno: Int32, message: String? = nil, attributeOffset: Int? = nil) {
    self.errno = errno
    self.message = message
    self.attributeOffset = attributeOffset
  }

  /// Reads an `NLMSG_ERROR` message.
  init(error message: Message, in datagram: RawSpan) throws(WireError) {
    let start = message.payload.lowerBound
    errno = try KernelFailure.positive(KernelFailure.code(message, in: datagram))
    // The request's own header follows the code, and its payload too unless the kernel was asked to leave it out.
    var words = start + 4 + Message.headerSize
    if message.flags & UInt16(NLM_F_CAPPED) == 0 {
      let length = Int(try KernelFailure.payload(UInt32.self, at: start + 4, of: message, in: datagram))
      guard length >= Message.headerSize, length <= message.payload.count else {
        throw .messageLength(offset: start + 4, length: length, available: message.payload.upperBound - start - 4)
      }
      words = start + 4 + Attribute.aligned(length)
    }
    try readWords(message, from: words, in: datagram)
  }

  /// Reads an `NLMSG_DONE` message, which ends a dump and may say that it failed.
  init(done message: Message, in datagram: RawSpan) throws(WireError) {
    // Kernels of old end some dumps without a code.
    guard message.payload.count >= 4 else {
      errno = 0
      return
    }
    errno = try KernelFailure.positive(KernelFailure.code(message, in: datagram))
    try readWords(message, from: message.payload.lowerBound + 4, in: datagram)
  }

  private static func code(_ message: Message, in datagram: RawSpan) throws(WireError) -> Int32 {
    try payload(Int32.self, at: message.payload.lowerBound, of: message, in: datagram)
  }

  private static func payload<T: BitwiseCopyable>(
    _ type: T.Type, at offset: Int, of message: Message, in datagram: RawSpan
  ) throws(WireError) -> T {
    guard offset + MemoryLayout<T>.size <= message.payload.upperBound else {
      throw .truncated(
        offset: offset, needed: MemoryLayout<T>.size, available: Swift.max(0, message.payload.upperBound - offset))
    }
    return try datagram.load(type, at: offset)
  }

  /// The kernel sends error numbers negated; a positive one never comes, and the smallest integer has no opposite.
  private static func positive(_ code: Int32) throws(WireError) -> Int32 {
    guard code <= 0, code > Int32.min else {
      throw .invalidValue(type: UInt16(NLMSG_ERROR), reason: "error code \(code) is not a negated errno")
    }
    return -code
  }

  private mutating func readWords(_ message: Message, from offset: Int, in datagram: RawSpan) throws(WireError) {
    guard message.flags & UInt16(NLM_F_ACK_TLVS) != 0, offset <= message.payload.upperBound else { return }
    var cursor = AttributeCursor(offset..<message.payload.upperBound)
    while let attribute = try cursor.next(in: datagram) {
      switch UInt32(attribute.type) {
      case NLMSGERR_ATTR_MSG.rawValue: self.message = try datagram.string(attribute)
      case NLMSGERR_ATTR_OFFS.rawValue: attributeOffset = Int(try datagram.value(attribute, as: UInt32.self))
      default: break
      }
    }
  }
}
