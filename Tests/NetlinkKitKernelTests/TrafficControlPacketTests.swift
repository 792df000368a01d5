// SPDX-License-Identifier: Apache-2.0

import KernelTestSupport
import LinuxSystem
import NetlinkKit
import NetworkTypes
import Testing

/// What actions and queueing disciplines do to real packets, between two scratch namespaces.
@Suite("Traffic control and packets", .serialized, .requires(.root), .requires(.clsactQdisc))
struct TrafficControlPacketTests {
  /// Two namespaces with a link each: a veth pair with addresses.
  private struct Pair {
    let here: NetworkNamespace
    let there: NetworkNamespace
    let hereSocket: NetlinkSocket
    let thereSocket: NetlinkSocket
    let hereLink: Link
    let thereLink: Link
    let target: IPv4Address

    /// Whether a datagram gets there, and its answer back.
    func passes() async throws -> Bool { try await Traffic.udp(from: here, to: there, at: target) != nil }
  }

  private func withPair(_ body: (Pair) async throws -> Void) async throws {
    try await withScratchNamespace { here in
      try await withScratchNamespace { there in
        let hereSocket = try await NetlinkSocket(in: here)
        let thereSocket = try await NetlinkSocket(in: there)
        let hereLink = try await hereSocket.links.add(
          NewLink(
            name: "v0", kind: .veth(peer: VethPeer(name: "v1", namespace: there, isUp: true)), isUp: true,
            transmitQueueCount: 2))
        let thereLink = try #require(try await thereSocket.links.link(named: "v1"))
        let target = try #require(IPv4Address("10.3.0.2"))
        let own = try #require(IPAddress("10.3.0.1"))
        try await hereSocket.addresses.add(
          InterfaceAddress(index: hereLink.index, address: own, prefixLength: 24))
        try await thereSocket.addresses.add(
          InterfaceAddress(index: thereLink.index, address: .v4(target), prefixLength: 24))
        let pair = Pair(
          here: here, there: there, hereSocket: hereSocket, thereSocket: thereSocket, hereLink: hereLink,
          thereLink: thereLink, target: target)
        #expect(try await pair.passes())
        try await body(pair)
      }
    }
  }

  private func filter(
    _ link: Link, _ parent: TrafficHandle, etherType: UInt16 = 0x0800, priority: UInt16 = 1,
    _ actions: TrafficAction...
  ) -> TrafficFilter {
    TrafficFilter(
      on: link.index, at: parent, priority: priority, etherType: etherType, settings: .u32(.init()), actions: actions)
  }

  /// How many packets the first action of the filters at a place has seen.
  private func count(_ socket: NetlinkSocket, _ link: Link, _ parent: TrafficHandle) async throws -> UInt64 {
    try await socket.filters.all(at: .link(link.index, parent: parent)).last?.actions.first?.statistics?.traffic.packets
      ?? 0
  }

  @Test(.requires(.u32Filter), .requires(.mirredAction))
  func `a redirect takes packets elsewhere, and counts them`()
    async throws
  {
    try await withPair { pair in
      let aside = try await pair.hereSocket.links.add(
        NewLink(name: "w0", kind: .veth(peer: VethPeer(name: "w1", isUp: true)), isUp: true))
      try await pair.hereSocket.qdiscs.ensureClsact(on: pair.hereLink.index)
      try await pair.hereSocket.filters.add(filter(pair.hereLink, .clsactEgress, .redirect(to: aside.index)))
      let before = try #require(aside.statistics).transmitted.packets
      #expect(try await !pair.passes())
      let counted = try await count(pair.hereSocket, pair.hereLink, .clsactEgress)
      #expect(counted >= 3)
      let after = try #require(try await pair.hereSocket.links.link(at: aside.index)?.statistics)
      #expect(after.transmitted.packets >= before + counted)
      try await pair.hereSocket.filters.removeAll(at: .link(pair.hereLink.index, parent: .clsactEgress))
      #expect(try await pair.passes())
    }
  }

  @Test(.requires(.u32Filter), .requires(.mirredAction))
  func `a mirror copies packets that come in, and they arrive all the same`()
    async throws
  {
    try await withPair { pair in
      let aside = try await pair.thereSocket.links.add(
        NewLink(name: "w0", kind: .veth(peer: VethPeer(name: "w1", isUp: true)), isUp: true))
      try await pair.thereSocket.qdiscs.ensureClsact(on: pair.thereLink.index)
      try await pair.thereSocket.filters.add(filter(pair.thereLink, .clsactIngress, .mirror(to: aside.index)))
      #expect(try await pair.passes())
      #expect(try await count(pair.thereSocket, pair.thereLink, .clsactIngress) >= 1)
      let after = try #require(try await pair.thereSocket.links.link(at: aside.index)?.statistics)
      #expect(after.transmitted.packets >= 1)
    }
  }

