// SPDX-License-Identifier: Apache-2.0

import BPFMaps
import BPFTesting
import CDatapathABI
import DatapathPrograms
import KernelTestSupport
import LinuxSystem
import NetworkTypes
import Testing

/// Packets one by one through the program in the driver, whose routes are those of a namespace.
@Suite("Packets from outside in the driver", .serialized, .requires(.root))
struct DriverTests {
  typealias Backend = TestServices.Backend

  /// What became of a packet, and what the other program makes of it.
  struct Sighting: Sendable {
    var what: String
    var sent: [UInt8]
    var verdict: Int32
    var packet: [UInt8]
    var other: PodFixture.Result?

    /// XDP_PASS.
    var passesUntouched: Bool { verdict == 2 && packet == sent }
  }

  private static let hardware = "02:00:00:00:00:07"

  /// A namespace that forwards, with a link on which all others are, and whose neighbours are known.
  private static func withNode(
    knows: [IPAddress], _ body: @escaping @Sendable () throws -> [Sighting]
  ) async throws -> [Sighting] {
    try await withScratchNamespace { namespace in
      try await ip("link add eth0 type veth peer name wire", in: namespace)
      try await ip("link set wire up", in: namespace)
      try await ip("link set eth0 up", in: namespace)
      for family in Family.allCases {
        try await ip(
          "address add \(family.node)/\(family == .v4 ? "16" : "64 nodad") dev eth0", in: namespace)
      }
      for address in knows {
        try await ip("neighbour replace \(address) lladdr \(hardware) dev eth0 nud permanent", in: namespace)
      }
      try await NodeNetwork.forward(namespace)
      return try await namespace.run(body)
    }
  }

  private static func look(_ what: String, _ packet: Packet, _ fixture: borrowing NodeFixture) throws -> Sighting {
    try look(what, packet.bytes, fixture)
  }

  private static func look(_ what: String, _ frame: [UInt8], _ fixture: borrowing NodeFixture) throws -> Sighting {
    let result = try fixture.node.fromOutsideInDriver.test(packet: frame)
    return Sighting(what: what, sent: frame, verdict: result.returnValue, packet: result.packet)
  }

  /// The same packet by both programs.
  private static func compare(_ what: String, _ packet: Packet, _ fixture: borrowing NodeFixture) throws -> Sighting {
    var sighting = try look(what, packet, fixture)
    sighting.other = try fixture.run(packet, .ingress)
    return sighting
  }

  @Test(arguments: 0..<2, Family.allCases)
  func `what it sends on is what the other program sends`(number: Int, family: Family) async throws {
    let (ipProtocol, message, _) = ServiceTests.protocols[number]
    let sightings = try await Self.withNode(knows: [family.peer, family.stranger]) { () throws -> [Sighting] in
      let fixture = try NodeFixture()
      try fixture.services.add(
        family.vip, 80, ipProtocol, to: [Backend(address: family.peer, port: 8080)], flags: NodeFixture.external)
      let opening = message(1000, 80).packet(from: family.stranger, to: family.vip)
      let wire = try fixture.sentOn(opening).source.port
      var seen: [Sighting] = []
      func reply(_ payload: [UInt8]) -> Packet {
        let reply: Message =
          ipProtocol == .tcp ? .tcp(from: 8080, to: wire, flags: [.ack, .psh]) : .udp(from: 8080, to: wire)
        return reply.packet(from: family.peer, to: family.node, payload: payload)
      }
      for length in [0, 1, 2, 7, 500] {
        seen.append(
          try Self.compare("a reply of \(length) bytes", reply([UInt8](repeating: 0xa5, count: length)), fixture))
      }
      // Of a checksum that comes to zero.
      let plain = try fixture.sentOn(reply([0, 0]))
      let place = family.transportOffset + (ipProtocol == .tcp ? 16 : 6)
      let filler = Array(plain.bytes[place..<place + 2])
      seen.append(try Self.compare("a reply whose checksum comes to zero", reply(filler), fixture))
      if ipProtocol == .udp {
        var bare = reply([1, 2, 3])
        bare.udp?.checksum = .exactly(0)
        if family == .v4 { seen.append(try Self.compare("a reply without a checksum", bare, fixture)) }
      } else {
        let request = Message.tcp(from: 1000, to: 80, flags: [.ack, .psh]).packet(
          from: family.stranger, to: family.vip, payload: [1, 2, 3])
        seen.append(try Self.compare("a further packet of the client", request, fixture))
        let end = Message.tcp(from: 1000, to: 80, flags: [.fin, .ack]).packet(from: family.stranger, to: family.vip)
        seen.append(try Self.compare("the client's last packet", end, fixture))
      }
      return seen
    }
    for sighting in sightings {
      // XDP_REDIRECT.
      #expect(sighting.verdict == 4, "\(sighting.what)")
      guard case .returns(let other) = sighting.other else {
        Issue.record("\(sighting.what): the other program says \(String(describing: sighting.other))")
        continue
      }
      #expect(sighting.packet.dropFirst(14) == other.bytes.dropFirst(14), "\(sighting.what)")
      #expect(sighting.packet.prefix(6).elementsEqual([2, 0, 0, 0, 0, 7]), "\(sighting.what)")
    }
  }

