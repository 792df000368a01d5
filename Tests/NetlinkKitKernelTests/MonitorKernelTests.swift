// SPDX-License-Identifier: Apache-2.0

import KernelTestSupport
import LinuxSystem
import NetlinkKit
import NetworkTypes
import Testing

@Suite("Monitoring", .serialized, .requires(.root), .timeLimit(.minutes(2)))
struct MonitorKernelTests {
  private let table = RouteTableID(7000)

  private func route(_ number: Int, _ link: Link) -> Route {
    Route(
      destination: IPCIDR(host: .v4(IPv4Address(rawValue: 0x0a00_0000 + UInt32(number)))), interface: link.index,
      table: table)
  }

  /// Takes events up to the one that `isLast` accepts.
  private func take(
    _ iterator: inout NetlinkMonitor.Iterator, upTo isLast: (NetlinkEvent) -> Bool
  ) async throws -> [NetlinkEvent] {
    var taken: [NetlinkEvent] = []
    while let event = try await iterator.next() {
      taken.append(event)
      if isLast(event) { return taken }
    }
    Issue.record("the sequence ended early")
    return taken
  }

  @Test func `it begins with everything that is there`() async throws {
    try await withVeth { socket, link in
      try await socket.routes.add(route(1, link))
      let namespace = try #require(Scratch.namespace)
      var iterator = NetlinkMonitor(in: namespace).makeAsyncIterator()
      let first = try await take(&iterator) { $0 == .synchronised }
      var links: [InterfaceIndex: Link] = [:]
      var routes = 0
      var rules = 0
      for event in first {
        switch event {
        case .link(_, let link): links[link.index] = link
        case .route(.listed, let route) where route.table == table: routes += 1
        case .rule(.listed, _): rules += 1
        default: break
        }
      }
      #expect(Set(links.values.map(\.name)) == ["lo", "v0", "v1"])
      #expect(routes == 1)
      #expect(try await socket.rules.all().count == rules)
    }
  }

  @Test func `every change is told, of every kind of object, in order`() async throws {
    try await withVeth { socket, link in
      let namespace = try #require(Scratch.namespace)
      var iterator = NetlinkMonitor(in: namespace).makeAsyncIterator()
      _ = try await take(&iterator) { $0 == .synchronised }
      let own = try #require(IPAddress("10.9.0.1"))
      let next = try #require(IPAddress("10.9.0.2"))
      let mac = try #require(MACAddress("02:00:00:00:00:07"))
      let rule = Rule(family: .ipv6, priority: 77, table: table)
      try await socket.perform([
        .add(InterfaceAddress(index: link.index, address: own, prefixLength: 24)), .add(route(1, link)), .add(rule),
        .add(Neighbour(interface: link.index, address: next, linkLayerAddress: mac)),
      ]).get()
      try await socket.qdiscs.ensureClsact(on: link.index)
      try await socket.perform([
        .remove(route(1, link)), .remove(rule), .change(link.index, LinkChanges(mtu: 1400)), .removeLink(link.index),
      ]).get()
      let events = try await take(&iterator) {
        if case .link(.removed, let gone) = $0 { gone.index == link.index } else { false }
      }
      // What this test did, among what the kernel does by itself.
      let ours = events.compactMap { event -> String? in
        switch event {
        case .address(let change, let address) where address.address == own && change == .updated: "address"
        case .route(let change, let route) where route.table == table: "route \(change)"
        case .rule(let change, let rule) where rule.priority == 77: "rule \(change)"
        case .neighbour(.updated, let neighbour) where neighbour.address == next: "neighbour"
        case .qdisc(.updated, let qdisc) where qdisc.kind == "clsact": "qdisc"
        case .link(.updated, let link) where link.mtu == 1400: "mtu"
        default: nil
        }
      }
      var distinct: [String] = []
      for event in ours where distinct.last != event { distinct.append(event) }
      #expect(
        Array(distinct.prefix(8)) == [
          "address", "route updated", "rule updated", "neighbour", "qdisc", "route removed", "rule removed", "mtu",
        ])
    }
  }

  @Test func `a port that leaves its bridge is not a link that is gone`() async throws {
    try await withVeth { socket, link in
      let namespace = try #require(Scratch.namespace)
      let bridge = try await socket.links.add(NewLink(name: "br0", kind: .bridge, isUp: true))
      try await socket.links.change(link.index, LinkChanges(master: bridge.index))
      var iterator = NetlinkMonitor(in: namespace, of: .links).makeAsyncIterator()
      _ = try await take(&iterator) { $0 == .synchronised }
      try await socket.links.change(link.index, LinkChanges(master: .some(nil)))
      try await socket.links.change(link.index, LinkChanges(mtu: 1300))
      let events = try await take(&iterator) {
        if case .link(_, let link) = $0 { link.mtu == 1300 } else { false }
      }
      #expect(!events.contains { if case .link(.removed, _) = $0 { true } else { false } })
    }
  }

  @Test func `lost events are noticed, and everything is listed again`() async throws {
    try await withVeth { socket, link in
      let namespace = try #require(Scratch.namespace)
      var iterator = NetlinkMonitor(in: namespace, of: .routes, receiveBuffer: 16 << 10).makeAsyncIterator()
      _ = try await take(&iterator) { $0 == .synchronised }
      try await socket.perform((0..<2000).map { .add(route($0, link)) }).get()
      _ = try await take(&iterator) { $0 == .resynchronise }
      let again = try await take(&iterator) { $0 == .synchronised }
      var known: Set<IPCIDR> = []
      for case .route(let change, let route) in again where change != .removed && route.table == table {
        if let destination = route.destination { known.insert(destination) }
      }
      #expect(known.count == 2000)
    }
  }

  @Test func `what it says is how things are, though they change while it lists`() async throws {
    try await withVeth { socket, link in
      let namespace = try #require(Scratch.namespace)
      let writer = Task {
        for round in 0..<40 {
          let some = (0..<100).map { route(round * 50 + $0, link) }
          _ = await socket.perform(some.map { .replace($0) })
          _ = await socket.perform(some.prefix(60).map { .remove($0) })
        }
      }
      var known: Set<IPCIDR> = []
      func learn(_ event: NetlinkEvent) {
        guard case .route(let change, let route) = event, route.table == table, let destination = route.destination
        else {
          if event == .resynchronise { known = [] }
          return
        }
        if change == .removed { known.remove(destination) } else { known.insert(destination) }
      }
      let marker = Rule(family: .ipv4, priority: 4711, table: table)
      var iterator = NetlinkMonitor(in: namespace, of: [.routes, .rules]).makeAsyncIterator()
      for event in try await take(&iterator, upTo: { $0 == .synchronised }) { learn(event) }
      await writer.value
      try await socket.rules.add(marker)
      let rest = try await take(&iterator) {
        if case .rule(.updated, let rule) = $0 { rule.priority == 4711 } else { false }
      }
      for event in rest { learn(event) }
      #expect(known == Set(try await socket.routes.all(table: table).compactMap(\.destination)))
      #expect(!known.isEmpty)
    }
  }

  @Test func `cancelling ends the sequence, and nothing leaks`() async throws {
    try await withScratchNamespace { namespace in
      try await expectNoDescriptorLeak { () async throws in
        let (first, continuation) = AsyncStream<Void>.makeStream()
        let task = Task { () async throws -> Int in
          var count = 0
          for try await _ in NetlinkMonitor(in: namespace) {
            count += 1
            continuation.finish()
          }
          return count
        }
        for await _ in first {}
        task.cancel()
        #expect(try await task.value > 0)
      }
    }
  }
}
