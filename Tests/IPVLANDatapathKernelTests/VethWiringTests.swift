// SPDX-License-Identifier: Apache-2.0

import BPFMaps
import CDatapathABI
import DatapathPrograms
import IPVLANDatapath
import KernelTestSupport
import LinuxSystem
import NetworkTypes
import SystemPackage
import Testing

@Suite("Wiring by veth", .serialized, .requires(.root))
struct VethWiringTests {
  @Test func `veth pods reach each other on one ENI, across ENIs and nodes, and their node`() async throws {
    try await WiringScenarios.allPathsWork(.veth)
  }

  @Test func `veth pods are added and removed twice without a trace`() async throws {
    try await WiringScenarios.verbsAreIdempotent(.veth)
  }

  @Test func `a failed addition leaves nothing behind in veth mode`() async throws {
    try await WiringScenarios.failedAdditionLeavesNothing(.veth)
  }

  @Test func `programs stop forged sources, empty slots drop, and pods wait for policy in veth mode`() async throws {
    try await WiringScenarios.programsGuardThePod(.veth)
  }

  @Test func `damage to veth wiring is reported and repaired`() async throws {
    try await WiringScenarios.damageIsSeenAndRepaired(.veth)
  }

  @Test func `a NIC that is not the ENI meant is refused in veth mode`() async throws {
    try await WiringScenarios.wrongParentIsRefused(.veth)
  }

  @Test func `a pod whose namespace is gone is removed in veth mode`() async throws {
    try await WiringScenarios.vanishedPodIsRemoved(.veth)
  }

  @Test func `pods that are added and removed at the same time do not disturb each other`() async throws {
    try await TestCluster.with { (cluster) async throws in
      let node = cluster.a
      let eni = try #require(node.enis["eni-a1"])
      let before = try await dump(node.namespace)
      var pods: [(PodAttachment, NetworkNamespace)] = []
      for host in 11...13 as ClosedRange<UInt8> {
        pods.append((try TestCluster.attachment("p\(host)", host), try await TestCluster.podNamespace()))
      }
      for _ in 0..<3 {
        try await withThrowingTaskGroup(of: Void.self) { group in
          for (pod, namespace) in pods {
            group.addTask {
              let record = try await node.wirer.add(pod, on: eni, in: namespace, mode: .veth)
              try await node.wirer.remove(record, from: namespace)
            }
          }
          try await group.waitForAll()
        }
      }
      try await Sysctl.write("0", to: "net/ipv4/ip_forward", in: node.namespace)
      #expect(try await dump(node.namespace) == before)
    }
  }

  @Test func `adding, verifying and removing leave no descriptor open`() async throws {
    try await TestCluster.with { (cluster) async throws in
      let pod = try await TestCluster.podNamespace()
      let eni = try #require(cluster.a.enis["eni-a1"])
      let attachment = try TestCluster.attachment("a1", 11)
      try await expectNoDescriptorLeak {
        let record = try await cluster.a.wirer.add(attachment, on: eni, in: pod, mode: .veth)
        _ = try await cluster.a.wirer.verify(record, in: pod)
        try await cluster.a.wirer.remove(record, from: pod)
      }
    }
  }

  @Test(.requires(.tcx)) func `pinned links outlive the wirer, and go with the pod`() async throws {
    try await TestCluster.with { (cluster) async throws in
      try await withBPFFileSystem { (directory) async throws in
        let node = cluster.a
        let make = { () async throws in
          try await PodWirer(
            node: NodeConfiguration(address: node.address), namespace: node.namespace, datapath: node.datapath,
            anchor: .pinnedLink(directory: directory.appending("pods")))
        }
        let pod = try await TestCluster.podNamespace()
        let attachment = try TestCluster.attachment("a1", 11)
        let eni = try #require(node.enis["eni-a1"])
        let record = try await make().add(attachment, on: eni, in: pod, mode: .veth)
        #expect(try FileSystem.entries(of: directory.appending("pods")) == ["from_pod_11", "to_pod_11"])
        #expect(try await make().verify(record, in: pod) == [])
        #expect(try await make().add(attachment, on: eni, in: pod, mode: .veth) == record)
        #expect(try await Traffic.udp(from: pod, to: node.namespace, at: node.address) == attachment.address)
        _ = try node.datapath.programs.clear(at: UInt32(POD_PROGRAM_EGRESS))
        #expect(try await Traffic.udp(from: pod, to: node.namespace, at: node.address) == nil)
        try await make().remove(record, from: pod)
        #expect(try FileSystem.entries(of: directory.appending("pods")) == [])
      }
    }
  }

  @Test func `an endpoint without a datapath is refused before anything is made`() async throws {
    try await TestCluster.with { (cluster) async throws in
      let node = cluster.a
      let wirer = try await PodWirer(node: NodeConfiguration(address: node.address), namespace: node.namespace)
      let pod = try await TestCluster.podNamespace()
      let before = try await dump(node.namespace)
      let eni = try #require(node.enis["eni-a1"])
      let error = await #expect(throws: DatapathError.self) {
        _ = try await wirer.add(try TestCluster.attachment("a1", 11), on: eni, in: pod, mode: .veth)
      }
      #expect(error?.message == "endpoint 11 needs programs, and this wirer was made without a datapath")
      #expect(try await dump(node.namespace) == before)
      // Wiring alone is fine.
      var plain = try TestCluster.attachment("a1", 11)
      plain.endpoint = nil
      _ = try await wirer.add(plain, on: eni, in: pod, mode: .veth)
      #expect(try await Traffic.tcp(from: pod, to: node.namespace, at: node.address) == plain.address)
    }
  }
}
