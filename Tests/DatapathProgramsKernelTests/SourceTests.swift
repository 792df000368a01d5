// SPDX-License-Identifier: Apache-2.0

import BPFMaps
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

  @Test(arguments: [
    (IPv4Address(10, 0, 0, 6), IPv4Packet.Transport.tcp(from: 1, to: 80)), (peer, .udp(from: 1, to: 53)),
    (nobody, .udp(from: 68, to: 67)), (IPv4Address(127, 0, 0, 1), .echoRequest(identifier: 1)),
    (IPv4Address(5, 0, 0, 10), .other(47)),
  ])
  func `a pod sends from its own address only`(source: IPv4Address, transport: IPv4Packet.Transport) throws {
    let fixture = try PodFixture()
    let packet = IPv4Packet(from: source, to: Self.peer, transport)
    #expect(try fixture.send(packet.frame, .egress) == .drops(.invalidSource))
    #expect(try fixture.datapath.flows.entries().isEmpty)
  }

  @Test func `anybody may send to the pod, as far as sources go`() throws {
    let fixture = try PodFixture()
    #expect(try fixture.toPod(.udp(from: 1, to: 53), from: PodFixture.stranger) == .passes)
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

  @Test func `an endpoint that is not there drops everything, ARP too`() throws {
    let fixture = try PodFixture()
    try fixture.datapath.endpoints.setValue(
      endpoint(address: Self.pod.networkOrder, flags: 0), at: PodFixture.endpointID)
    #expect(try fixture.fromPod(.tcp(from: 1, to: 80)) == .drops(.endpointNotReady))
    #expect(try fixture.toPod(.tcp(from: 1, to: 80)) == .drops(.endpointNotReady))
    #expect(
      try fixture.send(ARPPacket(sender: Self.pod, target: Self.peer).frame, .egress) == .drops(.endpointNotReady))
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

  @Test func `dispatchers of two endpoints do not mix`() throws {
    let fixture = try PodFixture()
    let other = try fixture.datapath.makeDispatcher(endpoint: 4)
    try fixture.datapath.endpoints.setValue(
      endpoint(address: Self.peer.networkOrder, flags: UInt32(ENDPOINT_PRESENT)), at: 4)
    let packet = IPv4Packet(from: Self.peer, to: Self.pod, .tcp(from: 9, to: 80, flags: .syn))
    #expect(try fixture.send(packet.frame, .egress) == .drops(.invalidSource))
    #expect(try other.egress.test(packet: packet.frame).returnValue == -1)
    #expect(try fixture.datapath.flows.entries().map(\.0.endpoint) == [4])
  }
}
