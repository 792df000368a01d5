// SPDX-License-Identifier: Apache-2.0

import KernelTestSupport
import LinuxSystem
import NetlinkKit
import NetworkTypes
import Testing

@Suite("Everything of a route in the kernel", .serialized, .requires(.root))
struct RouteSettingsKernelTests {
  private let table = RouteTableID(4000)

  /// Runs `body` with addresses on `v0`, and its peer.
  private func withAddresses(_ body: (NetlinkSocket, Link, InterfaceIndex) async throws -> Void) async throws {
    try await withVeth { socket, link in
      let peer = try #require(try await socket.links.link(named: "v1"))
      for (text, length) in [("10.1.0.1", 24), ("fd00::1", 64)] {
        try await socket.addresses.add(
          InterfaceAddress(
            index: link.index, address: try #require(IPAddress(text)), prefixLength: length, flags: .noDAD))
      }
      try await body(socket, link, peer.index)
    }
  }

  private static var metrics: RouteMetrics {
    var metrics = RouteMetrics()
    metrics.mtu = 1300
    metrics.window = 1000
    metrics.roundTripTime = 800
    metrics.roundTripTimeVariance = 200
    metrics.slowStartThreshold = 9
    metrics.congestionWindowLimit = 10
    metrics.advertisedSegmentSize = 1200
    metrics.reordering = 8
    metrics.hopLimit = 7
    metrics.initialCongestionWindow = 11
    metrics.features = .ecn
    metrics.minimumRetransmissionTimeout = 5
    metrics.initialReceiveWindow = 12
    metrics.quickAcknowledgement = 1
    metrics.fastOpenWithoutCookie = 1
    metrics.congestionControl = "reno"
    metrics.locked = [.mtu, .congestionWindowLimit, .minimumRetransmissionTimeout]
    return metrics
  }

  /// One of every kind, none like another.
  private func routes(_ link: Link, _ peer: InterfaceIndex) -> [Route] {
    let one = IPAddress("10.1.0.7")
    let far = IPAddress("fe80::1")
    var flow = Route(
      destination: IPCIDR("10.13.0.0/16"), gateway: one, interface: link.index, table: table, typeOfService: 0x10)
    flow.realms = 0x1_0002
    var wrapped = Route(destination: IPCIDR("10.14.0.0/16"), interface: link.index, table: table)
    // LWTUNNEL_IP_ID, LWTUNNEL_IP_DST, LWTUNNEL_IP_SRC, LWTUNNEL_IP_TOS, LWTUNNEL_IP_TTL, LWTUNNEL_IP_FLAGS.
    wrapped.encapsulation = RouteEncapsulation(
      kind: .ipv4,
      bytes: [
        12, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 7, 8, 0, 2, 0, 192, 0, 2, 1, 8, 0, 3, 0, 0, 0, 0, 0, 5, 0, 5, 0, 0, 0, 0, 0,
        5, 0, 4, 0, 9, 0, 0, 0, 6, 0, 6, 0, 0, 0, 0, 0,
      ])
    var preferred = Route(
      destination: IPCIDR("fd12::/64"), gateway: far, interface: link.index, table: table, priority: 9,
      sourcePrefix: IPCIDR("fd00::/64"))
    preferred.preference = .high
    return [
      Route(
        destination: IPCIDR("10.11.0.0/16"), table: table, protocol: .bird,
        nextHops: [
          NextHop(gateway: one, interface: link.index, weight: 3),
          NextHop(gateway: IPAddress("fe80::9"), interface: link.index, weight: 256, isOnLink: true),
          NextHop(interface: peer),
        ]),
      Route(destination: IPCIDR("10.12.0.0/16"), interface: link.index, table: table, metrics: Self.metrics), flow,
      wrapped, Route(destination: IPCIDR("10.15.0.0/16"), type: .throw, table: table),
      Route(
        destination: IPCIDR("fd11::/64"), table: table,
        nextHops: [
          NextHop(gateway: far, interface: link.index, weight: 2),
          NextHop(gateway: IPAddress("fe80::2"), interface: peer, weight: 5),
        ]), preferred,
      Route(destination: IPCIDR("fd13::/64"), interface: link.index, table: table, metrics: Self.metrics),
      Route(destination: IPCIDR("fd14::/64"), type: .prohibit, table: table),
    ]
  }

  @Test func `every route is listed as it was added, and again when it was removed and added as listed`() async throws {
    try await withAddresses { socket, link, peer in
      let routes = routes(link, peer)
      for route in routes { try await socket.routes.add(route) }
      var listed: [Route] = []
      for _ in 0..<2 {
        listed = try await socket.routes.all(table: table)
        #expect(listed.count == routes.count)
        for route in routes {
          let found = listed.first { $0.destination == route.destination }
          #expect(found?.settings == route.settings, "\(route.destination?.description ?? "")")
          #expect(found?.otherAttributes.isEmpty == true)
        }
        for route in listed { try await socket.routes.remove(route) }
        #expect(try await socket.routes.all(table: table).isEmpty)
        try await socket.perform(listed.map { .add($0) }).get()
      }
    }
  }

  @Test func `a route through a next hop object names it, and is sent without what the object is made of`() async throws
  {
    try await withAddresses { socket, link, _ in
      try await inNamespaceOf(socket, "ip nexthop add id 5 via 10.1.0.7 dev v0")
      let route = Route(destination: IPCIDR("10.11.0.0/16"), table: table, nextHopID: NextHopID(5))
      try await socket.routes.add(route)
      let found = try #require(try await socket.routes.all(table: table).first)
      #expect(found.nextHopID == NextHopID(5))
      #expect(found.gateway == IPAddress("10.1.0.7"))
      #expect(found.interface == link.index)
      #expect(found.settings == route.settings)
      try await socket.routes.remove(found)
      try await socket.routes.add(found)
      let missing = Route(destination: IPCIDR("10.12.0.0/16"), nextHopID: NextHopID(6))
      let error = await #expect(throws: NetlinkError.self) { try await socket.routes.add(missing) }
      #expect(error?.message.contains("add route 10.12.0.0/16 through next hop 6 in table main") == true)
    }
  }

  @Test func `a next hop is dead while its link is down; when it is removed IPv4 loses the route, IPv6 the hop`()
    async throws
  {
    try await withAddresses { socket, link, _ in
      let pair = NewLink(name: "w0", kind: .veth(peer: VethPeer(name: "w1", isUp: true)), isUp: true)
      let other = try await socket.links.add(pair)
      for block in ["10.11.0.0/16", "fd11::/64"] {
        try await socket.routes.add(
          Route(
            destination: IPCIDR(block), table: table,
            nextHops: [
              NextHop(gateway: IPAddress("fe80::1"), interface: link.index, weight: 7),
              NextHop(gateway: IPAddress("fe80::2"), interface: other.index),
            ]))
      }
      try await socket.links.change(other.index, LinkChanges(isUp: false))
      for family in AddressFamily.allCases {
        let route = try #require(try await socket.routes.all(table: table, family: family).first)
        #expect(route.nextHops.map(\.isDead) == [false, true], "\(family)")
        #expect(route.nextHops.map(\.isLinkDown) == [false, true], "\(family)")
        #expect(route.nextHops.map(\.weight) == [7, 1])
      }
      try await socket.links.remove(other.index)
      #expect(try await socket.routes.all(table: table, family: .ipv4).isEmpty)
      let six = try #require(try await socket.routes.all(table: table, family: .ipv6).first)
      #expect(six.nextHops.isEmpty)
      #expect(six.interface == link.index)
    }
  }

  @Test func `an empty set of features is forgotten, and other metrics are not`() async throws {
    try await withAddresses { socket, link, _ in
      var metrics = RouteMetrics()
      metrics.features = []
      metrics.mtu = 1400
      try await socket.routes.add(
        Route(destination: IPCIDR("10.11.0.0/16"), interface: link.index, table: table, metrics: metrics))
      metrics.features = nil
      #expect(try await socket.routes.all(table: table).first?.metrics == metrics)
    }
  }

  @Test func `an IPv6 route ends by itself, and says when`() async throws {
    try await withAddresses { socket, link, _ in
      // How often the kernel looks for what is over, in seconds; 30 where nobody says otherwise.
      try await inNamespaceOf(socket, "echo 1 > /proc/sys/net/ipv6/route/gc_interval")
      var route = Route(destination: IPCIDR("fd11::/64"), interface: link.index, table: table)
      route.lifetime = 600
      try await socket.routes.add(route)
      let found = try #require(try await socket.routes.all(table: table, family: .ipv6).first)
      #expect((590...600).contains(try #require(found.lifetime)))
      #expect(try #require(found.cacheInfo).expires > 0)
      var short = route
      short.lifetime = 1
      try await socket.routes.replace(short)
      var left = 1
      for _ in 0..<400 where left > 0 {
        try await Task.sleep(for: .milliseconds(100))
        left = try await socket.routes.all(table: table, family: .ipv6).count { $0.destination == route.destination }
      }
      #expect(left == 0)
    }
  }

  @Test func `IPv4 routes stand in line, IPv6 ones become one`() async throws {
    try await withAddresses { socket, link, _ in
      func route(_ gateway: String) -> Route {
        Route(
          destination: IPCIDR(gateway.contains(":") ? "fd11::/64" : "10.11.0.0/16"), gateway: IPAddress(gateway),
          interface: link.index, table: table, priority: 6)
      }
      func gateways() async throws -> [String] {
        try await socket.routes.all(table: table).flatMap { route in
          route.nextHops.isEmpty ? [route.gateway] : route.nextHops.map(\.gateway)
        }.compactMap { $0.map { "\($0)" } }
      }
      try await socket.routes.add(route("10.1.0.2"))
      try await socket.routes.append(route("10.1.0.3"))
      try await socket.perform([.prepend(route("10.1.0.4"))]).get()
      #expect(try await gateways() == ["10.1.0.4", "10.1.0.2", "10.1.0.3"])
      let twice = await #expect(throws: NetlinkError.self) { try await socket.routes.append(route("10.1.0.3")) }
      #expect(twice?.code == .exists)
      try await socket.routes.update(route("10.1.0.5"))
      #expect(try await gateways() == ["10.1.0.5", "10.1.0.2", "10.1.0.3"])

      let absent = await #expect(throws: NetlinkError.self) { try await socket.routes.update(route("fe80::2")) }
      #expect(absent?.code == .notFound)
      #expect(absent?.message.contains("there is no route to put it in the place of") == true)
      for each in try await socket.routes.all(table: table) { try await socket.routes.remove(each) }
      try await socket.routes.add(route("fe80::2"))
      try await socket.routes.append(route("fe80::3"))
      try await socket.routes.prepend(route("fe80::4"))
      #expect(Set(try await gateways()) == ["fe80::2", "fe80::3", "fe80::4"])
      #expect(try await socket.routes.all(table: table).count == 1)
      try await socket.routes.replace(route("fe80::5"))
      #expect(try await gateways() == ["fe80::5"])
    }
  }

  @Test func `a listing has what was asked for alone`() async throws {
    try await withAddresses { socket, link, peer in
      for route in routes(link, peer) { try await socket.routes.add(route) }
      func count(
        _ family: AddressFamily, _ protocol: RouteProtocol? = nil, _ interface: InterfaceIndex? = nil,
        _ type: RouteType? = nil
      ) async throws -> Int {
        let all = try await socket.routes.all(
          table: table, family: family, protocol: `protocol`, interface: interface, type: type)
        var streamed: [Route] = []
        try await socket.routes.forEach(
          table: table, family: family, protocol: `protocol`, interface: interface, type: type
        ) { streamed.append($0) }
        #expect(streamed == all)
        return all.count
      }
      #expect(try await count(.ipv4) == 5)
      #expect(try await count(.ipv4, .bird) == 1)
      #expect(try await count(.ipv4, .unspecified) == 0)
      #expect(try await count(.ipv4, nil, link.index) == 4)
      #expect(try await count(.ipv4, nil, peer) == 1)
      #expect(try await count(.ipv6, nil, peer) == 1)
      #expect(try await count(.ipv4, nil, nil, .throw) == 1)
      #expect(try await count(.ipv6, .static, nil, .prohibit) == 1)
      let missing = InterfaceIndex(rawValue: 4711)
      let error = await #expect(throws: NetlinkError.self) { try await socket.routes.all(interface: missing) }
      #expect(error?.code == .notFound)
      #expect(error?.message.hasPrefix("list ipv4 routes through link 4711: link 4711 not found") == true)
      #expect(try await socket.routes.all(table: RouteTableID(4711)).isEmpty)
    }
  }
}
