// SPDX-License-Identifier: Apache-2.0

import CDatapathABI
import DatapathPrograms
import Glibc
import KernelTestSupport
import NetworkTypes
import Synchronization

/// A socket that closes with its last reference or before, of both families where it listens.
///
/// Every wait ends by itself.
final class TestSocket: Sendable {
  static let patience = 5000

  let kind: TestSockets.Kind
  let descriptor: CInt
  private let isClosed = Atomic(false)

  private init(taking descriptor: CInt, _ kind: TestSockets.Kind, _ milliseconds: Int) {
    self.descriptor = descriptor
    self.kind = kind
    TestSockets.setTimeout(descriptor, milliseconds)
  }

  deinit { end() }

  /// Closes it now: a thread that ran its work may hold the last reference a moment longer.
  func end() {
    if !isClosed.exchange(true, ordering: .relaxed) { close(descriptor) }
  }

  /// Listens at a port of all addresses.
  static func listening(_ kind: TestSockets.Kind, port: UInt16, milliseconds: Int = patience) throws -> TestSocket {
    let socket = TestSocket(taking: open(kind, AF_INET6), kind, milliseconds)
    TestSockets.reuseAddress(socket.descriptor)
    let status = unsafe withSocketAddress(.v6(.unspecified), port) { unsafe bind(socket.descriptor, $0, $1) }
    guard status == 0, kind == .udp || listen(socket.descriptor, 8) == 0 else {
      throw CommandFailure(command: "listen")
    }
    return socket
  }

  /// Connects; nil with errno as it is left.
  static func connected(
    _ kind: TestSockets.Kind, to address: IPAddress, port: UInt16, milliseconds: Int = patience
  ) -> TestSocket? {
    let socket = TestSocket(taking: open(kind, address.family == .ipv4 ? AF_INET : AF_INET6), kind, milliseconds)
    let status = unsafe withSocketAddress(address, port) { unsafe connect(socket.descriptor, $0, $1) }
    return status == 0 ? socket : nil
  }

  private static func open(_ kind: TestSockets.Kind, _ family: CInt) -> CInt {
    Glibc.socket(family, CInt((kind == .tcp ? SOCK_STREAM : SOCK_DGRAM).rawValue | SOCK_CLOEXEC.rawValue), 0)
  }

  /// Takes a connection, and says who it is of.
  func accepted() -> (TestSocket, IPAddress)? {
    var peer = sockaddr_in6()
    var length = socklen_t(MemoryLayout<sockaddr_in6>.size)
    let accepted = unsafe withUnsafeMutablePointer(to: &peer) { peer in
      unsafe peer.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe accept(descriptor, $0, &length) }
    }
    return accepted >= 0 ? (TestSocket(taking: accepted, kind, Self.patience), Self.address(peer)) : nil
  }

  /// Sends all of it, of UDP as one datagram.
  func send(_ bytes: [UInt8]) -> Bool {
    var sent = 0
    while sent < bytes.count {
      let count = unsafe bytes[sent...].withUnsafeBytes {
        unsafe Glibc.send(descriptor, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL))
      }
      guard count > 0 else { return false }
      sent += count
    }
    return true
  }

  /// Receives so much, of UDP one datagram; less at the end.
  func receive(_ size: Int) -> [UInt8] {
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while bytes.count < size {
      let count = unsafe recv(descriptor, &buffer, min(buffer.count, size - bytes.count), 0)
      guard count > 0 else { break }
      bytes += buffer.prefix(count)
      if kind == .udp { break }
    }
    return bytes
  }

  /// Sends a message and waits for it to come back.
  func isEchoed(_ size: Int) -> Bool {
    let message = (0..<size).map { UInt8(truncatingIfNeeded: $0 / 3) }
    return send(message) && receive(size) == message
  }

  /// Says that nothing more comes, which ends the server.
  func finish() { shutdown(descriptor, CInt(SHUT_WR)) }

  /// Echoes one connection until it ends, or so many datagrams.
  ///
  /// - Returns: Who the last was of.
  func echo(datagrams: Int = 1) -> IPAddress? {
    guard kind == .udp else {
      guard let (connection, peer) = accepted() else { return nil }
      while true {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        let count = unsafe recv(connection.descriptor, &buffer, buffer.count, 0)
        guard count > 0, connection.send(Array(buffer.prefix(count))) else { return peer }
      }
    }
    var buffer = [UInt8](repeating: 0, count: 8192)
    var peer = sockaddr_in6()
    for _ in 0..<datagrams {
      var length = socklen_t(MemoryLayout<sockaddr_in6>.size)
      let isDone = unsafe withUnsafeMutablePointer(to: &peer) { pointer in
        unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
          let count = unsafe recvfrom(descriptor, &buffer, buffer.count, 0, pointer, &length)
          return unsafe count >= 0 && sendto(descriptor, buffer, count, 0, pointer, length) == count
        }
      }
      guard isDone else { return nil }
    }
    return Self.address(peer)
  }

  /// An integer option, such as the MTU of the way.
  func option(_ level: CInt, _ name: CInt) -> Int {
    var value: CInt = 0
    var length = socklen_t(MemoryLayout<CInt>.size)
    return unsafe getsockopt(descriptor, level, name, &value, &length) == 0 ? Int(value) : -1
  }

  private static func address(_ name: sockaddr_in6) -> IPAddress {
    var name = name
    return unsafe withUnsafeBytes(of: &name.sin6_addr) { bytes in
      unsafe bytes.loadUnaligned(as: ip_address.self).address
    }
  }
}
