// SPDX-License-Identifier: Apache-2.0

import BPFMaps
import DatapathPrograms
import KernelTestSupport
import LinuxSystem
import NetworkTypes
import Testing

@Suite("Fragments", .serialized, .requires(.root))
struct FragmentTests {
  typealias Rule = PodFixture.Rule
  static let pod = PodFixture.pod
  static let peer = PodFixture.peer
  static let payload = [UInt8](repeating: 7, count: 100)

  static func fixture() throws -> PodFixture {
    let fixture = try PodFixture()
    try fixture.publish(ingress: [], egress: [Rule(classID: 4, ipProtocol: .udp, ports: .exact(80))])
    return fixture
  }

  @Test func `later fragments have the first one's ports, in both directions`() throws {
    let fixture = try Self.fixture()
    let request = IPv4Packet(from: Self.pod, to: Self.peer, .udp(from: 1000, to: 80), payload: Self.payload)
    for fragment in request.fragments(of: 32) { #expect(try fixture.send(fragment, .egress) == .passes) }
    let reply = IPv4Packet(from: Self.peer, to: Self.pod, .udp(from: 80, to: 1000), payload: Self.payload)
    for fragment in reply.fragments(of: 32) { #expect(try fixture.send(fragment, .ingress) == .passes) }
    #expect(try fixture.datapath.flows.entries().count == 1)
  }

  @Test func `fragments of a denied packet are denied one by one`() throws {
    let fixture = try Self.fixture()
    let packet = IPv4Packet(from: Self.pod, to: Self.peer, .udp(from: 1000, to: 81), payload: Self.payload)
    for fragment in packet.fragments(of: 32) { #expect(try fixture.send(fragment, .egress) == .drops(.policy)) }
  }

  @Test func `a fragment without its first matches only rules without ports`() throws {
    let fixture = try Self.fixture()
    var packet = IPv4Packet(from: Self.pod, to: Self.peer, .udp(from: 1000, to: 80), payload: Self.payload)
    #expect(try fixture.send(packet.fragments(of: 32)[1], .egress) == .drops(.policy))
    #expect(try fixture.send(packet.fragments(of: 32)[0], .egress) == .passes)
    #expect(try fixture.send(packet.fragments(of: 32)[1], .egress) == .passes)
    packet.identification = 2
    #expect(try fixture.send(packet.fragments(of: 32)[1], .egress) == .drops(.policy))
    try fixture.publish(generation: 2, egress: [Rule(classID: 4, ipProtocol: .udp)])
    #expect(try fixture.send(packet.fragments(of: 32)[1], .egress) == .passes)
  }

  @Test func `fragments of a large ping pass both ways`() throws {
    let fixture = try PodFixture()
    try fixture.publish(ingress: [], egress: [Rule(classID: 4)])
    let request = IPv4Packet(from: Self.pod, to: Self.peer, .echoRequest(identifier: 9), payload: Self.payload)
    let reply = IPv4Packet(from: Self.peer, to: Self.pod, .echoReply(identifier: 9), payload: Self.payload)
    for fragment in request.fragments(of: 48) { #expect(try fixture.send(fragment, .egress) == .passes) }
    for fragment in reply.fragments(of: 48) { #expect(try fixture.send(fragment, .ingress) == .passes) }
  }

  @Test func `a first fragment without a whole transport header is invalid`() throws {
    let fixture = try Self.fixture()
    let tcp = IPv4Packet(from: Self.pod, to: Self.peer, .tcp(from: 1000, to: 80, flags: .syn))
    let fragment = tcp.fragment(at: 0, isLast: false, bytes: [0, 1, 0, 80, 0, 0, 0, 1])
    #expect(try fixture.send(fragment, .egress) == .drops(.invalid))
  }

  @Test(arguments: [
    (UInt8(6), 8, true), (6, 16, true), (6, 24, false), (132, 8, true), (132, 16, false), (17, 8, false),
  ])
  func `a later fragment may not reach into the transport header`(number: UInt8, offset: Int, isInvalid: Bool) throws {
    let fixture = try PodFixture()
    let packet = IPv4Packet(from: Self.pod, to: Self.peer, .other(number))
    let fragment = packet.fragment(at: offset, isLast: true, bytes: [UInt8](repeating: 2, count: 16))
    #expect(try fixture.send(fragment, .egress) == (isInvalid ? .drops(.invalid) : .passes))
  }
}
