// SPDX-License-Identifier: Apache-2.0

internal import CLibmnl
internal import CLinuxSystem
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

  /// Whether only the kernel can send to this socket, so that nobody needs to ask who did.
  private let isConnected: Bool

  /// Opens a socket in the network namespace of the calling thread.
  ///
  /// - Parameters:
  ///   - protocol: which part of the kernel it talks to.
  ///   - groups: what it hears of that the kernel tells everybody (`RTNLGRP_...`).
  /// - Throws: the call that was refused.
  init(_ protocol: NetlinkProtocol = .route, groups: [UInt32] = []) throws(TransportError) {
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
    isConnected = groups.isEmpty
    if isConnected { try connect() }
    for group in groups { try set(CInt(NETLINK_ADD_MEMBERSHIP), "NETLINK_ADD_MEMBERSHIP", CInt(group)) }
    for (option, name) in KernelTransport.options { try set(option, name, 1) }
  }

  /// Makes the kernel the peer, and so the only one who can send to this port (`ECONNREFUSED` for others).
  ///
  /// Not for a socket with groups: what is sent to a group comes past this check. With a peer neither call carries an
  /// address, which saves a copy into and out of the kernel each time.
  private func connect() throws(TransportError) {
    var kernel = sockaddr_nl()
    kernel.nl_family = sa_family_t(AF_NETLINK)
    let result = unsafe withUnsafePointer(to: &kernel) { pointer in
      unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        unsafe Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_nl>.size))
      }
    }
    guard result == 0 else { throw TransportError(call: "connect", errno: Glibc.errno) }
  }

  deinit { unsafe mnl_socket_close(socket) }

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
    let sent = unsafe clinuxsystem_send(descriptor, datagram.baseAddress, UInt(datagram.count))
    // A datagram goes whole or not at all.
    guard sent >= 0 else { throw TransportError(call: "sendto", errno: CInt(clamping: -sent)) }
  }

  func receive(into buffer: UnsafeMutableRawBufferPointer) throws(TransportError) -> ReceivedDatagram? {
    while true {
      var sender: UInt32 = 0
      let length = unsafe receive(buffer, &sender)
      if length >= 0 { return ReceivedDatagram(length: length, sender: sender) }
      switch CInt(clamping: -length) {
      case EINTR: continue
      case EAGAIN: return nil
      case let number: throw TransportError(call: "recvfrom", errno: number)
      }
    }
  }

  private func receive(_ buffer: UnsafeMutableRawBufferPointer, _ sender: inout UInt32) -> Int {
    if isConnected { return unsafe clinuxsystem_receive(descriptor, buffer.baseAddress, UInt(buffer.count), nil) }
    return unsafe clinuxsystem_receive(descriptor, buffer.baseAddress, UInt(buffer.count), &sender)
  }

  func waitUntilReadable(until deadline: ContinuousClock.Instant) async -> Readiness {
    let readiness = await ReadableEvent(descriptor).wait(until: deadline)
    withExtendedLifetime(self) {}
    return readiness
  }
}
