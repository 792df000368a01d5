// SPDX-License-Identifier: Apache-2.0

internal import CLibmnl

/// What the messages that come back mean for requests that were sent together.
///
/// Only the last request asks for an acknowledgement. The kernel works through a datagram in order, so when that one
/// comes, every request before it was carried out but those that it refused, which it always says.
struct BatchExchange {
  /// The sequence numbers of the first and the last request.
  let first: UInt32
  let last: UInt32
  let port: UInt32

  enum Event: Equatable {
    /// Not for these requests: a late reply to one that was given up, or padding.
    case ignored
    /// The kernel refused the request at this place, counted from the first.
    case refused(Int, KernelFailure)
    /// The last request is through, and so are all before it.
    case finished(KernelFailure?)
    /// The kernel lost messages of this socket.
    case overrun
  }

  func accept(_ message: Message, in datagram: RawSpan) throws(WireError) -> Event {
    if message.type == UInt16(NLMSG_OVERRUN) { return .overrun }
    let place = message.sequence &- first
    guard message.port == port, place <= last &- first else {
      // Late replies carry our port and a sequence number that we used before.
      guard message.port == port, Int32(bitPattern: first &- message.sequence) > 0 else {
        throw .foreignReply(sequence: message.sequence, port: message.port)
      }
      return .ignored
    }
    guard Int32(message.type) == NLMSG_ERROR else { return .ignored }
    let failure = try KernelFailure(error: message, in: datagram)
    if message.sequence == last { return .finished(failure.errno == 0 ? nil : failure) }
    return failure.errno == 0 ? .ignored : .refused(Int(place), failure)
  }
}
