// SPDX-License-Identifier: Apache-2.0

/// Why bytes from the kernel, or a request meant for it, could not be coded.
///
/// Offsets count from the first byte of the datagram.
enum WireError: Error, Equatable {
  /// A message header does not fit, or its length field is smaller than the header or larger than the datagram.
  case messageLength(offset: Int, length: Int, available: Int)
  /// An attribute header does not fit, or its length field is smaller than the header or larger than its container.
  case attributeLength(offset: Int, length: Int, available: Int)
  /// An attribute's payload is not as wide as the kernel declares it.
  case attributeWidth(type: UInt16, expected: Int, actual: Int)
  /// A fixed header (`ifinfomsg`, `rtmsg`, ...) does not fit in its message.
  case truncated(offset: Int, needed: Int, available: Int)
  /// A value that this module's types cannot hold.
  case invalidValue(type: UInt16, reason: String)
  /// A reply that carries a sequence number or port identifier that was never ours.
  case foreignReply(sequence: UInt32, port: UInt32)
  /// A request that does not fit in the request buffer.
  case requestTooLarge(limit: Int)
}

extension WireError: CustomStringConvertible {
  var description: String {
    switch self {
    case .messageLength(let offset, let length, let available):
      "message at offset \(offset) claims \(length) bytes, \(available) are there"
    case .attributeLength(let offset, let length, let available):
      "attribute at offset \(offset) claims \(length) bytes, \(available) are there"
    case .attributeWidth(let type, let expected, let actual):
      "attribute \(type) is \(actual) bytes wide, not \(expected)"
    case .truncated(let offset, let needed, let available):
      "\(needed) bytes expected at offset \(offset), \(available) are there"
    case .invalidValue(let type, let reason): "attribute \(type): \(reason)"
    case .foreignReply(let sequence, let port):
      "a reply with sequence \(sequence) for port \(port) answers no request of this socket"
    case .requestTooLarge(let limit): "the request exceeds \(limit) bytes"
    }
  }
}
