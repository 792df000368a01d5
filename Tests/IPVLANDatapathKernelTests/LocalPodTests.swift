// SPDX-License-Identifier: Apache-2.0

import BPFMaps
import CDatapathABI
import DatapathPrograms
import IPVLANDatapath
import KernelTestSupport
import LinuxSystem
import NetlinkKit
import NetworkTypes
import ServiceLB
import SystemPackage
import Testing

/// The map by which programs know the node's pods, and who is whose sibling.
@Suite("The node's pods", .serialized, .requires(.root))
struct LocalPodTests {
  private func parent(of address: IPv4Address, in datapath: PodDatapath) throws -> UInt32? {
    try datapath.localPods.value(forKey: ip_address(address))
  }

  @Test func `a veth pod is listed without siblings from its addition to its removal`() async throws {
    try await isListedWhileItIsThere(.veth, parents: (0, 0))
  }

  @Test(.requires(.ipvlan)) func `an ipvlan pod is listed with its ENI's number`() async throws {
    try await isListedWhileItIsThere(.ipvlan, parents: (2, 3))
  }

  private func isListedWhileItIsThere(_ mode: WiringMode, parents: (UInt32, UInt32)) async throws {
    try await TestCluster.with { (cluster) async throws in
      let node = cluster.a
      let a1 = try await cluster.add("a1", 11, on: "eni-a1", of: node, mode: mode)
      let a3 = try await cluster.add("a3", 21, on: "eni-a2", of: node, mode: mode)
      #expect(try parent(of: a1.address, in: node.datapath) == parents.0)
      #expect(try parent(of: a3.address, in: node.datapath) == parents.1)
      #expect(try node.datapath.localPods.entries().count == 2)
      let eni = try #require(node.enis["eni-a1"])
      // A pod's second address is listed too.
      var both = a1.attachment
      both.address6 = IPv6Address("fd00::11")
      let record = try await node.wirer.add(both, on: eni, in: a1.namespace, mode: mode)
      #expect(try node.datapath.localPods.entries().count == 3)
      try await node.wirer.remove(record, from: a1.namespace)
      try await node.wirer.remove(record, from: a1.namespace)
      #expect(try node.datapath.localPods.entries().map(\.0.address) == [.v4(a3.address)])
      try await node.wirer.remove(a3.record, from: nil)
      #expect(try node.datapath.localPods.entries().isEmpty)
    }
  }

