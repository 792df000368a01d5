// SPDX-License-Identifier: Apache-2.0

import BPFMaps
import BPFTesting
import CDatapathABI
import DatapathPrograms
import KernelTestSupport
import LinuxSystem
import NetworkTypes
import Testing

@Suite("Sources and endpoints", .serialized, .requires(.root))
struct SourceTests {
  static let pod = PodFixture.pod
  static let peer = PodFixture.peer
  static let nobody = IPv4Address(0, 0, 0, 0)
  static let messages: [Message] = [
    .tcp(from: 1, to: 80), .udp(from: 1, to: 53), .udp(from: 68, to: 67), .echoRequest(identifier: 1), .other(47),
  ]

  @Test(arguments: messages)
  func `a pod sends from its own addresses only`(message: Message) throws {
    let fixture = try PodFixture()
    let sources4 = [
      IPv4Address(10, 0, 0, 6), Self.peer, Self.nobody, IPv4Address(127, 0, 0, 1), IPv4Address(5, 0, 0, 10),
    ]
    for source in sources4 {
      let packet = message.packet(from: .v4(source), to: Family.v4.peer)
      #expect(try fixture.send(packet, .egress) == .drops(.invalidSource), "\(source)")
    }
    let own = Family.v6.pod.v6
    let sources6 = (0..<4).map { word in
      IPv6Address(
        high: own.high ^ (word < 2 ? 1 << (word * 32) : 0), low: own.low ^ (word < 2 ? 0 : 1 << (word * 32 - 64)))
    }
    for source in sources6 + [Family.v6.peer.v6, .unspecified, IPv6Address(high: 0, low: 1)] {
      let packet = message.packet(from: .v6(source), to: Family.v6.peer)
      #expect(try fixture.send(packet, .egress) == .drops(.invalidSource), "\(source)")
    }
    #expect(try fixture.datapath.flows.entries().isEmpty)
  }

  @Test(arguments: Family.allCases)
  func `anybody may send to the pod, as far as sources go`(family: Family) throws {
    let fixture = try PodFixture()
    #expect(try fixture.toPod(.udp(from: 1, to: 53), family, from: family.stranger) == .passes)
  }

  @Test(arguments: Family.allCases)
  func `a pod without an address of a family sends nothing of it`(family: Family) throws {
    let fixture = try PodFixture()
    let other = family == .v4 ? Family.v6 : .v4
    try fixture.datapath.endpoints.setValue(
      endpoint(
        ipv4: family == .v4 ? nil : Self.pod, ipv6: family == .v6 ? nil : Family.v6.pod.v6,
        flags: UInt32(ENDPOINT_PRESENT)), at: PodFixture.endpointID)
    #expect(try fixture.fromPod(.udp(from: 1, to: 53), family) == .drops(.invalidSource))
    #expect(try fixture.fromPod(.udp(from: 1, to: 53), other) == .passes)
    let unset = family == .v4 ? IPAddress.v4(Self.nobody) : .v6(.unspecified)
    let packet = Message.udp(from: 68, to: 67).packet(from: unset, to: family.peer)
    #expect(try fixture.send(packet, .egress) == .drops(.invalidSource))
    let claim = Packet(.ethernet(), .arpReply(from: Self.pod, to: Self.peer))
    #expect(try fixture.send(claim, .egress) == (family == .v4 ? .drops(.invalidSource) : .passes))
  }

  @Test func `a pod cannot claim another address in ARP`() throws {
    let fixture = try PodFixture()
    let request = ARPPacket(sender: Self.pod, target: Self.peer)
    let probe = ARPPacket(sender: Self.nobody, target: Self.pod)
    let lie = ARPPacket(operation: 2, sender: Self.peer, target: PodFixture.node)
    #expect(try fixture.send(request.frame, .egress) == .passes)
    #expect(try fixture.send(probe.frame, .egress) == .passes)
    #expect(try fixture.send(lie.frame, .egress) == .drops(.invalidSource))
    #expect(try fixture.send(lie.frame, .ingress) == .passes)
  }

  @Test func `ARP that is cut or not for IPv4 over Ethernet is invalid`() throws {
    let fixture = try PodFixture()
    let frame = ARPPacket(sender: Self.pod, target: Self.peer).frame
    for length in 15..<frame.count {
      #expect(try fixture.send(Array(frame.prefix(length)), .egress) == .drops(.invalid), "cut at byte \(length)")
    }
    for offset in 15...19 {
      var odd = frame
      odd[offset] ^= 0x40
      #expect(try fixture.send(odd, .egress) == .drops(.invalid), "byte \(offset)")
    }
  }

  @Test func `an endpoint that is not there drops everything, ARP and discovery too`() throws {
    let fixture = try PodFixture()
    try fixture.datapath.endpoints.setValue(
      endpoint(ipv4: Self.pod, ipv6: Family.v6.pod.v6, flags: 0), at: PodFixture.endpointID)
    for family in Family.allCases {
      #expect(try fixture.fromPod(.tcp(from: 1, to: 80), family) == .drops(.endpointNotReady))
      #expect(try fixture.toPod(.tcp(from: 1, to: 80), family) == .drops(.endpointNotReady))
    }
    #expect(
      try fixture.send(ARPPacket(sender: Self.pod, target: Self.peer).frame, .egress) == .drops(.endpointNotReady))
    #expect(
      try fixture.send(DiscoveryTests.neighbor(135, from: Family.v6.pod.v6), .egress) == .drops(.endpointNotReady))
  }

  @Test func `an empty slot fails closed and is counted`() throws {
    let fixture = try PodFixture()
    #expect(try fixture.fromPod(.tcp(from: 1, to: 80, flags: .syn)) == .passes)
    try fixture.datapath.programs.clear(at: UInt32(POD_PROGRAM_EGRESS))
    #expect(try fixture.fromPod(.tcp(from: 1, to: 80)) == .drops(.missedTailCall))
    #expect(try fixture.toPod(.tcp(from: 80, to: 1)) == .passes)
    try fixture.datapath.programs.clear(at: UInt32(POD_PROGRAM_INGRESS))
    #expect(try fixture.toPod(.tcp(from: 80, to: 1)) == .drops(.missedTailCall))
    try fixture.datapath.programs.setProgram(fixture.datapath.fromPod, at: UInt32(POD_PROGRAM_EGRESS))
    #expect(try fixture.fromPod(.tcp(from: 1, to: 80)) == .passes)
  }

  @Test(arguments: Family.allCases)
  func `dispatchers of two endpoints do not mix`(family: Family) throws {
    let fixture = try PodFixture()
    let other = try fixture.datapath.makeDispatcher(endpoint: 4)
    try fixture.datapath.endpoints.setValue(
      endpoint(ipv4: Self.peer, ipv6: Family.v6.peer.v6, flags: UInt32(ENDPOINT_PRESENT)), at: 4)
    let packet = Message.tcp(from: 9, to: 80, flags: .syn).packet(from: family.peer, to: family.pod)
    #expect(try fixture.send(packet, .egress) == .drops(.invalidSource))
    #expect(try other.egress.test(packet).returnValue == -1)
    #expect(try fixture.datapath.flows.entries().map(\.0.endpoint) == [4])
  }
}
