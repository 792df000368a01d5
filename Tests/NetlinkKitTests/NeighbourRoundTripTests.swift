// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import Testing

@testable import NetlinkKit

@Suite("Captured neighbours and forwarding entries")
struct NeighbourRoundTripTests {
  static let neighbours = ["neighbour-reply-managed", "neighbour-reply-router", "neighbour-reply-multicast"]
  static let entries = [
    "forwarding-reply-vxlan", "forwarding-reply-nhid", "forwarding-reply-static", "forwarding-reply-learned",
  ]

  @Test(arguments: neighbours)
  func `every byte of a neighbour comes back`(name: String) throws {
    try Fixture(name).expectRoundTrip(headerSize: Neighbour.headerSize) { message, span, writer in
      try #require(try Neighbour(message, in: span)).encodeReply(into: writer)
      #expect(try ForwardingEntry(message, in: span) == nil)
    }
  }

  @Test(arguments: entries)
  func `every byte of a forwarding entry comes back`(name: String) throws {
    try Fixture(name).expectRoundTrip(headerSize: Neighbour.headerSize) { message, span, writer in
      try #require(try ForwardingEntry(message, in: span)).encodeReply(into: writer)
      #expect(try Neighbour(message, in: span) == nil)
    }
  }

  @Test(arguments: neighbours + entries)
  func `any cut and any changed byte of a real one gives a value or an error`(name: String) throws {
    let outcomes = try readDamaged(name) { message, span throws(WireError) in
      _ = try Neighbour(message, in: span)
      _ = try ForwardingEntry(message, in: span)
    }
    #expect(outcomes == [true, false])
  }

  private func neighbour(_ name: String) throws -> Neighbour {
    try Fixture("neighbour-reply-\(name)").read { message, span throws(WireError) in try Neighbour(message, in: span) }
  }

