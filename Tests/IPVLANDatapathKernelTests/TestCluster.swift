// SPDX-License-Identifier: Apache-2.0

import DatapathPrograms
import IPVLANDatapath
import KernelTestSupport
import LinuxSystem
import NetlinkKit
import NetworkTypes
import Testing
import VPCSimulator

/// A VPC with two nodes.
///
/// Node A has the ENIs `eni-a1` and `eni-a2` besides its primary NIC, node B has `eni-b1`.
///
/// Reverse path filtering is strict on both nodes: the wiring must not need it off.
struct TestCluster: Sendable {
  static let gateway = IPv4Address(10, 8, 0, 253)

  struct Node: Sendable {
    let namespace: NetworkNamespace
    let address: IPv4Address
    let wirer: PodWirer
    let datapath: PodDatapath
    var enis: [String: ENIAttachment] = [:]
  }

  struct Pod: Sendable {
    let namespace: NetworkNamespace
    let attachment: PodAttachment
    let record: WiringRecord
    var address: IPv4Address { attachment.address }
  }

  let fabric: VPCFabric
  let a: Node
  let b: Node

  /// Lends a cluster; `services` is what node A's pods ask for at packets.
  static func with(services: ServiceMaps? = nil, _ body: (TestCluster) async throws -> Void) async throws {
    try await withScratchNamespace { (first) async throws in
      try await withScratchNamespace { (second) async throws in
        let fabric = try await VPCFabric()
        var a = try await node("a", first, 1, fabric, services)
        var b = try await node("b", second, 2, fabric, nil)
        a.enis["eni-a1"] = try await eni("eni-a1", 1, of: "a", first, [10, 11, 12, 13], fabric)
        a.enis["eni-a2"] = try await eni("eni-a2", 2, of: "a", first, [20, 21, 22], fabric)
        b.enis["eni-b1"] = try await eni("eni-b1", 1, of: "b", second, [30, 31], fabric)
        try await body(TestCluster(fabric: fabric, a: a, b: b))
        try await fabric.close()
      }
    }
  }

  private static func node(
    _ name: String, _ namespace: NetworkNamespace, _ host: UInt8, _ fabric: VPCFabric, _ services: ServiceMaps?
  ) async throws -> Node {
    let address = IPv4Address(10, 8, 0, host)
    for (path, value) in [
      ("net/ipv6/conf/all/disable_ipv6", "1"), ("net/ipv6/conf/default/disable_ipv6", "1"),
      ("net/ipv4/conf/all/rp_filter", "1"), ("net/ipv4/conf/default/rp_filter", "1"),
    ] {
      try await Sysctl.write(value, to: path, in: namespace)
    }
    await fabric.register(node: name, namespace: namespace)
    try await fabric.attach(
      FabricPort(
        eni: "eni-\(name)0", mac: MACAddress(truncating: 0x0016_3E00_0000 | UInt64(host)), node: name,
        addresses: [address], gateway: gateway, prefixLength: 24))
    let socket = try await NetlinkSocket(in: namespace)
    let nic = try #require(try await socket.links.link(named: "eth0"))
    try await socket.links.change(nic.index, LinkChanges(isUp: true))
    try await socket.addresses.add(InterfaceAddress(index: nic.index, address: .v4(address), prefixLength: 24))
    try await socket.routes.add(Route(destination: nil, gateway: .v4(gateway), interface: nic.index))
    let datapath = try PodDatapath.load(pinDirectory: nil, services: services)
    return Node(
      namespace: namespace, address: address,
      wirer: try await PodWirer(node: NodeConfiguration(address: address), namespace: namespace, datapath: datapath),
      datapath: datapath)
  }

  private static func eni(
    _ name: String, _ number: UInt32, of node: String, _ namespace: NetworkNamespace, _ hosts: [UInt8],
    _ fabric: VPCFabric
  ) async throws -> ENIAttachment {
    let addresses = hosts.map { IPv4Address(10, 8, 0, $0) }
    let mac = MACAddress(truncating: 0x0016_3E00_0000 | UInt64(hosts[0]))
    try await fabric.attach(
      FabricPort(
        eni: name, mac: mac, node: node, addresses: addresses, gateway: gateway, prefixLength: 24))
    let socket = try await NetlinkSocket(in: namespace)
    let nic = try #require(try await socket.links.link(withAddress: mac))
    // Up already, so that a dump before the first pod and after the last are the same.
    try await socket.links.change(nic.index, LinkChanges(isUp: true))
    return ENIAttachment(
      link: nic.name, index: nic.index, mac: mac, address: addresses[0], gateway: gateway, prefixLength: 24,
      number: number)
  }

  static func attachment(_ name: String, _ host: UInt8, endpoint: UInt32? = nil) throws -> PodAttachment {
    PodAttachment(
      pod: try #require(PodIdentity(namespace: "test", name: name)), address: IPv4Address(10, 8, 0, host),
      endpoint: endpoint ?? UInt32(host))
  }

  func add(
    _ name: String, _ host: UInt8, on eni: String, of node: Node, mode: WiringMode
  ) async throws -> Pod {
    let namespace = try await Self.podNamespace()
    let attachment = try Self.attachment(name, host)
    let record = try await node.wirer.add(
      attachment, on: try #require(node.enis[eni]), in: namespace, mode: mode)
    return Pod(namespace: namespace, attachment: attachment, record: record)
  }

  static func podNamespace() async throws -> NetworkNamespace {
    let namespace = try await NetworkNamespace.makeAnonymous()
    try await Sysctl.write("1", to: "net/ipv6/conf/all/disable_ipv6", in: namespace)
    try await Sysctl.write("1", to: "net/ipv6/conf/default/disable_ipv6", in: namespace)
    return namespace
  }
}

/// Everything a wirer could have touched in a namespace, as text.
func dump(_ namespace: NetworkNamespace) async throws -> String {
  let socket = try await NetlinkSocket(in: namespace)
  var lines: [String] = []
  for link in try await socket.links.all() {
    lines.append("link \(link.name) \(link.isUp) \(link.isARPEnabled) \(link.mtu) \(link.alias ?? "")")
    for filter in try await socket.filters.all(on: link.index) {
      lines.append("filter \(link.name) \(filter.place) \(filter.program?.name ?? "")")
    }
  }
  for address in try await socket.addresses.all() {
    lines.append("address \(address.index) \(address.address)/\(address.prefixLength) \(address.scope)")
  }
  for route in try await socket.routes.all(family: .ipv4) {
    lines.append(
      "route \(route.table) \(route.destination.map { "\($0)" } ?? "default") \(route.interface.map { "\($0)" } ?? "") "
        + "\(route.gateway.map { "\($0)" } ?? "") \(route.protocol)")
  }
  for rule in try await socket.rules.all(family: .ipv4) {
    lines.append("rule \(rule.priority) \(rule.source.map { "\($0)" } ?? "") to \(rule.table) \(rule.protocol)")
  }
  for neighbour in try await socket.neighbours.all() where neighbour.state == .permanent {
    lines.append("neighbour \(neighbour.interface) \(neighbour.address)")
  }
  lines.append("ip_forward \(try await Sysctl.read("net/ipv4/ip_forward", in: namespace))")
  return lines.sorted().joined(separator: "\n")
}
