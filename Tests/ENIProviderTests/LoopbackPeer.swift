// SPDX-License-Identifier: Apache-2.0

import Foundation
import Synchronization

/// A TCP peer on loopback that reads one request and then does what a script says.
final class LoopbackPeer: Sendable {
  struct Failure: Error {
    var call: String
  }

  /// The connection, as a script sees it.
  struct Connection {
    fileprivate let descriptor: CInt

    /// Sends bytes; false when the other side is gone.
    func send(_ text: String) -> Bool {
      let bytes = Array(text.utf8)
      let count = unsafe bytes.withUnsafeBytes { buffer in
        unsafe Glibc.send(descriptor, buffer.baseAddress, buffer.count, CInt(MSG_NOSIGNAL))
      }
      return count == bytes.count
    }

    /// Whether the other side has not closed.
    var isOpen: Bool {
      var byte: UInt8 = 0
      let count = unsafe recv(descriptor, &byte, 1, CInt(MSG_PEEK) | CInt(MSG_DONTWAIT))
      return count > 0 || (count < 0 && errno == EAGAIN)
    }

    /// Reads what there is; false when nothing comes for a while, or the other side is gone.
    func receive() -> Bool {
      var bytes = [UInt8](repeating: 0, count: 4_096)
      return unsafe bytes.withUnsafeMutableBytes { buffer in
        unsafe recv(descriptor, buffer.baseAddress, buffer.count, 0) > 0
      }
    }
  }

  /// The port it listens on.
  let port: Int

  /// Listens, and runs a script on the first connection once its request has begun to arrive.
  init(_ script: @escaping @Sendable (Connection) -> Void) throws {
    let descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { throw Failure(call: "socket") }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let isBound = unsafe withUnsafeMutablePointer(to: &address) { pointer in
      unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
        unsafe bind(descriptor, address, length) == 0 && listen(descriptor, 1) == 0
          && getsockname(descriptor, address, &length) == 0
      }
    }
    guard isBound else {
      close(descriptor)
      throw Failure(call: "bind")
    }
    port = Int(UInt16(bigEndian: address.sin_port))
    // The thread alone closes the descriptors; it gives up when nobody connects.
    var patience = timeval(tv_sec: 60, tv_usec: 0)
    unsafe setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
    Thread.detachNewThread {
      let connection = accept(descriptor, nil, nil)
      if connection >= 0 {
        let peer = Connection(descriptor: connection)
        // Data left unread would turn the close into a reset: read the rest of the request, but not for long.
        var patience = timeval(tv_sec: 0, tv_usec: 50_000)
        unsafe setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        while peer.receive() {}
        script(peer)
        close(connection)
      }
      close(descriptor)
    }
  }
}

/// Pauses a script's own thread for 20 ms.
func pauseBriefly() { usleep(20_000) }
