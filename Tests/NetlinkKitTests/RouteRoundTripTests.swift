// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import Testing

@testable import NetlinkKit

@Suite("Captured routes")
struct RouteRoundTripTests {
  static let replies = [
    "route-reply-gateway", "route-reply-multipath", "route-reply-multipath6", "route-reply-metrics",
    "route-reply-encap",
    "route-reply-tos", "route-reply-nhid", "route-reply-from", "route-reply-blackhole6", "route-reply-kernel6",
    "route-reply-get", "route-reply-get-own",
  ]

  @Test(arguments: replies)
  func `every byte of a route comes back`(name: String) throws {
    try Fixture(name).expectRoundTrip(headerSize: Route.headerSize, rows: [9: 8]) { message, span, writer in
      let route = try #require(try Route(message, in: span))
      route.encodeReply(into: writer)
    }
  }

  @Test(arguments: replies)
  func `any cut and any changed byte of a real route gives a value or an error`(name: String) throws {
    let outcomes = try readDamaged(name) { message, span throws(WireError) in _ = try Route(message, in: span) }
    #expect(outcomes == [true, false])
  }

  private func route(_ name: String) throws -> Route {
    try Fixture(name).read { message, span throws(WireError) in try Route(message, in: span) }
  }

  @Test func `next hops are of either family, with weight, flags and wrapping of their own`() throws {
    let route = try route("route-reply-multipath")
    #expect(route.gateway == nil)
    #expect(route.interface == nil)
    #expect(route.table == RouteTableID(1000))
    #expect(route.nextHops.map(\.gateway) == [IPAddress("10.1.0.7"), IPAddress("fe80::9"), nil])
    #expect(route.nextHops.map { $0.interface?.rawValue } == [3, 3, 2])
    #expect(route.nextHops.map(\.weight) == [3, 256, 1])
    #expect(route.nextHops.map(\.isOnLink) == [false, true, false])
    #expect(route.nextHops.map(\.encapsulation?.kind) == [nil, nil, .ipv4])
    #expect(try self.route("route-reply-multipath6").nextHops.map(\.weight) == [2, 5])
  }

  @Test func `metrics are what was asked for`() throws {
    let metrics = try route("route-reply-metrics").metrics
    #expect(metrics == RouteRoundTripTests.allMetrics)
    #expect(metrics.locked == [.mtu, .congestionWindowLimit, .minimumRetransmissionTimeout])
  }

  /// Every metric there is.
  static let allMetrics: RouteMetrics = {
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
  }()

  @Test func `what few routes have is read`() throws {
    let tos = try route("route-reply-tos")
    #expect(tos.typeOfService == 0x10)
    #expect(tos.realms == 0x1_0002)
    let from = try route("route-reply-from")
    #expect(from.sourcePrefix == IPCIDR("fd00::/64"))
    #expect(from.preference == .high)
    #expect((590...600).contains(try #require(from.lifetime)))
    #expect(from.cacheInfo.map { $0.expires > 59_000 && $0.error == 0 } == true)
    let object = try route("route-reply-nhid")
    #expect(object.nextHopID == NextHopID(5))
    #expect(object.gateway == IPAddress("10.1.0.7"))
    #expect(object.settings.gateway == nil)
    let answer = try route("route-reply-get")
    #expect(answer.isCached)
    #expect(answer.inputInterface?.rawValue == 3)
    #expect(answer.mark == 7)
    #expect(answer.sourcePrefix == IPCIDR("10.1.0.77/32"))
    #expect(try route("route-reply-get-own").userID == 0)
    #expect(try route("route-reply-blackhole6").type == .blackhole)
  }

  @Test func `a plain route keeps nothing on the heap, of either family`() throws {
    for name in ["route-reply-gateway", "route-reply-kernel6"] {
      let route = try route(name)
      #expect(route.details.isEmpty, "\(name)")
      #expect(route.otherAttributes.isEmpty)
    }
    #expect(try route("route-reply-kernel6").cacheInfo == RouteCacheInfo())
    #expect(try route("route-reply-gateway").cacheInfo == nil)
    #expect(MemoryLayout<Route>.size <= 160)
  }

  @Test func `what is set and unset again leaves no trace`() throws {
    let plain = try route("route-reply-gateway")
    var route = plain
    route.metrics.mtu = 1400
    route.nextHops = [NextHop(weight: 7)]
    route.sourcePrefix = IPCIDR("fd00::/64")
    #expect(route != plain)
    route.metrics.mtu = nil
    route.nextHops = []
    route.sourcePrefix = nil
    #expect(route == plain)
    #expect(route.details.isEmpty)
    var info = RouteCacheInfo()
    info.used = 1
    route.cacheInfo = info
    #expect(route.cacheInfo?.used == 1)
    route.cacheInfo = RouteCacheInfo()
    #expect(route.cacheInfo == RouteCacheInfo())
    #expect(route.details.isEmpty)
  }

  /// A next hop that is shorter than it says, or longer than the list.
  @Test(
    arguments: [[7, 0, 0, 0, 1, 0, 0, 0], [40, 0, 0, 0, 1, 0, 0, 0], [8, 0, 0, 0, 1, 0, 0, 0, 9, 0]] as [[UInt8]])
  func `a next hop with a wrong length is an error`(hops: [UInt8]) throws {
    let header: [UInt8] = [2, 8, 0, 0, 254, 4, 0, 1, 0, 0, 0, 0]
    let bytes = Bytes.message(24, header + Bytes.attribute(9, hops), sequence: 1)
    let span = unsafe bytes.span.bytes
    var cursor = MessageCursor()
    let message = try #require(try cursor.next(in: span))
    #expect(throws: WireError.self) { try Route(message, in: span) }
  }

  @Test func `metrics that cannot be held are kept as they were`() throws {
    let metrics = Bytes.attribute(2, Bytes.of(UInt16(5)))
    let header: [UInt8] = [2, 8, 0, 0, 254, 4, 0, 1, 0, 0, 0, 0]
    let bytes = Bytes.message(24, header + Bytes.attribute(8, metrics), sequence: 1)
    let span = unsafe bytes.span.bytes
    var cursor = MessageCursor()
    let message = try #require(try cursor.next(in: span))
    let route = try #require(try Route(message, in: span))
    #expect(route.metrics.isEmpty)
    #expect(route.otherAttributes[8] == [metrics])
  }
}
