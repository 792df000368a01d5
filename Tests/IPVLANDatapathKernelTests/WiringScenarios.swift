// SPDX-License-Identifier: Apache-2.0

import BPFMaps
import CDatapathABI
import DatapathPrograms
import IPVLANDatapath
import KernelTestSupport
import LinuxSystem
import NetlinkKit
import NetworkTypes
import Testing
import VPCSimulator

/// What has to hold in either mode; the suites of both modes run these.
enum WiringScenarios {
  /// UDP, TCP and ICMP, and whose address the other side sees.
  static func expectTraffic(
    from source: (NetworkNamespace, IPv4Address), to destination: (NetworkNamespace, IPv4Address), _ what: String
  ) async throws {
    let udp = try await Traffic.udp(from: source.0, to: destination.0, at: destination.1)
    #expect(udp == source.1, "UDP, \(what)")
    let tcp = try await Traffic.tcp(from: source.0, to: destination.0, at: destination.1)
    #expect(tcp == source.1, "TCP, \(what)")
    #expect(try await Traffic.ping(from: source.0, to: destination.1), "ICMP, \(what)")
  }

  static func allPathsWork(_ mode: WiringMode) async throws {
    try await TestCluster.with { (cluster) async throws in
      let a1 = try await cluster.add("a1", 11, on: "eni-a1", of: cluster.a, mode: mode)
      let a2 = try await cluster.add("a2", 12, on: "eni-a1", of: cluster.a, mode: mode)
      let a3 = try await cluster.add("a3", 21, on: "eni-a2", of: cluster.a, mode: mode)
      let b1 = try await cluster.add("b1", 31, on: "eni-b1", of: cluster.b, mode: mode)
      for (node, pod) in [(cluster.a, a1), (cluster.a, a2), (cluster.a, a3), (cluster.b, b1)] {
        #expect(try await node.wirer.verify(pod.record, in: pod.namespace) == [])
      }
      let place: (TestCluster.Pod) -> (NetworkNamespace, IPv4Address) = { ($0.namespace, $0.address) }
      let (nodeA, nodeB) = ((cluster.a.namespace, cluster.a.address), (cluster.b.namespace, cluster.b.address))
      for (one, other, what) in [
        (place(a1), place(a2), "same ENI"), (place(a1), place(a3), "across ENIs"),
        (place(a1), place(b1), "across nodes"),
        (place(a1), nodeA, "pod and its node"), (place(a3), nodeA, "pod on the second ENI and its node"),
        (place(a2), nodeB, "pod and another node"), (nodeA, nodeB, "two nodes"),
      ] {
        try await expectTraffic(from: one, to: other, what)
        try await expectTraffic(from: other, to: one, "\(what), the other way")
      }
      // The programs saw it and dropped nothing, and the VPC saw nobody's address but the sender's.
      #expect(try cluster.a.datapath.readDropCounters().isEmpty)
      #expect(try await cluster.fabric.spoofedPackets() == 0)
    }
  }

  static func verbsAreIdempotent(_ mode: WiringMode) async throws {
    try await TestCluster.with { (cluster) async throws in
      let node = cluster.a
      let forwarding = try await Sysctl.read("net/ipv4/ip_forward", in: node.namespace)
      let empty = try await dump(node.namespace)
      let a1 = try await cluster.add("a1", 11, on: "eni-a1", of: node, mode: mode)
      let emptyPod = try await dump(try await TestCluster.podNamespace())
      let one = (try await dump(node.namespace), try await dump(a1.namespace))
      let eni = try #require(node.enis["eni-a1"])
      #expect(try await node.wirer.add(a1.attachment, on: eni, in: a1.namespace, mode: mode) == a1.record)
      #expect(try await dump(node.namespace) == one.0)
      #expect(try await dump(a1.namespace) == one.1)

      let a2 = try await cluster.add("a2", 12, on: "eni-a1", of: node, mode: mode)
      try await node.wirer.remove(a2.record, from: a2.namespace)
      #expect(try await dump(node.namespace) == one.0, "the first pod's wiring is untouched")
      #expect(try await dump(a2.namespace) == emptyPod)
      #expect(try node.datapath.endpoints.value(at: 12)?.flags == 0)
      let siblings = mode == .ipvlan ? ENDPOINT_SIBLINGS : 0
      #expect(try node.datapath.endpoints.value(at: 11)?.flags == UInt32(ENDPOINT_PRESENT | siblings))
      try await expectTraffic(
        from: (a1.namespace, a1.address), to: (node.namespace, node.address), "after a neighbour left")

      try await node.wirer.remove(a2.record, from: a2.namespace)
      try await node.wirer.remove(a1.record, from: a1.namespace)
      try await node.wirer.remove(a1.record, from: a1.namespace)
      let unknown = WiringRecord(
        mode: mode, node: a1.record.node, eni: eni, pod: try TestCluster.attachment("never", 13))
      try await node.wirer.remove(unknown, from: nil)
      #expect(try await dump(a1.namespace) == emptyPod)
      try await Sysctl.write(forwarding, to: "net/ipv4/ip_forward", in: node.namespace)
      #expect(try await dump(node.namespace) == empty)
      #expect(try await Traffic.ping(from: node.namespace, to: cluster.b.address), "the node's own address survived")
    }
  }

