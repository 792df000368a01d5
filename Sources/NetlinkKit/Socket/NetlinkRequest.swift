// SPDX-License-Identifier: Apache-2.0

/// One request as a value: what to send, and how to speak about it when it fails.
///
/// No effects.
protocol NetlinkRequest: Sendable {
  /// The message type, such as `RTM_NEWLINK`.
  var type: Int { get }
  /// The kernel's name of ``type``.
  var name: String { get }
  /// Flags beyond `NLM_F_REQUEST` and `NLM_F_ACK`.
  var flags: Int { get }
  /// What is attempted, on which object: `create link "eth0"`. Asked for only when it failed.
  var operation: String { get }

  /// Why it must not be sent: the kernel would misunderstand it, or ignore a part of it; nil when it may.
  var objection: String? { get }

  /// Writes the fixed header and the attributes.
  func encode(into writer: MessageWriter)

  /// What `failure` means for this request where the general meaning is not good enough; nil where it is.
  func explain(_ failure: KernelFailure) -> (code: NetlinkError.Code, reason: String)?
}

extension NetlinkRequest {
  var flags: Int { 0 }
  var objection: String? { nil }
  func explain(_ failure: KernelFailure) -> (code: NetlinkError.Code, reason: String)? { nil }
}

/// A request that is answered with objects: a look-up of one, or a dump of many.
protocol NetlinkQuery: NetlinkRequest {
  associatedtype Element: Sendable

  /// The object in `message`; nil when the message is none that was asked for.
  func decode(_ message: Message, in datagram: RawSpan) throws(WireError) -> Element?
}
