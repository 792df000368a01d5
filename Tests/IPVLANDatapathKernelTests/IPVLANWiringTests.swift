// SPDX-License-Identifier: Apache-2.0

import DatapathPrograms
import IPVLANDatapath
import KernelTestSupport
import LinuxSystem
import NetlinkKit
import NetworkTypes
import Testing

@Suite("Wiring by ipvlan", .serialized, .requires(.root), .requires(.ipvlan))
struct IPVLANWiringTests {
  @Test func `ipvlan pods reach each other on one ENI, across ENIs and nodes, and their node`() async throws {
    try await WiringScenarios.allPathsWork(.ipvlan)
  }

  @Test func `ipvlan pods are added and removed twice without a trace`() async throws {
    try await WiringScenarios.verbsAreIdempotent(.ipvlan)
  }

  @Test func `a failed addition leaves nothing behind in ipvlan mode`() async throws {
    try await WiringScenarios.failedAdditionLeavesNothing(.ipvlan)
  }

  @Test func `programs stop forged sources, empty slots drop, and pods wait for policy in ipvlan mode`() async throws {
    try await WiringScenarios.programsGuardThePod(.ipvlan)
  }

  @Test func `damage to ipvlan wiring is reported and repaired`() async throws {
    try await WiringScenarios.damageIsSeenAndRepaired(.ipvlan)
  }

  @Test func `a NIC that is not the ENI meant is refused in ipvlan mode`() async throws {
    try await WiringScenarios.wrongParentIsRefused(.ipvlan)
  }

  @Test func `a pod whose namespace is gone is removed in ipvlan mode`() async throws {
    try await WiringScenarios.vanishedPodIsRemoved(.ipvlan)
  }

  @Test func `an ENI in use in another mode is refused and left alone`() async throws {
    try await TestCluster.with { (cluster) async throws in
      let node = cluster.a
      let eni = try #require(node.enis["eni-a1"])
      let socket = try await NetlinkSocket(in: node.namespace)
      let other = try await socket.links.add(
        NewLink(name: "other0", kind: .ipvlan(parent: eni.index, mode: .l3, flag: .bridge)))
      let before = try await dump(node.namespace)
      let pod = try await TestCluster.podNamespace()
      let error = await #expect(throws: DatapathError.self) {
        _ = try await node.wirer.add(try TestCluster.attachment("a1", 11), on: eni, in: pod, mode: .ipvlan)
      }
      #expect(error?.code == .modeConflict)
      #expect(error?.message.contains("other0") == true)
      #expect(try await socket.links.link(at: other.index)?.kind == other.kind)
      #expect(try await dump(node.namespace) == before)
    }
  }

  @Test func `veth and ipvlan do not share an ENI`() async throws {
    try await TestCluster.with { (cluster) async throws in
      let node = cluster.a
      let first = try await cluster.add("a1", 11, on: "eni-a1", of: node, mode: .ipvlan)
      let second = try await cluster.add("a3", 21, on: "eni-a2", of: node, mode: .veth)
      for (name, host, eni, mode) in [
        ("x", UInt8(12), "eni-a1", WiringMode.veth), ("y", 22, "eni-a2", .ipvlan),
      ] {
        let error = await #expect(throws: DatapathError.self) {
          _ = try await cluster.add(name, host, on: eni, of: node, mode: mode)
        }
        #expect(error?.code == .modeConflict)
      }
      // On one node they mix, through the VPC.
      try await WiringScenarios.expectTraffic(
        from: (first.namespace, first.address), to: (second.namespace, second.address), "ipvlan to veth")
      try await WiringScenarios.expectTraffic(
        from: (second.namespace, second.address), to: (first.namespace, first.address), "veth to ipvlan")
    }
  }

  @Test func `the helper has no ARP, and gets rid of it again when it came back`() async throws {
    try await TestCluster.with { (cluster) async throws in
      let node = cluster.a
      let a1 = try await cluster.add("a1", 11, on: "eni-a1", of: node, mode: .ipvlan)
      let eni = try #require(node.enis["eni-a1"])
      let socket = try await NetlinkSocket(in: node.namespace)
      let helper = try #require(try await socket.links.link(named: Ownership.helper(on: eni)))
      #expect(helper.isUp && !helper.isARPEnabled)
      #expect(helper.kind == .ipvlan(parent: eni.index, mode: .l2, flag: .bridge))
      try await socket.links.change(helper.index, LinkChanges(isARPEnabled: true))
      let found = try await node.wirer.verify(a1.record, in: a1.namespace)
      #expect(found.map(\.found) == ["ipvl_\(eni.index) with arp on"])
      _ = try await node.wirer.add(a1.attachment, on: eni, in: a1.namespace, mode: .ipvlan)
      #expect(try await socket.links.link(at: helper.index)?.isARPEnabled == false)
      #expect(try await socket.links.link(at: helper.index)?.isUp == true)
    }
  }

  @Test func `a slave that was left behind before its renaming is adopted`() async throws {
    try await TestCluster.with { (cluster) async throws in
      let node = cluster.a
      let eni = try #require(node.enis["eni-a1"])
      let pod = try await TestCluster.podNamespace()
      let attachment = try TestCluster.attachment("a1", 11)
      let socket = try await NetlinkSocket(in: node.namespace)
      try await socket.links.create(
        NewLink(
          name: Ownership.nodeLink(of: attachment), kind: .ipvlan(parent: eni.index, mode: .l2, flag: .bridge),
          alias: Ownership.alias(of: attachment.pod), namespace: pod))
      let record = try await node.wirer.add(attachment, on: eni, in: pod, mode: .ipvlan)
      #expect(try await node.wirer.verify(record, in: pod) == [])
      #expect(try await NetlinkSocket(in: pod).links.all().map(\.name.rawValue).sorted() == ["eth0", "lo"])
    }
  }

  @Test func `a pod that rids itself of its programs and forges a neighbour still meets its sibling's`() async throws {
    try await TestCluster.with { (cluster) async throws in
      let node = cluster.a
      let eni = try #require(node.enis["eni-a1"])
      let attacker = try await cluster.add("a1", 11, on: "eni-a1", of: node, mode: .ipvlan)
      var guarded = try TestCluster.attachment("a2", 12)
      guarded.requiresPolicy = true
      let victim = try await TestCluster.podNamespace()
      let record = try await node.wirer.add(guarded, on: eni, in: victim, mode: .ipvlan)

      let socket = try await NetlinkSocket(in: attacker.namespace)
      let link = try #require(try await socket.links.link(named: "eth0")).index
      try await socket.qdiscs.removeClsact(on: link)
      // All slaves share a MAC address, so this reaches the sibling without a question asked.
      try await socket.neighbours.replace(
        Neighbour(interface: link, address: .v4(guarded.address), linkLayerAddress: eni.mac))
      let before = try node.datapath.readDropCounters()[.endpointNotReady]?.packets ?? 0
      #expect(try await Traffic.udp(from: attacker.namespace, to: victim, at: guarded.address) == nil)
      #expect(try node.datapath.readDropCounters()[.endpointNotReady]?.packets ?? 0 > before)

      // The same frames arrive where nothing guards: it was the program that stopped them.
      try await node.wirer.remove(record, from: victim)
      guarded.requiresPolicy = false
      _ = try await node.wirer.add(guarded, on: eni, in: victim, mode: .ipvlan)
      let heard = try await Traffic.udp(from: attacker.namespace, to: victim, at: guarded.address)
      #expect(heard == attacker.address)
    }
  }
}
