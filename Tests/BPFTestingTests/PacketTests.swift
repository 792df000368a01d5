// SPDX-License-Identifier: Apache-2.0

import BPFTesting
import NetworkTypes
import Testing

private let a = IPv4Address(10, 0, 0, 5)
private let b = IPv4Address(10, 0, 0, 9)
private let a6 = IPv6Address(high: 0x2001_0db8_0000_0000, low: 5)
private let b6 = IPv6Address(high: 0x2001_0db8_0000_0000, low: 9)
private let counting = (0...255).map { UInt8($0) }

private func from(_ change: (inout IPv4Header) -> Void = { _ in }) -> Layer {
  .ipv4(from: a, to: b) {
    $0.identification = 1
    change(&$0)
  }
}

/// A packet of ours, and the frame that another implementation built of the same fields.
struct Pair: Sendable, CustomTestStringConvertible {
  var name: String
  var packet: Packet
  var frame: [UInt8]
  var testDescription: String { name }

  static let all: [Pair] = [
    Pair(
      name: "TCP with options",
      packet: Packet(
        .ethernet(), from(),
        .tcp(from: 41_234, to: 80, flags: .syn) {
          $0.sequence = 1000
          $0.window = 64_240
          $0.options = [
            .maximumSegmentSize(1460), .selectiveAcknowledgementPermitted, .timestamps(value: 1, echo: 2), .noOperation,
            .windowScale(7),
          ]
        }), frame: Captures.tcp4Syn),
    Pair(
      name: "UDP",
      packet: Packet(
        .ethernet(),
        .ipv4(from: a, to: b) {
          $0.identification = 0x1234
          $0.isUnfragmentable = true
          $0.trafficClass = 0x10
          $0.timeToLive = 63
        }, .udp(from: 5353, to: 53), payload: Array("hello".utf8)), frame: Captures.udp4),
    Pair(
      name: "UDP behind IPv4 options",
      packet: Packet(
        .ethernet(), from { $0.options = [7, 7, 4, 0, 0, 0, 0, 0] }, .udp(from: 1, to: 2), payload: Array("abc".utf8)),
      frame: Captures.udp4Options),
    Pair(
      name: "SCTP",
      packet: Packet(
        .ethernet(), from(), .sctp(from: 1000, to: 2000, tag: 0xdead_beef, chunks: [.initiation(tag: 1, sequence: 7)])),
      frame: Captures.sctp4),
    Pair(
      name: "ICMP echo",
      packet: Packet(.ethernet(), from(), .echoRequest(identifier: 7, sequence: 3), payload: Array("ping!".utf8)),
      frame: Captures.icmp4),
    Pair(name: "ARP", packet: Packet(.ethernet(), .arpRequest(from: a, for: b)), frame: Captures.arp),
    Pair(
      name: "VLAN", packet: Packet(.ethernet(), .vlan(100, priority: 5), from(), .udp(from: 1, to: 2)),
      frame: Captures.vlan),
    Pair(
      name: "VLAN in VLAN",
      packet: Packet(.ethernet(), .serviceVLAN(200), .vlan(100), from(), .udp(from: 1, to: 2)),
      frame: Captures.qinq),
    Pair(
      name: "TCP over IPv6",
      packet: Packet(
        .ethernet(),
        .ipv6(from: a6, to: b6) {
          $0.trafficClass = 3
          $0.flowLabel = 0x12345
          $0.hopLimit = 61
        },
        .tcp(from: 41_234, to: 443, flags: [.syn, .ack]) {
          $0.sequence = 5
          $0.acknowledgement = 6
          $0.window = 100
        }, payload: Array("x".utf8)), frame: Captures.tcp6),
    Pair(
      name: "UDP behind extension headers",
      packet: Packet(
        .ethernet(), .ipv6(from: a6, to: b6), .hopByHop(options: [5, 2, 0, 0]),
        .destinationOptions([]), .udp(from: 9, to: 10), payload: Array("data".utf8)),
      frame: Captures.udp6Ext),
    Pair(
      name: "ICMPv6 echo",
      packet: Packet(
        .ethernet(), .ipv6(from: a6, to: b6), .echoRequestV6(identifier: 9, sequence: 2), payload: Array("abcd".utf8)),
      frame: Captures.icmp6Echo),
    Pair(
      name: "neighbour solicitation",
      packet: Packet(
        .ethernet(),
        .ipv6(
          from: IPv6Address(high: 0xfe80 << 48, low: 1), to: IPv6Address(high: 0xff02 << 48, low: 0x1_ff00_0009)
        ) { $0.hopLimit = 255 },
        .icmpv6(ICMPHeader(type: 135)), payload: b6.bytes + [1, 1] + MACAddress.sender.bytes),
      frame: Captures.icmp6Ns),
    Pair(
      name: "SCTP over IPv6",
      packet: Packet(
        .ethernet(), .ipv6(from: a6, to: b6), .sctp(from: 1000, to: 2000, tag: 1, chunks: [SCTPChunk(type: 11)])),
      frame: Captures.sctp6),
    Pair(
      name: "ICMP error that quotes",
      packet: Packet(
        .ethernet(), .ipv4(from: IPv4Address(10, 0, 0, 1), to: a) { $0.identification = 1 },
        .icmp(ICMPHeader(type: 3, code: 4, rest: 1400)),
        payload: Packet(from(), .udp(from: 5353, to: 53), payload: Array("hello world".utf8)).quotation()),
      frame: Captures.icmpUnreach),
  ]
}

