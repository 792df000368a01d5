// SPDX-License-Identifier: Apache-2.0

import BPFMaps
import BPFTesting
import DatapathPrograms
import KernelTestSupport
import LinuxSystem
import NetworkTypes
import Testing

@Suite("ICMP", .serialized, .requires(.root))
struct ICMPTests {
  typealias Rule = PodFixture.Rule

  /// Isolated both ways; the pod may send anything to the peer.
  static func clientFixture() throws -> PodFixture {
    let fixture = try PodFixture()
    try fixture.publish(ingress: [], egress: [Rule(classID: 4)])
    return fixture
  }

  /// An error that quotes a packet, with what is between its header and the quotation.
  static func error(
    _ type: UInt8, _ code: UInt8 = 0, _ quoted: Packet, from source: IPAddress, to destination: IPAddress,
    transportBytes: Int = 8
  ) -> Packet {
    Message.icmp(type: type, code: code)
      .packet(from: source, to: destination, payload: quoted.quotation(transportBytes: transportBytes))
  }

  @Test(arguments: Family.allCases)
  func `an echo reply passes to who asked, by identifier`(family: Family) throws {
    let fixture = try Self.clientFixture()
    #expect(try fixture.toPod(.echoReply(identifier: 7), family) == .drops(.policy))
    #expect(try fixture.fromPod(.echoRequest(identifier: 7), family) == .passes)
    #expect(try fixture.toPod(.echoReply(identifier: 7), family) == .passes)
    #expect(try fixture.toPod(.echoReply(identifier: 8), family) == .drops(.policy))
    #expect(try fixture.toPod(.echoReply(identifier: 7), family, from: family.stranger) == .drops(.policy))
    try fixture.ageFlows(bySeconds: 31)
    #expect(try fixture.toPod(.echoReply(identifier: 7), family) == .drops(.policy))
  }

  @Test(arguments: [UInt16(7), 0], Family.allCases)
  func `an echo request is no reply to another with the same identifier`(identifier: UInt16, family: Family) throws {
    let fixture = try Self.clientFixture()
    #expect(try fixture.fromPod(.echoRequest(identifier: identifier), family) == .passes)
    #expect(try fixture.toPod(.echoRequest(identifier: identifier), family) == .drops(.policy))
    #expect(try fixture.toPod(.echoReply(identifier: identifier), family) == .passes)
  }

  static let errors: [(Family, UInt8, UInt8)] = [
    (.v4, 3, 0), (.v4, 3, 3), (.v4, 3, 4), (.v4, 11, 0), (.v4, 12, 0), (.v6, 1, 4), (.v6, 2, 0), (.v6, 3, 0),
    (.v6, 4, 1),
  ]
  static let flows: [(Message, reply: Message)] = [
    (.tcp(from: 1000, to: 80, flags: .syn), .tcp(from: 80, to: 1000, flags: [.syn, .ack])),
    (.udp(from: 1000, to: 80), .udp(from: 80, to: 1000)), (.sctp(from: 1000, to: 80), .sctp(from: 80, to: 1000)),
    (.echoRequest(identifier: 7), .echoReply(identifier: 7)),
  ]

