// SPDX-License-Identifier: Apache-2.0

import KernelTestSupport
import LinuxSystem
import NetlinkKit
import NetworkTypes
import Testing

@Suite("Settings of links in the kernel", .serialized, .requires(.root))
struct LinkSettingsKernelTests {
  @Test func `a link is born with everything that was asked for`() async throws {
    try await withVeth { socket, _ in
      let there = try await NetworkNamespace.makeAnonymous()
      let far = try await NetlinkSocket(in: there)
      let bridge = try await far.links.add(NewLink(name: "br0", kind: .bridge))
      let index = try #require(InterfaceIndex(rawValue: 4711))
      let limits = SegmentationLimits(gsoMaximumSize: 30_000, gsoMaximumSegments: 11, groMaximumSize: 20_000)
      let link = try await socket.links.add(
        NewLink(
          name: "w0", kind: .veth(peer: VethPeer(name: "w1")), namespace: there, index: index, master: bridge.index,
          group: LinkGroup(9), transmitQueueCount: 3, receiveQueueCount: 2, transmitQueueLength: 77,
          segmentation: limits, broadcastAddress: MACAddress("02:ff:ff:ff:ff:ff")))
      #expect(link.index == index)
      #expect(link.masterIndex == bridge.index)
      #expect(link.group == LinkGroup(9))
      #expect(link.transmitQueueCount == 3)
      #expect(link.receiveQueueCount == 2)
      #expect(link.transmitQueueLength == 77)
      #expect(link.segmentation.gsoMaximumSize == 30_000)
      #expect(link.segmentation.gsoMaximumSegments == 11)
      #expect(link.segmentation.groMaximumSize == 20_000)
      #expect(link.broadcastAddress == MACAddress("02:ff:ff:ff:ff:ff"))
    }
  }