@Suite("Packets")
struct PacketTests {
  @Test(arguments: Pair.all) func `a packet has the bytes that another implementation gives it`(pair: Pair) {
    #expect(pair.packet.bytes == pair.frame)
  }

  @Test(arguments: Pair.all) func `what was built is read back as it was written`(pair: Pair) {
    #expect(Packet(parsing: pair.frame) == pair.packet)
    #expect(Packet(parsing: pair.frame).wrongChecksums.isEmpty)
    let padded = pair.packet.padded(to: 100)
    #expect(Packet(parsing: padded.bytes).bytes == padded.bytes)
    if padded.arp == nil { #expect(Packet(parsing: padded.bytes) == padded) }
  }

  @Test func `IPv4 fragments are those of another implementation`() throws {
    let packet = Packet(
      .ethernet(), .ipv4(from: a, to: b) { $0.identification = 77 }, .udp(from: 4000, to: 4001), payload: counting)
    let fragments = try packet.fragments(mtu: 116)
    #expect(fragments.map(\.bytes) == [Captures.frag40, Captures.frag41, Captures.frag42])
    #expect(fragments.flatMap(\.payload) == Array(packet.bytes.dropFirst(34)))
    #expect(fragments.allSatisfy { $0.ipv4?.isFragment == true })
  }

  @Test func `IPv6 fragments are those of another implementation`() throws {
    let packet = Packet(.ethernet(), .ipv6(from: a6, to: b6), .udp(from: 4000, to: 4001), payload: counting)
    let fragments = try packet.fragments(mtu: 200, identification: 0xabcd)
    #expect(fragments.map(\.bytes) == [Captures.frag60, Captures.frag61])
    #expect(Packet(parsing: fragments[0].bytes).udp?.destinationPort == 4001)
    #expect(Packet(parsing: fragments[1].bytes).udp == nil)
  }

  @Test func `fragments of fragments add up`() throws {
    let packet = Packet(
      .ethernet(), from { $0.options = [0x94, 4, 0, 0, 7, 4, 4, 0] }, .udp(from: 1, to: 2), payload: counting)
    let pieces = try packet.fragments(mtu: 200).flatMap { (piece) throws(FragmentError) in try piece.fragments(mtu: 92)
    }
    var data: [UInt8] = []
    for (index, piece) in pieces.enumerated() {
      #expect(Int(piece.ipv4?.fragmentOffset ?? 0) == data.count)
      #expect(piece.ipv4?.hasMoreFragments == (index < pieces.count - 1))
      #expect(piece.bytes.count <= 92 + 14)
      data += piece.payload
    }
    #expect(data == Array(packet.bytes.dropFirst(14 + 28)))
    // Only the router alert has to be in every fragment (RFC 791).
    #expect(pieces.last?.ipv4?.options == [0x94, 4, 0, 0])
  }

  @Test func `what cannot be cut says why`() {
    let packet = Packet(.ethernet(), from { $0.isUnfragmentable = true }, .udp(from: 1, to: 2), payload: counting)
    #expect(throws: FragmentError.self) { try packet.fragments(mtu: 100) }
    #expect(throws: FragmentError.self) {
      try Packet(.ethernet(), from(), payload: counting).fragments(mtu: 27)
    }
    #expect(throws: FragmentError.self) { try Packet(.ethernet(), .arpRequest(from: a, for: b)).fragments(mtu: 20) }
    #expect(throws: Never.self) { try packet.fragments(mtu: 1500) }
  }

