// SPDX-License-Identifier: Apache-2.0

import BPFMaps
import BPFTesting
import CDatapathABI
import DatapathPrograms
import KernelTestSupport
import LinuxSystem
import NetworkTypes
import Testing

@Suite("Services at the node's devices", .serialized, .requires(.root))
struct NodeServiceTests {
  typealias Backend = TestServices.Backend

  @Test(arguments: 0..<3, Family.allCases)
  func `a backend here gets the client's own address, and the client the service's`(number: Int, family: Family) throws
  {
    let fixture = try NodeFixture()
    let (ipProtocol, message, port) = ServiceTests.protocols[number]
    let asked: UInt16 = ipProtocol == .sctp ? 80 : 30_080
    try fixture.services.add(
      ipProtocol == .sctp ? family.vip : family.unspecified, asked, ipProtocol,
      to: [Backend(address: family.pod, port: port)],
      flags: ipProtocol == .sctp ? NodeFixture.external : NodeFixture.nodePort)
    let address = ipProtocol == .sctp ? family.vip : family.node
    for _ in 0..<2 {
      let request = message(1000, asked).packet(from: family.stranger, to: address, payload: [1, 2, 3])
      let expected = message(1000, port).packet(from: family.stranger, to: family.pod, payload: [1, 2, 3])
      #expect(try fixture.run(request, .ingress) == .passes(Packet(parsing: expected.bytes)))
      let reply = message(port, 1000).packet(from: family.pod, to: family.stranger, payload: [4])
      let answer = message(asked, 1000).packet(from: address, to: family.stranger, payload: [4])
      #expect(try fixture.run(reply, .egress) == .passes(Packet(parsing: answer.bytes)))
    }
    #expect(try fixture.node.flows.entries().count == 2)
  }

  @Test(arguments: 0..<2, Family.allCases)
  func `a backend elsewhere sees this node, which passes its replies on`(number: Int, family: Family) throws {
    let fixture = try NodeFixture()
    let (ipProtocol, message, port) = ServiceTests.protocols[number]
    try fixture.services.add(
      family.vip, 80, ipProtocol, to: [Backend(address: family.peer, port: port)], flags: NodeFixture.external)
    var ports: Set<UInt16> = []
    // Two clients with one port.
    for client in [family.stranger, family.router] {
      let request = message(1000, 80).packet(from: client, to: family.vip, payload: [1, 2, 3])
      let sent = try fixture.sentOn(request)
      let wire = sent.source.port
      ports.insert(wire)
      #expect(wire >= 61_000)
      let expected = ipProtocol == .tcp ? Message.tcp(from: wire, to: port, flags: .syn) : .udp(from: wire, to: port)
      #expect(sent == NodeFixture.hop(expected.packet(from: family.node, to: family.peer, payload: [1, 2, 3])))
      #expect(try fixture.sentOn(request).source.port == wire)
      let reply = message(port, wire).packet(from: family.peer, to: family.node, payload: [4])
      let answer = try fixture.sentOn(reply)
      #expect(answer.source == (family.vip, 80) && answer.destination == (client, 1000) && answer.payload == [4])
      #expect(answer == Packet(parsing: answer.bytes) && answer.ipv4?.checksum ?? .correct == .correct)
      #expect(answer.tcp?.checksum ?? answer.udp?.checksum == .correct)
    }
    #expect(ports.count == 2)
    #expect(try fixture.node.flows.entries().count == 4)
  }

  @Test(arguments: Family.allCases)
  func `of SCTP, whose ports stay, one client at a time has a port`(family: Family) throws {
    let fixture = try NodeFixture()
    try fixture.services.add(
      family.vip, 80, .sctp, to: [Backend(address: family.peer, port: 80)], flags: NodeFixture.external)
    func request(_ client: IPAddress, _ port: UInt16) -> Packet {
      Message.sctp(from: port, to: 80).packet(from: client, to: family.vip, payload: [1, 2, 3])
    }
    let sent = try fixture.sentOn(request(family.stranger, 1000))
    #expect(sent.source == (family.node, 1000) && sent.destination == (family.peer, 80))
    #expect(try fixture.run(request(family.router, 1000), .ingress) == .drops(.noMapping))
    #expect(try fixture.sentOn(request(family.router, 1001)).source == (family.node, 1001))
    let reply = Message.sctp(from: 80, to: 1000).packet(from: family.peer, to: family.node)
    #expect(try fixture.sentOn(reply).destination == (family.stranger, 1000))
  }

