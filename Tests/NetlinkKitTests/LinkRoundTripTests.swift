// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import Testing

@testable import NetlinkKit

@Suite("Captured links")
struct LinkRoundTripTests {
  @Test(arguments: ["link-reply-loopback", "link-reply-veth", "link-reply-eth0", "link-news-moved"])
  func `every byte of a link comes back`(name: String) throws {
    try Fixture(name).expectRoundTrip(headerSize: Link.headerSize) { message, span, writer in
      try Link(message, in: span).encodeReply(into: writer)
    }
  }

  private func link(_ name: String) throws -> Link {
    let fixture = try Fixture(name)
    let span = unsafe fixture.bytes.span.bytes
    var cursor = MessageCursor()
    return try Link(try #require(try cursor.next(in: span)), in: span)
  }

  @Test func `a link says all that the kernel says of it`() throws {
    let link = try link("link-reply-veth")
    #expect(link.name == "v0")
    #expect(link.alternativeNames == ["a-name-that-is-longer-than-fifteen-bytes", "short"])
    #expect(link.alias == "some alias")
    #expect(link.group == LinkGroup(7))
    #expect(link.transmitQueueLength == 77)
    #expect(link.transmitQueueCount == 3)
    #expect(link.receiveQueueCount == 2)
    #expect(link.minimumMTU == 68)
    #expect(link.maximumMTU == 65535)
    #expect(link.mode == .default)
    #expect(link.qdisc == "noqueue")
    #expect(link.ipv6AddressGeneration == .eui64)
    #expect(link.isNamespaceImmutable == false)
    #expect(
      link.segmentation
        == SegmentationLimits(
          gsoMaximumSize: 65536, gsoMaximumSegments: 65535, groMaximumSize: 65536, gsoIPv4MaximumSize: 65536,
          groIPv4MaximumSize: 65536))
    #expect(link.tsoMaximumSize == 524_280)
    #expect(link.tsoMaximumSegments == 65535)
    #expect(link.promiscuity == 0)
    #expect(link.allMulticastCount == 0)
    #expect(link.hasCarrier == true)
    #expect(link.carrierChanges == 2)
    #expect(link.carrierUpCount == 1)
    #expect(link.carrierDownCount == 1)
    #expect(link.isProtocolDown == false)
    #expect(link.broadcastAddress == MACAddress("ff:ff:ff:ff:ff:ff"))
    #expect(link.permanentAddress == nil)
    #expect(link.changedFlags == [])
    #expect(link.statistics?.received.packets == 2)
    #expect(link.statistics?.transmitted.packets == 1)
    #expect(link.statistics?.received.bytes == 0xb0)
    #expect(link.statistics?.transmitted.bytes == 0x5a)
  }

  @Test func `the news of a link that left says where to`() throws {
    let link = try link("link-news-moved")
    #expect(link.newNamespaceID == NamespaceID(rawValue: 0))
    #expect(link.newIndex == InterfaceIndex(rawValue: 3))
    #expect(link.changedFlags.rawValue == .max)
  }

  @Test func `any cut and any flipped bit of a real link gives a value or an error`() throws {
    let whole = try Fixture("link-reply-veth").bytes
    var outcomes: Set<Bool> = []
    func attempt(_ bytes: [UInt8]) {
      let span = unsafe bytes.span.bytes
      var cursor = MessageCursor()
      do throws(WireError) {
        while let message = try cursor.next(in: span) {
          let link = try Link(message, in: span)
          _ = link.ipv6AddressGeneration
        }
        outcomes.insert(true)
      } catch { outcomes.insert(false) }
    }
    for length in stride(from: 0, to: whole.count, by: 3) { attempt(Array(whole.prefix(length))) }
    for place in whole.indices {
      var bytes = whole
      bytes[place] ^= 1 << (place % 8)
      attempt(bytes)
      bytes[place] = 0xff
      attempt(bytes)
    }
    #expect(outcomes == [true, false])
  }

  @Test func `an id of a namespace comes back`() throws {
    try Fixture("nsid-reply").expectRoundTrip(headerSize: NamespaceID.headerSize) { message, span, writer in
      let id = try #require(try NamespaceID(message, in: span))
      #expect(id == NamespaceID(rawValue: 5))
      id.encodeReply(into: writer)
    }
  }

  /// Writes our request where `ip` sent its own.
  private func expect(_ request: some NetlinkRequest, like name: String) throws {
    try Fixture(name).expectRoundTrip(headerSize: Link.headerSize) { message, span, writer in
      #expect(Int(message.type) == request.type)
      request.encode(into: writer)
    }
  }

  @Test(arguments: [
    (
      "flags",
      LinkChanges(
        isUp: true, isARPEnabled: false, isPromiscuous: true, isAllMulticast: true, isMulticast: false)
    ),
    (
      "settings",
      LinkChanges(
        mtu: 1400, address: MACAddress("02:00:00:00:00:09"), alias: "some alias", group: LinkGroup(7),
        transmitQueueLength: 500, broadcastAddress: MACAddress("02:ff:ff:ff:ff:ff"))
    ),
    ("master", LinkChanges(master: InterfaceIndex(rawValue: 9))),
    ("nomaster", LinkChanges(master: .some(nil))),
    (
      "gso",
      LinkChanges(
        segmentation: SegmentationLimits(
          gsoMaximumSize: 30000, gsoMaximumSegments: 10, groMaximumSize: 20000))
    ),
    ("rename", LinkChanges(name: "v2")),
    ("addrgenmode", LinkChanges(ipv6AddressGeneration: .off)),
  ]) func `a change is what ip sends for it`(name: String, changes: LinkChanges) throws {
    let index = try #require(InterfaceIndex(rawValue: 7))
    try expect(ChangeLink(subject: .index(index), changes: changes), like: "link-request-\(name)")
  }