  @Test func `an index that is taken is refused by name`() async throws {
    try await withVeth { socket, link in
      let error = await #expect(throws: NetlinkError.self) {
        try await socket.links.create(NewLink(name: "w0", kind: .veth(), index: link.index))
      }
      #expect(error?.code == .exists)
      #expect(error?.message.contains("the name or index \(link.index) already exists") == true)
      let there = try await NetworkNamespace.makeAnonymous()
      let far = try await NetlinkSocket(in: there)
      let index = try #require(InterfaceIndex(rawValue: 4711))
      try await far.links.create(NewLink(name: "w0", kind: .veth(), index: index))
      let moved = await #expect(throws: NetlinkError.self) {
        try await socket.links.change(link.index, LinkChanges(namespace: there, newIndex: index))
      }
      #expect(moved?.code == .busy)
      #expect(moved?.message.contains("has a link with index 4711") == true)
      let tooMany = await #expect(throws: NetlinkError.self) {
        try await socket.links.create(NewLink(name: "w0", kind: .veth(), transmitQueueCount: 5000))
      }
      #expect(tooMany?.code == .invalidArgument)
      #expect(tooMany?.kernelMessage == "Invalid number of transmit queues")
    }
  }

  @Test func `a link is moved under a new name and a new index`() async throws {
    try await withVeth { socket, link in
      let there = try await NetworkNamespace.makeAnonymous()
      let index = try #require(InterfaceIndex(rawValue: 77))
      try await socket.links.change(
        link.index, LinkChanges(name: "eth0", isUp: false, namespace: there, newIndex: index))
      #expect(try await socket.links.link(named: "v0") == nil)
      let moved = try #require(try await NetlinkSocket(in: there).links.link(at: index))
      #expect(moved.name == "eth0")
    }
  }

  @Test func `group, queue length, limits, broadcast address and mode change by request`() async throws {
    try await withVeth { socket, link in
      let limits = SegmentationLimits(gsoMaximumSize: 30_000, gsoMaximumSegments: 10, groMaximumSize: 20_000)
      try await socket.links.change(
        link.index,
        LinkChanges(
          group: LinkGroup(7), transmitQueueLength: 500, segmentation: limits,
          broadcastAddress: MACAddress("02:ff:ff:ff:ff:ff"), mode: .dormant))
      let changed = try #require(try await socket.links.link(at: link.index))
      #expect(changed.group == LinkGroup(7))
      #expect(changed.transmitQueueLength == 500)
      #expect(changed.segmentation.gsoMaximumSize == 30_000)
      #expect(changed.segmentation.gsoMaximumSegments == 10)
      #expect(changed.segmentation.groMaximumSize == 20_000)
      #expect(changed.broadcastAddress == MACAddress("02:ff:ff:ff:ff:ff"))
      #expect(changed.mode == .dormant)
      let row = try #require(try await rows(socket, "ip -j -d link show v0").first)
      #expect(row["group"] as? String == "7")
      #expect(row["txqlen"] as? Int == 500)
      #expect(row["linkmode"] as? String == "DORMANT")
      #expect(row["gso_max_size"] as? Int == 30_000)
      try await socket.links.change(link.index, LinkChanges(isUp: true, operationalState: .dormant))
      #expect(try await socket.links.link(at: link.index)?.operationalState == .dormant)
      try await socket.links.change(link.index, LinkChanges(operationalState: .up))
      #expect(try await socket.links.link(at: link.index)?.operationalState == .up)
      let beyond = await #expect(throws: NetlinkError.self) {
        try await socket.links.change(
          link.index, LinkChanges(segmentation: SegmentationLimits(gsoMaximumSize: 1 << 30)))
      }
      #expect(beyond?.code == .invalidArgument)
    }
  }

  @Test(.requires(.ipv4SegmentationLimits)) func `IPv4 has limits of its own`() async throws {
    try await withVeth { socket, link in
      let limits = SegmentationLimits(
        gsoMaximumSize: 200_000, groMaximumSize: 190_000, gsoIPv4MaximumSize: 100_000, groIPv4MaximumSize: 90_000)
      try await socket.links.change(link.index, LinkChanges(segmentation: limits))
      var read = try #require(try await socket.links.link(at: link.index)).segmentation
      read.gsoMaximumSegments = nil
      #expect(read == limits)
    }
  }

  @Test(arguments: [
    (LinkFlags.promiscuous, LinkChanges(isPromiscuous: true), LinkChanges(isPromiscuous: false)),
    (.allMulticast, LinkChanges(isAllMulticast: true), LinkChanges(isAllMulticast: false)),
    (.multicast, LinkChanges(isMulticast: true), LinkChanges(isMulticast: false)),
    (.noARP, LinkChanges(isARPEnabled: false), LinkChanges(isARPEnabled: true)),
    (.up, LinkChanges(isUp: true), LinkChanges(isUp: false)),
  ]) func `a flag goes on and off, and takes no other along`(
    flag: LinkFlags, on: LinkChanges, off: LinkChanges
  ) async throws {
    try await withVeth { socket, link in
      // What follows by itself from the flag, and from the other end.
      let free: LinkFlags = [flag, .running, .lowerUp]
      try await socket.links.change(link.index, off)
      let without = try #require(try await socket.links.link(at: link.index))
      #expect(!without.flags.contains(flag))
      try await socket.links.change(link.index, on)
      let with = try #require(try await socket.links.link(at: link.index))
      #expect(with.flags.contains(flag))
      #expect(with.flags.subtracting(free) == without.flags.subtracting(free))
      if flag == .promiscuous { #expect((without.promiscuity, with.promiscuity) == (0, 1)) }
      if flag == .allMulticast { #expect((without.allMulticastCount, with.allMulticastCount) == (0, 1)) }
      try await socket.links.change(link.index, off)
      let again = try #require(try await socket.links.link(at: link.index))
      #expect(again.flags.subtracting(free) == without.flags.subtracting(free))
      #expect(!again.flags.contains(flag))
    }
  }

  @Test(.requires(.macvlan)) func `a macvlan is held down by a protocol`() async throws {
    try await withVeth { socket, parent in
      let link = try await socket.links.add(NewLink(name: "m0", kind: .macvlan(parent: parent.index)))
      #expect(link.isProtocolDown == false)
      try await socket.links.change(link.index, LinkChanges(isProtocolDown: true))
      #expect(try await socket.links.link(at: link.index)?.isProtocolDown == true)
      try await inNamespaceOf(socket, "ip link set m0 protodown_reason 3 on")
      #expect(try await socket.links.link(at: link.index)?.protocolDownReasons == 8)
    }
  }

  @Test(.requires(.dummy)) func `a dummy is told that its carrier is gone`() async throws {
    try await withVeth { socket, _ in
      let link = try await socket.links.add(NewLink(name: "d0", kind: .dummy, isUp: true))
      try await socket.links.change(link.index, LinkChanges(hasCarrier: false))
      let without = try #require(try await socket.links.link(at: link.index))
      #expect(without.hasCarrier == false)
      try await socket.links.change(link.index, LinkChanges(hasCarrier: true))
      let with = try #require(try await socket.links.link(at: link.index))
      #expect(with.hasCarrier == true)
      #expect(with.carrierUpCount == without.carrierUpCount.map { $0 + 1 })
    }
  }

  @Test func `a link is told to make no IPv6 address by itself`() async throws {
    try await withVeth { socket, link in
      #expect(link.ipv6AddressGeneration == .eui64)
      try await socket.links.change(link.index, LinkChanges(isUp: false))
      try await socket.links.change(link.index, LinkChanges(ipv6AddressGeneration: .off))
      try await socket.links.change(link.index, LinkChanges(isUp: true))
      #expect(try await socket.links.link(at: link.index)?.ipv6AddressGeneration == .off)
      #expect(try await socket.addresses.all(on: link.index).allSatisfy { $0.address.family == .ipv4 })
      let unknown = await #expect(throws: NetlinkError.self) {
        try await socket.links.change(
          link.index, LinkChanges(ipv6AddressGeneration: IPv6AddressGeneration(rawValue: 9)))
      }
      #expect(unknown?.code == .invalidArgument)
    }
  }

  @Test(.requires(.macvlan)) func `a pod's socket makes a link on the host's device`() async throws {
    try await withVeth { socket, parent in
      let here = try #require(Scratch.namespace)
      let pod = try await NetlinkSocket(in: try await NetworkNamespace.makeAnonymous())
      let id = try await pod.namespaceIDs.ensureID(of: here)
      let link = try await pod.links.add(
        NewLink(name: "eth0", kind: .macvlan(parent: parent.index), parentNamespaceID: id))
      #expect(link.parentIndex == parent.index)
      #expect(link.parentNamespaceID == id)
      let missing = try #require(InterfaceIndex(rawValue: 4711))
      let error = await #expect(throws: NetlinkError.self) {
        try await pod.links.create(NewLink(name: "eth1", kind: .macvlan(parent: missing), parentNamespaceID: id))
      }
      #expect(error?.code == .notFound)
      #expect(error?.message.contains("not found in the namespace with id \(id)") == true)
    }
  }

  @Test func `a driver that takes no orders is notSupported`() async throws {
    try await withVeth { socket, _ in
      let error = await #expect(throws: NetlinkError.self) {
        try await socket.links.change(.loopback, LinkChanges(isProtocolDown: true))
      }
      #expect(error?.code == .notSupported)
      #expect(error?.message.contains("takes no orders about carrier or protocol-down") == true)
    }
  }

  @Test func `the links of a group change and go together`() async throws {
    try await withVeth { socket, link in
      for name in ["g0", "g1"] as [InterfaceName] {
        try await socket.links.create(NewLink(name: name, kind: .bridge, group: LinkGroup(5)))
      }
      try await socket.links.change(group: LinkGroup(5), LinkChanges(mtu: 1300, isUp: true))
      let members = try await socket.links.all().filter { $0.group == LinkGroup(5) }
      #expect(members.map(\.mtu) == [1300, 1300])
      #expect(members.map(\.isUp) == [true, true])
      #expect(try await socket.links.link(at: link.index)?.mtu == 1500)
      let refused = await #expect(throws: NetlinkError.self) {
        try await socket.links.change(group: LinkGroup(5), LinkChanges(group: LinkGroup(6)))
      }
      #expect(refused?.code == .invalidArgument)
      try await socket.links.remove(group: LinkGroup(5))
      #expect(try await socket.links.all().count == 3)
      let empty = await #expect(throws: NetlinkError.self) { try await socket.links.remove(group: LinkGroup(5)) }
      #expect(empty?.code == .notFound)
      let everything = await #expect(throws: NetlinkError.self) { try await socket.links.remove(group: .default) }
      #expect(everything?.code == .permissionDenied)
      // An empty group is nothing to change.
      try await socket.links.change(group: LinkGroup(5), LinkChanges(mtu: 1300))
    }
  }
}
