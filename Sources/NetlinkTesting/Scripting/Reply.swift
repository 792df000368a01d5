// SPDX-License-Identifier: Apache-2.0

extension FakeKernel {
  /// Bytes of one message, for ``Fault/scripted(_:)`` and ``answer(with:)``.
  public struct Reply: Sendable {
    let kind: RequestKind
    let flags: UInt16
    let body: [UInt8]

    /// A message of any kind.
    ///
    /// - Parameters:
    ///   - kind: its type.
    ///   - flags: `NLM_F_...`.
    ///   - body: what follows the message header.
    public init(_ kind: RequestKind, flags: UInt16 = 0, body: [UInt8]) {
      self.kind = kind
      self.flags = flags
      self.body = body
    }

    /// An acknowledgement.
    public static let acknowledgement = Reply(
      .error, flags: Flag.capped, body: Array(host: Int32(0)) + [UInt8](repeating: 0, count: WireMessage.headerSize))
    /// The end of a listing.
    public static let done = Reply(.done, flags: Flag.multipart, body: Array(host: Int32(0)))

    /// The message as an answer to `request`, a message that a socket sent.
    ///
    /// - Parameters:
    ///   - request: a datagram; its first message is answered.
    ///   - port: whom the answer is for: the socket's, as ``FakeKernel/port`` says of the first.
    /// - Returns: The bytes.
    public func bytes(to request: [UInt8], port: UInt32 = FakeKernel.port) -> [UInt8] {
      WireMessage(
        kind: kind, flags: flags, sequence: request.count >= 12 ? request.host(at: 8) : 0, port: port, body: body
      ).bytes
    }
  }
}

extension FakeKernel.Reply {
  /// The kernel's word about a link, an address, a route, a rule or a neighbour; nil for a value that has no wire form.
  ///
  /// - Parameters:
  ///   - object: the value.
  ///   - inListing: whether it is one of a listing (`NLM_F_MULTI`).
  public init?<Object: KernelObject>(_ object: Object, inListing: Bool = false) {
    guard let body = object.payload else { return nil }
    self.init(Object.kind, flags: inListing ? Flag.multipart : 0, body: body)
  }
}