  @Test(arguments: errors, flows)
  func `an error about a live flow passes, whoever sends it`(
    kind: (family: Family, type: UInt8, code: UInt8), flow: (Message, reply: Message)
  ) throws {
    let fixture = try Self.clientFixture()
    let family = kind.family
    let sent = flow.0.packet(from: family.pod, to: family.peer, payload: [1, 2, 3, 4])
    let error = Self.error(kind.type, kind.code, sent, from: family.router, to: family.pod)
    #expect(try fixture.send(error, .ingress) == .drops(.policy))
    #expect(try fixture.send(sent, .egress) == .passes)
    #expect(try fixture.send(error, .ingress) == .passes)
    #expect(try fixture.datapath.flows.entries().count == 1)
    // What the pod answers in its flow may be complained about as well.
    let answer = flow.reply.packet(from: family.pod, to: family.peer)
    #expect(
      try fixture.send(Self.error(kind.type, kind.code, answer, from: family.router, to: family.pod), .ingress)
        == .drops(.policy))
    try fixture.ageFlows(bySeconds: 61)
    #expect(try fixture.send(error, .ingress) == .drops(.policy))
  }

  @Test(arguments: flows, Family.allCases)
  func `the pod may complain about what it received in a live flow`(
    flow: (Message, reply: Message), family: Family
  ) throws {
    let fixture = try PodFixture()
    try fixture.publish(ingress: [Rule(classID: 4)], egress: [])
    let received = flow.0.packet(from: family.peer, to: family.pod)
    let error = Self.error(family == .v4 ? 3 : 1, 3, received, from: family.pod, to: family.peer)
    #expect(try fixture.send(error, .egress) == .drops(.policy))
    #expect(try fixture.send(received, .ingress) == .passes)
    #expect(try fixture.send(error, .egress) == .passes)
  }

  @Test(arguments: Family.allCases)
  func `an error that quotes another packet is not related`(family: Family) throws {
    let fixture = try Self.clientFixture()
    let (pod, peer) = (family.pod, family.peer)
    #expect(try fixture.fromPod(.udp(from: 1000, to: 80), family) == .passes)
    let quotes: [(String, Packet)] = [
      ("another port", Message.udp(from: 1001, to: 80).packet(from: pod, to: peer)),
      ("another peer", Message.udp(from: 1000, to: 80).packet(from: pod, to: family.stranger)),
      ("another pod", Message.udp(from: 1000, to: 80).packet(from: family.stranger, to: peer)),
      ("another protocol", Message.tcp(from: 1000, to: 80).packet(from: pod, to: peer)),
      ("the reply's direction", Message.udp(from: 80, to: 1000).packet(from: peer, to: pod)),
      ("no ports", Message.other(47).packet(from: pod, to: peer, payload: [UInt8](repeating: 0, count: 8))),
    ]
    for (what, quoted) in quotes {
      let error = Self.error(family == .v4 ? 3 : 1, 1, quoted, from: family.router, to: pod)
      #expect(try fixture.send(error, .ingress) == .drops(.policy), "\(what)")
    }
    let related = Message.udp(from: 1000, to: 80).packet(from: pod, to: peer)
    let redirect = Self.error(family == .v4 ? 5 : 5, 1, related, from: family.router, to: pod)
    #expect(try fixture.send(redirect, .ingress) == .drops(.policy))
  }

  @Test func `an error that quotes a packet of the other family is not related`() throws {
    let fixture = try Self.clientFixture()
    for family in Family.allCases { #expect(try fixture.fromPod(.udp(from: 1000, to: 80), family) == .passes) }
    for (family, other) in [(Family.v4, Family.v6), (.v6, .v4)] {
      let quoted = Message.udp(from: 1000, to: 80).packet(from: other.pod, to: other.peer)
      let error = Self.error(family == .v4 ? 3 : 1, 1, quoted, from: family.router, to: family.pod)
      #expect(try fixture.send(error, .ingress) == .drops(.policy))
    }
    // The pod's IPv4 flow in IPv6's form.
    func mapped(_ address: IPAddress) -> IPAddress {
      .v6(IPv6Address(high: 0, low: 0xffff_0000_0000 | UInt64(address.v4.rawValue)))
    }
    let quoted = Message.udp(from: 1000, to: 80).packet(from: Family.v6.pod, to: mapped(Family.v4.peer))
    let error = Self.error(1, 1, quoted, from: Family.v6.router, to: Family.v6.pod)
    #expect(try fixture.send(error, .ingress) == .drops(.policy))
  }

  @Test func `ports that are quoted behind extension headers are found, and a later fragment has none`() throws {
    let fixture = try Self.clientFixture()
    let (pod, peer) = (Family.v6.pod.v6, Family.v6.peer.v6)
    #expect(try fixture.fromPod(.udp(from: 1000, to: 80), .v6) == .passes)
    func quoting(_ extensions: Layer...) -> Packet {
      Self.error(
        2, 0, Packet(layers: [.ethernet(), .ipv6(from: pod, to: peer)] + extensions + [.udp(from: 1000, to: 80)]),
        from: Family.v6.router, to: Family.v6.pod, transportBytes: 64)
    }
    let place = Layer.ipv6Fragment(offset: 0, hasMore: true, identification: 3)
    #expect(try fixture.send(quoting(.destinationOptions([]), place), .ingress) == .passes)
    let later = Layer.ipv6Fragment(offset: 8, hasMore: true, identification: 3)
    #expect(try fixture.send(quoting(later), .ingress) == .drops(.policy))
    let route = Layer.ipv6Extension(.init(.routing(type: 2, segmentsLeft: 1, data: [])))
    #expect(try fixture.send(quoting(route), .ingress) == .drops(.policy))
  }

  @Test(arguments: Family.allCases)
  func `a quotation cut at any byte is unrelated, not trapped on`(family: Family) throws {
    let fixture = try Self.clientFixture()
    var sent = Message.udp(from: 1000, to: 80).packet(from: family.pod, to: family.peer)
    sent.ipv4?.options = [1, 1, 1, 0]
    #expect(try fixture.send(sent, .egress) == .passes)
    let error = Self.error(family == .v4 ? 3 : 1, 1, sent, from: family.router, to: family.pod)
    #expect(try fixture.send(error, .ingress) == .passes)
    for length in family.transportOffset + 8..<error.bytes.count {
      var frame = Array(error.bytes.prefix(length))
      if family == .v4 { frame[17] = UInt8(length - 14) } else { frame[19] = UInt8(length - 54) }
      #expect(try fixture.send(frame, .ingress) == .drops(.policy), "cut at byte \(length)")
    }
  }
}
