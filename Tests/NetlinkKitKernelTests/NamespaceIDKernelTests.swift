// SPDX-License-Identifier: Apache-2.0

import KernelTestSupport
import LinuxSystem
import NetlinkKit
import NetworkTypes
import Testing

@Suite("Namespaces by id in the kernel", .serialized, .requires(.root))
struct NamespaceIDKernelTests {
  @Test func `a namespace has no id, gets one, and keeps it`() async throws {
    try await withVeth { socket, _ in
      let there = try await NetworkNamespace.makeAnonymous()
      let ids = socket.namespaceIDs
      #expect(try await ids.all().isEmpty)
      #expect(try await ids.id(of: there) == nil)
      let id = try await ids.assign(NamespaceID(rawValue: 7), to: there)
      #expect(id == NamespaceID(rawValue: 7))
      #expect(try await ids.id(of: there) == id)
      #expect(try await ids.ensureID(of: there) == id)
      let other = try await NetworkNamespace.makeAnonymous()
      let second = try await ids.ensureID(of: other)
      #expect(second.rawValue >= 0 && second != id)
      #expect(try await ids.all().sorted() == [second, id].sorted())
      let theirs = try await rows(socket, "ip -j netns list-id")
      #expect(theirs.compactMap { $0["nsid"] as? Int }.sorted() == [Int(second.rawValue), 7].sorted())
    }
  }

