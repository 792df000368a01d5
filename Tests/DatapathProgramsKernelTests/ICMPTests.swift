// SPDX-License-Identifier: Apache-2.0

import BPFMaps
import DatapathPrograms
import KernelTestSupport
import LinuxSystem
import NetworkTypes
import Testing

@Suite("ICMP", .serialized, .requires(.root))
struct ICMPTests {
  typealias Rule = PodFixture.Rule
  static let pod = PodFixture.pod
  static let peer = PodFixture.peer
  static let router = IPv4Address(192, 0, 2, 254)

  /// Isolated both ways; the pod may send anything to the peer.
  static func clientFixture() throws -> PodFixture {
    let fixture = try PodFixture()
    try fixture.publish(ingress: [], egress: [Rule(classID: 4)])
    return fixture
  }

  @Test func `an echo reply passes to who asked, by identifier`() throws {
    let fixture = try Self.clientFixture()
    #expect(try fixture.toPod(.echoReply(identifier: 7)) == .drops(.policy))
    #expect(try fixture.fromPod(.echoRequest(identifier: 7)) == .passes)
    #expect(try fixture.toPod(.echoReply(identifier: 7)) == .passes)
    #expect(try fixture.toPod(.echoReply(identifier: 8)) == .drops(.policy))
    #expect(try fixture.toPod(.echoReply(identifier: 7), from: PodFixture.stranger) == .drops(.policy))
    try fixture.ageFlows(bySeconds: 31)
    #expect(try fixture.toPod(.echoReply(identifier: 7)) == .drops(.policy))
  }

  @Test(arguments: [UInt16(7), 0])
  func `an echo request is no reply to another with the same identifier`(identifier: UInt16) throws {
    let fixture = try Self.clientFixture()
    #expect(try fixture.fromPod(.echoRequest(identifier: identifier)) == .passes)
    #expect(try fixture.toPod(.echoRequest(identifier: identifier)) == .drops(.policy))
    #expect(try fixture.toPod(.echoReply(identifier: identifier)) == .passes)
  }

  static let errors: [(UInt8, UInt8)] = [(3, 0), (3, 3), (3, 4), (11, 0), (12, 0)]
  static let flows: [(IPv4Packet.Transport, reply: IPv4Packet.Transport)] = [
    (.tcp(from: 1000, to: 80, flags: .syn), .tcp(from: 80, to: 1000, flags: [.syn, .ack])),
    (.udp(from: 1000, to: 80), .udp(from: 80, to: 1000)), (.sctp(from: 1000, to: 80), .sctp(from: 80, to: 1000)),
    (.echoRequest(identifier: 7), .echoReply(identifier: 7)),
  ]

  @Test(arguments: errors, flows)
  func `an error about a live flow passes, whoever sends it`(
    kind: (UInt8, UInt8), flow: (IPv4Packet.Transport, reply: IPv4Packet.Transport)
  ) throws {
    let fixture = try Self.clientFixture()
    let sent = IPv4Packet(from: Self.pod, to: Self.peer, flow.0, payload: [1, 2, 3, 4])
    let error = IPv4Packet.Transport.icmpError(type: kind.0, code: kind.1, quoting: sent)
    #expect(try fixture.toPod(error, from: Self.router) == .drops(.policy))
    #expect(try fixture.send(sent.frame, .egress) == .passes)
    #expect(try fixture.toPod(error, from: Self.router) == .passes)
    #expect(try fixture.datapath.flows.entries().count == 1)
    try fixture.ageFlows(bySeconds: 61)
    #expect(try fixture.toPod(error, from: Self.router) == .drops(.policy))
  }

  @Test(arguments: flows)
  func `the pod may complain about what it received in a live flow`(
    flow: (IPv4Packet.Transport, reply: IPv4Packet.Transport)
  ) throws {
    let fixture = try PodFixture()
    try fixture.publish(ingress: [Rule(classID: 4)], egress: [])
    let received = IPv4Packet(from: Self.peer, to: Self.pod, flow.0)
    let error = IPv4Packet.Transport.icmpError(type: 3, code: 3, quoting: received)
    #expect(try fixture.fromPod(error) == .drops(.policy))
    #expect(try fixture.send(received.frame, .ingress) == .passes)
    #expect(try fixture.fromPod(error) == .passes)
  }

  @Test func `an error that quotes another packet is not related`() throws {
    let fixture = try Self.clientFixture()
    #expect(try fixture.fromPod(.udp(from: 1000, to: 80)) == .passes)
    let quotes: [(String, IPv4Packet)] = [
      ("another port", IPv4Packet(from: Self.pod, to: Self.peer, .udp(from: 1001, to: 80))),
      ("another peer", IPv4Packet(from: Self.pod, to: PodFixture.stranger, .udp(from: 1000, to: 80))),
      ("another pod", IPv4Packet(from: PodFixture.stranger, to: Self.peer, .udp(from: 1000, to: 80))),
      ("another protocol", IPv4Packet(from: Self.pod, to: Self.peer, .tcp(from: 1000, to: 80))),
      ("the reply's direction", IPv4Packet(from: Self.peer, to: Self.pod, .udp(from: 80, to: 1000))),
      ("no ports", IPv4Packet(from: Self.pod, to: Self.peer, .other(47), payload: [UInt8](repeating: 0, count: 8))),
    ]
    for (what, quoted) in quotes {
      let error = IPv4Packet.Transport.icmpError(type: 3, code: 1, quoting: quoted)
      #expect(try fixture.toPod(error, from: Self.router) == .drops(.policy), "\(what)")
    }
    let related = IPv4Packet(from: Self.pod, to: Self.peer, .udp(from: 1000, to: 80))
    let redirect = IPv4Packet.Transport.icmpError(type: 5, code: 1, quoting: related)
    #expect(try fixture.toPod(redirect, from: Self.router) == .drops(.policy))
  }

  @Test func `a quotation cut at any byte is unrelated, not trapped on`() throws {
    let fixture = try Self.clientFixture()
    var sent = IPv4Packet(from: Self.pod, to: Self.peer, .udp(from: 1000, to: 80))
    sent.options = [1, 1, 1, 0]
    #expect(try fixture.send(sent.frame, .egress) == .passes)
    let error = IPv4Packet(
      from: Self.router, to: Self.pod, .icmpError(type: 3, code: 1, quoting: sent))
    #expect(try fixture.send(error.frame, .ingress) == .passes)
    for length in 42..<error.frame.count {
      var frame = Array(error.frame.prefix(length))
      frame[17] = UInt8(length - 14)
      #expect(try fixture.send(frame, .ingress) == .drops(.policy), "cut at byte \(length)")
    }
  }
}
