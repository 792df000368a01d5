// SPDX-License-Identifier: Apache-2.0

import BPFMaps
import BPFTesting
import CDatapathABI
import DatapathPrograms
import KernelTestSupport
import LinuxSystem
import NetworkTypes
import SeededRandom
import Testing

/// What somebody sends who would like to pass for a node.
@Suite("Trust in encapsulated packets", .serialized, .requires(.root))
struct DirectReturnTrustTests {
  static func request(_ family: Family) -> Packet {
    Message.tcp(from: 1000, to: 80, flags: .syn).packet(from: family.stranger, to: family.vip)
  }

  static func outer(_ family: Family, _ packet: Packet? = nil, from node: IPAddress? = nil) -> Packet {
    NodeFixture.encapsulate(
      packet ?? request(family), family, from: node ?? family.router, to: family.pod, port: 8080)
  }

  @Test(arguments: Family.allCases)
  func `only nodes are believed, and only as long as they are known`(family: Family) throws {
    let fixture = try DirectReturnTests.receiver(family)
    for forger in [family.stranger, family.peer, family.pod, family.vip] {
      #expect(try fixture.run(Self.outer(family, from: forger), .ingress) == .drops(.unknownSender))
    }
    #expect(try fixture.node.flows.entries().isEmpty)
    #expect(try fixture.pass(Self.outer(family), .ingress).destination == (family.pod, 8080))
    try fixture.node.setPeers([family.peer])
    #expect(try fixture.run(Self.outer(family), .ingress) == .drops(.unknownSender))
    try fixture.node.setPeers([family.peer, family.router])
    #expect(try fixture.pass(Self.outer(family), .ingress).destination == (family.pod, 8080))
    #expect(Set(try fixture.node.peers.entries().map(\.0.address)) == [family.peer, family.router])
  }

  @Test(arguments: Family.allCases)
  func `what a node sends is held against this node's services`(family: Family) throws {
    let fixture = try DirectReturnTests.receiver(family)
    try fixture.services.add(family.otherVIP, 80, to: [.init(address: family.pod, port: 8080)])
    let guarded = try fixture.services.add(
      family.otherVIP, 81, to: [.init(address: family.pod, port: 8080)],
      flags: NodeFixture.direct | UInt32(FRONTEND_SOURCE_RANGES), configuration: NodeFixture.directConfiguration)
    func send(_ message: Message, to address: IPAddress) throws -> NodeFixture.Result {
      try fixture.run(Self.outer(family, message.packet(from: family.stranger, to: address)), .ingress)
    }
    #expect(try send(.tcp(from: 1, to: 79, flags: .syn), to: family.vip) == .drops(.noMapping))
    #expect(try send(.tcp(from: 1, to: 8080, flags: .syn), to: family.pod) == .drops(.noMapping))
    #expect(try send(.udp(from: 1, to: 6081), to: family.pod) == .drops(.noMapping))
    #expect(try send(.tcp(from: 1, to: 30_080, flags: .syn), to: family.router) == .drops(.noMapping))
    #expect(try send(.tcp(from: 1, to: 80, flags: .syn), to: family.otherVIP) == .drops(.isClusterIP))
    #expect(try send(.tcp(from: 1, to: 81, flags: .syn), to: family.otherVIP) == .drops(.notInSourceRange))
    #expect(try send(.tcp(from: 1, to: 80, flags: .rst), to: family.vip) == .drops(.noMapping))
    #expect(try send(.echoRequest(identifier: 1), to: family.vip) == .drops(.invalid))
    #expect(try send(.other(47), to: family.vip) == .drops(.invalid))
    #expect(guarded.index > 0)
    let error = ICMPTests.error(
      family == .v4 ? 3 : 1, 3, Message.udp(from: 80, to: 9).packet(from: family.vip, to: family.stranger),
      from: family.router, to: family.vip)
    #expect(try fixture.run(Self.outer(family, error), .ingress) == .drops(.noMapping))
    #expect(try fixture.node.flows.entries().isEmpty)
  }

  @Test(arguments: Family.allCases)
  func `headers that no node writes are dropped`(family: Family) throws {
    let fixture = try DirectReturnTests.receiver(family)
    let good = Self.outer(family)
    // Version and length of options, flags, protocol, the last byte.
    for (offset, value) in [(0, 0x40), (0, 0x01), (1, 0x80), (1, 0x40), (2, 0x65), (3, 0x58), (7, 0x01)] {
      var packet = good
      packet.payload[offset] = UInt8(value)
      #expect(try fixture.run(packet, .ingress) == .drops(.invalid), "byte \(offset)")
    }
    var portless = good
    portless.payload.replaceSubrange(5..<7, with: [0, 0])
    #expect(try fixture.run(portless, .ingress) == .drops(.invalid))
    // The other family's packet, or none.
    let other: Family = family == .v4 ? .v6 : .v4
    var strange = good
    strange.payload = Array(good.payload.prefix(8) + Self.request(other).bytes.dropFirst(14))
    #expect(try fixture.run(strange, .ingress) == .drops(.invalid))
    #expect(try fixture.node.flows.entries().isEmpty)
  }

