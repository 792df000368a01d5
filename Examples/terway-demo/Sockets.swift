// SPDX-License-Identifier: Apache-2.0

import Glibc
import LinuxSystem
import NetworkTypes
import SystemPackage

/// Blocking IPv4 sockets with a time limit.
///
/// They run on threads of their own inside a pod's namespace, never on the
/// cooperative pool.
enum Sockets {
  enum Kind: String, Codable, Sendable {
    case tcp, udp
    /// A packet socket that hands its frames to the driver, past the programs at the pod's interface.
    case bypass
    static var raw: CInt { CInt(SOCK_RAW.rawValue) | CInt(SOCK_CLOEXEC.rawValue) }
    var type: CInt { CInt((self == .tcp ? SOCK_STREAM : SOCK_DGRAM).rawValue) | CInt(SOCK_CLOEXEC.rawValue) }
  }

  /// A socket of the namespace that the calling thread is in.
  static func make(_ kind: Kind, timeout: Duration? = nil) throws(Errno) -> OwnedFileDescriptor {
    let socket = OwnedFileDescriptor(taking: try check(Glibc.socket(AF_INET, kind.type, 0)))
    if let timeout {
      var time = timeval(
        tv_sec: Int(timeout.components.seconds), tv_usec: Int(timeout.components.attoseconds / 1_000_000_000_000))
      for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
        _ = try check(
          unsafe setsockopt(socket.rawValue, SOL_SOCKET, option, &time, socklen_t(MemoryLayout<timeval>.size)))
      }
    }
    return socket
  }

  /// What the guard makes of such a socket.
  static let bypassRefused = "PACKET_QDISC_BYPASS not permitted"

  /// Asks for a packet socket of the kind that sends past programs.
  static func makeBypass() throws(Errno) {
    let socket = OwnedFileDescriptor(taking: try check(Glibc.socket(AF_PACKET, Kind.raw, 0)))
    var yes: CInt = 1
    // SOL_PACKET and PACKET_QDISC_BYPASS, which cannot be imported.
    _ = try check(unsafe setsockopt(socket.rawValue, 263, 20, &yes, socklen_t(MemoryLayout<CInt>.size)))
  }

  /// A server's socket on every address of the namespace.
  static func listen(_ kind: Kind, port: UInt16) throws(Errno) -> OwnedFileDescriptor {
    let socket = try make(kind)
    var yes: CInt = 1
    _ = try check(
      unsafe setsockopt(socket.rawValue, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<CInt>.size)))
    try unsafe withAddress(IPv4Address(0, 0, 0, 0), port) { address, length in
      unsafe bind(socket.rawValue, address, length)
    }
    if kind == .tcp { _ = try check(Glibc.listen(socket.rawValue, 128)) }
    return socket
  }

  static func connect(_ socket: borrowing OwnedFileDescriptor, to address: IPv4Address, port: UInt16) throws(Errno) {
    let number = socket.rawValue
    try unsafe withAddress(address, port) { address, length in unsafe Glibc.connect(number, address, length) }
  }

  static func accept(_ socket: borrowing OwnedFileDescriptor) throws(Errno) -> OwnedFileDescriptor {
    // Duplicated, because accept4(2), which would make it close-on-exec, cannot be imported.
    try OwnedFileDescriptor(taking: try check(Glibc.accept(socket.rawValue, nil, nil))).duplicate()
  }

  static func send(_ bytes: [UInt8], on socket: borrowing OwnedFileDescriptor) throws(Errno) {
    _ = try check(CInt(unsafe Glibc.send(socket.rawValue, bytes, bytes.count, CInt(MSG_NOSIGNAL))))
  }

  /// What arrived, at most `limit` bytes; empty when the peer closed.
  static func receive(_ socket: borrowing OwnedFileDescriptor, limit: Int = 512) throws(Errno) -> [UInt8] {
    var buffer = [UInt8](repeating: 0, count: limit)
    let count = try check(CInt(unsafe recv(socket.rawValue, &buffer, limit, 0)))
    return Array(buffer[..<Int(count)])
  }

  /// Answers one datagram with `transform` of it.
  static func answerDatagram(
    _ socket: borrowing OwnedFileDescriptor, _ transform: ([UInt8]) -> [UInt8]
  ) throws(Errno) {
    var buffer = [UInt8](repeating: 0, count: 512)
    var peer = sockaddr_in()
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let number = socket.rawValue
    let count = unsafe withUnsafeMutablePointer(to: &peer) { pointer in
      unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
        unsafe recvfrom(number, &buffer, buffer.count, 0, address, &length)
      }
    }
    let answer = transform(Array(buffer[..<Int(try check(CInt(count)))]))
    let sent = unsafe withUnsafePointer(to: &peer) { pointer in
      unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
        unsafe sendto(number, answer, answer.count, 0, address, length)
      }
    }
    _ = try check(CInt(sent))
  }

  /// Who the other end is, as the program sees it.
  static func peer(of socket: borrowing OwnedFileDescriptor) throws(Errno) -> String {
    var peer = sockaddr_in()
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let number = socket.rawValue
    let result = unsafe withUnsafeMutablePointer(to: &peer) { pointer in
      unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe getpeername(number, $0, &length) }
    }
    _ = try check(result)
    return "\(IPv4Address(networkOrder: peer.sin_addr.s_addr)):\(UInt16(bigEndian: peer.sin_port))"
  }

  private static func withAddress(
    _ address: IPv4Address, _ port: UInt16, _ call: (UnsafePointer<sockaddr>, socklen_t) -> CInt
  ) throws(Errno) {
    var name = sockaddr_in()
    name.sin_family = sa_family_t(AF_INET)
    name.sin_port = port.bigEndian
    name.sin_addr.s_addr = address.networkOrder
    let result = unsafe withUnsafePointer(to: &name) { pointer in
      unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        unsafe call($0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    _ = try check(result)
  }

  private static func check(_ result: CInt) throws(Errno) -> CInt {
    guard result >= 0 else { throw Errno(rawValue: errno) }
    return result
  }
}
