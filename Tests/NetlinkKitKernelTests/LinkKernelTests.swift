// SPDX-License-Identifier: Apache-2.0

import KernelTestSupport
import LinuxSystem
import NetlinkKit
import NetworkTypes
import Testing

@Suite("Links in the kernel", .serialized, .requires(.root))
struct LinkKernelTests {
  @Test func `a veth pair is created with both ends as asked and read back`() async throws {
    try await withScratchNamespace { here in
      let there = try await NetworkNamespace.makeAnonymous()
      let socket = try await NetlinkSocket(in: here)
      let address = try #require(MACAddress("02:00:00:00:00:01"))
      let peerAddress = try #require(MACAddress("02:00:00:00:00:02"))
      let link = try await socket.links.add(
        NewLink(
          name: "v0",
          kind: .veth(peer: VethPeer(name: "v1", namespace: there, mtu: 1300, address: peerAddress, isUp: true)),
          mtu: 1400, address: address, isUp: true, alias: "test: v0"))
      #expect(link.name == "v0")
      #expect(link.kind == .veth(peer: nil))
      #expect(link.mtu == 1400)
      #expect(link.address == address)
      #expect(link.isUp)
      #expect(link.isARPEnabled)
      #expect(link.alias == "test: v0")
      #expect(link.parentNamespaceID != nil)
      #expect(link.statistics != nil)
      #expect(try await socket.links.link(named: "v1") == nil)

      let peerSocket = try await NetlinkSocket(in: there)
      let peer = try #require(try await peerSocket.links.link(named: "v1"))
      #expect(peer.mtu == 1300)
      #expect(peer.address == peerAddress)
      #expect(peer.isUp)
      #expect(peer.index == link.parentIndex)
      // The kernel notices the other end a moment later.
      for _ in 0..<200 {
        if try await peerSocket.links.link(named: "v1")?.operationalState == .up { break }
        try await Task.sleep(for: .milliseconds(20))
      }
      #expect(try await peerSocket.links.link(named: "v1")?.operationalState == .up)
      #expect(try await socket.links.link(at: link.index)?.name == "v0")
      #expect(try await socket.links.link(withAddress: address)?.index == link.index)
    }
  }

  @Test func `a link with a hostile name does not hide the others`() async throws {
    try await withVeth { socket, _ in
      try await inNamespaceOf(socket, "ip link add \"$(printf 'a\\001b')\" type bridge")
      let links = try await socket.links.all()
      #expect(links.count == 4)
      let hostile = try #require(links.first { $0.name.rawValue == "?\($0.index)" })
      #expect(hostile.otherAttributes[3] == [[97, 1, 98, 0]])
      try await socket.links.remove(hostile.index)
    }
  }

  @Test func `raising a link changes no other flag`() async throws {
    try await withVeth { socket, link in
      try await socket.links.change(link.index, LinkChanges(isARPEnabled: false))
      try await inNamespaceOf(socket, "ip", "link", "set", "v0", "promisc", "on", "allmulticast", "on")
      let before = try #require(try await socket.links.link(at: link.index))
      #expect(before.flags.isSuperset(of: [.noARP, .promiscuous, .allMulticast, .multicast, .up]))

      try await socket.links.change(link.index, LinkChanges(isUp: false))
      let down = try #require(try await socket.links.link(at: link.index))
      #expect(!down.isUp)
      #expect(down.flags.isSuperset(of: [.noARP, .promiscuous, .allMulticast, .multicast]))

      try await socket.links.change(link.index, LinkChanges(isUp: true))
      // What the kernel says about the other end (running, lower up) comes a moment later.
      let kernelsOwn: LinkFlags = [.running, .lowerUp]
      let after = try #require(try await socket.links.link(at: link.index))
      #expect(after.flags.subtracting(kernelsOwn) == before.flags.subtracting(kernelsOwn))
    }
  }

