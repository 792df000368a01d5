// SPDX-License-Identifier: Apache-2.0

/// What carries datagrams to the kernel and back: a socket, or in tests a stand-in for the kernel.
///
/// A class, so that passing one on is a reference and no box.
package protocol MessageTransport: AnyObject, Sendable {
  /// The port identifier that the kernel gave to this end, and puts into every reply.
  var port: UInt32 { get }

  /// Sends one datagram, without waiting.
  func send(_ datagram: UnsafeRawBufferPointer) throws(TransportError)

  /// Takes one datagram that is there already; nil when there is none. Never waits.
  func receive(into buffer: UnsafeMutableRawBufferPointer) throws(TransportError) -> ReceivedDatagram?

  /// Waits until there is something to receive, the deadline passes or the task is cancelled.
  func waitUntilReadable(until deadline: ContinuousClock.Instant) async -> Readiness
}

/// One datagram in the receive buffer.
package struct ReceivedDatagram: Equatable, Sendable {
  /// Its real length in bytes, which exceeds the buffer when the datagram was cut.
  package var length: Int
  /// The port it came from: 0 is the kernel, everything else is another process.
  package var sender: UInt32

  package init(length: Int, sender: UInt32) {
    self.length = length
    self.sender = sender
  }
}

/// How a wait ended.
package enum Readiness: Equatable, Sendable {
  case readable, timedOut, cancelled
}

/// A system call of the socket that failed.
package struct TransportError: Error, Equatable {
  package var call: String
  package var errno: Int32

  package init(call: String, errno: Int32) {
    self.call = call
    self.errno = errno
  }
}