  @Test(.requires(.u32Filter), .requires(.gactAction)) func `a drop drops, and says how many`() async throws {
    try await withPair { pair in
      try await pair.thereSocket.qdiscs.ensureClsact(on: pair.thereLink.index)
      try await pair.thereSocket.filters.add(filter(pair.thereLink, .clsactIngress, .verdict(.drop)))
      #expect(try await !pair.passes())
      let actions = try await pair.thereSocket.filters.all(on: pair.thereLink.index).last?.actions
      let statistics = try #require(actions?.first?.statistics)
      #expect(statistics.traffic.packets >= 3)
      #expect(statistics.queue?.dropped == UInt32(statistics.traffic.packets))
    }
  }

  @Test(.requires(.u32Filter), .requires(.skbeditAction), .requires(.htbQdisc))
  func `skbedit sends packets to a class of htb`()
    async throws
  {
    try await withPair { pair in
      let (socket, link) = (pair.hereSocket, pair.hereLink)
      let root = TrafficHandle(major: 1)
      let chosen = TrafficHandle(major: 1, minor: 0x10)
      try await socket.qdiscs.add(Qdisc(interface: link.index, handle: root, settings: .htb()))
      try await socket.classes.add(
        TrafficClass(
          interface: link.index, parent: root, handle: chosen, settings: .htb(.init(rate: RateLimit(.megabits(100))))))
      func sent() async throws -> UInt64 {
        try await socket.classes.all(on: link.index).first?.statistics?.traffic.packets ?? 0
      }
      #expect(try await pair.passes())
      #expect(try await sent() == 0)
      try await socket.qdiscs.ensureClsact(on: link.index)
      try await socket.filters.add(filter(link, .clsactEgress, TrafficAction(.skbedit(.init(priority: chosen)))))
      #expect(try await pair.passes())
      #expect(try await sent() >= 1)
      let lends = try await socket.classes.all(on: link.index).first?.statistics?.htb?.lends
      #expect((lends ?? 0) >= 1)
    }
  }

  @Test(.requires(.u32Filter), .requires(.vlanAction), .requires(.gactAction))
  func `a tag that is put on is seen, and taken off again`()
    async throws
  {
    try await withPair { pair in
      try await pair.hereSocket.qdiscs.ensureClsact(on: pair.hereLink.index)
      try await pair.thereSocket.qdiscs.ensureClsact(on: pair.thereLink.index)
      try await pair.hereSocket.filters.add(
        filter(pair.hereLink, .clsactEgress, TrafficAction(.vlan(.push(.init(id: 5))))))
      // There is no such VLAN there, so nothing takes the packets.
      #expect(try await !pair.passes())
      try await pair.thereSocket.filters.add(
        filter(pair.thereLink, .clsactIngress, etherType: 0x8100, TrafficAction(.vlan(.pop))))
      #expect(try await pair.passes())
      #expect(try await count(pair.thereSocket, pair.thereLink, .clsactIngress) >= 1)
    }
  }

  @Test(.requires(.tbfQdisc)) func `a full queue drops, and its counters say so`() async throws {
    try await withPair { pair in
      // Room for one packet that waits, at a rate at which it waits long.
      let settings = QdiscSettings.TBF(
        rate: RateLimit(.kilobits(8)), burst: .bytes(1600), limit: 1600)
      try await pair.hereSocket.qdiscs.replace(Qdisc(interface: pair.hereLink.index, settings: .tbf(settings)))
      let namespace = pair.here
      let target = pair.target
      // With a deadline: an answer a second would keep ping waiting for all.
      let arguments = "ping -q -c 40 -i 0.01 -s 1000 -w 2 \(target) > /dev/null 2>&1 || true"
      try await Scratch.$namespace.withValue(namespace) {
        _ = try await inNamespaceOf(pair.hereSocket, arguments)
      }
      func read() async throws -> TrafficStatistics {
        try #require(try await pair.hereSocket.qdiscs.qdisc(on: pair.hereLink.index, at: .root)?.statistics)
      }
      var statistics = try await read()
      // A small packet of the neighbour discovery may wait beside the large one: a second each.
      for _ in 0..<50 where statistics.queue?.length ?? 0 > 1 {
        try await Task.sleep(for: .milliseconds(100))
        statistics = try await read()
      }
      let queue = try #require(statistics.queue)
      #expect(queue.dropped > 10)
      #expect(queue.overlimits > 0)
      #expect(statistics.traffic.packets >= 1)
      #expect(queue.length <= 1)
      #expect(queue.backlog <= settings.limit)
    }
  }
}