  @Test(arguments: Family.allCases) func `what it is not sure of passes as it came`(family: Family) async throws {
    let sightings = try await Self.withNode(knows: [family.peer, family.stranger]) { () throws -> [Sighting] in
      let fixture = try NodeFixture()
      for (address, ipProtocol, backend) in [
        (family.vip, IPProtocol.tcp, family.peer), (family.vip, .udp, family.peer), (family.otherVIP, .tcp, family.pod),
      ] {
        try fixture.services.add(
          address, 80, ipProtocol, to: [Backend(address: backend, port: 8080)], flags: NodeFixture.external)
      }
      let syn = Message.tcp(from: 1000, to: 80, flags: .syn)
      let ack = Message.tcp(from: 1000, to: 80)
      var seen = [
        try Self.look("a first packet", syn.packet(from: family.stranger, to: family.vip), fixture),
        try Self.look("another's packet", ack.packet(from: family.stranger, to: family.peer), fixture),
      ]
      let wire = try fixture.sentOn(syn.packet(from: family.stranger, to: family.vip)).source.port
      let known = ack.packet(from: family.stranger, to: family.vip, payload: [UInt8](repeating: 1, count: 64))
      // The connection is one of the driver's, or nothing below says anything.
      guard try Self.look("a known packet", known, fixture).verdict == 4 else { return [] }
      seen.append(try Self.look("a SYN again", syn.packet(from: family.stranger, to: family.vip), fixture))
      var last = known
      last.ipv4?.timeToLive = 1
      last.ipv6?.hopLimit = 1
      seen.append(try Self.look("a packet at its last hop", last, fixture))
      last.ipv4?.timeToLive = 0
      last.ipv6?.hopLimit = 0
      seen.append(try Self.look("a packet beyond it", last, fixture))
      if family == .v4 {
        var piece = known
        piece.ipv4?.hasMoreFragments = true
        seen.append(try Self.look("a fragment", piece, fixture))
        piece.ipv4?.hasMoreFragments = false
        piece.ipv4?.fragmentOffset = 64
        seen.append(try Self.look("a later fragment", piece, fixture))
        var optional = known
        optional.ipv4?.options = [1, 1, 1, 0]
        seen.append(try Self.look("options", optional, fixture))
      }
      for length in [14, 20, 33, family.transportOffset, family.transportOffset + 7, family.transportOffset + 19] {
        seen.append(try Self.look("cut to \(length) bytes", Array(known.bytes.prefix(length)), fixture))
      }
      // Each datagram of a client asks whether the backend is there; what comes back does not.
      let datagram = Message.udp(from: 1000, to: 80).packet(from: family.stranger, to: family.vip)
      let port = try fixture.sentOn(datagram).source.port
      seen.append(try Self.look("a client's datagram", datagram, fixture))
      let answer = Message.udp(from: 8080, to: port).packet(from: family.peer, to: family.node)
      guard try Self.look("a datagram back", answer, fixture).verdict == 4 else { return [] }
      // A backend here is behind another device's program.
      _ = try fixture.pass(syn.packet(from: family.stranger, to: family.otherVIP), .ingress)
      seen.append(try Self.look("a backend here", ack.packet(from: family.stranger, to: family.otherVIP), fixture))
      // What goes as it is, in another packet, is not made here.
      let direct = try DirectReturnTests.sender(family)
      _ = try direct.sentOn(syn.packet(from: family.stranger, to: family.vip))
      seen.append(try Self.look("direct return", known, direct))
      // What is forgotten is chosen anew.
      try fixture.ageFlows(bySeconds: 9000)
      seen.append(try Self.look("a connection that ended long ago", known, fixture))
      let reply = Message.tcp(from: 8080, to: wire).packet(from: family.peer, to: family.node)
      seen.append(try Self.look("its reply", reply, fixture))
      return seen
    }
    #expect(!sightings.isEmpty, "what is known is not the driver's")
    for sighting in sightings { #expect(sighting.passesUntouched, "\(sighting.what)") }
  }

  @Test(arguments: Family.allCases)
  func `without a neighbour that is known it passes`(family: Family) async throws {
    let sightings = try await Self.withNode(knows: [family.stranger]) { () throws -> [Sighting] in
      let fixture = try NodeFixture()
      try fixture.services.add(
        family.vip, 80, to: [Backend(address: family.peer, port: 8080)], flags: NodeFixture.external)
      let syn = Message.tcp(from: 1000, to: 80, flags: .syn)
      let ack = Message.tcp(from: 1000, to: 80)
      _ = try fixture.sentOn(syn.packet(from: family.stranger, to: family.vip))
      return [
        try Self.look("a neighbour to be asked for", ack.packet(from: family.stranger, to: family.vip), fixture)
      ]
    }
    for sighting in sightings { #expect(sighting.passesUntouched, "\(sighting.what)") }
  }
}
