// SPDX-License-Identifier: Apache-2.0

import NetlinkKit
import NetlinkTesting
import NetworkTypes
import Testing

/// What the fake kernel makes of requests that the comparison with the real one cannot, or need not, tell.
@Suite("The fake kernel")
struct FakeKernelTests {
  private func index(_ number: UInt32) throws -> InterfaceIndex { try #require(InterfaceIndex(rawValue: number)) }

  @Test func `it starts with the loopback and the kernel's rules`() async throws {
    let kernel = FakeKernel()
    #expect(kernel.links.map(\.name) == ["lo"])
    #expect(kernel.links.first?.index == .loopback)
    #expect(kernel.links.first?.flags == .loopback)
    #expect(kernel.rules.map(\.priority) == [0, 32766, 32767, 0, 32766])
    #expect(kernel.rules.map(\.table) == [.local, .main, .default, .local, .main])
    #expect(kernel.addresses.isEmpty && kernel.routes.isEmpty && kernel.qdiscs.isEmpty && kernel.filters.isEmpty)
    #expect(try await kernel.socket.links.all() == kernel.links)
    #expect(try await kernel.socket.rules.all() == kernel.rules)
  }

  @Test func `it numbers links one after the other, a veth's other end first`() async throws {
    let kernel = FakeKernel()
    let bridge = try await kernel.socket.links.add(NewLink(name: "br0", kind: .bridge))
    let end = try await kernel.socket.links.add(NewLink(name: "v0", kind: .veth(peer: VethPeer(name: "v1"))))
    #expect(bridge.index == (try index(2)))
    #expect(end.index == (try index(4)))
    #expect(end.parentIndex == (try index(3)))
    #expect(end.kind == .veth())
    #expect(kernel.links.map(\.name) == ["lo", "br0", "v1", "v0"])
    let far = try await kernel.socket.links.add(NewLink(name: "x0", kind: .dummy, index: try index(77)))
    #expect(far.index == (try index(77)))
    // A number is not used again.
    try await kernel.socket.links.remove(end.index)
    let next = try await kernel.socket.links.add(NewLink(name: "br1", kind: .bridge))
    #expect(next.index == (try index(5)))
  }

  @Test func `an address, a route and a neighbour go with their link, and its other end too`() async throws {
    let kernel = FakeKernel()
    let link = try await kernel.socket.links.add(
      NewLink(name: "v0", kind: .veth(peer: VethPeer(name: "v1", isUp: true)), isUp: true))
    let address = try #require(IPAddress("10.0.0.1"))
    let block = try #require(IPCIDR("10.9.0.0/16"))
    try await kernel.socket.addresses.add(InterfaceAddress(index: link.index, address: address, prefixLength: 24))
    try await kernel.socket.routes.add(Route(destination: block, gateway: IPAddress("10.0.0.2")))
    try await kernel.socket.neighbours.add(Neighbour(interface: link.index, address: address))
    try await kernel.socket.qdiscs.ensureClsact(on: link.index)
    try await kernel.socket.filters.add(
      BPFFilter(interface: link.index, direction: .egress, programDescriptor: 33, name: "prog"))
    #expect(kernel.routes.first?.interface == link.index)
    #expect(kernel.filters.first?.program?.identifier == 33)
    #expect(kernel.filters.first?.program?.name == "prog")
    #expect(kernel.filters.first?.program?.isDirectAction == true)
    try await kernel.socket.links.remove(named: "v1")
    #expect(kernel.links.map(\.name) == ["lo"])
    #expect(kernel.addresses.isEmpty && kernel.routes.isEmpty && kernel.neighbours.isEmpty)
    #expect(kernel.qdiscs.isEmpty && kernel.filters.isEmpty)
  }

  @Test func `links made on another go with it, and its ports stay`() async throws {
    let kernel = FakeKernel()
    let parent = try await kernel.socket.links.add(NewLink(name: "eth0", kind: .dummy, mtu: 1400))
    let child = try await kernel.socket.links.add(
      NewLink(name: "ipvl0", kind: .ipvlan(parent: parent.index, mode: .l3)))
    #expect(child.kind == .ipvlan(parent: parent.index, mode: .l3, flag: .bridge))
    #expect(child.mtu == 1400)
    #expect(child.address == parent.address)
    let bridge = try await kernel.socket.links.add(NewLink(name: "br0", kind: .bridge))
    let port = try await kernel.socket.links.add(NewLink(name: "p0", kind: .dummy, master: bridge.index))
    #expect(try await kernel.socket.links.all(master: bridge.index).map(\.name) == ["p0"])
    try await kernel.socket.links.remove(parent.index)
    try await kernel.socket.links.remove(bridge.index)
    #expect(kernel.links.map(\.name) == ["lo", "p0"])
    #expect(try await kernel.socket.links.link(at: port.index)?.masterIndex == nil)
  }

  @Test func `a link can carry packets when both ends are up`() async throws {
    let kernel = FakeKernel()
    let link = try await kernel.socket.links.add(
      NewLink(name: "v0", kind: .veth(peer: VethPeer(name: "v1")), isUp: true))
    #expect(link.operationalState == .down)
    let other = try #require(try await kernel.socket.links.link(named: "v1"))
    try await kernel.socket.links.change(other.index, LinkChanges(isUp: true))
    #expect(kernel.links.dropFirst().allSatisfy { $0.operationalState == .up && $0.flags.contains(.running) })
  }

  @Test func `what it does not understand comes back`() async throws {
    let kernel = FakeKernel()
    // IFLA_NUM_TX_QUEUES and IFLA_TXQLEN are nothing to it.
    try await kernel.socket.links.create(
      NewLink(name: "d0", kind: .dummy, group: LinkGroup(9), transmitQueueCount: 3, transmitQueueLength: 77))
    let link = try #require(try await kernel.socket.links.link(named: "d0"))
    #expect(link.transmitQueueCount == 3)
    #expect(link.transmitQueueLength == 77)
    #expect(link.group == LinkGroup(9))
  }

  @Test func `what it does not know is not supported`() async throws {
    let kernel = FakeKernel(linkKinds: ["veth"])
    let kind = await #expect(throws: NetlinkError.self) {
      try await kernel.socket.links.create(NewLink(name: "d0", kind: .dummy))
    }
    #expect(kind?.code == .notSupported)
    #expect(kind?.kernelMessage == "Unknown device type")
    let request = await #expect(throws: NetlinkError.self) { _ = try await kernel.socket.namespaceIDs.all() }
    #expect(request?.code == .notSupported)
  }

