// SPDX-License-Identifier: Apache-2.0

internal import NetlinkKit

/// One socket's end in a fake kernel.
///
/// The only file with unsafe code: it copies between the socket's buffers and arrays.
final class FakeTransport: MessageTransport {
  let port: UInt32
  private let core: FakeCore
  private let mailbox = Mailbox()

  init(_ core: FakeCore, port: UInt32, watching subjects: NetlinkEvent.Subjects? = nil) {
    self.core = core
    self.port = port
    let mailbox = mailbox
    core.withState { state in
      state.mailboxes[port] = mailbox
      state.watchers[port] = subjects
    }
  }

  deinit {
    core.withState { state in
      state.mailboxes[port] = nil
      state.watchers[port] = nil
    }
  }

  func send(_ datagram: UnsafeRawBufferPointer) throws(TransportError) {
    core.receive(unsafe [UInt8](datagram), from: port)
  }

  func receive(into buffer: UnsafeMutableRawBufferPointer) throws(TransportError) -> ReceivedDatagram? {
    switch mailbox.take() {
    case nil, .held?: return nil
    case .datagram(let bytes, let sender)?:
      unsafe buffer.copyBytes(from: bytes.prefix(buffer.count))
      return ReceivedDatagram(length: bytes.count, sender: sender)
    case .oversized(let length)?: return ReceivedDatagram(length: length, sender: 0)
    case .failure(let number)?: throw TransportError(call: "recvfrom", errno: number.rawValue)
    }
  }

  func waitUntilReadable(until deadline: ContinuousClock.Instant) async -> Readiness {
    await mailbox.wait(until: deadline)
  }
}
