// SPDX-License-Identifier: Apache-2.0

internal import CLibmnl

/// What the messages that come back mean for one request.
///
/// Pure: it sees messages and says what to do.
struct Exchange {
  let sequence: UInt32
  let port: UInt32
  /// Whether the kernel said that what it dumps changed meanwhile (`NLM_F_DUMP_INTR`).
  private(set) var wasInterrupted = false

  init(sequence: UInt32, port: UInt32) {
    self.sequence = sequence
    self.port = port
  }

  enum Event: Equatable {
    /// Not for this request: a late reply to one that was given up, or padding.
    case ignored
    /// The message carries an object.
    case object
    /// The request is complete and succeeded.
    case finished
    /// The request is complete and the kernel refused it.
    case failed(KernelFailure)
    /// The kernel lost messages of this socket.
    case overrun
  }

  /// Whether `datagram` is the plain acknowledgement of this request and nothing else, as nearly all answers to changes are.
  @inline(__always)
  func isAcknowledged(by datagram: RawSpan) -> Bool {
    let length = Message.headerSize + MemoryLayout<nlmsgerr>.size
    guard datagram.byteCount == length else { return false }
    let header = unsafe datagram.unsafeLoadUnaligned(as: nlmsghdr.self)
    let code = unsafe datagram.unsafeLoadUnaligned(fromByteOffset: Message.headerSize, as: Int32.self)
    return header.nlmsg_len == UInt32(length) && Int32(header.nlmsg_type) == NLMSG_ERROR
      && header.nlmsg_flags == UInt16(NLM_F_CAPPED) && header.nlmsg_seq == sequence && header.nlmsg_pid == port
      && code == 0
  }

  mutating func accept(_ message: Message, in datagram: RawSpan) throws(WireError) -> Event {
    if message.type == UInt16(NLMSG_OVERRUN) { return .overrun }
    guard message.sequence == sequence, message.port == port else {
      // Late replies carry our port and a sequence number that we used before.
      let age = Int32(bitPattern: sequence &- message.sequence)
      guard message.port == port, age > 0 else {
        throw .foreignReply(sequence: message.sequence, port: message.port)
      }
      return .ignored
    }
    if message.flags & UInt16(NLM_F_DUMP_INTR) != 0 { wasInterrupted = true }
    switch Int32(message.type) {
    case NLMSG_NOOP: return .ignored
    case NLMSG_ERROR:
      let failure = try KernelFailure(error: message, in: datagram)
      return failure.errno == 0 ? .finished : .failed(failure)
    case NLMSG_DONE:
      let failure = try KernelFailure(done: message, in: datagram)
      return failure.errno == 0 ? .finished : .failed(failure)
    default: return .object
    }
  }
}