  @Test func `other requests are what ip sends for them`() throws {
    let index = try #require(InterfaceIndex(rawValue: 7))
    try expect(
      ChangeLink(subject: .group(LinkGroup(7)), changes: LinkChanges(isUp: false)), like: "link-request-group")
    try expect(
      ChangeAlternativeNames(
        subject: .index(index), names: ["a-name-that-is-longer-than-fifteen-bytes", "short"], isRemoval: false),
      like: "link-request-altname")
    try expect(
      ChangeAlternativeNames(subject: .index(index), names: ["short"], isRemoval: true), like: "link-request-noaltname")
    try expect(RemoveLink(subject: .index(index)), like: "link-request-remove")
  }
}

@Suite("Link statistics")
struct LinkStatisticsTests {
  /// Counters that are 1, 2, 3 and so on in the kernel's order.
  private func statistics(_ count: Int) throws -> (value: LinkStatistics, wire: [UInt8]) {
    let wire = Bytes.attribute(23, (1...count).flatMap { Bytes.of(UInt64($0)) })
    let span = unsafe wire.span.bytes
    var cursor = AttributeCursor(0..<wire.count)
    let attribute = try #require(try cursor.next(in: span))
    return (try LinkStatistics(attribute, in: span), wire)
  }

  @Test func `each counter is in its place`() throws {
    let value = try statistics(25).value
    #expect(value.received == .init(packets: 1, bytes: 3, errors: 5, dropped: 7, compressed: 22))
    #expect(value.transmitted == .init(packets: 2, bytes: 4, errors: 6, dropped: 8, compressed: 23))
    #expect(value.multicast == 9)
    #expect(value.collisions == 10)
    #expect(value.receiveErrors == .init(length: 11, over: 12, crc: 13, frame: 14, fifo: 15, missed: 16))
    #expect(value.transmitErrors == .init(aborted: 17, carrier: 18, fifo: 19, heartbeat: 20, window: 21))
    #expect(value.unhandled == 24)
    #expect(value.otherHostDropped == 25)
    #expect(value.newerCounters.isEmpty)
  }

  @Test(arguments: [8, 23, 24, 25, 26, 40])
  func `a shorter and a longer struct are read and come back`(count: Int) throws {
    let (value, wire) = try statistics(count)
    #expect(value.newerCounters == (count > 25 ? (26...count).map(UInt64.init) : []))
    #expect(value.otherHostDropped == (count < 25 ? 0 : 25))
    let writer = MessageWriter()
    writer.begin(type: 16, flags: 0, sequence: 1)
    value.encodeReply(into: writer)
    #expect(Array(writer.bytes[16..<16 + wire.count]) == wire)
  }

  @Test(arguments: [0, 7, 9]) func `a struct that is no row of counters is an error`(count: Int) throws {
    let wire = Bytes.attribute(23, [UInt8](repeating: 0, count: count == 9 ? 76 : count * 8))
    let span = unsafe wire.span.bytes
    var cursor = AttributeCursor(0..<wire.count)
    let attribute = try #require(try cursor.next(in: span))
    #expect(throws: WireError.self) { try LinkStatistics(attribute, in: span) }
  }
}

@Suite("Link requests that are not sent")
struct LinkObjectionTests {
  @Test func `a change that the kernel would take for another is refused`() throws {
    let far = try #require(InterfaceIndex(rawValue: 1 << 31))
    func objection(_ subject: LinkSubject, _ changes: LinkChanges) -> String? {
      ChangeLink(subject: subject, changes: changes).objection
    }
    #expect(objection(.index(.loopback), LinkChanges(isUp: true)) == nil)
    #expect(objection(.index(far), LinkChanges(name: "x0")) == "the index must be 1...2147483647")
    #expect(
      objection(.index(.loopback), LinkChanges(newIndex: .loopback)) == "an index changes only with the namespace")
    #expect(objection(.group(.default), LinkChanges(group: LinkGroup(1))) != nil)
    #expect(objection(.group(.default), LinkChanges(name: "x0")) != nil)
    #expect(objection(.index(.loopback), LinkChanges(operationalState: .down)) != nil)
    #expect(objection(.index(.loopback), LinkChanges(alias: "a\0b")) != nil)
    #expect(objection(.index(.loopback), LinkChanges(operationalState: .dormant)) == nil)
  }

  @Test(arguments: ["", "a\0b", String(repeating: "x", count: 128)])
  func `what cannot be an alternative name is refused`(name: String) {
    let request = ChangeAlternativeNames(subject: .index(.loopback), names: ["fine", name], isRemoval: false)
    #expect(request.objection == "an alternative name has 1...127 bytes, none of them zero")
    #expect(FindLinks(subject: .alternativeName(name)).isHopeless)
  }
}
