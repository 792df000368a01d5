// SPDX-License-Identifier: Apache-2.0

import Glibc
import NetworkTypes
import SystemPackage

/// An address and port, as tests write them: `127.0.1.1:8080`, `[fd00::1]:8080`.
struct Endpoint: Hashable, CustomStringConvertible, ExpressibleByStringInterpolation {
  var address: IPAddress
  var port: UInt16

  init(_ address: IPAddress, _ port: UInt16) {
    self.address = address
    self.port = port
  }

  init(stringLiteral text: String) {
    let colon = text.lastIndex(of: ":") ?? text.endIndex
    port = UInt16(text[colon...].dropFirst()) ?? 0
    let host = text[..<colon].filter { $0 != "[" && $0 != "]" }
    address = IPAddress(host) ?? .v4(IPv4Address(rawValue: 0))
  }

  var family: AddressFamily {
    switch address {
    case .v4: .ipv4
    case .v6: .ipv6
    }
  }

  var description: String {
    switch address {
    case .v4: "\(address):\(port)"
    case .v6: "[\(address)]:\(port)"
    }
  }

  /// An IPv4 address as IPv6 sockets write it.
  var mapped: Endpoint {
    guard case .v4(let address) = address else { return self }
    return Endpoint(.v6(IPv6Address(high: 0, low: 0xffff_0000_0000 | UInt64(address.rawValue))), port)
  }
}

/// A sockaddr of either family.
private struct SocketAddress {
  private var storage = sockaddr_storage()
  private(set) var size = socklen_t(MemoryLayout<sockaddr_storage>.size)

  init() {}

  init(_ endpoint: Endpoint) {
    switch endpoint.address {
    case .v4(let address):
      var raw = sockaddr_in()
      raw.sin_family = sa_family_t(AF_INET)
      raw.sin_addr.s_addr = address.networkOrder
      raw.sin_port = endpoint.port.bigEndian
      size = socklen_t(MemoryLayout<sockaddr_in>.size)
      unsafe withUnsafeMutableBytes(of: &storage) { unsafe $0.storeBytes(of: raw, as: sockaddr_in.self) }
    case .v6(let address):
      var raw = sockaddr_in6()
      raw.sin6_family = sa_family_t(AF_INET6)
      raw.sin6_port = endpoint.port.bigEndian
      unsafe withUnsafeMutableBytes(of: &raw.sin6_addr) {
        unsafe $0.storeBytes(of: address.high.bigEndian, as: UInt64.self)
        unsafe $0.storeBytes(of: address.low.bigEndian, toByteOffset: 8, as: UInt64.self)
      }
      size = socklen_t(MemoryLayout<sockaddr_in6>.size)
      unsafe withUnsafeMutableBytes(of: &storage) { unsafe $0.storeBytes(of: raw, as: sockaddr_in6.self) }
    }
  }

  var endpoint: Endpoint {
    unsafe withUnsafeBytes(of: storage) { bytes in
      if Int32(storage.ss_family) == AF_INET6 {
        let raw = unsafe bytes.load(as: sockaddr_in6.self)
        return unsafe withUnsafeBytes(of: raw.sin6_addr) { words in
          let high = UInt64(bigEndian: unsafe words.loadUnaligned(as: UInt64.self))
          let low = UInt64(bigEndian: unsafe words.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
          return Endpoint(.v6(IPv6Address(high: high, low: low)), UInt16(bigEndian: raw.sin6_port))
        }
      }
      let raw = unsafe bytes.load(as: sockaddr_in.self)
      return Endpoint(.v4(IPv4Address(networkOrder: raw.sin_addr.s_addr)), UInt16(bigEndian: raw.sin_port))
    }
  }

  /// Passes it to a call.
  mutating func with(_ call: (UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<socklen_t>) -> Int) throws -> Int {
    var length = size
    let result = unsafe withUnsafeMutablePointer(to: &storage) { pointer in
      unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe call($0, &length) }
    }
    if result < 0 { throw Errno(rawValue: errno) }
    return result
  }
}

/// A TCP or UDP socket that waits at most five seconds.
final class Socket: Sendable {
  enum Kind: Sendable { case tcp, udp, mptcp, udpLite }
  private let descriptor: CInt
  let kind: Kind

