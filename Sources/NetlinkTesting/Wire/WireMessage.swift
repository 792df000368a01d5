// SPDX-License-Identifier: Apache-2.0

/// One netlink message, taken apart.
struct WireMessage: Sendable {
  var kind: FakeKernel.RequestKind
  var flags: UInt16 = 0
  var sequence: UInt32 = 0
  var port: UInt32 = 0
  /// What follows the message header (`struct nlmsghdr`).
  var body: [UInt8]

  static let headerSize = 16

  /// The messages of a datagram, up to the first that is malformed.
  static func all(in datagram: [UInt8]) -> [WireMessage] {
    var messages: [WireMessage] = []
    var offset = 0
    while datagram.count - offset >= headerSize {
      let length = Int(datagram.host(at: offset, as: UInt32.self))
      guard length >= headerSize, length <= datagram.count - offset else { break }
      messages.append(
        WireMessage(
          kind: FakeKernel.RequestKind(rawValue: datagram.host(at: offset + 4)),
          flags: datagram.host(at: offset + 6), sequence: datagram.host(at: offset + 8),
          port: datagram.host(at: offset + 12), body: Array(datagram[offset + headerSize..<offset + length])))
      offset += (length + 3) & ~3
    }
    return messages
  }

  var header: [UInt8] {
    Array(host: UInt32(WireMessage.headerSize + body.count)) + Array(host: kind.rawValue) + Array(host: flags)
      + Array(host: sequence) + Array(host: port)
  }

  var bytes: [UInt8] { (header + body).padded }

  func has(_ flag: UInt16) -> Bool { flags & flag == flag }
}

/// An object in the fake kernel: the fixed header of its messages, and its attributes.
struct WireObject: Sendable, Hashable {
  var header: [UInt8]
  var attributes: Attributes

  init(header: [UInt8], attributes: Attributes) {
    self.header = header
    self.attributes = attributes
  }

  /// Takes the body of a message apart; throws what the kernel answers when it cannot.
  init(_ body: [UInt8], headerSize: Int) throws(Refusal) {
    guard body.count >= headerSize else { throw Refusal(.invalidArgument) }
    guard let attributes = Attributes(body, from: (headerSize + 3) & ~3) else {
      throw Refusal(.invalidArgument, "Malformed attributes")
    }
    self.init(header: Array(body[..<headerSize]), attributes: attributes)
  }

  var body: [UInt8] { header.padded + attributes.bytes }
}

/// Why the fake kernel does not do as asked.
struct Refusal: Error, Sendable {
  var number: FakeKernel.ErrorNumber
  /// The kernel's own words.
  var message: String?

  init(_ number: FakeKernel.ErrorNumber, _ message: String? = nil) {
    self.number = number
    self.message = message
  }
}

extension WireMessage {
  /// An acknowledgement of, or a refusal to, this request (`NLMSG_ERROR`).
  func answer(_ refusal: Refusal?, port: UInt32) -> WireMessage {
    var body = Array(host: -(refusal?.number.rawValue ?? 0)) + header
    var flags = Flag.capped
    if let message = refusal?.message {
      var words = Attributes()
      words.set(1, message)
      body += words.bytes
      flags |= Flag.extendedWords
    }
    return WireMessage(kind: .error, flags: flags, sequence: sequence, port: port, body: body)
  }
}

/// Flags of messages (`NLM_F_...`).
enum Flag {
  static let multipart: UInt16 = 0x2
  static let acknowledge: UInt16 = 0x4
  static let dumpInterrupted: UInt16 = 0x10
  static let replace: UInt16 = 0x100
  static let exclusive: UInt16 = 0x200
  static let create: UInt16 = 0x400
  static let append: UInt16 = 0x800
  /// In requests that look for something (`NLM_F_ROOT | NLM_F_MATCH`).
  static let dump: UInt16 = 0x300
  /// In answers: without the request's payload.
  static let capped: UInt16 = 0x100
  /// In answers: with the kernel's words.
  static let extendedWords: UInt16 = 0x200
}