  @Test(arguments: Family.allCases)
  func `with a policy of Local only backends here are used, and without one nobody answers`(family: Family) throws {
    let fixture = try NodeFixture()
    let flags = NodeFixture.external | UInt32(FRONTEND_EXTERNAL_LOCAL)
    try fixture.services.add(
      family.vip, 80,
      to: [Backend(address: family.peer, port: 8080), Backend(address: family.pod, port: 8080, isLocal: true)],
      flags: flags)
    for port in UInt16(1000)..<1016 {
      let request = Message.tcp(from: port, to: 80, flags: .syn).packet(from: family.stranger, to: family.vip)
      let received = try fixture.pass(request, .ingress)
      #expect(received.destination == (family.pod, 8080) && received.source == (family.stranger, port))
    }
    try fixture.services.add(family.otherVIP, 80, to: [Backend(address: family.peer, port: 8080)], flags: flags)
    let request = Message.tcp(from: 1000, to: 80, flags: .syn).packet(from: family.stranger, to: family.otherVIP)
    #expect(try fixture.run(request, .ingress) == .drops(.notLocal))
    // Without a backend anywhere the policy does not matter: the client is told.
    try fixture.services.add(family.vip, 81, to: [], flags: flags)
    let other = Message.tcp(from: 1000, to: 81, flags: .syn).packet(from: family.stranger, to: family.vip)
    #expect(try fixture.sentOn(other) == RefusalTests.reset(of: other, family, for: family.stranger))
  }

