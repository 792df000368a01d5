// SPDX-License-Identifier: Apache-2.0

import KernelTestSupport
import LinuxSystem
import NetlinkKit
import NetworkTypes
import Testing

@Suite("Batches and streams on the kernel", .serialized, .requires(.root))
struct BatchKernelTests {
  private func route(_ number: Int, _ link: Link) -> Route {
    Route(
      destination: IPCIDR(host: .v4(IPv4Address(rawValue: 0x0a00_0000 + UInt32(number)))), interface: link.index,
      table: RouteTableID(7000))
  }

  @Test func `a thousand routes come and go, and a stream sees them all`() async throws {
    try await withVeth { socket, link in
      let routes = (0..<1000).map { route($0, link) }
      try await socket.perform(routes.map { .add($0) }).get()
      #expect(try await socket.routes.all(table: RouteTableID(7000)).count == 1000)
      var seen: Set<IPCIDR> = []
      try await socket.routes.forEach(table: RouteTableID(7000), family: .ipv4) { route in
        if let destination = route.destination { seen.insert(destination) }
      }
      #expect(seen == Set(routes.compactMap(\.destination)))
      try await socket.perform(routes.map { .remove($0) }).get()
      #expect(try await socket.routes.all(table: RouteTableID(7000)).isEmpty)
    }
  }

  @Test func `the kernel goes on behind a refusal, and says which operation it refused`() async throws {
    try await withVeth { socket, link in
      let routes = (0..<400).map { route($0, link) }
      for number in [0, 124, 125, 399] { try await socket.routes.add(routes[number]) }
      let outcome = await socket.perform(routes.map { .add($0) })
      #expect(outcome.failures.map(\.index) == [0, 124, 125, 399])
      #expect(outcome.failures.allSatisfy { $0.error.code == .exists })
      #expect(outcome.failures.last?.error.message.contains("10.0.1.143/32") == true)
      #expect(try await socket.routes.all(table: RouteTableID(7000)).count == 400)
    }
  }

  @Test func `a refusal of every operation is heard`() async throws {
    try await withVeth { socket, link in
      let outcome = await socket.perform((0..<500).map { .remove(route($0, link)) })
      #expect(outcome.failures.map(\.index) == Array(0..<500))
      #expect(outcome.failures.allSatisfy { $0.error.code == .notFound })
    }
  }

  @Test func `objects of all kinds go in one batch, in order`() async throws {
    try await withVeth { socket, link in
      let own = try #require(IPAddress("10.9.0.1"))
      let next = try #require(IPAddress("10.9.0.2"))
      let mac = try #require(MACAddress("02:00:00:00:00:07"))
      try await socket.perform([
        .create(NewLink(name: "br0", kind: .bridge)),
        .change(link.index, LinkChanges(mtu: 1400)),
        .add(InterfaceAddress(index: link.index, address: own, prefixLength: 24)),
        .add(Neighbour(interface: link.index, address: next, linkLayerAddress: mac)),
        .add(Route(destination: nil, gateway: next, table: RouteTableID(7001))),
        .add(Rule(family: .ipv4, priority: 100, table: RouteTableID(7001))),
      ]).get()
      #expect(try await socket.links.link(at: link.index)?.mtu == 1400)
      #expect(try await socket.routes.all(table: RouteTableID(7001)).map(\.gateway) == [next])
      let bridge = try #require(try await socket.links.link(named: "br0"))
      try await socket.perform([
        .remove(Rule(family: .ipv4, priority: 100, table: RouteTableID(7001))), .removeLink(bridge.index),
      ]).get()
      #expect(try await socket.links.link(named: "br0") == nil)
    }
  }
}
