// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import Testing

@testable import NetlinkKit

@Suite("Captured addresses")
struct AddressRoundTripTests {
  static let replies = [
    "address-reply-lifetime6", "address-reply-mcautojoin", "address-reply-peer", "address-reply-linklocal",
  ]

  @Test(arguments: replies)
  func `every byte of an address comes back`(name: String) throws {
    try Fixture(name).expectRoundTrip(headerSize: InterfaceAddress.headerSize) { message, span, writer in
      try #require(try InterfaceAddress(message, in: span)).encodeReply(into: writer)
    }
  }

  @Test(arguments: replies)
  func `any cut and any changed byte of a real address gives a value or an error`(name: String) throws {
    let outcomes = try readDamaged(name) { message, span throws(WireError) in
      _ = try InterfaceAddress(message, in: span)
    }
    #expect(outcomes == [true, false])
  }

  private func address(_ name: String) throws -> InterfaceAddress {
    try Fixture(name).read { message, span throws(WireError) in try InterfaceAddress(message, in: span) }
  }

  @Test func `lifetime, priority, times, flags and origin are read`() throws {
    let short = try address("address-reply-lifetime6")
    #expect(short.lifetime == AddressLifetime(preferred: 243, valid: 543))
    #expect(short.priority == 7)
    #expect(short.times == AddressTimes(created: 5058, updated: 5058))
    #expect(short.flags == [.noDAD, .homeAddress, .managesTemporary, .noPrefixRoute])
    #expect(short.otherAttributes.isEmpty)
    #expect(try address("address-reply-mcautojoin").flags == [.permanent, .joinsMulticast])
    let own = try address("address-reply-linklocal")
    #expect(own.protocol == .kernelLinkLocal)
    #expect(own.lifetime == .forever)
    #expect(own.priority == nil)
    #expect(try address("address-reply-peer").peer == IPAddress("10.5.0.2"))
  }

  private func expect(_ address: InterfaceAddress, _ change: ObjectChange = .add, like name: String) throws {
    let request = ChangeAddress(change: change, address: address)
    #expect(request.objection == nil)
    try Fixture("address-request-\(name)").expectSame(as: request, headerSize: InterfaceAddress.headerSize)
  }

  @Test func `a request is what ip sends for it`() throws {
    let index = try #require(InterfaceIndex(rawValue: 3))
    func own(_ text: String, _ length: Int) throws -> InterfaceAddress {
      InterfaceAddress(index: index, address: try #require(IPAddress(text)), prefixLength: length)
    }
    var address = try own("10.1.0.5", 24)
    address.lifetime = AddressLifetime(preferred: 300, valid: 600)
    address.flags = .noPrefixRoute
    address.priority = 7
    address.label = "v0:x"
    address.broadcast = IPv4Address(rawValue: 0x0a01_00ff)
    try expect(address, like: "lifetime")
    var six = try own("fd00::5", 64)
    six.lifetime = AddressLifetime(preferred: 300, valid: 600)
    six.flags = [.noDAD, .homeAddress, .managesTemporary, .noPrefixRoute, .optimistic]
    six.priority = 7
    try expect(six, like: "lifetime6")
    six = try own("fd00::5", 64)
    six.lifetime.preferred = 1600
    try expect(six, .replace, like: "replace")
    var group = try own("239.1.1.1", 24)
    group.flags = .joinsMulticast
    try expect(group, like: "mcautojoin")
    var end = try own("10.5.0.1", 32)
    end.peer = IPAddress("10.5.0.2")
    end.scope = .link
    try expect(end, like: "peer")
    try expect(try own("10.1.0.6", 24), .remove, like: "remove")
  }

  @Test func `a life that cannot be is refused`() throws {
    func objection(_ preferred: UInt32?, _ valid: UInt32?) -> String? {
      let address = InterfaceAddress(
        index: .loopback, address: .v4(IPv4Address(rawValue: 1)), prefixLength: 8,
        lifetime: AddressLifetime(preferred: preferred, valid: valid))
      return ChangeAddress(change: .add, address: address).objection
    }
    #expect(objection(nil, 0) == "an address that is valid for 0 seconds is to be removed")
    #expect(objection(9, 8) == "it cannot be preferred longer than it is valid")
    #expect(objection(nil, 8) == "it cannot be preferred longer than it is valid")
    #expect(objection(8, 8) == nil)
    #expect(objection(0, nil) == nil)
  }
}
