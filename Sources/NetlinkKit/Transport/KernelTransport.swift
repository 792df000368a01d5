// SPDX-License-Identifier: Apache-2.0

internal import CLibmnl
internal import Glibc

/// Which part of the kernel a socket talks to.
enum NetlinkProtocol: Sendable {
  /// Links, addresses, routes, rules, neighbours, traffic control (`NETLINK_ROUTE`).
  case route
  /// Sockets of other families (`NETLINK_SOCK_DIAG`).
  case socketDiagnostics
  /// Families that register by name, such as `ethtool` (`NETLINK_GENERIC`).
  case generic

  var number: CInt {
    switch self {
    case .route: CInt(NETLINK_ROUTE)
    case .socketDiagnostics: CInt(NETLINK_SOCK_DIAG)
    case .generic: CInt(NETLINK_GENERIC)
    }
  }
}

/// A netlink socket, opened and bound by libmnl.
///
/// The only file that makes socket calls.
///
/// The descriptor closes with the last reference; a wait under way holds one.
@safe
final class KernelTransport: MessageTransport {
  private nonisolated(unsafe) let socket: OpaquePointer
  let descriptor: CInt
  let port: UInt32

  /// Opens a socket in the network namespace of the calling thread.
  init(_ protocol: NetlinkProtocol = .route) throws(TransportError) {
    guard
      let socket = unsafe mnl_socket_open2(
        `protocol`.number, CInt(SOCK_CLOEXEC.rawValue) | CInt(SOCK_NONBLOCK.rawValue))
    else { throw TransportError(call: "socket", errno: Glibc.errno) }
    // Port 0 lets the kernel choose, so a process can have any number of sockets.
    guard unsafe mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) == 0 else {
      let error = TransportError(call: "bind", errno: Glibc.errno)
      unsafe mnl_socket_close(socket)
      throw error
    }
    unsafe self.socket = socket
    descriptor = unsafe mnl_socket_get_fd(socket)
    port = unsafe mnl_socket_get_portid(socket)
    for (option, name) in KernelTransport.options { try set(option, name, 1) }
  }

  deinit { unsafe mnl_socket_close(socket) }

  /// Takes part in what the kernel tells everybody of a group (`RTNLGRP_...`).
  func join(_ group: UInt32) throws(TransportError) {
    try set(CInt(NETLINK_ADD_MEMBERSHIP), "NETLINK_ADD_MEMBERSHIP", CInt(group))
  }

  /// How many bytes the kernel keeps until they are received, beyond the system's limit if we may.
  func setReceiveBuffer(_ bytes: Int) throws(TransportError) {
    var size = CInt(clamping: bytes)
    let length = socklen_t(MemoryLayout<CInt>.size)
    if unsafe setsockopt(descriptor, SOL_SOCKET, SO_RCVBUFFORCE, &size, length) == 0 { return }
    guard unsafe setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &size, length) == 0 else {
      throw TransportError(call: "setsockopt(SO_RCVBUF)", errno: Glibc.errno)
    }
  }

  private func set(_ option: CInt, _ name: String, _ value: CInt) throws(TransportError) {
    var value = value
    guard unsafe mnl_socket_setsockopt(socket, option, &value, socklen_t(MemoryLayout<CInt>.size)) == 0 else {
      throw TransportError(call: "setsockopt(\(name))", errno: Glibc.errno)
    }
  }

  /// The kernel's words with each refusal, no echo of the request in acknowledgements, and dump filters that are
  /// obeyed or refused but never ignored.
  private static let options: [(CInt, String)] = [
    (CInt(NETLINK_EXT_ACK), "NETLINK_EXT_ACK"), (CInt(NETLINK_CAP_ACK), "NETLINK_CAP_ACK"),
    (CInt(NETLINK_GET_STRICT_CHK), "NETLINK_GET_STRICT_CHK"),
  ]

  func send(_ datagram: UnsafeRawBufferPointer) throws(TransportError) {
    guard unsafe mnl_socket_sendto(socket, datagram.baseAddress, datagram.count) == datagram.count else {
      throw TransportError(call: "sendto", errno: Glibc.errno)
    }
  }

  func receive(into buffer: UnsafeMutableRawBufferPointer) throws(TransportError) -> ReceivedDatagram? {
    while true {
      var sender = sockaddr_nl()
      var size = socklen_t(MemoryLayout<sockaddr_nl>.size)
      let length = unsafe withUnsafeMutablePointer(to: &sender) { pointer in
        unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          // MSG_TRUNC returns the real length even when the buffer is too small.
          unsafe recvfrom(
            descriptor, buffer.baseAddress, buffer.count, CInt(MSG_DONTWAIT) | CInt(MSG_TRUNC), $0,
            &size)
        }
      }
      if length >= 0 { return ReceivedDatagram(length: length, sender: sender.nl_pid) }
      switch Glibc.errno {
      case EINTR: continue
      case EAGAIN: return nil
      case let number: throw TransportError(call: "recvfrom", errno: number)
      }
    }
  }

  func waitUntilReadable(until deadline: ContinuousClock.Instant) async -> Readiness {
    let readiness = await ReadableEvent(descriptor).wait(until: deadline)
    withExtendedLifetime(self) {}
    return readiness
  }
}