  @Test(arguments: Family.allCases)
  func `clients outside the source ranges are kept out, and cluster addresses are none of theirs`(family: Family) throws
  {
    let fixture = try NodeFixture()
    let written = try fixture.services.add(
      family.vip, 80, to: [Backend(address: family.pod, port: 8080)],
      flags: NodeFixture.external | UInt32(FRONTEND_SOURCE_RANGES))
    let bits: UInt32 = family == .v4 ? 96 + 24 : 128 - 8
    try fixture.services.maps.sourceRanges.updateValue(
      present(),
      forKey: source_range_key(
        prefix_length: 32 + bits, service: written.index.bigEndian, address: ip_address(family.router)))
    let message = Message.tcp(from: 1000, to: 80, flags: .syn)
    #expect(
      try fixture.run(message.packet(from: family.stranger, to: family.vip), .ingress) == .drops(.notInSourceRange))
    #expect(
      try fixture.pass(message.packet(from: family.router, to: family.vip), .ingress).destination == (family.pod, 8080))
    try fixture.services.add(family.otherVIP, 80, to: [Backend(address: family.pod, port: 8080)])
    #expect(
      try fixture.run(message.packet(from: family.stranger, to: family.otherVIP), .ingress) == .drops(.isClusterIP))
  }

  @Test(arguments: Family.allCases)
  func `a client is told that no backend is there`(family: Family) throws {
    let fixture = try NodeFixture()
    try fixture.services.add(family.vip, 80, to: [], flags: NodeFixture.external)
    let request = Message.tcp(from: 1000, to: 80, flags: .syn).packet(from: family.stranger, to: family.vip)
    #expect(try fixture.sentOn(request) == RefusalTests.reset(of: request, family, for: family.stranger))
    // What is no beginning of a connection is told by ICMP.
    try fixture.services.add(family.vip, 80, .udp, to: [], flags: NodeFixture.external)
    let datagram = Message.udp(from: 1000, to: 80).packet(from: family.stranger, to: family.vip, payload: [1, 2, 3, 4])
    var expected = RefusalTests.refusal(of: datagram, family, quoting: 8)
    if family == .v4 { expected.ipv4?.destination = family.stranger.v4 }
    if family == .v6 { expected.ipv6?.destination = family.stranger.v6 }
    #expect(try fixture.sentOn(datagram).bytes == expected.bytes)
  }

  @Test(arguments: Family.allCases)
  func `errors reach both ends in their own words`(family: Family) throws {
    let fixture = try NodeFixture()
    try fixture.services.add(
      family.vip, 80, .udp, to: [Backend(address: family.peer, port: 8080)], flags: NodeFixture.external)
    let request = Message.udp(from: 1000, to: 80).packet(from: family.stranger, to: family.vip, payload: [1, 2, 3, 4])
    let sent = try fixture.sentOn(request)
    let type: UInt8 = family == .v4 ? 3 : 1
    // What was sent on had one hop less, which the quotation shows.
    let error = ICMPTests.error(type, 3, sent, from: family.peer, to: family.node)
    let told = ICMPTests.error(type, 3, NodeFixture.hop(request), from: family.vip, to: family.stranger)
    #expect(try fixture.sentOn(error) == NodeFixture.hop(told))
    let reply = Message.udp(from: 8080, to: sent.source.port).packet(from: family.peer, to: family.node)
    let answer = try fixture.sentOn(reply)
    let complaint = ICMPTests.error(type, 3, answer, from: family.stranger, to: family.vip)
    let passed = try fixture.sentOn(complaint)
    let quoted = ICMPTests.error(type, 3, NodeFixture.hop(reply), from: family.node, to: family.peer)
    #expect(passed == NodeFixture.hop(quoted))
  }

  @Test(arguments: Family.allCases)
  func `a flow moves when its backend is gone, if it may`(family: Family) throws {
    let fixture = try NodeFixture()
    for (address, ipProtocol) in [(family.vip, IPProtocol.tcp), (family.otherVIP, .udp)] {
      let written = try fixture.services.add(
        address, 80, ipProtocol,
        to: [Backend(address: family.pod, port: 8080), Backend(address: family.pod, port: 8081)],
        flags: NodeFixture.external)
      func send(_ message: Message) throws -> UInt16 {
        try fixture.pass(message.packet(from: family.stranger, to: address), .ingress).destination.port
      }
      let later = ipProtocol == .tcp ? Message.tcp(from: 1000, to: 80) : .udp(from: 1000, to: 80)
      let first = ipProtocol == .tcp ? Message.tcp(from: 1000, to: 80, flags: .syn) : later
      let port = try send(first)
      fixture.services.setState(BACKEND_GONE, ofBackend: written.backends[Int(port - 8080)], of: written)
      #expect(try send(later) == (ipProtocol == .tcp ? port : 8080 + 8081 - port))
      #expect(try send(first) == 8080 + 8081 - port)
    }
  }

  @Test(arguments: Family.allCases)
  func `fragments follow the first one`(family: Family) throws {
    let fixture = try NodeFixture()
    try fixture.services.add(
      family.vip, 80, .udp, to: [Backend(address: family.pod, port: 8080)], flags: NodeFixture.external)
    let sent = try FragmentTests.fragments(.udp(from: 1000, to: 80), from: family.stranger, to: family.vip)
    let expected = try FragmentTests.fragments(.udp(from: 1000, to: 8080), from: family.stranger, to: family.pod)
    for (fragment, whole) in zip(sent, expected) {
      #expect(try fixture.pass(fragment, .ingress).bytes == whole.bytes)
    }
  }

  @Test(arguments: Family.allCases)
  func `what is none of a service's passes as it is, be it malformed`(family: Family) throws {
    let fixture = try NodeFixture()
    let whole = Message.tcp(from: 1000, to: 81, flags: .syn).packet(from: family.stranger, to: family.node)
    let packets = [
      whole, Message.udp(from: 1, to: 30_081).packet(from: family.stranger, to: family.node),
      Message.echoRequest(identifier: 1).packet(from: family.stranger, to: family.node),
      Packet(.ethernet(), .arpRequest(from: Family.v4.stranger.v4, for: Family.v4.node.v4)),
      Packet(parsing: whole.bytes(truncatedTo: family.transportOffset + 8)),
    ]
    for packet in packets {
      for direction in [FlowRecord.Direction.ingress, .egress] {
        #expect(try fixture.pass(packet, direction).bytes == packet.bytes)
      }
    }
    #expect(try fixture.node.flows.entries().isEmpty)
  }

  @Test(arguments: Family.allCases)
  func `in the driver, what has no route or no connection passes untouched`(family: Family) throws {
    let fixture = try NodeFixture()
    try fixture.services.add(
      family.vip, 80, to: [Backend(address: family.peer, port: 8080)], flags: NodeFixture.external)
    let opening = Message.tcp(from: 1000, to: 80, flags: .syn).packet(from: family.stranger, to: family.vip)
    let later = Message.tcp(from: 1000, to: 80).packet(from: family.stranger, to: family.vip)
    for packet in [opening, later] {
      for _ in 0..<2 {
        let run = try fixture.node.fromOutsideInDriver.test(packet: packet.bytes)
        // XDP_PASS
        #expect(run.returnValue == 2 && run.packet == packet.bytes)
        _ = try fixture.sentOn(packet)
      }
    }
  }
}