  @Test func `a look-up goes through rules, tables and prefixes`() async throws {
    let kernel = FakeKernel()
    let link = try await kernel.socket.links.add(NewLink(name: "d0", kind: .dummy, isUp: true))
    let own = try #require(IPAddress("10.0.0.1"))
    let gateway = try #require(IPAddress("10.0.0.254"))
    let target = try #require(IPAddress("192.0.2.1"))
    try await kernel.socket.addresses.add(InterfaceAddress(index: link.index, address: own, prefixLength: 24))
    #expect(try await kernel.socket.routes.route(to: target) == nil)
    #expect(try await kernel.socket.routes.route(to: own)?.type == .local)
    try await kernel.socket.routes.add(Route(destination: nil, gateway: gateway))
    let way = try await kernel.socket.routes.route(to: target)
    #expect(way?.gateway == gateway)
    #expect(way?.interface == link.index)
    #expect(way?.source == own)
    try await kernel.socket.routes.add(
      Route(destination: IPCIDR("192.0.2.0/24"), type: .prohibit, table: RouteTableID(100)))
    #expect(try await kernel.socket.routes.route(to: target)?.gateway == gateway)
    try await kernel.socket.rules.add(
      Rule(family: .ipv4, priority: 10, destination: IPCIDR("192.0.2.0/24"), table: RouteTableID(100)))
    let error = await #expect(throws: NetlinkError.self) { _ = try await kernel.socket.routes.route(to: target) }
    #expect(error?.code == .permissionDenied)
  }

  @Test func `two sockets see one kernel, and answers find their socket`() async throws {
    let kernel = FakeKernel()
    let sockets = [kernel.socket, kernel.makeSocket(), kernel.makeSocket()]
    for number in 0..<30 {
      try await kernel.socket.links.create(NewLink(name: try #require(InterfaceName("d\(number)")), kind: .dummy))
    }
    try await withThrowingTaskGroup(of: Void.self) { group in
      for number in 0..<300 {
        group.addTask {
          let name = try #require(InterfaceName("d\(number % 30)"))
          #expect(try await sockets[number % 3].links.link(named: name)?.name == name)
        }
      }
      try await group.waitForAll()
    }
    #expect(try await sockets[2].links.all().count == 31)
  }

  @Test func `a long listing comes in several datagrams`() async throws {
    let kernel = FakeKernel()
    let routes = (0..<1000).map { number in
      NetlinkOperation.add(
        Route(
          destination: IPCIDR(host: .v4(IPv4Address(rawValue: 0x0a00_0000 + UInt32(number)))), type: .blackhole))
    }
    #expect(await kernel.socket.perform(routes).isSuccess)
    #expect(try await kernel.socket.routes.all().count == 1000)
    #expect(kernel.datagrams.count == 8 + 2)
  }

  @Test func `a monitor lists what is there, then tells of each change`() async throws {
    let kernel = FakeKernel()
    var events = kernel.monitor(of: [.links, .addresses]).makeAsyncIterator()
    #expect(try await events.next() == .link(.listed, try #require(kernel.links.first)))
    #expect(try await events.next() == .synchronised)
    let link = try await kernel.socket.links.add(NewLink(name: "d0", kind: .dummy, isUp: true))
    #expect(try await events.next() == .link(.updated, link))
    let address = InterfaceAddress(index: link.index, address: try #require(IPAddress("10.0.0.1")), prefixLength: 8)
    try await kernel.socket.addresses.add(address)
    let added = try #require(kernel.addresses.first)
    try await kernel.socket.routes.add(Route(destination: nil, interface: link.index))
    try await kernel.socket.links.remove(link.index)
    #expect(try await events.next() == .address(.updated, added))
    #expect(try await events.next() == .address(.removed, added))
    guard case .link(.removed, let gone)? = try await events.next() else {
      Issue.record("no word of the removal")
      return
    }
    #expect(gone.name == "d0")
  }
}
