// SPDX-License-Identifier: Apache-2.0

import KernelTestSupport
import LinuxSystem
import NetlinkKit
import NetworkTypes
import Testing

@testable import VPCSimulator

@Suite("VPC fabric", .serialized, .requires(.root))
struct FabricTests {
  static let gateway = IPv4Address(10, 8, 0, 253)

  private func port(_ name: String, node: String, _ addresses: [IPv4Address]) -> FabricPort {
    let number = UInt64(name.utf8.reduce(0) { $0 &* 31 &+ UInt32($1) })
    return FabricPort(
      eni: name, mac: MACAddress(truncating: 0x0016_3E00_0000 | number & 0xFF_FFFF), node: node, addresses: addresses,
      gateway: Self.gateway, prefixLength: 24)
  }

  /// Two nodes, each with one NIC that has the node's address and a default route.
  private func withNodes(
    _ body: (VPCFabric, [(NetworkNamespace, IPv4Address)]) async throws -> Void
  ) async throws {
    try await withScratchNamespace { first in
      try await withScratchNamespace { second in
        let fabric = try await VPCFabric()
        let nodes = [(first, IPv4Address(10, 8, 0, 1)), (second, IPv4Address(10, 8, 0, 2))]
        for (index, (namespace, address)) in nodes.enumerated() {
          await fabric.register(node: "i-\(index)", namespace: namespace)
          try await fabric.attach(port("eni-\(index)", node: "i-\(index)", [address]))
          let socket = try await NetlinkSocket(in: namespace)
          let nic = try #require(try await socket.links.link(named: "eth0"))
          try await socket.links.change(nic.index, LinkChanges(isUp: true))
          try await socket.addresses.add(InterfaceAddress(index: nic.index, address: .v4(address), prefixLength: 24))
          try await socket.routes.add(Route(destination: nil, gateway: .v4(Self.gateway), interface: nic.index))
        }
        try await body(fabric, nodes)
        try await fabric.close()
        for (namespace, _) in nodes {
          #expect(try await NetlinkSocket(in: namespace).links.all().map(\.name) == ["lo"])
        }
      }
    }
  }

  @Test func `two nodes reach each other and the gateway, with their own addresses`() async throws {
    try await withNodes { (_, nodes) async throws in
      let ((a, first), (b, second)) = (nodes[0], nodes[1])
      #expect(try await Traffic.ping(from: a, to: Self.gateway))
      #expect(try await Traffic.ping(from: a, to: second))
      #expect(try await Traffic.udp(from: a, to: b, at: second) == first)
      #expect(try await Traffic.tcp(from: b, to: a, at: first) == second)
    }
  }

  @Test func `the NIC has the MAC address of its network interface and the next free name`() async throws {
    try await withNodes { (fabric, nodes) async throws in
      let second = port("eni-x", node: "i-0", [IPv4Address(10, 8, 0, 9)])
      try await fabric.attach(second)
      #expect(await fabric.nic(of: "eni-x") == "eth1")
      let nic = try await NetlinkSocket(in: nodes[0].0).links.link(named: "eth1")
      #expect(nic?.address == second.mac)
      #expect(nic?.isUp == false)
    }
  }

  @Test func `a forged source address is dropped and counted, its rightful owner's is not`() async throws {
    try await withNodes { (fabric, nodes) async throws in
      let ((a, _), (b, second)) = (nodes[0], nodes[1])
      let forged = IPv4Address(10, 8, 0, 77)
      let socket = try await NetlinkSocket(in: a)
      try await socket.addresses.add(InterfaceAddress(index: .loopback, address: .v4(forged), prefixLength: 32))
      // Resolve the neighbour first, so that what is dropped is the datagram.
      #expect(try await Traffic.ping(from: a, to: second))
      let before = try await fabric.spoofedPackets()
      #expect(try await Traffic.udp(from: a, bound: forged, to: b, at: second) == nil)
      #expect(try await fabric.spoofedPackets() > before)
      // Assigned to the NIC that sends it, the same address passes.
      try await fabric.setAddresses([nodes[0].1, forged], of: "eni-0")
      let after = try await fabric.spoofedPackets()
      #expect(try await Traffic.udp(from: a, bound: forged, to: b, at: second) == forged)
      #expect(try await fabric.spoofedPackets() == after)
    }
  }

