// SPDX-License-Identifier: Apache-2.0

import ExampleSupport
import LinuxSystem
import NetlinkKit
import NetworkTypes

/// A client, a node that forwards, and a server, each in a network namespace of its own.
///
/// One mode has one stage. Nothing outlives the process: the namespaces have no names.
final class Stage: Sendable {
  let client: NetworkNamespace
  let node: NetworkNamespace
  let server: NetworkNamespace
  /// The client's device.
  let clientLink: InterfaceIndex
  private let nodeLink: InterfaceIndex

  /// What stands between the namespaces.
  private struct Wire {
    var near: InterfaceIndex
    var far: InterfaceIndex
  }

  static let clientAddress = IPv4Address(10, 64, 0, 2)
  private static let clientGateway = IPAddress.v4(IPv4Address(10, 64, 0, 1))
  private static let serverAddress = IPAddress.v4(IPv4Address(10, 64, 1, 2))
  private static let serverGateway = IPAddress.v4(IPv4Address(10, 64, 1, 1))

  init() async throws {
    client = try await NetworkNamespace.makeAnonymous()
    node = try await NetworkNamespace.makeAnonymous()
    server = try await NetworkNamespace.makeAnonymous()
    for namespace in [client, node, server] {
      // Routers' and neighbours' packets are no part of what is measured.
      try await Sysctl.write("1", to: "net/ipv6/conf/all/disable_ipv6", in: namespace)
      try await NetlinkSocket(in: namespace).links.change(.loopback, LinkChanges(isUp: true))
      try await Sysctl.write("1024 65535", to: "net/ipv4/ip_local_port_range", in: namespace)
      try await Sysctl.write("1", to: "net/ipv4/tcp_syn_retries", in: namespace)
    }
    try await Sysctl.write("1", to: "net/ipv4/ip_forward", in: node)
    // The side that closes first keeps nothing: ports come round quickly here.
    try await Sysctl.write("0", to: "net/ipv4/tcp_max_tw_buckets", in: server)
    let first = try await Self.wire(
      node, "client", client, addresses: (Self.clientGateway, .v4(Self.clientAddress)), at: 1)
    let second = try await Self.wire(node, "server", server, addresses: (Self.serverGateway, Self.serverAddress), at: 2)
    clientLink = first.far
    nodeLink = second.near
    try await NetlinkSocket(in: client).routes.add(
      Route(destination: nil, gateway: Self.clientGateway, interface: first.far))
    try await NetlinkSocket(in: server).routes.add(
      Route(destination: nil, gateway: Self.serverGateway, interface: second.far))
  }

  /// Puts addresses on the server.
  func serve(_ addresses: Set<IPAddress>) async throws {
    let node = try await NetlinkSocket(in: node)
    let server = try await NetlinkSocket(in: server)
    for address in addresses {
      try await node.routes.replace(
        Route(destination: IPCIDR(host: address), gateway: Self.serverAddress, interface: nodeLink))
      try await server.routes.replace(
        Route(destination: IPCIDR(host: address), interface: .loopback, type: .local, table: .local))
    }
  }

  /// Has the node take addresses for its own, as IPVS needs it.
  func own(_ range: IPCIDR) async throws {
    try await NetlinkSocket(in: node).routes.replace(
      Route(destination: range, interface: .loopback, type: .local, table: .local))
  }

  /// Has conntrack forget closed connections sooner than usual, which would fill its table here.
  ///
  /// It favours those who need conntrack.
  func shortenConntrack() async throws {
    for name in ["tcp_timeout_time_wait", "tcp_timeout_close", "udp_timeout", "udp_timeout_stream"] {
      let path = "net/netfilter/nf_conntrack_\(name)"
      if (try? await Sysctl.read(path, in: node)) != nil { try await Sysctl.write("10", to: path, in: node) }
    }
  }

  private static func wire(
    _ node: NetworkNamespace, _ name: InterfaceName, _ other: NetworkNamespace,
    addresses: (near: IPAddress, far: IPAddress), at number: UInt8
  ) async throws -> Wire {
    let near = MACAddress(truncating: 0x0200_0000_0001 | UInt64(number) << 8)
    let far = MACAddress(truncating: 0x0200_0000_0002 | UInt64(number) << 8)
    let here = try await NetlinkSocket(in: node)
    let there = try await NetlinkSocket(in: other)
    let peer = VethPeer(name: "eth0", namespace: other, address: far, isUp: true)
    let link = try await here.links.add(NewLink(name: name, kind: .veth(peer: peer), address: near, isUp: true))
    guard let end = try await there.links.link(named: "eth0") else {
      throw ExampleError("the other end of a veth link is not where it was put; does something else move links?")
    }
    try await here.addresses.add(InterfaceAddress(index: link.index, address: addresses.near, prefixLength: 30))
    try await there.addresses.add(InterfaceAddress(index: end.index, address: addresses.far, prefixLength: 30))
    try await here.neighbours.replace(
      Neighbour(interface: link.index, address: addresses.far, linkLayerAddress: far))
    try await there.neighbours.replace(
      Neighbour(interface: end.index, address: addresses.near, linkLayerAddress: near))
    return Wire(near: link.index, far: end.index)
  }
}