  @Test func `what is longer than a datagram can be is not cut`() {
    let long = [UInt8](repeating: 0, count: 65_600)
    #expect(throws: FragmentError.self) { try Packet(.ethernet(), from(), payload: long).fragments(mtu: 1500) }
    #expect(throws: FragmentError.self) {
      try Packet(.ethernet(), .ipv6(from: a6, to: b6), payload: long).fragments(mtu: 1500)
    }
    #expect(throws: FragmentError.self) {
      try Packet(.ethernet(), from { $0.fragmentOffset = 65_528 }, payload: counting).fragments(mtu: 100)
    }
    #expect(throws: FragmentError.self) {
      try Packet(.ethernet(), from(), payload: counting).fragments(mtu: .min)
    }
  }

  @Test func `headers without end are payload after some, and cost no more`() {
    var bytes = Packet(.ethernet(), from { $0.protocolNumber = 4 }).bytes
    let header = Array(bytes.dropFirst(14))
    for _ in 0..<3000 { bytes += header }
    let parsed = Packet(parsing: bytes)
    #expect(parsed.bytes == bytes)
    #expect(parsed.layers.count <= 24)
    var extensions = Packet(.ethernet(), .ipv6(from: a6, to: b6) { $0.nextHeader = 60 }).bytes
    for _ in 0..<5000 { extensions += [60, 0, 1, 4, 0, 0, 0, 0] }
    #expect(Packet(parsing: extensions).bytes == extensions)
  }

  @Test func `a wrong checksum is wrong in one place, and read back as the number it is`() throws {
    for transport in 0..<4 {
      var packet = Pair.all[transport].packet
      packet.tcp?.checksum = .wrong
      packet.udp?.checksum = .wrong
      packet.sctp?.checksum = .wrong
      let good = Pair.all[transport].frame
      let wrong = zip(packet.bytes, good).enumerated().filter { $0.element.0 != $0.element.1 }
      #expect(wrong.count == 1)
      let parsed = Packet(parsing: packet.bytes)
      #expect(parsed.wrongChecksums == [["TCP", "UDP", "UDP", "SCTP"][transport]])
    }
    var packet = Pair.all[0].packet
    packet.ipv4?.checksum = .wrong
    #expect(Packet(parsing: packet.bytes).wrongChecksums == ["IPv4"])
    packet = Pair.all[4].packet
    packet.icmp?.checksum = .wrong
    #expect(Packet(parsing: packet.bytes).wrongChecksums == ["ICMP"])
  }

  @Test func `a UDP checksum that sums to zero is sent as ones, and none as zero`() {
    // The data is chosen so that the sum is 0xffff.
    var packet = Packet(.ethernet(), from(), .udp(from: 1, to: 2), payload: [0, 0])
    let sum = Packet(parsing: packet.bytes).bytes[40...41]
    packet.payload = Array(sum)
    #expect(packet.bytes[40...41] == [0xff, 0xff])
    #expect(Packet(parsing: packet.bytes).wrongChecksums.isEmpty)
    packet.udp?.checksum = .exactly(0)
    #expect(packet.bytes[40...41] == [0, 0])
    #expect(Packet(parsing: packet.bytes).wrongChecksums.isEmpty)
  }

  @Test func `lies are written as they are`() throws {
    var packet = Pair.all[1].packet
    packet.ipv4?.totalLength = 9000
    packet.ipv4?.protocolNumber = 6
    packet.udp?.length = 3
    let bytes = packet.bytes
    #expect(bytes[16...17] == [0x23, 0x28])
    #expect(bytes[23] == 6)
    #expect(bytes[38...39] == [0, 3])
    packet.ipv4?.headerLength = 15
    packet.ipv4?.version = 5
    #expect(packet.bytes[14] == 0x5f)
    // The header does not fit any more, so it is no header.
    #expect(Packet(parsing: packet.bytes).ipv4 == nil)
  }

  @Test(arguments: Pair.all) func `any bytes are read without loss, cut off or damaged`(pair: Pair) {
    for cut in pair.packet.truncations { #expect(Packet(parsing: cut).bytes == cut) }
    var random = SystemRandomNumberGenerator()
    for _ in 0..<300 {
      var bytes = pair.frame
      for _ in 0..<Int.random(in: 1...4, using: &random) {
        bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
      }
      let parsed = Packet(parsing: bytes)
      #expect(parsed.bytes == bytes, "\(bytes)")
      let datagram = Array(bytes.dropFirst(14))
      #expect(Packet(parsing: datagram, from: .internet).bytes == datagram)
    }
  }

  @Test func `a truncated packet keeps its claims`() throws {
    let cut = Pair.all[0].packet.bytes(truncatedTo: 60)
    let parsed = Packet(parsing: cut)
    #expect(parsed.ipv4?.totalLength == 60)
    #expect(parsed.tcp == nil)
    #expect(parsed.payload.count == 26)
    #expect(Pair.all[0].packet.truncations.underestimatedCount >= 0)
    #expect(Array(Pair.all[0].packet.truncations).count == Pair.all[0].frame.count)
  }

  @Test func `IP in IP is two headers`() {
    let packet = Packet(.ethernet(), from(), .ipv6(from: a6, to: b6), .udp(from: 1, to: 2), payload: [1])
    #expect(packet.bytes[23] == 41)
    #expect(Packet(parsing: packet.bytes) == packet)
  }
}