  @Test func `an address is reachable while it is assigned, and not before or after`() async throws {
    try await withNodes { (fabric, nodes) async throws in
      let ((a, _), (b, second)) = (nodes[0], nodes[1])
      let extra = IPv4Address(10, 8, 0, 20)
      let socket = try await NetlinkSocket(in: b)
      try await socket.addresses.add(InterfaceAddress(index: .loopback, address: .v4(extra), prefixLength: 32))
      #expect(try await Traffic.ping(from: a, to: extra) == false)
      try await fabric.setAddresses([second, extra], of: "eni-1")
      // The failed resolution above is remembered for a moment.
      try await NetlinkSocket(in: a).flush(extra)
      #expect(try await Traffic.ping(from: a, to: extra))
      try await fabric.setAddresses([second], of: "eni-1")
      #expect(try await Traffic.ping(from: a, to: extra) == false)
    }
  }

  @Test func `detaching takes the NIC away, may be repeated, and frees address and name`() async throws {
    try await withNodes { (fabric, nodes) async throws in
      let extra = port("eni-x", node: "i-0", [IPv4Address(10, 8, 0, 9)])
      try await fabric.attach(extra)
      try await fabric.detach("eni-x")
      try await fabric.detach("eni-x")
      try await fabric.detach("eni-unknown")
      #expect(try await NetlinkSocket(in: nodes[0].0).links.link(named: "eth1") == nil)
      #expect(try await NetlinkSocket(in: fabric.namespace).routes.all(table: .main, family: .ipv4).count == 2)
      var moved = extra
      moved.eni = "eni-y"
      moved.node = "i-1"
      try await fabric.attach(moved)
      #expect(try await NetlinkSocket(in: nodes[1].0).links.link(named: "eth1")?.address == extra.mac)
    }
  }

  @Test func `what can't be attached leaves nothing, and the error says why`() async throws {
    try await withNodes { (fabric, nodes) async throws in
      let links = try await NetlinkSocket(in: fabric.namespace).links.all().count
      let unknown = await #expect(throws: FabricError.self) {
        try await fabric.attach(port("eni-z", node: "i-9", [IPv4Address(10, 8, 0, 9)]))
      }
      #expect(unknown?.code == .unknownNode)
      #expect(unknown?.message == "attach eni-z: no node \"i-9\"; register its namespace first")
      let twice = await #expect(throws: FabricError.self) {
        try await fabric.attach(port("eni-0", node: "i-0", [IPv4Address(10, 8, 0, 9)]))
      }
      #expect(twice?.code == .exists)
      let taken = await #expect(throws: FabricError.self) {
        try await fabric.attach(port("eni-z", node: "i-0", [nodes[1].1]))
      }
      #expect(taken?.message == "10.8.0.2 is assigned to eni-1; eni-z can't have it too")
      let absent = await #expect(throws: FabricError.self) { try await fabric.setAddresses([], of: "eni-z") }
      #expect(absent?.code == .notFound)
      #expect(try await NetlinkSocket(in: fabric.namespace).links.all().count == links)
    }
  }

  @Test func `a fabric leaves no descriptor open`() async throws {
    try await expectNoDescriptorLeak {
      try await withNodes { _, _ in }
    }
  }
}

extension NetlinkSocket {
  /// Forgets what was learnt about a neighbour.
  nonisolated func flush(_ address: IPv4Address) async throws {
    for neighbour in try await neighbours.all() where neighbour.address == .v4(address) {
      try await neighbours.remove(neighbour)
    }
  }
}
