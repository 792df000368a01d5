// SPDX-License-Identifier: Apache-2.0

import BPFMaps
import BPFTesting
import CDatapathABI
import DatapathPrograms
import KernelTestSupport
import LinuxSystem
import NetworkTypes
import Testing

@Suite("Ends that two flows would have", .serialized, .requires(.root))
struct ServicePortTests {
  typealias Backend = TestServices.Backend

  /// Two services whose only backend is the peer's port 8080.
  static func fixture(_ family: Family, _ ipProtocol: IPProtocol) throws -> PodFixture {
    let services = try TestServices()
    let port: UInt16 = ipProtocol == .sctp ? 80 : 8080
    for address in [family.vip, family.otherVIP] {
      try services.add(address, 80, ipProtocol, to: [Backend(address: family.peer, port: port)])
    }
    return try PodFixture(services: services.maps)
  }

  static func message(_ ipProtocol: IPProtocol, from source: UInt16, to destination: UInt16, isReply: Bool = false)
    -> Message
  {
    if ipProtocol == .udp { return .udp(from: source, to: destination) }
    return .tcp(from: source, to: destination, flags: isReply ? [.syn, .ack] : .syn)
  }

  @Test(arguments: [IPProtocol.tcp, .udp], Family.allCases)
  func `two services that share their only backend work from one port`(ipProtocol: IPProtocol, family: Family) throws {
    let fixture = try Self.fixture(family, ipProtocol)
    var wirePorts: [UInt16] = []
    for address in [family.vip, family.otherVIP, family.vip, family.otherVIP] {
      let sent = try fixture.pass(
        Self.message(ipProtocol, from: 1000, to: 80).packet(from: family.pod, to: address), .egress)
      #expect(sent.destination == (family.peer, 8080))
      #expect(sent == Packet(parsing: sent.bytes))
      wirePorts.append(sent.source.port)
    }
    #expect(wirePorts[0] == 1000 && wirePorts[1] >= 32_768 && wirePorts[2...] == wirePorts[..<2])
    for (address, port) in [(family.vip, wirePorts[0]), (family.otherVIP, wirePorts[1])] {
      let reply = Self.message(ipProtocol, from: 8080, to: port, isReply: true)
        .packet(from: family.peer, to: family.pod, payload: [9])
      let expected = Self.message(ipProtocol, from: 80, to: 1000, isReply: true)
        .packet(from: address, to: family.pod, payload: [9])
      #expect(try fixture.run(reply, .ingress) == .passes(Packet(parsing: expected.bytes)))
    }
  }

  @Test(arguments: Family.allCases)
  func `SCTP cannot have another port, and says so`(family: Family) throws {
    let fixture = try Self.fixture(family, .sctp)
    let message = Message.sctp(from: 1000, to: 80)
    #expect(
      try fixture.pass(message.packet(from: family.pod, to: family.vip), .egress).destination == (family.peer, 80))
    #expect(try fixture.run(message.packet(from: family.pod, to: family.otherVIP), .egress) == .drops(.noMapping))
  }

  @Test(arguments: Family.allCases)
  func `a connection by way of a service makes room for one to the backend's own address`(family: Family) throws {
    let fixture = try Self.fixture(family, .tcp)
    let direct = Message.tcp(from: 1000, to: 8080, flags: .syn).packet(from: family.pod, to: family.peer)
    #expect(try fixture.run(direct, .egress) == .passes(Packet(parsing: direct.bytes)))
    let request = Message.tcp(from: 1000, to: 80, flags: .syn).packet(from: family.pod, to: family.vip)
    let sent = try fixture.pass(request, .egress)
    #expect(sent.destination == (family.peer, 8080) && sent.source.port != 1000)
  }

  @Test(arguments: Family.allCases)
  func `a direct connection with the ends of a translated one waits until that is closed`(family: Family) throws {
    let fixture = try Self.fixture(family, .tcp)
    let request = Message.tcp(from: 1000, to: 80, flags: .syn).packet(from: family.pod, to: family.vip)
    #expect(try fixture.pass(request, .egress).source.port == 1000)
    let direct = Message.tcp(from: 1000, to: 8080, flags: .syn).packet(from: family.pod, to: family.peer)
    #expect(try fixture.run(direct, .egress) == .drops(.noMapping))
    let reset = Message.tcp(from: 8080, to: 1000, flags: .rst).packet(from: family.peer, to: family.pod)
    #expect(try fixture.pass(reset, .ingress).source == (family.vip, 80))
    #expect(try fixture.run(direct, .egress) == .passes(Packet(parsing: direct.bytes)))
    let answer = Message.tcp(from: 8080, to: 1000, flags: [.syn, .ack]).packet(from: family.peer, to: family.pod)
    #expect(try fixture.run(answer, .ingress) == .passes(Packet(parsing: answer.bytes)))
  }

  @Test(arguments: Family.allCases)
  func `direct datagrams keep their ends, those by way of the service move`(family: Family) throws {
    let fixture = try Self.fixture(family, .udp)
    let request = Message.udp(from: 1000, to: 80).packet(from: family.pod, to: family.vip)
    #expect(try fixture.pass(request, .egress).source.port == 1000)
    let direct = Message.udp(from: 1000, to: 8080).packet(from: family.pod, to: family.peer)
    #expect(try fixture.run(direct, .egress) == .passes(Packet(parsing: direct.bytes)))
    let answer = Message.udp(from: 8080, to: 1000).packet(from: family.peer, to: family.pod)
    #expect(try fixture.run(answer, .ingress) == .passes(Packet(parsing: answer.bytes)))
    let moved = try fixture.pass(request, .egress).source.port
    #expect(moved >= 32_768)
    #expect(try fixture.pass(request, .egress).source.port == moved)
    let reply = Message.udp(from: 8080, to: moved).packet(from: family.peer, to: family.pod)
    let received = try fixture.pass(reply, .ingress)
    #expect(received.source == (family.vip, 80) && received.destination.port == 1000)
    #expect(try fixture.run(answer, .ingress) == .passes(Packet(parsing: answer.bytes)))
  }

  @Test(arguments: Family.allCases)
  func `a node port answers from the node's address that was asked`(family: Family) throws {
    let services = try TestServices()
    try services.add(
      family.unspecified, 30_080, to: [Backend(address: family.peer, port: 8080)],
      flags: UInt32(FRONTEND_EXTERNAL | FRONTEND_NODE_PORT))
    for address in [family.node, family.router] {
      try services.maps.nodeAddresses.updateValue(present(), forKey: ip_address(address))
    }
    let fixture = try PodFixture(services: services.maps)
    for (port, address) in [(UInt16(1000), family.node), (1001, family.router)] {
      let request = Message.tcp(from: port, to: 30_080, flags: .syn).packet(from: family.pod, to: address)
      #expect(try fixture.pass(request, .egress).destination == (family.peer, 8080))
      let reply = Message.tcp(from: 8080, to: port, flags: [.syn, .ack]).packet(from: family.peer, to: family.pod)
      let expected = Message.tcp(from: 30_080, to: port, flags: [.syn, .ack]).packet(from: address, to: family.pod)
      #expect(try fixture.run(reply, .ingress) == .passes(Packet(parsing: expected.bytes)))
    }
    let elsewhere = Message.tcp(from: 1002, to: 30_080, flags: .syn).packet(from: family.pod, to: family.stranger)
    #expect(try fixture.run(elsewhere, .egress) == .passes(Packet(parsing: elsewhere.bytes)))
  }
}