  @Test(arguments: Family.allCases)
  func `what is cut anywhere is dropped, or passes as it is`(family: Family) throws {
    let fixture = try DirectReturnTests.receiver(family)
    let good = Self.outer(family)
    let inner = NodeFixture.geneveOffset(family) + 8
    // The outer headers say how long they are; the inner ones are all that the node has to believe.
    for length in 0..<good.payload.count {
      var packet = good
      packet.payload = Array(good.payload.prefix(length))
      let result = try fixture.run(packet, .ingress)
      if length < 8 {
        #expect(result == .passes(Packet(parsing: packet.bytes)), "\(length) bytes")
      } else {
        #expect(result == .drops(.invalid), "\(length) bytes")
      }
    }
    for length in family.transportOffset..<good.bytes.count {
      let frame = Packet(parsing: good.bytes(truncatedTo: length))
      switch try fixture.run(frame, .ingress) {
      case .drops(.invalid): #expect(length >= inner)
      case .passes(let after): #expect(after == frame)
      case let result: Issue.record("\(length) bytes: \(result)")
      }
    }
    #expect(try fixture.node.flows.entries().isEmpty)
  }

  @Test(arguments: Family.allCases)
  func `whatever a known node sends, nothing passes but to a pod of the service`(family: Family) throws {
    let fixture = try DirectReturnTests.receiver(family)
    let good = Self.outer(family)
    var random = SeededGenerator(seed: 6081)
    let start = NodeFixture.geneveOffset(family)
    for _ in 0..<4000 {
      var bytes = good.bytes
      for _ in 0..<Int.random(in: 1...4, using: &random) {
        bytes[Int.random(in: start..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
      }
      let frame = Packet(parsing: bytes)
      guard case .passes(let after) = try fixture.run(frame, .ingress), after != frame else { continue }
      #expect(after.destination.address == family.pod)
    }
  }

  @Test(arguments: Family.allCases)
  func `what else comes to that port is none of it`(family: Family) throws {
    let fixture = try DirectReturnTests.receiver(family)
    var untagged = Self.outer(family, from: family.stranger)
    untagged.payload[4] = 0
    #expect(try fixture.pass(untagged, .ingress) == Packet(parsing: untagged.bytes))
    // To a pod of another node, and to another port.
    let elsewhere = NodeFixture.encapsulate(
      Self.request(family), family, from: family.stranger, to: family.peer, port: 8080)
    #expect(try fixture.pass(elsewhere, .ingress) == Packet(parsing: elsewhere.bytes))
    let deaf = try NodeFixture()
    let good = Self.outer(family)
    #expect(try deaf.pass(good, .ingress) == Packet(parsing: good.bytes))
    // And what a pod sends is not asked at all.
    let sent = NodeFixture.encapsulate(Self.request(family), family, from: family.pod, to: family.peer, port: 8080)
    #expect(try fixture.pass(sent, .egress) == Packet(parsing: sent.bytes))
  }

  @Test(arguments: Family.allCases)
  func `congestion on the way is not forgotten`(family: Family) throws {
    let fixture = try DirectReturnTests.receiver(family)
    func marked(_ packet: Packet, _ class: UInt8) -> Packet {
      var packet = packet
      packet.ipv4?.trafficClass = `class`
      packet.ipv6?.trafficClass = `class`
      return packet
    }
    // Capable of it, and marked on the way.
    let capable = marked(Self.outer(family, marked(Self.request(family), 2)), 3)
    let received = try fixture.pass(capable, .ingress)
    #expect(received.ipv4?.trafficClass ?? received.ipv6?.trafficClass == 3)
    #expect(received.ipv4?.checksum ?? .correct == .correct)
    let incapable = marked(Self.outer(family), 3)
    #expect(try fixture.run(incapable, .ingress) == .drops(.invalid))
    // And the sender shows what the client's packet is capable of.
    let sender = try DirectReturnTests.sender(family)
    let sent = try sender.sentOn(marked(Self.request(family), 0xb9))
    #expect(sent.ipv4?.trafficClass ?? sent.ipv6?.trafficClass == 0xb9)
  }
}
