// SPDX-License-Identifier: Apache-2.0

import BPFMaps
import CDatapathABI
import DatapathPrograms
import KernelTestSupport
import LinuxSystem
import NetworkTypes
import Testing

@Suite("Headers", .serialized, .requires(.root))
struct HeaderTests {
  static let pod = PodFixture.pod
  static let peer = PodFixture.peer
  /// An MTU of payload is of no interest here: one byte tells it from padding.
  static let transports: [(IPv4Packet.Transport, headerLength: Int)] = [
    (.tcp(from: 41234, to: 80, flags: .syn), 20), (.udp(from: 41234, to: 53), 8), (.sctp(from: 41234, to: 3868), 12),
    (.echoRequest(identifier: 7), 8), (.icmp(type: 13, code: 0), 8),
  ]

  @Test(arguments: transports)
  func `whole headers pass and headers cut at any byte are dropped, not trapped on`(
    transport: IPv4Packet.Transport, headerLength: Int
  ) throws {
    let fixture = try PodFixture()
    let frame = IPv4Packet(from: Self.pod, to: Self.peer, transport, payload: [1, 2, 3]).frame
    #expect(try fixture.send(frame, .egress) == .passes)
    // Since about Linux 6.18 a test run takes no shorter IPv4 frame; TrafficTests sends those.
    for length in 34..<frame.count {
      #expect(try fixture.send(Array(frame.prefix(length)), .egress) == .drops(.invalid), "cut at byte \(length)")
      #expect(try fixture.send(Array(frame.prefix(length)), .ingress) == .drops(.invalid), "cut at byte \(length)")
    }
  }

  @Test(arguments: transports)
  func `bytes after the total length are padding, not header`(
    transport: IPv4Packet.Transport, headerLength: Int
  ) throws {
    let fixture = try PodFixture()
    var packet = IPv4Packet(from: Self.pod, to: Self.peer, transport)
    packet.options = [1, 1, 1, 0]
    for length in 0...headerLength {
      var frame = packet.frame
      frame[17] = UInt8(24 + length)
      let expected: PodFixture.Outcome = length < headerLength ? .drops(.invalid) : .passes
      #expect(try fixture.send(frame + [0, 0, 0, 0, 0, 0], .egress) == expected, "\(length) bytes promised")
    }
  }

  @Test func `ports are found behind 40 bytes of options`() throws {
    let fixture = try PodFixture()
    var packet = IPv4Packet(from: Self.pod, to: Self.peer, .udp(from: 41234, to: 53))
    packet.options = [UInt8](repeating: 1, count: 40)
    #expect(try fixture.send(packet.frame, .egress) == .passes)
    let key = try #require(try fixture.datapath.flows.entries().first).0
    #expect(UInt16(bigEndian: key.local_port) == 41234 && UInt16(bigEndian: key.peer_port) == 53)
    #expect(key.peer_address == Self.peer.networkOrder && key.endpoint == PodFixture.endpointID && key.protocol == 17)
  }

  @Test(arguments: [
    ("version 5", 14, 0x55), ("header of 4 words", 14, 0x44), ("header of no word", 14, 0x40),
    ("header beyond the packet", 14, 0x4f), ("total length below the header", 17, 19),
    ("total length 0 without segmentation", 17, 0), ("total length beyond the frame", 17, 200),
    ("TCP header of 4 words", 46, 0x40), ("TCP header beyond the segment", 46, 0x60),
  ])
  func `contradicting headers are invalid`(what: String, offset: Int, byte: Int) throws {
    let fixture = try PodFixture()
    var frame = IPv4Packet(from: Self.pod, to: Self.peer, .tcp(from: 41234, to: 80, flags: .syn)).frame
    frame[offset] = UInt8(byte)
    #expect(try fixture.send(frame, .egress) == .drops(.invalid))
    #expect(try fixture.datapath.flows.entries().isEmpty)
  }

  @Test(arguments: [(0x8100, "VLAN tag"), (0x8847, "MPLS"), (0x88cc, "LLDP"), (0x0000, "length field")])
  func `other ethertypes do not pass`(type: Int, name: String) throws {
    let fixture = try PodFixture()
    let frame = EthernetFrame.bytes(type: UInt16(type), payload: [UInt8](repeating: 0, count: 46))
    #expect(try fixture.send(frame, .egress) == .drops(.unsupportedL3))
    #expect(try fixture.send(frame, .ingress) == .drops(.unsupportedL3))
  }

  @Test(arguments: [
    ("neighbour solicitation", 58, [UInt8(135), 0, 0, 0], PodFixture.Outcome.passes),
    ("router solicitation", 58, [133, 0, 0, 0], .passes),
    ("redirect", 58, [137, 0, 0, 0], .passes),
    ("MLD report behind a router alert", 0, [58, 0, 5, 2, 0, 0, 1, 0, 143, 0, 0, 0], .passes),
    ("echo request", 58, [128, 0, 0, 0], .drops(.unsupportedL3)),
    ("unreachable", 58, [1, 0, 0, 0], .drops(.unsupportedL3)),
    ("TCP", 6, [UInt8](repeating: 0, count: 20), .drops(.unsupportedL3)),
    ("TCP behind options", 0, [6, 0, 0, 0, 0, 0, 0, 0] + [UInt8](repeating: 135, count: 20), .drops(.unsupportedL3)),
    ("long options", 0, [58, 1] + [UInt8](repeating: 135, count: 20), .drops(.unsupportedL3)),
    ("no ICMPv6", 58, [], .drops(.invalid)),
    ("cut ICMPv6", 58, [135, 0, 0], .drops(.invalid)),
    ("cut options", 0, [58, 0, 5, 2], .drops(.invalid)),
  ])
  func `of IPv6 only neighbour and listener discovery pass`(
    what: String, next: Int, rest: [UInt8], outcome: PodFixture.Outcome
  ) throws {
    let fixture = try PodFixture()
    let header: [UInt8] = [0x60, 0, 0, 0, 0, UInt8(rest.count), UInt8(next), 255]
    let addresses = [UInt8](repeating: 0xfe, count: 32)
    let frame = EthernetFrame.bytes(type: 0x86dd, payload: header + addresses + rest)
    #expect(try fixture.send(frame, .egress) == outcome)
    #expect(try fixture.send(frame, .ingress) == outcome)
  }
}
