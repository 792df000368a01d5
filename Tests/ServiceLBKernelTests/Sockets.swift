// SPDX-License-Identifier: Apache-2.0

import Glibc
import NetworkTypes
import ServiceLB
import SystemPackage

/// An address and port, as tests write them: `127.0.1.1:8080`.
struct Endpoint: Hashable, CustomStringConvertible, ExpressibleByStringLiteral {
  var address: IPv4Address
  var port: UInt16

  init(stringLiteral text: String) {
    let parts = text.split(separator: ":")
    address = parts.first.flatMap { IPv4Address($0) } ?? IPv4Address(rawValue: 0)
    port = parts.last.flatMap { UInt16($0) } ?? 0
  }

  init(_ raw: sockaddr_in) {
    address = IPv4Address(networkOrder: raw.sin_addr.s_addr)
    port = UInt16(bigEndian: raw.sin_port)
  }

  var raw: sockaddr_in {
    var raw = sockaddr_in()
    raw.sin_family = sa_family_t(AF_INET)
    raw.sin_addr.s_addr = address.networkOrder
    raw.sin_port = port.bigEndian
    return raw
  }

  var description: String { "\(address):\(port)" }
}

/// A TCP or UDP socket over IPv4 that waits at most five seconds.
final class Socket {
  enum Kind { case tcp, udp }
  private let descriptor: CInt

  init(_ kind: Kind) throws {
    let type = kind == .tcp ? SOCK_STREAM.rawValue : SOCK_DGRAM.rawValue
    descriptor = socket(AF_INET, CInt(type | SOCK_CLOEXEC.rawValue), 0)
    if descriptor < 0 { throw Errno(rawValue: errno) }
    var limit = timeval(tv_sec: 5, tv_usec: 0)
    for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
      unsafe setsockopt(descriptor, SOL_SOCKET, option, &limit, socklen_t(MemoryLayout<timeval>.size))
    }
  }

  private init(taking descriptor: CInt) { self.descriptor = descriptor }

  deinit { close(descriptor) }

  /// Passes the endpoint's address to a call.
  private func with(_ endpoint: Endpoint, _ call: (UnsafePointer<sockaddr>, socklen_t) -> Int) throws -> Int {
    var raw = endpoint.raw
    let result = unsafe withUnsafePointer(to: &raw) { pointer in
      unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        unsafe call($0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    if result < 0 { throw Errno(rawValue: errno) }
    return result
  }

  /// Has a call fill in an address.
  private func endpoint(_ call: (UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<socklen_t>) -> Int) throws
    -> (result: Int, endpoint: Endpoint)
  {
    var raw = sockaddr_in()
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let result = unsafe withUnsafeMutablePointer(to: &raw) { pointer in
      unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe call($0, &size) }
    }
    if result < 0 { throw Errno(rawValue: errno) }
    return (result, Endpoint(raw))
  }

  func bind(_ endpoint: Endpoint) throws {
    var on: CInt = 1
    unsafe setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, socklen_t(MemoryLayout<CInt>.size))
    _ = unsafe try with(endpoint) { unsafe Int(Glibc.bind(descriptor, $0, $1)) }
  }

  func listen() throws { if Glibc.listen(descriptor, 1024) < 0 { throw Errno(rawValue: errno) } }

  func connect(_ endpoint: Endpoint) throws {
    _ = unsafe try with(endpoint) { unsafe Int(Glibc.connect(descriptor, $0, $1)) }
  }

  /// The next connection that has come, without waiting.
  func accept() -> Socket? {
    let accepted = Glibc.accept(descriptor, nil, nil)
    if accepted < 0 { return nil }
    _ = fcntl(accepted, F_SETFD, FD_CLOEXEC)
    return Socket(taking: accepted)
  }

  /// Makes calls return at once.
  func stopWaiting() { _ = fcntl(descriptor, F_SETFL, O_NONBLOCK) }

  func peer() throws -> Endpoint { unsafe try endpoint { unsafe Int(getpeername(descriptor, $0, $1)) }.endpoint }

  func name() throws -> Endpoint { unsafe try endpoint { unsafe Int(getsockname(descriptor, $0, $1)) }.endpoint }

  func send(_ text: String, to endpoint: Endpoint? = nil) throws {
    let bytes = Array(text.utf8)
    if let endpoint {
      _ = unsafe try with(endpoint) { unsafe sendto(descriptor, bytes, bytes.count, CInt(MSG_NOSIGNAL), $0, $1) }
    } else if unsafe Glibc.send(descriptor, bytes, bytes.count, CInt(MSG_NOSIGNAL)) < 0 {
      throw Errno(rawValue: errno)
    }
  }

  /// What came, and where it says it came from.
  func receive() throws -> (text: String, from: Endpoint) {
    var bytes = [UInt8](repeating: 0, count: 2048)
    let (count, from) = unsafe try endpoint { unsafe recvfrom(descriptor, &bytes, bytes.count, 0, $0, $1) }
    return (String(decoding: bytes[..<count], as: UTF8.self), from)
  }
}
