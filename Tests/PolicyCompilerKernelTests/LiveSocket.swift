// SPDX-License-Identifier: Apache-2.0

import Glibc
import KernelTestSupport
import LinuxSystem
import NetworkTypes

/// A socket call that failed where no policy can be the reason.
struct LiveSocketFailure: Error {
  var call: String
  var number: CInt
}

extension KernelFeature {
  /// SCTP sockets.
  static let sctp = KernelFeature("sctp") {
    let descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue), CInt(IPPROTO_SCTP))
    if descriptor < 0 { return .missing(reason: "this kernel makes no SCTP sockets (error \(errno))") }
    close(descriptor)
    return .available
  }
}

/// A TCP, UDP or SCTP socket that never blocks, of the namespace whose thread made it.
final class LiveSocket: Sendable {
  let descriptor: CInt
  private let family: AddressFamily

  private init(taking descriptor: CInt, _ family: AddressFamily) {
    self.descriptor = descriptor
    self.family = family
  }

  /// Makes a socket that is bound to an address.
  init(_ ipProtocol: IPProtocol, at address: IPAddress, port: UInt16) throws {
    let type = CInt((ipProtocol == .udp ? SOCK_DGRAM : SOCK_STREAM).rawValue)
    family = address.family
    descriptor = socket(
      family == .ipv4 ? AF_INET : AF_INET6, type | CInt(SOCK_NONBLOCK.rawValue) | CInt(SOCK_CLOEXEC.rawValue),
      CInt(ipProtocol.rawValue))
    guard descriptor >= 0 else { throw LiveSocketFailure(call: "socket", number: errno) }
    var one: CInt = 1
    _ = unsafe setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &one, socklen_t(MemoryLayout<CInt>.size))
    guard unsafe withSocketAddress(address, port, { unsafe bind(descriptor, $0, $1) }) == 0 else {
      throw LiveSocketFailure(call: "bind \(address) port \(port)", number: errno)
    }
  }

  deinit { close(descriptor) }

  func listen() throws {
    guard Glibc.listen(descriptor, 4) == 0 else { throw LiveSocketFailure(call: "listen", number: errno) }
  }

  /// Begins to connect.
  func connect(to address: IPAddress, port: UInt16) throws {
    let status = unsafe withSocketAddress(address, port) { unsafe Glibc.connect(descriptor, $0, $1) }
    // EPERM: a datagram or the first segment was dropped on its way out.
    guard status == 0 || errno == EINPROGRESS || errno == EPERM else {
      throw LiveSocketFailure(call: "connect \(address) port \(port)", number: errno)
    }
  }

  /// The next connection, if there is one.
  func accept() -> LiveSocket? {
    let accepted = Glibc.accept(descriptor, nil, nil)
    guard accepted >= 0 else { return nil }
    _ = fcntl(accepted, F_SETFD, FD_CLOEXEC)
    _ = fcntl(accepted, F_SETFL, O_NONBLOCK)
    return LiveSocket(taking: accepted, family)
  }

  /// Whether it went to the kernel.
  @discardableResult
  func send(_ byte: UInt8) -> Bool {
    unsafe withUnsafeBytes(of: byte) { unsafe Glibc.send(descriptor, $0.baseAddress, 1, CInt(MSG_NOSIGNAL)) == 1 }
  }

  func receive() -> UInt8? {
    var byte: UInt8 = 0
    return unsafe recv(descriptor, &byte, 1, 0) == 1 ? byte : nil
  }

  /// Sends a datagram's byte back to where it came from.
  func echoDatagram() {
    var byte: UInt8 = 0
    unsafe withUnsafeTemporaryAllocation(byteCount: 128, alignment: 16) { buffer in
      guard let name = unsafe buffer.baseAddress?.assumingMemoryBound(to: sockaddr.self) else { return }
      var length: socklen_t = 128
      guard unsafe recvfrom(descriptor, &byte, 1, 0, name, &length) == 1 else { return }
      _ = unsafe sendto(descriptor, &byte, 1, 0, name, length)
    }
  }
}
