// SPDX-License-Identifier: Apache-2.0

import Glibc
import NetworkTypes

/// A socket call that a test needs failed.
struct SocketFailure: Error {
  let call: String
  let errno: CInt
}

/// A socket of the calling thread's namespace, closed with its last reference.
final class TestSocket: Sendable {
  let descriptor: CInt

  init(_ family: CInt, _ type: __socket_type, protocol number: CInt = 0) throws {
    descriptor = socket(family, CInt(type.rawValue) | CInt(SOCK_CLOEXEC.rawValue), number)
    guard descriptor >= 0 else { throw SocketFailure(call: "socket", errno: errno) }
    var limit = timeval(tv_sec: 5, tv_usec: 0)
    _ = unsafe setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
  }

  deinit { _ = close(descriptor) }

  /// Binds to loopback's address of the family.
  func bindLocally(_ family: CInt, port: UInt16 = 0) throws {
    let result = unsafe Self.withLoopback(family, port) { unsafe bind(descriptor, $0, $1) }
    guard result == 0 else { throw SocketFailure(call: "bind", errno: errno) }
  }

  /// Whether a connection to loopback was made.
  func connectLocally(_ family: CInt, port: UInt16) -> Bool {
    unsafe Self.withLoopback(family, port) { unsafe connect(descriptor, $0, $1) } == 0
  }

  func sendLocally(_ family: CInt, port: UInt16) -> Bool {
    let bytes: [UInt8] = [1, 2, 3]
    return unsafe Self.withLoopback(family, port) { address, length in
      unsafe sendto(descriptor, bytes, bytes.count, 0, address, length)
    } == 3
  }

  /// The next datagram, asking for its sender; nil: none came.
  func receive() -> [UInt8]? {
    var sender = sockaddr_storage()
    var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
    var buffer = [UInt8](repeating: 0, count: 4096)
    let count = unsafe withUnsafeMutablePointer(to: &sender) { sender in
      unsafe sender.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        unsafe recvfrom(descriptor, &buffer, buffer.count, 0, $0, &length)
      }
    }
    return count < 0 ? nil : Array(buffer[..<count])
  }

  /// The port that getsockname(2) tells.
  func localPort() -> UInt16 {
    var name = sockaddr_storage()
    var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
    let result = unsafe withUnsafeMutablePointer(to: &name) { name in
      unsafe name.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe getsockname(descriptor, $0, &length) }
    }
    // The port is in the same place for both families.
    return unsafe result == 0
      ? withUnsafeBytes(of: name) { unsafe UInt16($0[2]) << 8 | UInt16($0[3]) } : 0
  }

  /// Whether getpeername(2) answers.
  func hasPeer() -> Bool {
    var name = sockaddr_storage()
    var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
    return unsafe withUnsafeMutablePointer(to: &name) { name in
      unsafe name.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe getpeername(descriptor, $0, &length) }
    } == 0
  }

  static func withLoopback<Result>(
    _ family: CInt, _ port: UInt16, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result
  ) -> Result {
    if family == AF_INET6 {
      var name = sockaddr_in6()
      name.sin6_family = sa_family_t(AF_INET6)
      name.sin6_port = port.bigEndian
      name.sin6_addr = in6addr_loopback
      return unsafe withUnsafePointer(to: &name) { name in
        unsafe name.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          unsafe body($0, socklen_t(MemoryLayout<sockaddr_in6>.size))
        }
      }
    }
    var name = sockaddr_in()
    name.sin_family = sa_family_t(AF_INET)
    name.sin_port = port.bigEndian
    name.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    return unsafe withUnsafePointer(to: &name) { name in
      unsafe name.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        unsafe body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
  }
}

/// Sends and receives whole frames at an interface. packet(7)
final class FrameSocket: Sendable {
  let descriptor: CInt

  /// Opens it in the calling thread's namespace.
  init(_ interface: String) throws {
    // ETH_P_ALL
    let everything = CInt(UInt16(3).bigEndian)
    descriptor = socket(AF_PACKET, CInt(SOCK_RAW.rawValue) | CInt(SOCK_CLOEXEC.rawValue), everything)
    guard descriptor >= 0 else { throw SocketFailure(call: "socket", errno: errno) }
    var limit = timeval(tv_sec: 5, tv_usec: 0)
    _ = unsafe setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    // struct sockaddr_ll: family, protocol, interface, and what does not matter for bind(2).
    var name = [UInt8](repeating: 0, count: 20)
    let index = unsafe UInt32(if_nametoindex(interface))
    unsafe name.withUnsafeMutableBytes { name in
      unsafe name.storeBytes(of: UInt16(AF_PACKET), toByteOffset: 0, as: UInt16.self)
      unsafe name.storeBytes(of: UInt16(3).bigEndian, toByteOffset: 2, as: UInt16.self)
      unsafe name.storeBytes(of: index, toByteOffset: 4, as: UInt32.self)
    }
    let bound = unsafe name.withUnsafeBytes { name in
      unsafe bind(descriptor, name.baseAddress?.assumingMemoryBound(to: sockaddr.self), 20)
    }
    guard bound == 0 else { throw SocketFailure(call: "bind", errno: errno) }
  }

  deinit { _ = close(descriptor) }

  func send(_ frame: [UInt8]) -> Bool { unsafe Glibc.send(descriptor, frame, frame.count, 0) == frame.count }

  /// The first frame that `matches` takes, within the time limit.
  func receive(_ matches: ([UInt8]) -> Bool) -> [UInt8]? {
    var buffer = [UInt8](repeating: 0, count: 65_536)
    for _ in 0..<1000 {
      let count = unsafe recv(descriptor, &buffer, buffer.count, 0)
      guard count >= 0 else { return nil }
      let frame = Array(buffer[..<count])
      if matches(frame) { return frame }
    }
    return nil
  }
}
