// SPDX-License-Identifier: Apache-2.0

internal import Glibc
public import LinuxSystem
public import NetworkTypes
internal import Synchronization

/// Bounded traffic between namespaces, with plain sockets: no tool has to be installed.
public enum Traffic {
  /// Whether a UDP datagram gets there and its echo comes back.
  ///
  /// The receiver listens in its own namespace, so that the datagram really crosses what lies between the two.
  ///
  /// - Parameters:
  ///   - source: The namespace that sends.
  ///   - from: The source address; `nil` lets the kernel choose.
  ///   - destination: The namespace that answers.
  ///   - to: The address sent to.
  ///   - port: The port, on both sides.
  /// - Returns: The address the receiver saw the datagram come from; `nil` when nothing came back.
  /// - Throws: When a socket can't be made, which no missing wiring causes.
  public static func udp(
    from source: NetworkNamespace, bound from: IPv4Address? = nil, to destination: NetworkNamespace, at to: IPv4Address,
    port: UInt16 = 4789
  ) async throws -> IPv4Address? {
    let server = try await destination.run { try Socket(SOCK_DGRAM, bind: .init(rawValue: 0), port: port) }
    let client = try await source.run { try Socket(SOCK_DGRAM, bind: from ?? .init(rawValue: 0), port: 0) }
    return try await source.run {
      for _ in 0..<3 {
        guard client.send(to: to, port: port), let (request, peer) = server.receive(milliseconds: 400) else { continue }
        guard request == [0x54], server.send(to: peer.address, port: peer.port) else { return nil }
        guard client.receive(milliseconds: 400) != nil else { continue }
        return peer.address
      }
      return nil
    }
  }

  /// Whether a TCP connection is made and a byte passes.
  ///
  /// - Parameters:
  ///   - source: The namespace that connects.
  ///   - destination: The namespace that accepts.
  ///   - to: The address connected to.
  ///   - port: The port listened on.
  /// - Returns: The address the listener saw the connection come from; `nil` when there was none in time.
  /// - Throws: When a socket can't be made, which no missing wiring causes.
  public static func tcp(
    from source: NetworkNamespace, to destination: NetworkNamespace, at to: IPv4Address, port: UInt16 = 8080
  ) async throws -> IPv4Address? {
    let server = try await destination.run {
      let socket = try Socket(SOCK_STREAM, bind: .init(rawValue: 0), port: port)
      guard listen(socket.descriptor, 4) == 0 else { throw SocketFailure(call: "listen", errno: errno) }
      return socket
    }
    let client = try await source.run { try Socket(SOCK_STREAM, bind: .init(rawValue: 0), port: 0) }
    return try await source.run {
      guard client.connect(to: to, port: port, milliseconds: 2500),
        let (accepted, peer) = server.accept(milliseconds: 1000), client.write(0x54),
        accepted.read(milliseconds: 1000) == 0x54
      else { return nil }
      return peer
    }
  }

  /// Whether an echo request is answered.
  ///
  /// - Parameters:
  ///   - source: The namespace that asks.
  ///   - to: The address asked.
  /// - Returns: Whether an answer came within three tries of 0.4 seconds.
  /// - Throws: When a socket can't be made.
  /// - Requires: CAP_NET_RAW.
  public static func ping(from source: NetworkNamespace, to: IPv4Address) async throws -> Bool {
    try await source.run {
      let socket = try Socket(SOCK_RAW, protocol: CInt(IPPROTO_ICMP), bind: nil, port: 0)
      let identifier = UInt16.random(in: 1...UInt16.max)
      for sequence in 0..<3 as Range<UInt16> {
        var message: [UInt8] = [8, 0, 0, 0]
        message += [UInt8(identifier >> 8), UInt8(identifier & 0xFF), UInt8(sequence >> 8), UInt8(sequence & 0xFF)]
        let sum = checksum(message)
        message[2] = UInt8(sum >> 8)
        message[3] = UInt8(sum & 0xFF)
        guard socket.send(to: to, port: 0, bytes: message) else { continue }
        // Other ICMP messages arrive here too.
        for _ in 0..<8 {
          guard let (answer, _) = socket.receive(milliseconds: 400) else { break }
          let header = Int(answer[0] & 0x0F) * 4
          guard answer.count >= header + 8, answer[header] == 0,
            answer[(header + 4)..<(header + 6)].elementsEqual(message[4..<6])
          else { continue }
          return true
        }
      }
      return false
    }
  }

  private static func checksum(_ bytes: [UInt8]) -> UInt16 {
    var sum: UInt32 = 0
    for index in stride(from: 0, to: bytes.count - 1, by: 2) {
      sum += UInt32(bytes[index]) << 8 | UInt32(bytes[index + 1])
    }
    while sum >> 16 != 0 { sum = sum & 0xFFFF + sum >> 16 }
    return ~UInt16(truncatingIfNeeded: sum)
  }
}

