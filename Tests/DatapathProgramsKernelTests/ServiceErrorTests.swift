// SPDX-License-Identifier: Apache-2.0

import BPFMaps
import BPFTesting
import CDatapathABI
import DatapathPrograms
import KernelTestSupport
import LinuxSystem
import NetworkTypes
import Testing

@Suite("ICMP errors about translated flows", .serialized, .requires(.root))
struct ServiceErrorTests {
  static let payload: [UInt8] = [1, 2, 3, 4, 5, 6, 7, 8]
  static let kinds: [(Family, UInt8, UInt8)] = [(.v4, 3, 3), (.v4, 3, 4), (.v4, 11, 0), (.v6, 1, 4), (.v6, 2, 0)]

  static func fixture(_ family: Family, _ number: Int) throws -> PodFixture {
    let made = try ServiceTests.fixture(family, ServiceTests.protocols[number].0)
    let fixture = made.pod
    try fixture.publish(ingress: [], egress: [PodFixture.Rule(classID: 4)])
    return fixture
  }

  /// Quoted are 8 bytes of transport header, or all of it and more.
  @Test(arguments: kinds, [(0, 8), (0, 28), (1, 8), (1, 16), (2, 8)])
  func `the pod is told of the packet as it sent it, by who saw it`(
    kind: (family: Family, type: UInt8, code: UInt8), quoted: (number: Int, bytes: Int)
  ) throws {
    let family = kind.family
    let (_, message, port) = ServiceTests.protocols[quoted.number]
    let fixture = try Self.fixture(family, quoted.number)
    let request = message(1000, 80).packet(from: family.pod, to: family.vip, payload: Self.payload)
    let sent = try fixture.pass(request, .egress)
    #expect(sent.destination == (family.peer, port))
    for (source, expectedSource) in [(family.peer, family.vip), (family.router, family.router)] {
      let error = ICMPTests.error(
        kind.type, kind.code, sent, from: source, to: family.pod, transportBytes: quoted.bytes)
      let expected = ICMPTests.error(
        kind.type, kind.code, request, from: expectedSource, to: family.pod, transportBytes: quoted.bytes)
      #expect(try fixture.pass(error, .ingress).bytes == expected.bytes)
    }
  }

  @Test(arguments: kinds, 0..<3)
  func `the backend is told of its packet as it sent it`(
    kind: (family: Family, type: UInt8, code: UInt8), number: Int
  ) throws {
    let family = kind.family
    let (_, message, port) = ServiceTests.protocols[number]
    let fixture = try Self.fixture(family, number)
    _ = try fixture.pass(message(1000, 80).packet(from: family.pod, to: family.vip), .egress)
    let reply = message(port, 1000).packet(from: family.peer, to: family.pod, payload: Self.payload)
    let received = try fixture.pass(reply, .ingress)
    #expect(received.source == (family.vip, 80))
    let error = ICMPTests.error(kind.type, kind.code, received, from: family.pod, to: family.vip)
    let expected = ICMPTests.error(kind.type, kind.code, reply, from: family.pod, to: family.peer)
    #expect(try fixture.pass(error, .egress).bytes == expected.bytes)
  }

  @Test(arguments: Family.allCases)
  func `an error about no flow of the pod's is policy's business`(family: Family) throws {
    let fixture = try Self.fixture(family, 1)
    let stranger = Message.udp(from: 1000, to: 8080).packet(from: family.pod, to: family.peer)
    let error = ICMPTests.error(family == .v4 ? 3 : 1, 3, stranger, from: family.peer, to: family.pod)
    #expect(try fixture.run(error, .ingress) == .drops(.policy))
    // The pod never sent to the service's address on the wire, so nobody can have seen that.
    _ = try fixture.pass(Message.udp(from: 1000, to: 80).packet(from: family.pod, to: family.vip), .egress)
    let asked = Message.udp(from: 1000, to: 80).packet(from: family.pod, to: family.vip)
    let forged = ICMPTests.error(family == .v4 ? 3 : 1, 3, asked, from: family.router, to: family.pod)
    #expect(try fixture.run(forged, .ingress) == .drops(.policy))
  }
}
