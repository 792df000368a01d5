// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import Testing

@testable import NetlinkKit

/// Our requests beside what `ip route` sends for the same thing.
@Suite("Route requests")
struct RouteRequestTests {
  private let v0 = InterfaceIndex(rawValue: 3)
  private let v1 = InterfaceIndex(rawValue: 2)

  private func expect(_ route: Route, _ change: ObjectChange = .add, like name: String) throws {
    let request = ChangeRoute(change: change, route: route)
    #expect(request.objection == nil)
    try Fixture("route-request-\(name)").expectSame(
      as: request, headerSize: Route.headerSize, rows: [9: 8])
  }

  @Test func `a plain route, and one with everything a plain route has`() throws {
    try expect(Route(destination: IPCIDR("10.99.0.0/16"), type: .blackhole), like: "blackhole")
    var route = Route(
      destination: IPCIDR("10.6.0.0/16"), gateway: IPAddress("10.1.0.7"), interface: v0, source: IPAddress("10.1.0.1"),
      priority: 5, typeOfService: 0x10)
    route.realms = 0x1_0002
    try expect(route, like: "plain")
  }

  @Test func `append, prepend and change differ in their flags`() throws {
    func route(_ gateway: String) -> Route {
      Route(destination: IPCIDR("10.6.0.0/16"), gateway: IPAddress(gateway), interface: v0, priority: 6)
    }
    try expect(route("10.1.0.8"), .append, like: "append")
    try expect(route("10.1.0.9"), .prepend, like: "prepend")
    try expect(route("10.1.0.10"), .update, like: "change")
  }

  @Test func `several next hops`() throws {
    let wrapping = RouteEncapsulation(
      kind: .ipv4, bytes: Bytes.attribute(1, [0, 0, 0, 0, 0, 0, 0, 7]) + Bytes.attribute(2, [192, 0, 2, 1]))
    let hops = [
      NextHop(gateway: IPAddress("10.1.0.7"), interface: v0, weight: 3),
      NextHop(gateway: IPAddress("fe80::9"), interface: v0, weight: 256, isOnLink: true),
      NextHop(interface: v1, encapsulation: wrapping),
    ]
    try expect(
      Route(
        destination: IPCIDR("10.2.0.0/16"), table: RouteTableID(1000), protocol: RouteProtocol(77), nextHops: hops),
      like: "multipath")
    try expect(
      Route(
        destination: IPCIDR("fd02::/64"),
        nextHops: [
          NextHop(gateway: IPAddress("fe80::1"), interface: v0, weight: 2),
          NextHop(gateway: IPAddress("fe80::2"), interface: v1, weight: 5),
        ]), like: "multipath6")
  }

  @Test func `what the kernel says of a next hop besides is not sent`() throws {
    let hops: [UInt8] = [8, 0, 0x15, 0, 1, 0, 0, 0]
    var unknown = hops + Bytes.attribute(99, [1, 2, 3, 4])
    unknown[0] = 16
    let header: [UInt8] = [2, 8, 0, 0, 254, 4, 0, 1, 0, 0, 0, 0]
    let bytes = Bytes.message(24, header + Bytes.attribute(9, unknown), sequence: 1)
    let span = unsafe bytes.span.bytes
    var cursor = MessageCursor()
    let message = try #require(try cursor.next(in: span))
    let route = try #require(try Route(message, in: span))
    #expect(route.nextHops.first?.otherAttributes[99] == [[1, 2, 3, 4]])
    let writer = MessageWriter()
    writer.begin(type: 24, flags: 0, sequence: 1)
    route.encode(into: writer)
    // Of the flags, only that the gateway is on the link.
    #expect(Array(writer.bytes.suffix(12)) == Bytes.attribute(Int32(9 | 0x8000), [8, 0, 4, 0, 1, 0, 0, 0]))
  }

  @Test func `metrics, a wrapping, a next hop object`() throws {
    try expect(
      Route(destination: IPCIDR("10.3.0.0/16"), interface: v0, metrics: RouteRoundTripTests.allMetrics), like: "metrics"
    )
    var wrapped = Route(destination: IPCIDR("10.4.0.0/16"), interface: v0)
    wrapped.encapsulation = RouteEncapsulation(
      kind: .ipv4,
      bytes: Bytes.attribute(1, [0, 0, 0, 0, 0, 0, 0, 7]) + Bytes.attribute(2, [192, 0, 2, 1]) + Bytes.attribute(4, [9])
    )
    try expect(wrapped, like: "encap")
    try expect(Route(destination: IPCIDR("10.7.0.0/16"), nextHopID: NextHopID(5)), like: "nhid")
  }

  @Test func `what only IPv6 has`() throws {
    var route = Route(
      destination: IPCIDR("fd06::/64"), interface: v0, priority: 9, sourcePrefix: IPCIDR("fd00::/64"))
    route.preference = .high
    route.lifetime = 600
    try expect(route, like: "from")
    var short = Route(destination: IPCIDR("fd02::/64"), interface: v0, priority: 3)
    short.lifetime = 9
    short.metrics.mtu = 1400
    try expect(short, like: "features")
  }

  @Test func `what was listed is sent as it was asked for, of a next hop object the object alone`() throws {
    for (reply, request) in [
      ("multipath", "multipath"), ("multipath6", "multipath6"), ("metrics", "metrics"), ("nhid", "nhid"),
      ("tos", "plain"),
    ] {
      let route = try Fixture("route-reply-\(reply)").read { message, span throws(WireError) in
        try Route(message, in: span)
      }
      guard reply == "multipath" || reply == "multipath6" else {
        try expect(route, like: request)
        continue
      }
      // The kernel fills the settings of the wrapping, and IPv6's priority.
      let again = MessageWriter()
      again.begin(type: 24, flags: 0, sequence: 1)
      route.encode(into: again)
      let span = unsafe again.bytes.span.bytes
      var cursor = MessageCursor()
      let message = try #require(try cursor.next(in: span))
      let read = try #require(try Route(message, in: span))
      #expect(read.settings == route.settings)
    }
  }