  @Test func `an addition that fails lists nobody, and strikes nobody off`() async throws {
    try await TestCluster.with { (cluster) async throws in
      let node = cluster.a
      let a1 = try await cluster.add("a1", 11, on: "eni-a1", of: node, mode: .veth)
      // Neither the route to it nor its number can be had.
      for (address, number) in [(UInt8(11), UInt32(99)), (12, 11)] {
        await #expect(throws: DatapathError.self) {
          _ = try await node.wirer.add(
            try TestCluster.attachment("other", address, endpoint: number), on: try #require(node.enis["eni-a1"]),
            in: try await TestCluster.podNamespace(), mode: .veth)
        }
        #expect(try node.datapath.localPods.entries().map(\.0.address) == [.v4(a1.address)])
      }
    }
  }

  @Test func `a map that takes no more is an error, and the pod goes again`() async throws {
    try await TestCluster.with { (cluster) async throws in
      let node = cluster.a
      let before = try await dump(node.namespace)
      let room = node.datapath.localPods.info.maximumEntryCount
      try node.datapath.localPods.update(
        (0..<room).map { (ip_address(IPv4Address(rawValue: 0x0B00_0000 + $0)), UInt32(0)) })
      let error = await #expect(throws: DatapathError.self) {
        _ = try await cluster.add("a1", 11, on: "eni-a1", of: node, mode: .veth)
      }
      #expect(error?.code == .programs)
      #expect((error?.underlying as? BPFError)?.code == .full)
      #expect(try await dump(node.namespace) == before)
      #expect(try node.datapath.endpoints.value(at: 11)?.flags == 0)
    }
  }

  @Test func `removing an earlier pod does not strike off the one that has its address now`() async throws {
    try await TestCluster.with { (cluster) async throws in
      let node = cluster.a
      let first = try await cluster.add("a1", 11, on: "eni-a1", of: node, mode: .veth)
      try await node.wirer.remove(first.record, from: first.namespace)
      let pod = try await TestCluster.podNamespace()
      _ = try await node.wirer.add(
        try TestCluster.attachment("a2", 11, endpoint: 12), on: try #require(node.enis["eni-a1"]), in: pod, mode: .veth)
      try await node.wirer.remove(first.record, from: nil)
      #expect(try parent(of: first.address, in: node.datapath) == 0)
    }
  }

  @Test func `the next process finds the pods listed, and lists those that are missing`() async throws {
    try await TestCluster.with { (cluster) async throws in
      try await withBPFFileSystem { (directory) async throws in
        let node = cluster.a
        let eni = try #require(node.enis["eni-a1"])
        let pod = try await TestCluster.podNamespace()
        let attachment = try TestCluster.attachment("a1", 11)
        func restart() async throws -> (PodDatapath, PodWirer) {
          let datapath = try PodDatapath.load(pinDirectory: directory.appending("datapath"))
          return (
            datapath,
            try await PodWirer(
              node: NodeConfiguration(address: node.address), namespace: node.namespace, datapath: datapath)
          )
        }
        let record = try await restart().1.add(attachment, on: eni, in: pod, mode: .veth)
        let (datapath, wirer) = try await restart()
        #expect(try parent(of: attachment.address, in: datapath) == 0)
        #expect(try await wirer.verify(record, in: pod) == [])
        // As after an upgrade from a version that listed nobody.
        try datapath.localPods.removeAll()
        let found = try await wirer.verify(record, in: pod)
        #expect(
          found.map(\.description) == [
            "node  list 10.8.0.11 among the node's pods\n      found: 10.8.0.11 not listed"
          ])
        _ = try await wirer.add(attachment, on: eni, in: pod, mode: .veth)
        #expect(try await wirer.verify(record, in: pod) == [])
        #expect(try parent(of: attachment.address, in: datapath) == 0)
        try await wirer.remove(record, from: pod)
        #expect(try datapath.localPods.entries().isEmpty)
      }
    }
  }

  /// How many frames left by an ENI.
  private func sent(by eni: ENIAttachment, of node: TestCluster.Node) async throws -> UInt64 {
    try await NetlinkSocket(in: node.namespace).links.link(at: eni.index)?.statistics?.transmitted.packets ?? 0
  }

  @Test(.requires(.ipvlan))
  func `siblings on one ENI reach each other by a service, and no frame leaves the node`() async throws {
    let balancer = try ServiceLoadBalancer.load(limits: ServiceLimits(services: 4, backendsEach: 4))
    try await TestCluster.with(services: balancer.maps) { (cluster) async throws in
      let node = cluster.a
      let eni = try #require(node.enis["eni-a1"])
      let a1 = try await cluster.add("a1", 11, on: "eni-a1", of: node, mode: .ipvlan)
      let a2 = try await cluster.add("a2", 12, on: "eni-a1", of: node, mode: .ipvlan)
      let vip = IPv4Address(172, 20, 0, 10)
      try balancer.apply(
        ServiceTable(
          entries: try [(IPProtocol.tcp, UInt16(8080)), (.udp, 4789)].map { (transport, number) in
            let port = try #require(Port(rawValue: number))
            return ServiceEntry(
              name: ServicePortName(namespace: "test", service: "sibling", port: "\(transport)"),
              frontends: [ServiceFrontend(address: .v4(vip), port: port, protocol: transport)],
              backends: [ServiceBackend(address: .v4(a2.address), port: port)])
          }))
      // The gateway's address is asked for on the wire, and the sibling's answers are on its own link.
      #expect(try await Traffic.ping(from: a1.namespace, to: TestCluster.gateway))
      #expect(try await Traffic.udp(from: a2.namespace, to: a1.namespace, at: a1.address) == a2.address)
      let before = try await sent(by: eni, of: node)
      for _ in 0..<20 {
        #expect(try await Traffic.tcp(from: a1.namespace, to: a2.namespace, at: vip) == a1.address)
        #expect(try await Traffic.udp(from: a1.namespace, to: a2.namespace, at: vip) == a1.address)
      }
      // Neighbours may be asked for again; 20 connections would be more than 100 frames.
      #expect(try await sent(by: eni, of: node) - before < 20)
      #expect(try node.datapath.readDropCounters().isEmpty)
      // Without the wirer's entries the same frames go to the gateway: they did not stay by themselves.
      try node.datapath.localPods.removeAll()
      let unlisted = try await sent(by: eni, of: node)
      for _ in 0..<5 { _ = try await Traffic.udp(from: a1.namespace, to: a2.namespace, at: vip) }
      #expect(try await sent(by: eni, of: node) - unlisted >= 5)
    }
  }
}
