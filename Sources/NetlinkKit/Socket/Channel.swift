// SPDX-License-Identifier: Apache-2.0

internal import CLibmnl

/// A transport with the buffers and counters of the request that is under way.
///
/// Only the task that has the turn in ``NetlinkSocket/line`` touches it; that is what makes it sendable.
final class Channel: @unchecked Sendable {
  let transport: any MessageTransport
  let port: UInt32
  let writer = MessageWriter()
  let buffer = ReceiveBuffer()
  var sequence: UInt32 = 0
  /// A request that was given up before its last message came: what is left of it must go before the next is sent.
  var isDraining = false

  init(_ transport: any MessageTransport) {
    self.transport = transport
    port = transport.port
  }

  /// Writes `request` behind what is in the writer, with the next sequence number; false when it does not fit.
  func write(_ request: some NetlinkRequest, flags: CInt) -> Bool {
    sequence &+= 1
    writer.begin(
      type: UInt16(truncatingIfNeeded: request.type),
      flags: UInt16(truncatingIfNeeded: CInt(NLM_F_REQUEST) | flags | CInt(request.flags)), sequence: sequence)
    request.encode(into: writer)
    return writer.failure == nil
  }

  /// Sends what was written.
  func send() throws(TransportError) {
    try unsafe writer.withBytes { bytes throws(TransportError) in try unsafe transport.send(bytes) }
    isDraining = true
  }
}