  @Test func `an id that is taken and a namespace that has one are exists`() async throws {
    try await withVeth { socket, _ in
      let there = try await NetworkNamespace.makeAnonymous()
      let other = try await NetworkNamespace.makeAnonymous()
      let ids = socket.namespaceIDs
      try await ids.assign(NamespaceID(rawValue: 7), to: there)
      let again = await #expect(throws: NetlinkError.self) { try await ids.assign(to: there) }
      #expect(again?.code == .exists)
      #expect(again?.message.contains("it has an id already") == true)
      let taken = await #expect(throws: NetlinkError.self) {
        try await ids.assign(NamespaceID(rawValue: 7), to: other)
      }
      #expect(taken?.code == .exists)
      #expect(taken?.message.contains("another namespace has the id 7") == true)
      let negative = await #expect(throws: NetlinkError.self) {
        try await ids.assign(NamespaceID(rawValue: -1), to: other)
      }
      #expect(negative?.code == .invalidArgument)
    }
  }

  @Test func `links of another namespace are found, listed and removed from here`() async throws {
    try await withVeth { socket, link in
      let there = try await NetworkNamespace.makeAnonymous()
      // A peer here and one link there of the same name as one here.
      try await socket.links.create(
        NewLink(name: "w0", kind: .veth(peer: VethPeer(name: "eth0", namespace: there, isUp: true)), isUp: true))
      let far = try await NetlinkSocket(in: there)
      try await far.links.create(NewLink(name: "v0", kind: .bridge, group: LinkGroup(3)))
      try await far.links.create(NewLink(name: "br1", kind: .bridge, group: LinkGroup(3)))

      let foreign = try await socket.links.foreign(in: there)
      #expect(try await socket.namespaceIDs.id(of: there) == foreign.id)
      let ours = try await foreign.all()
      let theirs = try await far.links.all()
      #expect(ours.map(\.name) == theirs.map(\.name))
      #expect(ours.map(\.index) == theirs.map(\.index))
      #expect(ours.map(\.kind) == theirs.map(\.kind))
      #expect(ours.allSatisfy { $0.namespaceID == foreign.id })
      #expect(theirs.allSatisfy { $0.namespaceID == nil })
      #expect(try await socket.links.all(in: there).map(\.name) == theirs.map(\.name))
      #expect(try await foreign.all(kind: "veth").map(\.name) == ["eth0"])

      let eth0 = try #require(try await socket.links.link(named: "eth0", in: there))
      #expect(eth0.index == theirs.first { $0.name == "eth0" }?.index)
      // Its peer is here: this namespace has an id for itself now.
      let here = try #require(Scratch.namespace)
      #expect(try await socket.namespaceIDs.id(of: here) == eth0.parentNamespaceID)
      #expect(eth0.parentNamespaceID != nil)
      #expect(try await foreign.link(named: "v0")?.kind?.name == "bridge")
      #expect(try await foreign.link(alternativelyNamed: "br1")?.kind?.name == "bridge")
      #expect(try await foreign.link(at: eth0.index)?.name == "eth0")
      #expect(try await socket.links.link(named: "nosuch", in: there) == nil)

      try await foreign.remove(named: "v0")
      #expect(try await far.links.link(named: "v0") == nil)
      #expect(try await socket.links.link(at: link.index)?.name == "v0")
      try await foreign.remove(group: LinkGroup(3))
      #expect(try await far.links.link(named: "br1") == nil)
      try await socket.links.remove(eth0.index, in: there)
      #expect(try await far.links.all().map(\.name) == ["lo"])
      #expect(try await socket.links.link(named: "w0") == nil)
      let gone = await #expect(throws: NetlinkError.self) { try await foreign.remove(eth0.index) }
      #expect(gone?.code == .notFound)
      #expect(gone?.message.contains("remove link \(eth0.index) in namespace with id \(foreign.id)") == true)
    }
  }

  @Test func `a link is created in another namespace from here`() async throws {
    try await withVeth { socket, _ in
      let there = try await NetworkNamespace.makeAnonymous()
      let foreign = try await socket.links.foreign(in: there)
      let bridge = try await foreign.add(NewLink(name: "br0", kind: .bridge, mtu: 1400, isUp: true))
      #expect(bridge.namespaceID == foreign.id)
      #expect(bridge.isUp)
      let port = try await foreign.add(NewLink(name: "p0", kind: .veth(), master: bridge.index))
      #expect(port.masterIndex == bridge.index)
      #expect(try await foreign.all(master: bridge.index).map(\.name) == ["p0"])
      #expect(try await socket.links.link(named: "br0") == nil)
      let again = await #expect(throws: NetlinkError.self) {
        try await foreign.add(NewLink(name: "br0", kind: .bridge))
      }
      #expect(again?.code == .exists)
    }
  }

  @Test func `addresses of another namespace are listed from here`() async throws {
    try await withVeth { socket, _ in
      let there = try await NetworkNamespace.makeAnonymous()
      let far = try await NetlinkSocket(in: there)
      try await far.links.change(.loopback, LinkChanges(isUp: true))
      let address = try #require(IPAddress("10.7.0.1"))
      try await far.addresses.add(InterfaceAddress(index: .loopback, address: address, prefixLength: 32))
      #expect(try await socket.addresses.all(in: there).map(\.address) == far.addresses.all().map(\.address))
      let id = try await socket.namespaceIDs.ensureID(of: there)
      #expect(try await socket.addresses.all(inNamespace: id) == socket.addresses.all(in: there))
      let found = try await socket.addresses.all(on: .loopback, family: .ipv4, in: there)
      #expect(found.map(\.address).contains(address))
      #expect(found.allSatisfy { $0.index == .loopback })
      let missing = try #require(InterfaceIndex(rawValue: 4711))
      let error = await #expect(throws: NetlinkError.self) {
        try await socket.addresses.all(on: missing, family: .ipv4, in: there)
      }
      #expect(error?.code == .notFound)
    }
  }

  @Test func `the socket's own namespace can be addressed by id too`() async throws {
    try await withVeth { socket, link in
      let here = try #require(Scratch.namespace)
      #expect(try await socket.links.link(named: "v0", in: here)?.index == link.index)
    }
  }

  @Test func `without privilege there, looking is permissionDenied with the remedy`() async throws {
    try await withVeth { socket, _ in
      let here = try #require(Scratch.namespace)
      let there = try await NetworkNamespace.makeAnonymous()
      try await socket.namespaceIDs.assign(to: there)
      let other = try await NetworkNamespace.makeAnonymous()
      try await withoutCapabilities(in: here) {
        let weak = try NetlinkSocket()
        let looked = await #expect(throws: NetlinkError.self) { _ = try await weak.links.all(in: there) }
        #expect(looked?.code == .permissionDenied)
        #expect(looked?.message.contains("CAP_NET_ADMIN in the other network namespace") == true)
        let found = await #expect(throws: NetlinkError.self) {
          _ = try await weak.links.link(named: "lo", in: there)
        }
        #expect(found?.code == .permissionDenied)
        let assigned = await #expect(throws: NetlinkError.self) { try await weak.links.all(in: other) }
        #expect(assigned?.code == .permissionDenied)
      }
    }
  }

  @Test func `a name that is taken here is free there, since Linux 6.15`() async throws {
    try await withVeth { socket, _ in
      let there = try await NetworkNamespace.makeAnonymous()
      let new = NewLink(name: "v0", kind: .bridge, namespace: there)
      if KernelVersion.running >= KernelVersion(6, 15) {
        #expect(try await socket.links.add(new).name == "v0")
      } else {
        let error = await #expect(throws: NetlinkError.self) { try await socket.links.add(new) }
        #expect(error?.code == .exists)
        #expect(error?.message.contains("in the target namespace (or, before Linux 6.15, in the socket's)") == true)
      }
    }
  }
}