  static func failedAdditionLeavesNothing(_ mode: WiringMode) async throws {
    try await TestCluster.with { (cluster) async throws in
      let node = cluster.a
      let socket = try await NetlinkSocket(in: node.namespace)
      // Somebody else's route: the plan's last steps run into it.
      try await socket.routes.add(
        Route(destination: IPCIDR("10.8.0.13/32"), interface: .loopback, scope: .link, protocol: .static))
      let pod = try await TestCluster.podNamespace()
      let before = (try await dump(node.namespace), try await dump(pod))
      let eni = try #require(node.enis["eni-a1"])
      let attachment = try TestCluster.attachment("late", 13)
      let error = await #expect(throws: DatapathError.self) {
        _ = try await node.wirer.add(attachment, on: eni, in: pod, mode: mode)
      }
      #expect(error?.code == .addressInUse)
      #expect(error?.pod == attachment.pod)
      #expect(error?.step?.contains("ip route add 10.8.0.13/32") == true)
      #expect(try await dump(node.namespace) == before.0)
      #expect(try await dump(pod) == before.1)
      #expect(try node.datapath.endpoints.value(at: 13)?.flags == 0)

      // An address that another pod has, on the same ENI and on the other; an endpoint that another pod has.
      let a1 = try await cluster.add("a1", 11, on: "eni-a1", of: node, mode: mode)
      let wired = (try await dump(node.namespace), try await dump(a1.namespace))
      for (name, eni, endpoint, code) in [
        ("twin", "eni-a1", UInt32(99), DatapathError.Code.addressInUse), ("twin", "eni-a1", 11, .addressInUse),
        ("twin", "eni-a2", 99, .addressInUse), ("number", "eni-a1", 11, .conflict),
      ] {
        let host: UInt8 = name == "number" ? 12 : 11
        let other = try TestCluster.attachment(name, host, endpoint: endpoint)
        let parent = try #require(node.enis[eni])
        let error = await #expect(throws: DatapathError.self, "\(name) on \(eni)") {
          _ = try await node.wirer.add(other, on: parent, in: pod, mode: mode)
        }
        #expect(error?.code == code, "\(name) on \(eni) with endpoint \(endpoint): \(String(describing: error))")
        #expect(try await dump(node.namespace) == wired.0)
        #expect(try await dump(pod) == before.1)
        #expect(try await dump(a1.namespace) == wired.1)
        #expect(try node.datapath.endpoints.value(at: 11)?.address == a1.address.networkOrder)
      }
      try await expectTraffic(from: (a1.namespace, a1.address), to: (node.namespace, node.address), "after all that")
    }
  }

  static func programsGuardThePod(_ mode: WiringMode) async throws {
    try await TestCluster.with { (cluster) async throws in
      let node = cluster.a
      let a1 = try await cluster.add("a1", 11, on: "eni-a1", of: node, mode: mode)
      let a2 = try await cluster.add("a2", 12, on: "eni-a1", of: node, mode: mode)
      // A forged source is dropped at the pod, and no VPC has to.
      let forged = IPv4Address(10, 8, 0, 77)
      let socket = try await NetlinkSocket(in: a1.namespace)
      try await socket.addresses.add(InterfaceAddress(index: .loopback, address: .v4(forged), prefixLength: 32))
      #expect(
        try await Traffic.udp(from: a1.namespace, bound: forged, to: cluster.b.namespace, at: cluster.b.address) == nil)
      #expect(try node.datapath.readDropCounters()[.invalidSource]?.packets ?? 0 > 0)
      #expect(try await cluster.fabric.spoofedPackets() == 0)

      // An empty slot drops, in its direction only.
      _ = try node.datapath.programs.clear(at: UInt32(POD_PROGRAM_INGRESS))
      #expect(try await Traffic.udp(from: node.namespace, to: a1.namespace, at: a1.address) == nil)
      #expect(try await Traffic.udp(from: a2.namespace, to: a1.namespace, at: a1.address) == nil)
      #expect(try node.datapath.readDropCounters()[.missedTailCall]?.packets ?? 0 > 0)
      try node.datapath.programs.setProgram(node.datapath.toPod, at: UInt32(POD_PROGRAM_INGRESS))
      // ARP answers were dropped too, and an unfinished resolution would hold the next datagram back.
      let sibling = try await NetlinkSocket(in: a2.namespace)
      for neighbour in try await sibling.neighbours.all() where neighbour.address == .v4(a1.address) {
        try await sibling.neighbours.remove(neighbour)
      }
      #expect(try await Traffic.udp(from: a2.namespace, to: a1.namespace, at: a1.address) == a2.address)

      // A pod that waits for its policy neither sends nor receives.
      var waiting = try TestCluster.attachment("waiting", 13)
      waiting.requiresPolicy = true
      waiting.isRouter = true
      let pod = try await TestCluster.podNamespace()
      let eni = try #require(node.enis["eni-a1"])
      let record = try await node.wirer.add(waiting, on: eni, in: pod, mode: mode)
      let flags = try node.datapath.endpoints.value(at: 13)?.flags
      let siblings = mode == .ipvlan ? ENDPOINT_SIBLINGS : 0
      #expect(flags == UInt32(ENDPOINT_PRESENT | ENDPOINT_POLICY_REQUIRED | ENDPOINT_ROUTER | siblings))
      #expect(try await Traffic.udp(from: pod, to: a1.namespace, at: a1.address) == nil)
      #expect(try await Traffic.udp(from: a1.namespace, to: pod, at: waiting.address) == nil)
      #expect(try node.datapath.readDropCounters()[.endpointNotReady]?.packets ?? 0 > 0)
      try await node.wirer.remove(record, from: pod)

      // The programs outlive the wirer: another one finds all as planned.
      let next = try await PodWirer(
        node: NodeConfiguration(address: node.address), namespace: node.namespace, datapath: node.datapath)
      #expect(try await next.verify(a1.record, in: a1.namespace) == [])
    }
  }

  static func damageIsSeenAndRepaired(_ mode: WiringMode) async throws {
    try await TestCluster.with { (cluster) async throws in
      let node = cluster.a
      let a1 = try await cluster.add("a1", 11, on: "eni-a1", of: node, mode: mode)
      let eni = try #require(node.enis["eni-a1"])
      let socket = try await NetlinkSocket(in: a1.namespace)
      let nodeSocket = try await NetlinkSocket(in: node.namespace)
      let wired = (try await dump(node.namespace), try await dump(a1.namespace))
      let guarded =
        mode == .ipvlan ? (socket, InterfaceName("eth0")) : (nodeSocket, Ownership.nodeLink(of: a1.attachment))
      let index = try #require(try await guarded.0.links.link(named: guarded.1)).index

      try await guarded.0.qdiscs.removeClsact(on: index)
      let podRoute = try #require(
        try await nodeSocket.routes.all(table: .main, family: .ipv4).first { $0.destination == IPCIDR("10.8.0.11/32") })
      try await nodeSocket.routes.remove(podRoute)
      let eth0 = try #require(try await socket.links.link(named: "eth0")).index
      for neighbour in try await socket.neighbours.all(on: eth0) where neighbour.state == .permanent {
        try await socket.neighbours.remove(neighbour)
      }
      let found = try await node.wirer.verify(a1.record, in: a1.namespace)
      #expect(found.count == 3, "\(found)")
      #expect(found.contains { $0.step.contains("attach programs") && $0.found.contains("no from-pod program") })
      #expect(found.contains { $0.step.contains("ip route add 10.8.0.11/32") && $0.found == "nothing" })
      #expect(found.contains { $0.step.contains("ip neighbour replace") })

      _ = try await node.wirer.add(a1.attachment, on: eni, in: a1.namespace, mode: mode)
      #expect(try await node.wirer.verify(a1.record, in: a1.namespace) == [])
      #expect(try await dump(node.namespace) == wired.0)
      #expect(try await dump(a1.namespace) == wired.1)
    }
  }

  static func wrongParentIsRefused(_ mode: WiringMode) async throws {
    try await TestCluster.with { (cluster) async throws in
      let node = cluster.a
      let pod = try await TestCluster.podNamespace()
      let before = try await dump(node.namespace)
      var eni = try #require(node.enis["eni-a1"])
      eni.mac = MACAddress(truncating: 0x0200_0000_0001)
      let stale = await #expect(throws: DatapathError.self) {
        _ = try await node.wirer.add(try TestCluster.attachment("a1", 11), on: eni, in: pod, mode: mode)
      }
      #expect(stale?.code == .linkNotFound)
      #expect(stale?.message.contains("look it up by its MAC address") == true)
      eni.index = try #require(InterfaceIndex(rawValue: 9999))
      let absent = await #expect(throws: DatapathError.self) {
        _ = try await node.wirer.add(try TestCluster.attachment("a1", 11), on: eni, in: pod, mode: mode)
      }
      #expect(absent?.message == "no link 9999 (eth1) on the node; attach the ENI first")
      #expect(try await dump(node.namespace) == before)
    }
  }

  static func vanishedPodIsRemoved(_ mode: WiringMode) async throws {
    try await TestCluster.with { (cluster) async throws in
      let node = cluster.a
      let empty = try await dump(node.namespace)
      let record = try await cluster.add("a1", 11, on: "eni-a1", of: node, mode: mode).record
      // The pod's namespace went with its last handle; the kernel takes a moment.
      let socket = try await NetlinkSocket(in: node.namespace)
      for _ in 0..<100 where mode == .veth {
        if try await socket.links.link(named: Ownership.nodeLink(of: record.pod)) == nil { break }
        try await Task.sleep(for: .milliseconds(20))
      }
      try await node.wirer.remove(record, from: nil)
      try await Sysctl.write("0", to: "net/ipv4/ip_forward", in: node.namespace)
      #expect(try await dump(node.namespace) == empty)
      #expect(try node.datapath.endpoints.value(at: 11)?.flags == 0)
    }
  }
}
