// SPDX-License-Identifier: Apache-2.0

import BPFMaps
import CDatapathABI
import DatapathPrograms
import Glibc
import IPVLANDatapath
import KernelTestSupport
import LinuxSystem
import NetlinkKit
import NetworkTypes
import SystemPackage
import Testing

/// What an endpoint number and its programs go through: reuse, interruption, repair, failure.
@Suite("Programs of a pod", .serialized, .requires(.root))
struct ProgramLifecycleTests {
  /// A flow of an endpoint, as if its pod had asked a peer.
  private func plant(_ number: UInt32, in datapath: PodDatapath) throws {
    var key = flow_key()
    key.endpoint = UInt16(number)
    key.peer_address = ip_address(IPv4Address(10, 8, 0, 2))
    key.protocol = 17
    try datapath.flows.updateValue(flow_state(), forKey: key)
  }

  private func flows(of number: UInt32, in datapath: PodDatapath) throws -> Int {
    var count = 0
    for (key, _) in try datapath.flows.entries() where UInt32(key.endpoint) == number { count += 1 }
    return count
  }

  @Test func `the next owner of an endpoint number inherits neither flows nor policy`() async throws {
    try await TestCluster.with { (cluster) async throws in
      let node = cluster.a
      let first = try await cluster.add("a1", 11, on: "eni-a1", of: node, mode: .veth)
      // Generation 1 is in force and has compiled the first owner: nothing restricts it.
      let unrestricted = policy_stages(policy: version_word(UInt32(RULE_SET_UNRESTRICTED)))
      node.datapath.setPolicy(endpoint_policy(ingress: unrestricted, egress: unrestricted), ofEndpoint: 11)
      node.datapath.publish(generation: 1)
      #expect(try await Traffic.udp(from: first.namespace, to: node.namespace, at: node.address) == first.address)
      #expect(try flows(of: 11, in: node.datapath) > 0)

      try await node.wirer.remove(first.record, from: first.namespace)
      #expect(try flows(of: 11, in: node.datapath) == 0)

      var second = try TestCluster.attachment("a2", 12, endpoint: 11)
      second.requiresPolicy = true
      let pod = try await TestCluster.podNamespace()
      _ = try await node.wirer.add(second, on: try #require(node.enis["eni-a1"]), in: pod, mode: .veth)
      #expect(try await Traffic.udp(from: pod, to: node.namespace, at: node.address) == nil)
      #expect(try node.datapath.readDropCounters()[.endpointNotReady]?.packets ?? 0 > 0)
    }
  }

  /// An empty UDP datagram.
  private func datagram(from source: IPAddress, to peer: IPAddress) -> [UInt8] {
    let udp: [UInt8] = [4, 0, 0, 53, 0, 8, 0, 0]
    let isIPv6 = source.family == .ipv6
    let header: [UInt8] =
      isIPv6 ? [0x60, 0, 0, 0, 0, 8, 17, 64] : [0x45, 0, 0, 28, 0, 0, 0, 0, 64, 17, 0, 0]
    return EthernetFrame.bytes(type: isIPv6 ? 0x86DD : 0x0800, payload: header + source.bytes + peer.bytes + udp)
  }

  @Test func `a pod sends from both of its addresses, and its neighbours' are spoofed`() async throws {
    try await TestCluster.with { (cluster) async throws in
      let node = cluster.a
      var attachment = try TestCluster.attachment("a1", 11)
      let own6 = try #require(IPv6Address("fd00::11"))
      attachment.address6 = own6
      let pod = try await TestCluster.podNamespace()
      let record = try await node.wirer.add(
        attachment, on: try #require(node.enis["eni-a1"]), in: pod, mode: .veth)
      #expect(try node.datapath.endpoints.value(at: 11)?.ipv6 == own6)
      func passes(_ source: IPAddress, _ peer: IPAddress) throws -> Bool {
        let packet = datagram(from: source, to: peer)
        return try node.datapath.fromPod.verdict(onPacket: packet, controlBlock: 11) == -1
      }
      let peer6 = IPAddress.v6(try #require(IPv6Address("fd00::12")))
      #expect(try passes(.v6(own6), peer6))
      #expect(try !passes(.v6(try #require(IPv6Address("fd00::13"))), peer6))
      #expect(try passes(.v4(attachment.address), .v4(node.address)))
      #expect(try !passes(.v4(IPv4Address(10, 8, 0, 13)), .v4(node.address)))
      // What was recorded is what is taken back.
      try await node.wirer.remove(record, from: pod)
      #expect(try node.datapath.endpoints.value(at: 11)?.ipv6 == nil)
    }
  }

  /// Killed between closing the endpoint and forgetting its flows: whoever comes next finishes it.
  @Test(arguments: [true, false])
  func `a removal that was interrupted is finished by its repetition or by the next pod`(
    isRepeated: Bool
  ) async throws {
    try await TestCluster.with { (cluster) async throws in
      let node = cluster.a
      let first = try await cluster.add("a1", 11, on: "eni-a1", of: node, mode: .veth)
      try plant(11, in: node.datapath)
      try node.datapath.endpoints.setValue(endpoint(ipv4: first.address, flags: 0), at: 11)
      if isRepeated {
        try await node.wirer.remove(first.record, from: first.namespace)
        let entry: endpoint = try #require(try node.datapath.endpoints.value(at: 11))
        #expect(entry.address == 0)
        #expect(entry.flags == 0)
      } else {
        _ = try await node.wirer.add(
          try TestCluster.attachment("a2", 12, endpoint: 11), on: try #require(node.enis["eni-a1"]),
          in: try await TestCluster.podNamespace(), mode: .veth)
      }
      #expect(try flows(of: 11, in: node.datapath) == 0)
    }
  }

  @Test(.requires(.tcx)) func `a pinned link whose interface is gone does not pass for a program`() async throws {
    try await TestCluster.with { (cluster) async throws in
      try await withBPFFileSystem { (directory) async throws in
        let node = cluster.a
        let eni = try #require(node.enis["eni-a1"])
        let wirer = try await PodWirer(
          node: NodeConfiguration(address: node.address), namespace: node.namespace, datapath: node.datapath,
          anchor: .pinnedLink(directory: directory.appending("pods")))
        let attachment = try TestCluster.attachment("a1", 11)
        let socket = try await NetlinkSocket(in: node.namespace)
        let record = try await wirer.add(attachment, on: eni, in: try await TestCluster.podNamespace(), mode: .veth)
        // The pod's link goes without a removal; the pins stay, as files that attach nothing.
        let name = Ownership.nodeLink(of: attachment)
        for _ in 0..<100 {
          if try await socket.links.link(named: name) == nil { break }
          try await Task.sleep(for: .milliseconds(20))
        }
        let pod = try await TestCluster.podNamespace()
        #expect(try await wirer.add(attachment, on: eni, in: pod, mode: .veth) == record)
        #expect(try await Traffic.udp(from: pod, to: node.namespace, at: node.address) == attachment.address)
        _ = try node.datapath.programs.clear(at: UInt32(POD_PROGRAM_EGRESS))
        #expect(try await Traffic.udp(from: pod, to: node.namespace, at: node.address) == nil)
        try await wirer.remove(record, from: pod)
      }
    }
  }

  @Test func `a repair that fails leaves the programs that were there`() async throws {
    try await TestCluster.with { (cluster) async throws in
      let node = cluster.a
      let a1 = try await cluster.add("a1", 11, on: "eni-a1", of: node, mode: .veth)
      let socket = try await NetlinkSocket(in: node.namespace)
      let link = try #require(try await socket.links.link(named: Ownership.nodeLink(of: a1.attachment)))
      // Half of the programs is lost, and somebody else's route takes the place of the pod's.
      for filter in try await socket.filters.all(on: link.index, direction: .egress) {
        try await socket.filters.remove(filter)
      }
      let kept: [TrafficFilter] = try await socket.filters.all(on: link.index, direction: .ingress)
      let identifier: UInt32 = try #require(kept.first?.program?.identifier)
      for route in try await socket.routes.all(table: .main, family: .ipv4)
      where route.destination == IPCIDR("10.8.0.11/32") {
        try await socket.routes.remove(route)
      }
      try await socket.routes.add(
        Route(destination: IPCIDR("10.8.0.11/32"), interface: .loopback, scope: .link, protocol: .static))
      let error = await #expect(throws: DatapathError.self) {
        _ = try await node.wirer.add(
          a1.attachment, on: try #require(node.enis["eni-a1"]), in: a1.namespace, mode: .veth)
      }
      #expect(error?.code == .addressInUse)
      let left: [TrafficFilter] = try await socket.filters.all(on: link.index, direction: .ingress)
      #expect(left.first?.program?.identifier == identifier)
      #expect(try await socket.filters.all(on: link.index, direction: .egress).isEmpty)
      #expect(try node.datapath.endpoints.value(at: 11)?.address == a1.address.networkOrder)
    }
  }

  @Test func `programs that can't be kept in place are an error of their own`() async throws {
    try await TestCluster.with { (cluster) async throws in
      let node = cluster.a
      let wirer = try await PodWirer(
        node: NodeConfiguration(address: node.address), namespace: node.namespace, datapath: node.datapath,
        anchor: .pinnedLink(directory: "/tmp/twk-no-bpf-file-system"))
      let pod = try await TestCluster.podNamespace()
      let before = try await dump(node.namespace)
      let error = await #expect(throws: DatapathError.self) {
        _ = try await wirer.add(
          try TestCluster.attachment("a1", 11), on: try #require(node.enis["eni-a1"]), in: pod, mode: .veth)
      }
      let found: DatapathError = try #require(error)
      #expect(found.code == .programs)
      #expect(found.description.contains("twk-no-bpf-file-system"))
      let cause: BPFError = try #require(found.underlying as? BPFError)
      #expect(cause.code == .notBPFFileSystem)
      #expect(try await dump(node.namespace) == before)
      #expect(try node.datapath.endpoints.value(at: 11)?.flags == 0)
    }
  }
}
