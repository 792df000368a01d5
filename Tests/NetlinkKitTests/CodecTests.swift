// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import Testing

@testable import NetlinkKit

@Suite("Requests on the wire")
struct EncodingTests {
  /// What a request looks like behind its message header.
  private func body(_ request: some NetlinkRequest) -> [UInt8] {
    let writer = MessageWriter()
    writer.begin(type: UInt16(request.type), flags: UInt16(request.flags), sequence: 1)
    request.encode(into: writer)
    #expect(writer.failure == nil)
    return Array(writer.bytes[16...])
  }

  @Test func `ipvlan mode and flags are sixteen bits wide`() {
    let link = NewLink(name: "e", kind: .ipvlan(parent: .loopback, mode: .l3s, flag: .vepa))
    let data = Bytes.attribute(1, Bytes.of(UInt16(2))) + Bytes.attribute(2, Bytes.of(UInt16(2)))
    let information =
      Bytes.attribute(1, Array("ipvlan".utf8) + [0]) + Bytes.attribute(Int32(2 | 0x8000), data)
    #expect(
      Array(body(CreateLink(link: link))[16...])
        == Bytes.attribute(3, [101, 0]) + Bytes.attribute(5, Bytes.of(UInt32(1)))
        + Bytes.attribute(Int32(18 | 0x8000), information))
  }

  @Test func `a route in a table beyond 255 says so in the attribute`() throws {
    let route = Route(destination: IPCIDR("10.0.0.0/8"), interface: .loopback, table: RouteTableID(1000))
    let bytes = body(ChangeRoute(change: .add, route: route))
    // Family, lengths, table, protocol, scope, type, flags.
    #expect(Array(bytes[..<12]) == [2, 8, 0, 0, 0, 4, 253, 1, 0, 0, 0, 0])
    #expect(
      Array(bytes[12...]) == Bytes.attribute(1, [10, 0, 0, 0]) + Bytes.attribute(4, Bytes.of(UInt32(1)))
        + Bytes.attribute(15, Bytes.of(UInt32(1000))))
  }

  @Test func `a request that does not fit is refused as a whole`() {
    let writer = MessageWriter()
    writer.begin(type: 16, flags: 0, sequence: 1)
    writer.put(1, bytes: [UInt8](repeating: 1, count: 20_000))
    writer.nested(2) { $0.put(1, bytes: [UInt8](repeating: 1, count: 20_000)) }
    #expect(writer.failure == .requestTooLarge(limit: 32_768))
    writer.dropLast()
    writer.begin(type: 16, flags: 0, sequence: 2)
    #expect(writer.failure == nil)
    #expect(writer.bytes.count == 16)
  }
}

@Suite("Values from the wire")
struct DecodingTests {
  private func decode<Value>(
    _ bytes: [UInt8], _ body: (Message, RawSpan) throws(WireError) -> Value
  ) throws -> Value {
    let span = unsafe bytes.span.bytes
    var cursor = MessageCursor()
    let message = try #require(try cursor.next(in: span))
    return try body(message, span)
  }

  private let header = [0, 0, 1, 0] + Bytes.of(Int32(7)) + Bytes.of(UInt32(0x1043)) + Bytes.of(UInt32(0))

  @Test func `attributes that this module does not know are kept in order, as they were`() throws {
    let bytes = Bytes.message(
      16,
      header + Bytes.attribute(3, [101, 0]) + Bytes.attribute(0x0333, [1, 2, 3])
        + Bytes.attribute(Int32(0x0334 | 0x8000), Bytes.attribute(1, [9])) + Bytes.attribute(0x0333, []), sequence: 1)
    let link = try decode(bytes) { message, span throws(WireError) in try Link(message, in: span) }
    #expect(link.otherAttributes.map(\.type) == [0x0333, 0x0334, 0x0333])
    #expect(link.otherAttributes[0x0333] == [[1, 2, 3], []])
    #expect(link.otherAttributes[0x0334] == [[5, 0, 1, 0, 9, 0, 0, 0]])
    #expect(link.otherAttributes.description == "[819: 010203, 820: 0500010009000000, 819: ]")
  }

  @Test(arguments: [[1, 98, 0], [97, 0xff, 0], [97, 47, 98, 0], [0], []] as [[UInt8]])
  func `a name that cannot be held does not make a link unreadable`(name: [UInt8]) throws {
    let bytes = Bytes.message(16, header + Bytes.attribute(3, name), sequence: 1)
    let link = try decode(bytes) { message, span throws(WireError) in try Link(message, in: span) }
    #expect(link.name == "?7")
    #expect(link.otherAttributes[3] == [name])
  }

