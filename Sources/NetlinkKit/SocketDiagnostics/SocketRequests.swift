// SPDX-License-Identifier: Apache-2.0

internal import CLibmnl
internal import NetworkTypes

/// `SOCK_DIAG_BY_FAMILY` as a dump of one family's sockets.
struct ListSockets: NetlinkQuery {
  let match: SocketMatch
  let family: AddressFamily
  var details: SocketDetails = []
  /// Whether to compare once more what the kernel sorted out; tests do without, to see what the kernel does.
  var comparesAgain = true

  var type: Int { Int(SOCK_DIAG_BY_FAMILY) }
  var name: String { "SOCK_DIAG_BY_FAMILY" }
  var operation: String { "list \(family) \(match)" }

  func encode(into writer: MessageWriter) {
    writer.put(
      header: inet_diag_req_v2(
        sdiag_family: family.rawValue, sdiag_protocol: match.protocol.low, idiag_ext: details.rawValue, pad: 0,
        idiag_states: match.states.rawValue, id: inet_diag_sockid()))
    let program = SocketFilterProgram(match)
    if !program.bytes.isEmpty { writer.put(Int(INET_DIAG_REQ_BYTECODE), bytes: program.bytes) }
    if match.protocol.needsAttribute { writer.put(Int(INET_DIAG_REQ_PROTOCOL), UInt32(match.protocol.rawValue)) }
  }

  func decode(_ message: Message, in datagram: RawSpan) throws(WireError) -> InternetSocket? {
    guard Int(message.type) == Int(SOCK_DIAG_BY_FAMILY),
      let socket = try InternetSocket(message, in: datagram, protocol: match.protocol), socket.family == family,
      !comparesAgain || match.contains(socket)
    else { return nil }
    return socket
  }

  func explain(_ failure: KernelFailure) -> (code: NetlinkError.Code, reason: String)? {
    switch ErrorNumber.meaning(failure.errno).code {
    case .notFound, .notSupported: match.protocol.isMissing
    case .invalidArgument where match.cgroupID != nil:
      (.notSupported, "this kernel cannot tell sockets by their cgroup; it needs CONFIG_SOCK_CGROUP_DATA")
    default: nil
    }
  }
}

/// `SOCK_DESTROY` of one socket.
struct DestroySocket: NetlinkRequest {
  let socket: InternetSocket

  var type: Int { Int(SOCK_DESTROY) }
  var name: String { "SOCK_DESTROY" }
  var operation: String { "destroy \(socket)" }

  func encode(into writer: MessageWriter) {
    // Raw sockets are told apart by their protocol, which has the place of the padding.
    writer.put(
      header: inet_diag_req_v2(
        sdiag_family: socket.family.rawValue, sdiag_protocol: socket.protocol.low, idiag_ext: 0,
        pad: socket.rawProtocol ?? 0, idiag_states: 0, id: socket.identity))
    if socket.protocol.needsAttribute {
      writer.put(Int(INET_DIAG_REQ_PROTOCOL), UInt32(socket.protocol.rawValue))
    }
  }

  func explain(_ failure: KernelFailure) -> (code: NetlinkError.Code, reason: String)? {
    switch ErrorNumber.meaning(failure.errno).code {
    case .notSupported:
      (
        .notSupported,
        "this kernel cannot destroy \(socket.protocol) sockets; for TCP, UDP and raw ones it needs CONFIG_INET_DIAG_DESTROY"
      )
    case .notFound: (.notFound, "it is gone, or the kernel finds another socket with the same addresses and ports")
    default: nil
    }
  }
}

extension SocketProtocol {
  /// What it means that the kernel knows nothing of its sockets.
  var isMissing: (code: NetlinkError.Code, reason: String) {
    let module =
      switch self {
      case .tcp: "tcp_diag"
      case .udp, .udpLite: "udp_diag"
      case .sctp: "sctp_diag"
      case .raw: "raw_diag"
      case .mptcp: "mptcp_diag"
      default: "one for the protocol"
      }
    return (.notSupported, "this kernel does not list them; the module \(module) is missing")
  }
}
