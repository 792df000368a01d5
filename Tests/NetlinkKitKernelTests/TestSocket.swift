// SPDX-License-Identifier: Apache-2.0

import Glibc
import LinuxSystem
import NetworkTypes

/// A real socket in a namespace, for tests that list and destroy such.
///
/// It closes with its last reference. Calls never wait longer than two seconds.
final class TestSocket: Sendable {
  struct Failure: Error {
    let call: String
    let errno: CInt
  }

  let descriptor: CInt

  private init(taking descriptor: CInt) { self.descriptor = descriptor }

  deinit { _ = close(descriptor) }

  /// Opens a socket in `namespace`; it stays there whoever uses it.
  static func open(
    _ type: __socket_type, _ family: AddressFamily = .ipv4, protocol number: CInt = 0, in namespace: NetworkNamespace
  ) async throws -> TestSocket {
    try await namespace.run {
      let flags = CInt(type.rawValue) | CInt(SOCK_CLOEXEC.rawValue)
      let descriptor = socket(CInt(family.rawValue), flags, number)
      guard descriptor >= 0 else { throw Failure(call: "socket", errno: errno) }
      var limit = timeval(tv_sec: 2, tv_usec: 0)
      let size = socklen_t(MemoryLayout<timeval>.size)
      _ = unsafe setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, size)
      _ = unsafe setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, size)
      return TestSocket(taking: descriptor)
    }
  }

  /// A listener on a port of the kernel's choice, or on `port`.
  static func listener(
    _ address: String = "127.0.0.1", port: UInt16 = 0, backlog: CInt = 8, in namespace: NetworkNamespace
  ) async throws -> TestSocket {
    let family: AddressFamily = address.contains(":") ? .ipv6 : .ipv4
    let socket = try await open(SOCK_STREAM, family, in: namespace)
    try socket.bind(address, port)
    try socket.check(listen(socket.descriptor, backlog), "listen")
    return socket
  }

  /// A connected UDP socket; `from` is the own port, shared with others when it is given.
  static func udp(
    to address: String, _ port: UInt16, from: UInt16? = nil, bound: String = "127.0.0.1",
    in namespace: NetworkNamespace
  ) async throws -> TestSocket {
    let family: AddressFamily = address.contains(":") ? .ipv6 : .ipv4
    let socket = try await open(SOCK_DGRAM, family, in: namespace)
    if let from {
      try socket.set(SOL_SOCKET, SO_REUSEPORT, 1)
      try socket.bind(bound, from)
    }
    try socket.connect(address, port)
    return socket
  }

  /// A TCP connection to `listener`, and its other end.
  static func connection(
    to listener: TestSocket, _ address: String = "127.0.0.1", in namespace: NetworkNamespace
  ) async throws -> (client: TestSocket, server: TestSocket) {
    let family: AddressFamily = address.contains(":") ? .ipv6 : .ipv4
    let client = try await open(SOCK_STREAM, family, in: namespace)
    try client.connect(address, try listener.port())
    return (client, try listener.accept())
  }

  private func check(_ result: CInt, _ call: String) throws {
    guard result >= 0 else { throw Failure(call: call, errno: errno) }
  }

  func set(_ level: CInt, _ option: CInt, _ value: CInt) throws {
    var value = value
    try check(
      unsafe setsockopt(descriptor, level, option, &value, socklen_t(MemoryLayout<CInt>.size)), "setsockopt \(option)")
  }

  /// Binds it to the link of this name.
  func bind(toDevice name: String) throws {
    try check(
      unsafe setsockopt(descriptor, SOL_SOCKET, SO_BINDTODEVICE, name, socklen_t(name.utf8.count + 1)),
      "bind to \(name)")
  }

  func bind(_ address: String, _ port: UInt16) throws {
    try check(unsafe TestSocket.with(address, port) { unsafe Glibc.bind(descriptor, $0, $1) }, "bind \(address)")
  }

  func connect(_ address: String, _ port: UInt16) throws {
    try check(
      unsafe TestSocket.with(address, port) { unsafe Glibc.connect(descriptor, $0, $1) }, "connect \(address):\(port)")
  }

  func accept() throws -> TestSocket {
    let accepted = Glibc.accept(descriptor, nil, nil)
    try check(accepted, "accept")
    _ = fcntl(accepted, F_SETFD, FD_CLOEXEC)
    return TestSocket(taking: accepted)
  }

  /// The own port.
  func port() throws -> UInt16 {
    var name = sockaddr_in6()
    var length = socklen_t(MemoryLayout<sockaddr_in6>.size)
    try check(
      unsafe withUnsafeMutablePointer(to: &name) { name in
        unsafe name.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe getsockname(descriptor, $0, &length) }
      }, "getsockname")
    // At the same place in both families.
    return UInt16(bigEndian: name.sin6_port)
  }

  /// The inode number.
  func inode() throws -> UInt32 {
    var status = stat()
    try check(unsafe fstat(descriptor, &status), "fstat")
    return UInt32(truncatingIfNeeded: status.st_ino)
  }

  /// The cookie, by `SO_COOKIE`.
  func cookie() throws -> UInt64 {
    var cookie: UInt64 = 0
    var length = socklen_t(MemoryLayout<UInt64>.size)
    try check(unsafe getsockopt(descriptor, SOL_SOCKET, SO_COOKIE, &cookie, &length), "getsockopt SO_COOKIE")
    return cookie
  }

  /// Receives; the error number when that fails, 0 when it does not.
  func receive() -> CInt {
    var byte: UInt8 = 0
    return unsafe recv(descriptor, &byte, 1, 0) >= 0 ? 0 : errno
  }

  /// Sends a byte; the error number when that fails, 0 when it does not.
  @discardableResult
  func send() -> CInt {
    var byte: UInt8 = 0x54
    return unsafe Glibc.send(descriptor, &byte, 1, CInt(MSG_NOSIGNAL)) >= 0 ? 0 : errno
  }

  private static func with<Result>(
    _ address: String, _ port: UInt16, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result
  ) -> Result {
    if address.contains(":") {
      var name = sockaddr_in6()
      name.sin6_family = sa_family_t(AF_INET6)
      name.sin6_port = port.bigEndian
      _ = unsafe inet_pton(AF_INET6, address, &name.sin6_addr)
      return unsafe withUnsafePointer(to: &name) { name in
        unsafe name.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          unsafe body($0, socklen_t(MemoryLayout<sockaddr_in6>.size))
        }
      }
    }
    var name = sockaddr_in()
    name.sin_family = sa_family_t(AF_INET)
    name.sin_port = port.bigEndian
    _ = unsafe inet_pton(AF_INET, address, &name.sin_addr)
    return unsafe withUnsafePointer(to: &name) { name in
      unsafe name.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        unsafe body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
  }
}