  @Test func `a neighbour says all that the kernel says of it`() throws {
    let managed = try neighbour("managed")
    #expect(managed.flags == .managed)
    #expect(managed.state == .failed)
    #expect(managed.probes == 6)
    #expect(
      managed.usage == NeighbourUsage(confirmed: 0x36f0, used: 0x1ab, updated: 0x78, referenceCount: 0))
    #expect(managed.type == .unicast)
    #expect(managed.otherAttributes.isEmpty)
    let router = try neighbour("router")
    #expect(router.flags == [.router, .externallyLearned])
    #expect(router.protocol == RouteProtocol(77))
    #expect(router.state == .noARP)
    #expect(try neighbour("multicast").type == .multicast)
  }

  @Test func `a forwarding entry says all that the kernel says of it`() throws {
    func entry(_ name: String) throws -> ForwardingEntry {
      try Fixture("forwarding-reply-\(name)").read { message, span throws(WireError) in
        try ForwardingEntry(message, in: span)
      }
    }
    let tunnel = try entry("vxlan")
    #expect(tunnel.address == MACAddress("02:00:00:00:00:05"))
    #expect(tunnel.destination == IPAddress("10.1.0.7"))
    #expect(tunnel.port == 4790)
    #expect(tunnel.vni == 9)
    #expect(tunnel.outputInterface?.rawValue == 3)
    #expect(tunnel.flags == .self)
    #expect(tunnel.state == [.permanent, .noARP])
    #expect(tunnel.otherAttributes.isEmpty)
    #expect(try entry("nhid").nextHopID == NextHopID(102))
    let port = try entry("static")
    #expect(port.bridge?.rawValue == 5)
    #expect(port.vlan == 1)
    #expect(port.state == .noARP)
    #expect(try entry("learned").flags == .externallyLearned)
  }

  @Test func `a neighbour request is what ip sends for it`() throws {
    let index = try #require(InterfaceIndex(rawValue: 3))
    func expect(_ neighbour: Neighbour, _ change: ObjectChange = .add, like name: String) throws {
      let request = ChangeNeighbour(change: change, neighbour: neighbour)
      #expect(request.objection == nil)
      try Fixture("neighbour-request-\(name)").expectSame(as: request, headerSize: Neighbour.headerSize)
    }
    let four = try #require(IPAddress("10.1.0.9"))
    try expect(Neighbour(interface: index, address: four, state: [], flags: .managed), like: "managed")
    try expect(
      Neighbour(
        interface: index, address: try #require(IPAddress("fd00::9")),
        linkLayerAddress: MACAddress("02:00:00:00:00:01"),
        state: .noARP, flags: [.externallyLearned, .router], protocol: RouteProtocol(77)), like: "router")
    try expect(
      Neighbour(interface: index, address: try #require(IPAddress("10.1.0.11")), state: [], flags: .use), .replace,
      like: "use")
    try expect(
      Neighbour(
        interface: index, address: try #require(IPAddress("10.1.0.12")), isProxy: true, protocol: RouteProtocol(77)),
      like: "proxy")
    try Fixture("neighbour-query-get").expectSame(
      as: FindNeighbour(address: four, link: index, isProxy: false), headerSize: Neighbour.headerSize)
    try Fixture("neighbour-query-list").expectSame(
      as: ListNeighbours(link: index, proxies: false), headerSize: Neighbour.headerSize)
  }

  @Test func `a forwarding request is what bridge sends for it`() throws {
    let tunnel = try #require(InterfaceIndex(rawValue: 4))
    let port = try #require(InterfaceIndex(rawValue: 2))
    func expect(_ entry: ForwardingEntry, _ change: ObjectChange, like name: String) throws {
      let request = ChangeForwardingEntry(change: change, entry: entry)
      #expect(request.objection == nil)
      try Fixture("forwarding-request-\(name)").expectSame(as: request, headerSize: Neighbour.headerSize)
    }
    let mac = try #require(MACAddress("02:00:00:00:00:05"))
    var entry = ForwardingEntry(
      interface: tunnel, address: mac, flags: .self, destination: IPAddress("10.1.0.7"), vni: 9, port: 4790)
    entry.outputInterface = InterfaceIndex(rawValue: 3)
    try expect(entry, .add, like: "vxlan")
    let everybody = ForwardingEntry(
      interface: tunnel, address: MACAddress(truncating: 0), flags: .self, destination: IPAddress("10.1.0.8"))
    try expect(everybody, .append, like: "append")
    try expect(everybody, .remove, like: "remove")
    try expect(
      ForwardingEntry(
        interface: port, address: MACAddress(truncating: 0x0200_0000_0007), flags: .master,
        state: [.noARP, .reachable],
        vlan: 1),
      .add, like: "bridge")
    try expect(
      ForwardingEntry(
        interface: port, address: MACAddress(truncating: 0x0200_0000_0008), flags: [.master, .externallyLearned],
        state: .reachable), .replace, like: "replace")
    try Fixture("forwarding-query").expectSame(
      as: ListForwardingEntries(link: tunnel, bridge: nil), headerSize: Neighbour.headerSize)
  }

  @Test func `an entry that means nothing is refused`() throws {
    func objection(_ entry: ForwardingEntry) -> String? { ChangeForwardingEntry(change: .add, entry: entry).objection }
    var entry = ForwardingEntry(interface: .loopback, address: MACAddress(truncating: 1), flags: [])
    #expect(objection(entry)?.hasPrefix("say whose entry it is") == true)
    entry.flags = .self
    #expect(objection(entry) == nil)
    entry.vlan = 4095
    #expect(objection(entry) == "the VLAN must be 1...4094, not 4095")
    entry.vlan = nil
    entry.destination = IPAddress("10.0.0.1")
    entry.nextHopID = NextHopID(1)
    #expect(objection(entry) == "it goes to a machine or to a group of them, not both")
    let managed = Neighbour(
      interface: .loopback, address: try #require(IPAddress("10.0.0.1")), flags: .managed)
    #expect(ChangeNeighbour(change: .add, neighbour: managed).objection?.contains("leave the state empty") == true)
  }

  @Test func `the flags of the header and the later ones are one set`() {
    let flags = NeighbourFlags(header: 0x88, extended: 0x8000_0001)
    #expect(flags.contains([.router, .proxy, .managed]))
    #expect(flags.header == 0x88)
    #expect(flags.extended == 0x8000_0001)
  }
}