/// A socket call that failed.
private struct SocketFailure: Error {
  var call: String
  var errno: CInt
}

/// An IPv4 socket that closes with its last reference.
private final class Socket: Sendable {
  let descriptor: CInt

  init(_ type: __socket_type, protocol number: CInt = 0, bind address: IPv4Address?, port: UInt16) throws {
    descriptor = socket(AF_INET, CInt(type.rawValue) | CInt(SOCK_CLOEXEC.rawValue), number)
    guard descriptor >= 0 else { throw SocketFailure(call: "socket", errno: errno) }
    var one: CInt = 1
    _ = unsafe setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &one, socklen_t(MemoryLayout<CInt>.size))
    guard let address else { return }
    // The last test's thread may still be about to let go of its socket.
    var bound = unsafe withSocketAddress(.v4(address), port) { unsafe bind(descriptor, $0, $1) }
    for _ in 0..<100 where bound != 0 && errno == EADDRINUSE {
      usleep(20_000)
      bound = unsafe withSocketAddress(.v4(address), port) { unsafe bind(descriptor, $0, $1) }
    }
    guard bound == 0 else { throw SocketFailure(call: "bind \(address)", errno: errno) }
  }

  private init(taking descriptor: CInt) { self.descriptor = descriptor }

  deinit { _ = close(descriptor) }

  func send(to address: IPv4Address, port: UInt16, bytes: [UInt8] = [0x54]) -> Bool {
    unsafe withSocketAddress(.v4(address), port) { target, length in
      unsafe bytes.withUnsafeBytes {
        unsafe sendto(descriptor, $0.baseAddress, $0.count, 0, target, length) == $0.count
      }
    }
  }

  func receive(milliseconds: CInt) -> (bytes: [UInt8], peer: (address: IPv4Address, port: UInt16))? {
    guard isReady(CInt(POLLIN), milliseconds) else { return nil }
    var peer = sockaddr_in()
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    var buffer = [UInt8](repeating: 0, count: 2048)
    let count = unsafe buffer.withUnsafeMutableBytes { buffer in
      unsafe withUnsafeMutablePointer(to: &peer) { peer in
        unsafe peer.withMemoryRebound(to: sockaddr.self, capacity: 1) { peer in
          unsafe recvfrom(descriptor, buffer.baseAddress, buffer.count, 0, peer, &length)
        }
      }
    }
    guard count > 0 else { return nil }
    return (
      Array(buffer[..<count]), (IPv4Address(networkOrder: peer.sin_addr.s_addr), UInt16(bigEndian: peer.sin_port))
    )
  }

  func connect(to address: IPv4Address, port: UInt16, milliseconds: CInt) -> Bool {
    _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
    let result = unsafe withSocketAddress(.v4(address), port) { unsafe Glibc.connect(descriptor, $0, $1) }
    guard result == 0 || errno == EINPROGRESS, isReady(CInt(POLLOUT), milliseconds) else { return false }
    var failure: CInt = 0
    var length = socklen_t(MemoryLayout<CInt>.size)
    return unsafe getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &failure, &length) == 0 && failure == 0
  }

  func accept(milliseconds: CInt) -> (Socket, IPv4Address)? {
    guard isReady(CInt(POLLIN), milliseconds) else { return nil }
    var peer = sockaddr_in()
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let accepted = unsafe withUnsafeMutablePointer(to: &peer) { peer in
      unsafe peer.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe Glibc.accept(descriptor, $0, &length) }
    }
    guard accepted >= 0 else { return nil }
    _ = fcntl(accepted, F_SETFD, FD_CLOEXEC)
    return (Socket(taking: accepted), IPv4Address(networkOrder: peer.sin_addr.s_addr))
  }

  func write(_ byte: UInt8) -> Bool {
    unsafe withUnsafeBytes(of: byte) { unsafe Glibc.send(descriptor, $0.baseAddress, 1, CInt(MSG_NOSIGNAL)) == 1 }
  }

  func read(milliseconds: CInt) -> UInt8? {
    guard isReady(CInt(POLLIN), milliseconds) else { return nil }
    var byte: UInt8 = 0
    return unsafe recv(descriptor, &byte, 1, 0) == 1 ? byte : nil
  }

  private func isReady(_ events: CInt, _ milliseconds: CInt) -> Bool {
    var request = pollfd(fd: descriptor, events: Int16(events), revents: 0)
    return unsafe poll(&request, 1, milliseconds) == 1
  }
}
