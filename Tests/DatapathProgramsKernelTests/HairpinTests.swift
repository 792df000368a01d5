// SPDX-License-Identifier: Apache-2.0

import BPFMaps
import BPFTesting
import CDatapathABI
import DatapathPrograms
import KernelTestSupport
import LinuxSystem
import NetworkTypes
import Testing

/// A pod that reaches itself by way of a service: its packets go back to it, from an address that its stack takes.
@Suite("Hairpin", .serialized, .requires(.root))
struct HairpinTests {
  typealias Backend = TestServices.Backend

  /// The pod is isolated both ways and serves port 8080 as port 80 of the service.
  static func fixture(_ family: Family, _ ipProtocol: IPProtocol) throws -> PodFixture {
    let services = try TestServices()
    for address in [family.vip, family.otherVIP] {
      try services.add(address, 80, ipProtocol, to: [Backend(address: family.pod, port: 8080)])
    }
    let fixture = try PodFixture(services: services.maps)
    try fixture.publish(ingress: [], egress: [])
    return fixture
  }

  static func packet(
    _ message: Message, from source: IPAddress, to destination: IPAddress, isReturned: Bool = true
  ) -> Packet {
    var packet = message.packet(from: source, to: destination, payload: [1, 2, 3])
    if isReturned { packet.ethernet?.destination = .sender }
    return Packet(parsing: packet.bytes)
  }

  @Test(arguments: 0..<2, Family.allCases)
  func `requests and replies come back translated, whatever the policies say`(number: Int, family: Family) throws {
    let (ipProtocol, message, _) = ServiceTests.protocols[number]
    let fixture = try Self.fixture(family, ipProtocol)
    for _ in 0..<2 {
      let request = try fixture.returned(
        message(1000, 80).packet(from: family.pod, to: family.vip, payload: [1, 2, 3]))
      #expect(request == Self.packet(message(1000, 8080), from: family.hairpin, to: family.pod))
      #expect(try fixture.run(request, .ingress) == .passes(request))
      let reply = try fixture.returned(
        message(8080, 1000).packet(from: family.pod, to: family.hairpin, payload: [1, 2, 3]))
      #expect(reply == Self.packet(message(80, 1000), from: family.vip, to: family.pod))
      #expect(try fixture.run(reply, .ingress) == .passes(reply))
    }
    let flow = try #require(try fixture.datapath.flows.entries().first { $0.1.flags & UInt32(FLOW_SERVICE) == 0 })
    #expect(flow.1.flags == UInt32(FLOW_TO_POD | FLOW_REPLIED | FLOW_HAIRPIN))
  }

  @Test(arguments: Family.allCases)
  func `two services of one pod work from one port`(family: Family) throws {
    let fixture = try Self.fixture(family, .tcp)
    let syn = Message.tcp(from: 1000, to: 80, flags: .syn)
    let first = try fixture.returned(syn.packet(from: family.pod, to: family.vip))
    let second = try fixture.returned(syn.packet(from: family.pod, to: family.otherVIP))
    #expect(first.source == (family.hairpin, 1000) && second.source.port >= 32_768)
    let answer = Message.tcp(from: 8080, to: second.source.port, flags: [.syn, .ack])
    let reply = try fixture.returned(answer.packet(from: family.pod, to: family.hairpin))
    #expect(reply.source == (family.otherVIP, 80) && reply.destination == (family.pod, 1000))
  }

  @Test(arguments: Family.allCases)
  func `nobody outside gets in by the hairpin's address`(family: Family) throws {
    let fixture = try Self.fixture(family, .tcp)
    let forged = Message.tcp(from: 1000, to: 8080, flags: .syn).packet(from: family.hairpin, to: family.pod)
    #expect(try fixture.run(forged, .ingress) == .drops(.policy))
    let fromService = Message.tcp(from: 80, to: 1000, flags: [.syn, .ack]).packet(from: family.vip, to: family.pod)
    #expect(try fixture.run(fromService, .ingress) == .drops(.policy))
  }

  @Test(arguments: Family.allCases)
  func `a closed port's error comes back as the service's`(family: Family) throws {
    let fixture = try Self.fixture(family, .udp)
    let request = try fixture.returned(Message.udp(from: 1000, to: 80).packet(from: family.pod, to: family.vip))
    let (type, code): (UInt8, UInt8) = family == .v4 ? (3, 3) : (1, 4)
    let error = ICMPTests.error(type, code, request, from: family.pod, to: family.hairpin)
    let returned = try fixture.returned(error)
    let original = Message.udp(from: 1000, to: 80).packet(from: family.pod, to: family.vip)
    var expected = ICMPTests.error(type, code, original, from: family.vip, to: family.pod)
    expected.ethernet?.destination = .sender
    #expect(returned == Packet(parsing: expected.bytes))
    #expect(try fixture.run(returned, .ingress) == .passes(returned))
  }

  @Test(arguments: Family.allCases)
  func `fragments come back too`(family: Family) throws {
    let fixture = try Self.fixture(family, .udp)
    let sent = try FragmentTests.fragments(.udp(from: 1000, to: 80), from: family.pod, to: family.vip)
    let whole = try FragmentTests.fragments(.udp(from: 1000, to: 8080), from: family.hairpin, to: family.pod)
    for (fragment, expected) in zip(sent, whole) {
      let returned = try fixture.returned(fragment)
      var expected = Packet(parsing: expected.bytes)
      expected.ethernet?.destination = .sender
      #expect(returned.bytes == expected.bytes)
      #expect(try fixture.run(returned, .ingress) == .passes(returned))
    }
    let replies = try FragmentTests.fragments(.udp(from: 8080, to: 1000), from: family.pod, to: family.hairpin)
    for fragment in replies {
      let returned = try fixture.returned(fragment)
      #expect(returned.source.address == family.vip && returned.destination.address == family.pod)
      #expect(try fixture.run(returned, .ingress) == .passes(returned))
    }
  }
}
