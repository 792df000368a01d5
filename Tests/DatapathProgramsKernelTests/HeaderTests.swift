// SPDX-License-Identifier: Apache-2.0

import BPFMaps
import BPFTesting
import CDatapathABI
import DatapathPrograms
import KernelTestSupport
import LinuxSystem
import NetworkTypes
import Testing

@Suite("Headers", .serialized, .requires(.root))
struct HeaderTests {
  /// An MTU of payload is of no interest here: one byte tells it from padding.
  static let messages: [(Message, headerLength: Int)] = [
    (.tcp(from: 41234, to: 80, flags: .syn), 20), (.udp(from: 41234, to: 53), 8), (.sctp(from: 41234, to: 3868), 12),
    (.echoRequest(identifier: 7), 8), (.icmp(type: 200, code: 0), 8),
  ]

  @Test(arguments: messages, Family.allCases)
  func `whole headers pass and headers cut at any byte are dropped, not trapped on`(
    kind: (message: Message, headerLength: Int), family: Family
  ) throws {
    let fixture = try PodFixture()
    let frame = kind.message.packet(from: family.pod, to: family.peer, payload: [1, 2, 3]).bytes
    #expect(try fixture.send(frame, .egress) == .passes)
    // Since about Linux 6.18 a test run takes no shorter IP header; TrafficTests sends those.
    for length in family.transportOffset..<frame.count {
      #expect(try fixture.send(Array(frame.prefix(length)), .egress) == .drops(.invalid), "cut at byte \(length)")
      #expect(try fixture.send(Array(frame.prefix(length)), .ingress) == .drops(.invalid), "cut at byte \(length)")
    }
  }

  @Test(arguments: messages, Family.allCases)
  func `bytes after the length in the IP header are padding, not header`(
    kind: (message: Message, headerLength: Int), family: Family
  ) throws {
    let fixture = try PodFixture()
    var packet = kind.message.packet(from: family.pod, to: family.peer)
    packet.ipv4?.options = [1, 1, 1, 0]
    for length in 0...kind.headerLength {
      packet.ipv4?.totalLength = UInt16(24 + length)
      packet.ipv6?.payloadLength = UInt16(length)
      let expected: PodFixture.Outcome = length < kind.headerLength ? .drops(.invalid) : .passes
      #expect(try fixture.send(packet.bytes + [0, 0, 0, 0, 0, 0], .egress) == expected, "\(length) bytes promised")
    }
  }

  @Test func `ports are found behind 40 bytes of options`() throws {
    let fixture = try PodFixture()
    var packet = Message.udp(from: 1234, to: 53).packet(from: Family.v4.pod, to: Family.v4.peer)
    packet.ipv4?.options = [UInt8](repeating: 1, count: 40)
    #expect(try fixture.send(packet, .egress) == .passes)
    let key = try #require(try fixture.datapath.flows.entries().first).0
    #expect(UInt16(bigEndian: key.local_port) == 1234 && UInt16(bigEndian: key.peer_port) == 53)
  }

  @Test(arguments: Family.allCases)
  func `one flow has one entry, in the family's form`(family: Family) throws {
    let fixture = try PodFixture()
    #expect(try fixture.fromPod(.udp(from: 1000, to: 53), family) == .passes)
    #expect(try fixture.toPod(.udp(from: 53, to: 1000), family) == .passes)
    let entries = try fixture.datapath.flows.entries()
    let key = try #require(entries.first).0
    #expect(entries.count == 1 && key.peer_address.address == family.peer && key.protocol == 17)
    #expect(key.endpoint == PodFixture.endpointID && key.local_port == UInt16(1000).bigEndian)
  }

  @Test(arguments: [
    ("version", 14, 0x55), ("header length of 4 words", 14, 0x44), ("header beyond the packet", 14, 0x4f),
    ("total length below the header", 17, 10), ("total length beyond the frame", 17, 200),
    ("TCP header of 4 words", 46, 0x40), ("TCP header beyond the segment", 46, 0x60),
  ])
  func `contradicting IPv4 headers are invalid`(what: String, offset: Int, byte: Int) throws {
    let fixture = try PodFixture()
    var frame = Message.tcp(from: 41234, to: 80, flags: .syn).packet(from: Family.v4.pod, to: Family.v4.peer).bytes
    frame[offset] = UInt8(byte)
    #expect(try fixture.send(frame, .egress) == .drops(.invalid))
    #expect(try fixture.datapath.flows.entries().isEmpty)
  }

  @Test(arguments: [
    ("version", 14, 0x40), ("payload beyond the frame", 19, 200), ("payload below the header", 19, 19),
    ("TCP header of 4 words", 66, 0x40), ("TCP header beyond the segment", 66, 0x60),
  ])
  func `contradicting IPv6 headers are invalid`(what: String, offset: Int, byte: Int) throws {
    let fixture = try PodFixture()
    var frame = Message.tcp(from: 41234, to: 80, flags: .syn).packet(from: Family.v6.pod, to: Family.v6.peer).bytes
    frame[offset] = UInt8(byte)
    #expect(try fixture.send(frame, .egress) == .drops(.invalid))
    #expect(try fixture.datapath.flows.entries().isEmpty)
  }

  @Test func `an IPv6 packet with a mapped address is no IPv4 packet`() throws {
    let fixture = try PodFixture()
    func mapped(_ address: IPAddress) -> IPAddress {
      .v6(IPv6Address(high: 0, low: 0xffff_0000_0000 | UInt64(address.v4.rawValue)))
    }
    let message = Message.udp(from: 1, to: 2)
    let (pod, peer) = (mapped(Family.v4.pod), mapped(Family.v4.peer))
    for (source, destination) in [(pod, peer), (Family.v6.pod, peer), (pod, Family.v6.peer)] {
      #expect(try fixture.send(message.packet(from: source, to: destination), .egress) == .drops(.invalid))
      #expect(try fixture.send(message.packet(from: destination, to: source), .ingress) == .drops(.invalid))
    }
    #expect(try fixture.datapath.flows.entries().isEmpty)
  }

  @Test(arguments: Family.allCases)
  func `the other family's ICMP is a protocol like any other`(family: Family) throws {
    let fixture = try PodFixture()
    let number = (family == .v4 ? Family.v6 : .v4).icmp.rawValue
    // What would be a request, an error, or discovery.
    for type in [UInt8(8), 128, 3, 1, 135] {
      #expect(try fixture.fromPod(.other(number), family, payload: [type, 0, 0, 0, 0, 0, 0, 0]) == .passes)
    }
    #expect(try fixture.datapath.flows.entries().isEmpty)
    try fixture.publish(ingress: [], egress: [])
    #expect(
      try fixture.toPod(.other(number), family, payload: [135, 0, 0, 0, 0, 0, 0, 0]) == .drops(.unknownProtocol))
  }

  @Test(arguments: [(0x8100, "VLAN tag"), (0x8847, "MPLS"), (0x88cc, "LLDP"), (0x0000, "length field")])
  func `other ethertypes do not pass`(type: Int, name: String) throws {
    let fixture = try PodFixture()
    let frame = EthernetFrame.bytes(type: UInt16(type), payload: [UInt8](repeating: 0, count: 46))
    #expect(try fixture.send(frame, .egress) == .drops(.unsupportedL3))
    #expect(try fixture.send(frame, .ingress) == .drops(.unsupportedL3))
  }
}