  @Test func `a rule for a link with a name that cannot be held says so`() throws {
    let bytes = Bytes.message(
      32, [2, 0, 0, 0, 254, 0, 0, 1] + Bytes.of(UInt32(0)) + Bytes.attribute(3, [1, 98, 0]), sequence: 1)
    let rule = try #require(
      try decode(bytes) { message, span throws(WireError) in try Rule(message, in: span) })
    #expect(rule.inputInterface == nil)
    #expect(rule.otherAttributes[3] == [[1, 98, 0]])
  }

  @Test func `an ipvlan link is read back with parent, mode and flag, and with settings of a newer kernel`() throws {
    let data =
      Bytes.attribute(1, Bytes.of(UInt16(1))) + Bytes.attribute(2, Bytes.of(UInt16(1)))
      + Bytes.attribute(77, Bytes.of(UInt32(5)))
    let information = Bytes.attribute(1, Array("ipvlan".utf8) + [0]) + Bytes.attribute(2, data)
    let bytes = Bytes.message(
      16,
      header + Bytes.attribute(3, [101, 0]) + Bytes.attribute(18, information)
        + Bytes.attribute(5, Bytes.of(UInt32(4))), sequence: 1)
    let link = try decode(bytes) { message, span throws(WireError) in try Link(message, in: span) }
    let parent = try #require(InterfaceIndex(rawValue: 4))
    #expect(link.kind == .ipvlan(parent: parent, mode: .l3, flag: .private))
    #expect(link.otherKindAttributes[77] == [Bytes.of(UInt32(5))])
    #expect(link.flags == [.up, .broadcast, .running, .multicast])
  }

  @Test func `an ipvlan mode of another width is an error, not a wrong mode`() throws {
    let information =
      Bytes.attribute(1, Array("ipvlan".utf8) + [0]) + Bytes.attribute(2, Bytes.attribute(1, Bytes.of(UInt32(1))))
    let bytes = Bytes.message(
      16,
      header + Bytes.attribute(3, [101, 0]) + Bytes.attribute(5, Bytes.of(UInt32(4)))
        + Bytes.attribute(18, information), sequence: 1)
    #expect(throws: WireError.attributeWidth(type: 1, expected: 2, actual: 4)) {
      try decode(bytes) { message, span throws(WireError) in try Link(message, in: span) }
    }
  }

  @Test func `the kernel's words and the offset are read behind a copied request and behind a capped one`() throws {
    let words =
      Bytes.attribute(1, Array("no such thing".utf8) + [0]) + Bytes.attribute(2, Bytes.of(UInt32(36)))
    let request = Bytes.message(16, [1, 2, 3, 4, 5, 6, 7, 8], sequence: 1)
    let copied = Bytes.message(2, Bytes.of(Int32(-19)) + request + words, flags: 0x200, sequence: 1)
    let capped = Bytes.message(2, Bytes.of(Int32(-19)) + request.prefix(16) + words, flags: 0x300, sequence: 1)
    for bytes in [copied, capped] {
      let failure = try decode(bytes) { message, span throws(WireError) in try KernelFailure(error: message, in: span) }
      #expect(failure == KernelFailure(errno: 19, message: "no such thing", attributeOffset: 36))
    }
  }

  @Test func `any cut and any flipped byte of a link gives a value or an error`() throws {
    let information = Bytes.attribute(1, Array("ipvlan".utf8) + [0]) + Bytes.attribute(2, Bytes.attribute(1, [1, 0]))
    let whole = Bytes.message(
      16,
      header + Bytes.attribute(3, [101, 0]) + Bytes.attribute(4, Bytes.of(UInt32(1500)))
        + Bytes.attribute(5, Bytes.of(UInt32(4))) + Bytes.attribute(18, information), sequence: 1)
    var outcomes: Set<Bool> = []
    func attempt(_ bytes: [UInt8]) {
      let span = unsafe bytes.span.bytes
      var cursor = MessageCursor()
      do throws(WireError) {
        while let message = try cursor.next(in: span) { _ = try Link(message, in: span) }
        outcomes.insert(true)
      } catch { outcomes.insert(false) }
    }
    for length in 0..<whole.count { attempt(Array(whole.prefix(length))) }
    for place in whole.indices {
      for bit in 0..<8 {
        var bytes = whole
        bytes[place] ^= 1 << bit
        attempt(bytes)
      }
    }
    #expect(outcomes == [true, false])
  }
}