  @Test func `a listing asks the kernel for what is wanted`() throws {
    try Fixture("route-query-list").expectSame(
      as: ListRoutes(family: .ipv4, table: RouteTableID(1000), protocol: RouteProtocol(77), interface: v0),
      headerSize: Route.headerSize)
  }

  @Test func `a packet is described as ip does`() throws {
    func expect(_ query: RouteQuery, like name: String) throws {
      let request = LookUpRoute(query: query)
      #expect(request.objection == nil)
      try Fixture("route-query-\(name)").expectSame(as: request, headerSize: Route.headerSize)
    }
    let far = try #require(IPAddress("10.6.0.9"))
    try expect(
      RouteQuery(
        destination: far, source: IPAddress("10.1.0.1"), outputInterface: v0, mark: 7, userID: 5, protocol: .tcp,
        sourcePort: 1000, destinationPort: 80, typeOfService: 0x10), like: "get")
    try expect(RouteQuery(destination: far, wantsTableEntry: true), like: "fibmatch")
    try expect(
      RouteQuery(
        destination: try #require(IPAddress("fd02::9")), source: IPAddress("fd00::1"), outputInterface: v0, mark: 7,
        userID: 5, protocol: .udp, sourcePort: 1000, destinationPort: 80), like: "get6")
  }
}

@Suite("Route requests that are not sent")
struct RouteObjectionTests {
  private func objection(_ route: Route) -> String? { ChangeRoute(change: .add, route: route).objection }

  @Test func `what the kernel would ignore or take for something else is refused`() throws {
    let four = Route(destination: IPCIDR("10.0.0.0/8"), interface: .loopback)
    let six = Route(destination: IPCIDR("fd00::/8"), interface: .loopback)
    func changed(_ route: Route, _ body: (inout Route) -> Void) -> String? {
      var route = route
      body(&route)
      return objection(route)
    }
    #expect(changed(four) { $0.family = .ipv6 } == "the route is ipv6, its destination is not")
    #expect(changed(four) { $0.source = IPAddress("fd00::1") } == "the route is ipv4, its source is not")
    #expect(
      changed(four) { $0.sourcePrefix = IPCIDR("10.0.0.0/8") } == "an IPv4 route has no source prefix; a rule has one")
    #expect(changed(six) { $0.sourcePrefix = IPCIDR("10.0.0.0/8") } == "the route is ipv6, its source prefix is not")
    #expect(changed(six) { $0.sourcePrefix = IPCIDR("fd00::/8") } == nil)
    #expect(changed(four) { $0.lifetime = 5 } == "IPv4 routes do not end by themselves")
    #expect(changed(four) { $0.preference = .low } == "IPv4 routes have no preference")
    #expect(changed(four) { $0.nextHops = [NextHop(interface: .loopback)] } != nil)
    #expect(
      changed(four) {
        $0.nextHops = [NextHop(interface: .loopback)]
        $0.interface = nil
      } == nil)
    #expect(changed(six) { $0.lifetime = 5 } == nil)
    #expect(changed(six) { $0.realms = 5 } == "IPv6 has no realms")
    #expect(changed(four) { $0.realms = 5 } == nil)
  }

  @Test(arguments: [0, 257, -1, Int.max]) func `a weight that does not fit is refused`(weight: Int) {
    let route = Route(
      destination: IPCIDR("10.0.0.0/8"), nextHops: [NextHop(interface: .loopback, weight: weight)])
    #expect(objection(route) == "the weight of a next hop must be 1...256, not \(weight)")
  }

  /// Linux 6.18 overruns a buffer, and never takes another request.
  @Test func `tunnel options are refused, in a route and in a next hop`() {
    let wrapping = RouteEncapsulation(kind: .ipv4, bytes: Bytes.attribute(8, Bytes.attribute(1, [1, 2])))
    var route = Route(destination: IPCIDR("10.0.0.0/8"), interface: .loopback)
    route.encapsulation = wrapping
    #expect(objection(route)?.hasPrefix("tunnel options are not sent") == true)
    route.encapsulation?.bytes = [1]
    #expect(objection(route)?.hasPrefix("tunnel options are not sent") == true)
    route.encapsulation?.bytes = Bytes.attribute(2, [192, 0, 2, 1])
    #expect(objection(route) == nil)
    route.interface = nil
    route.encapsulation = nil
    route.nextHops = [NextHop(interface: .loopback, encapsulation: wrapping)]
    #expect(objection(route) != nil)
  }

  @Test func `a packet that rules cannot be asked about is refused`() throws {
    let four = try #require(IPAddress("10.0.0.1"))
    let six = try #require(IPAddress("fd00::1"))
    func objection(_ query: RouteQuery) -> String? { LookUpRoute(query: query).objection }
    #expect(objection(RouteQuery(destination: four, source: six)) != nil)
    #expect(objection(RouteQuery(destination: six, typeOfService: 4)) == "IPv6 has no type of service")
    #expect(objection(RouteQuery(destination: four, sourcePort: 4)) == "ports without a protocol mean nothing")
    #expect(objection(RouteQuery(destination: four, protocol: .sctp)) != nil)
    #expect(objection(RouteQuery(destination: four, protocol: .icmpv6)) != nil)
    #expect(objection(RouteQuery(destination: six, protocol: .icmpv6)) == nil)
  }
}