  init(_ kind: Kind, _ family: AddressFamily = .ipv4) throws {
    let type = kind == .tcp || kind == .mptcp ? SOCK_STREAM.rawValue : SOCK_DGRAM.rawValue
    let number: CInt = kind == .mptcp ? 262 : kind == .udpLite ? 136 : 0
    descriptor = socket(family == .ipv4 ? AF_INET : AF_INET6, CInt(type | SOCK_CLOEXEC.rawValue), number)
    self.kind = kind
    if descriptor < 0 { throw Errno(rawValue: errno) }
    var limit = timeval(tv_sec: 5, tv_usec: 0)
    for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
      unsafe setsockopt(descriptor, SOL_SOCKET, option, &limit, socklen_t(MemoryLayout<timeval>.size))
    }
  }

  private init(taking descriptor: CInt, _ kind: Kind) {
    self.descriptor = descriptor
    self.kind = kind
  }

  deinit { Glibc.close(descriptor) }

  /// For typed maps of sockets; valid while this object lives.
  var fileDescriptor: FileDescriptor { FileDescriptor(rawValue: descriptor) }

  func set(_ level: CInt, _ option: CInt, _ value: CInt = 1) throws {
    var value = value
    if unsafe setsockopt(descriptor, level, option, &value, socklen_t(MemoryLayout<CInt>.size)) < 0 {
      throw Errno(rawValue: errno)
    }
  }

  func bind(_ endpoint: Endpoint) throws {
    try set(SOL_SOCKET, SO_REUSEADDR)
    var address = SocketAddress(endpoint)
    _ = unsafe try address.with { unsafe Int(Glibc.bind(descriptor, $0, $1.pointee)) }
  }

  func listen() throws { if Glibc.listen(descriptor, 1024) < 0 { throw Errno(rawValue: errno) } }

  func connect(_ endpoint: Endpoint) throws {
    var address = SocketAddress(endpoint)
    _ = unsafe try address.with { unsafe Int(Glibc.connect(descriptor, $0, $1.pointee)) }
  }

  /// connect(2) with AF_UNSPEC.
  func disconnect() throws {
    var address = sockaddr()
    address.sa_family = sa_family_t(AF_UNSPEC)
    if unsafe Glibc.connect(descriptor, &address, socklen_t(MemoryLayout<sockaddr>.size)) < 0 {
      throw Errno(rawValue: errno)
    }
  }

  /// The next connection that has come, without waiting.
  func accept() -> Socket? {
    let accepted = Glibc.accept(descriptor, nil, nil)
    if accepted < 0 { return nil }
    _ = fcntl(accepted, F_SETFD, FD_CLOEXEC)
    return Socket(taking: accepted, kind)
  }

  /// Makes calls return at once.
  func stopWaiting() { _ = fcntl(descriptor, F_SETFL, O_NONBLOCK) }

  func peer() throws -> Endpoint {
    var address = SocketAddress()
    _ = unsafe try address.with { unsafe Int(getpeername(descriptor, $0, $1)) }
    return address.endpoint
  }

  func name() throws -> Endpoint {
    var address = SocketAddress()
    _ = unsafe try address.with { unsafe Int(getsockname(descriptor, $0, $1)) }
    return address.endpoint
  }

  func send(_ text: String, to endpoint: Endpoint? = nil, flags: CInt = 0) throws {
    let bytes = Array(text.utf8)
    let flags = CInt(MSG_NOSIGNAL) | flags
    if let endpoint {
      var address = SocketAddress(endpoint)
      _ = unsafe try address.with { unsafe sendto(descriptor, bytes, bytes.count, flags, $0, $1.pointee) }
    } else if unsafe Glibc.send(descriptor, bytes, bytes.count, flags) < 0 {
      throw Errno(rawValue: errno)
    }
  }

  /// What came, and where it says it came from.
  func receive() throws -> (text: String, from: Endpoint) {
    var bytes = [UInt8](repeating: 0, count: 2048)
    var address = SocketAddress()
    let count = unsafe try address.with { unsafe recvfrom(descriptor, &bytes, bytes.count, 0, $0, $1) }
    return (String(decoding: bytes[..<count], as: UTF8.self), address.endpoint)
  }

  /// Sends a text to several addresses in one call; how many were sent.
  ///
  /// The C library exports sendmmsg(2) without declaring it to Swift.
  func sendMany(_ text: String, to endpoints: [Endpoint]) throws -> Int {
    typealias Call = @convention(c) (CInt, UnsafeMutableRawPointer?, CUnsignedInt, CInt) -> CInt
    guard let symbol = unsafe dlsym(nil, "sendmmsg") else { throw Errno(rawValue: ENOSYS) }
    let sendmmsg = unsafe unsafeBitCast(symbol, to: Call.self)
    var addresses = endpoints.map { SocketAddress($0) }
    var bytes = Array(text.utf8)
    let result = unsafe bytes.withUnsafeMutableBytes { bytes in
      var vector = unsafe iovec(iov_base: bytes.baseAddress, iov_len: bytes.count)
      return unsafe withUnsafeMutablePointer(to: &vector) { vector in
        unsafe addresses.withUnsafeMutableBufferPointer { addresses in
          // struct mmsghdr: a message, and how much of it was sent.
          var messages = unsafe addresses.indices.map { index in
            var message = unsafe msghdr()
            unsafe message.msg_name = UnsafeMutableRawPointer(addresses.baseAddress.map { unsafe $0 + index })
            unsafe message.msg_namelen = addresses[index].size
            unsafe message.msg_iov = vector
            unsafe message.msg_iovlen = 1
            return unsafe (message: message, sent: UInt64(0))
          }
          let count = CUnsignedInt(endpoints.count)
          return unsafe messages.withUnsafeMutableBytes { messages in
            unsafe sendmmsg(descriptor, messages.baseAddress, count, CInt(MSG_NOSIGNAL))
          }
        }
      }
    }
    if result < 0 { throw Errno(rawValue: errno) }
    return Int(result)
  }
}