  @Test func `name, MTU, address, alias, master and namespace change by request`() async throws {
    try await withVeth { socket, link in
      let bridge = try await socket.links.add(NewLink(name: "br0", kind: .bridge, isUp: true))
      #expect(bridge.kind?.name == "bridge")
      let address = try #require(MACAddress("02:00:00:00:00:99"))
      try await socket.links.change(
        link.index, LinkChanges(mtu: 1280, address: address, isUp: false, alias: "pod x", master: bridge.index))
      try await socket.links.change(link.index, LinkChanges(name: "renamed"))
      let changed = try #require(try await socket.links.link(named: "renamed"))
      #expect(changed.index == link.index)
      #expect(changed.mtu == 1280)
      #expect(changed.address == address)
      #expect(changed.alias == "pod x")
      #expect(changed.masterIndex == bridge.index)
      #expect(changed.kind == .veth(peer: nil))

      let there = try await NetworkNamespace.makeAnonymous()
      try await socket.links.change(link.index, LinkChanges(alias: "", namespace: there, master: .some(nil)))
      #expect(try await socket.links.link(at: link.index) == nil)
      let moved = try #require(try await NetlinkSocket(in: there).links.link(named: "renamed"))
      #expect(moved.alias == nil)
      #expect(moved.masterIndex == nil)
    }
  }

  @Test(.requires(.macvlan)) func `a macvlan is born in another namespace and reads back its mode`() async throws {
    try await withVeth { socket, parent in
      let there = try await NetworkNamespace.makeAnonymous()
      let kind = LinkKind.macvlan(parent: parent.index, mode: .private)
      let link = try await socket.links.add(NewLink(name: "eth0", kind: kind, isUp: true, namespace: there))
      #expect(kind.isMet(by: try #require(link.kind)))
      #expect(link.isUp)
      #expect(link.parentNamespaceID != nil)
      #expect(try await socket.links.link(named: "eth0") == nil)
    }
  }

  @Test(
    .requires(.ipvlan),
    arguments: [IPVLANMode.l2, .l3, .l3s], [IPVLANFlag.bridge, .private, .vepa])
  func `an ipvlan is born under its name in another namespace and reads back`(
    mode: IPVLANMode, flag: IPVLANFlag
  ) async throws {
    try await withVeth { socket, parent in
      let there = try await NetworkNamespace.makeAnonymous()
      let kind = LinkKind.ipvlan(parent: parent.index, mode: mode, flag: flag)
      let link = try await socket.links.add(
        NewLink(name: "eth0", kind: kind, mtu: 1400, isUp: true, alias: "pod", namespace: there))
      #expect(link.kind == kind)
      #expect(link.mtu == 1400)
      #expect(link.alias == "pod")
      #expect(link.isUp)
      #expect(link.address == parent.address)
      #expect(link.parentIndex == parent.index)
      #expect(try await socket.links.link(named: "eth0") == nil)
    }
  }

  @Test func `a link that cannot be finished is removed again`() async throws {
    try await withScratchNamespace { here in
      let socket = try await NetlinkSocket(in: here)
      // An alias of more than 255 bytes is refused after the link was created.
      let error = await #expect(throws: NetlinkError.self) {
        try await socket.links.add(
          NewLink(name: "v0", kind: .veth(), alias: String(repeating: "x", count: 300)))
      }
      #expect(error?.code == .invalidArgument)
      #expect(try await socket.links.all().map(\.name) == ["lo"])
    }
  }

  @Test func `listing, by name and by index agree, and absence is nil`() async throws {
    try await withVeth { socket, link in
      let all = try await socket.links.all()
      #expect(all.map(\.name) == ["lo", "v1", "v0"])
      #expect(all.first?.kind == nil)
      #expect(all.first?.hardwareType == 772)
      #expect(all.first?.index == .loopback)
      let found = try await socket.links.link(at: link.index)
      #expect(found?.name == link.name)
      let missing = try #require(InterfaceIndex(rawValue: 4711))
      #expect(try await socket.links.link(at: missing) == nil)
    }
  }
}
