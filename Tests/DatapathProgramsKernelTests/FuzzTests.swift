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

/// Bytes that nobody meant, from a fixed seed.
@Suite("Hostile packets", .serialized, .requires(.root))
struct FuzzTests {

  static let pod4 = Family.v4.pod.bytes
  static let pod6 = Family.v6.pod.bytes

  /// Whether a frame that a pod sent may pass, by a reading of its own: its source, or discovery.
  static func mayPass(_ frame: [UInt8]) -> Bool {
    guard frame.count >= 42 else { return false }
    switch (frame[12], frame[13]) {
    case (0x08, 0x00): return Array(frame[26..<30]) == pod4
    case (0x08, 0x06): return Array(frame[28..<32]) == pod4 || frame[28..<32].allSatisfy { $0 == 0 }
    case (0x86, 0xdd):
      guard frame.count >= 54 else { return false }
      let source = Array(frame[22..<38])
      if source == pod6 { return true }
      let isLinkLocal = source[0] == 0xfe && source[1] & 0xc0 == 0x80
      guard isLinkLocal || source.allSatisfy({ $0 == 0 }) else { return false }
      return frame[21] == 255 || frame[21] == 1
    default: return false
    }
  }

  static let seeds: [[UInt8]] = {
    var packets: [Packet] = []
    let messages: [Message] = [
      .tcp(from: 1000, to: 80, flags: .syn), .udp(from: 1000, to: 80), .sctp(from: 1, to: 2),
      .echoRequest(identifier: 3),
      .echoReply(identifier: 3), .other(47),
    ]
    for family in Family.allCases {
      packets += messages.map { $0.packet(from: family.pod, to: family.peer, payload: [1, 2, 3, 4, 5, 6, 7, 8]) }
      let quoted = Message.udp(from: 80, to: 1000).packet(from: family.peer, to: family.pod)
      packets.append(ICMPTests.error(family == .v4 ? 3 : 2, 0, quoted, from: family.pod, to: family.peer))
      packets += (try? FragmentTests.fragments(.udp(from: 1000, to: 80), from: family.pod, to: family.peer)) ?? []
    }
    packets.append(Packet(.ethernet(), .arpRequest(from: Family.v4.pod.v4, for: Family.v4.peer.v4)))
    packets += [133, 134, 135, 136, 137].map {
      DiscoveryTests.neighbor($0, from: DiscoveryTests.router, target: DiscoveryTests.local)
    }
    packets += [130, 131, 132, 143].map { DiscoveryTests.listener($0, from: DiscoveryTests.router) }
    packets.append(
      ExtensionTests.packet([
        .hopByHop(options: []), ExtensionTests.option, ExtensionTests.route(segmentsLeft: 0), ExtensionTests.atomic,
      ]))
    return packets.map(\.bytes)
  }()

  /// A good packet with some bytes changed, and cut or grown; or nothing but chance.
  static func frame(_ numbers: inout SeededGenerator) -> [UInt8] {
    if Int.random(in: 0..<8, using: &numbers) == 0 {
      var frame = (0..<Int.random(in: 54..<200, using: &numbers)).map { _ in UInt8.random(in: 0...255, using: &numbers)
      }
      let types: [[UInt8]] = [[8, 0], [0x86, 0xdd], [8, 6]]
      frame.replaceSubrange(12..<14, with: types[Int.random(in: 0..<3, using: &numbers)])
      if frame[12] == 0x86 { frame[14] = 0x60 | frame[14] & 15 }
      if frame[13] == 0 { frame[14] = 0x45 }
      return frame
    }
    var frame = seeds[Int.random(in: 0..<seeds.count, using: &numbers)]
    for _ in 0..<Int.random(in: 0...4, using: &numbers) {
      let index = Int.random(in: 14..<frame.count, using: &numbers)
      let values: [UInt8] = [0, 1, 255, frame[index] ^ 1 << UInt8.random(in: 0..<8, using: &numbers), 44, 60, 43, 58]
      frame[index] = values[Int.random(in: 0..<values.count, using: &numbers)]
    }
    let least = frame[12] == 0x86 ? 54 : 42
    switch Int.random(in: 0..<6, using: &numbers) {
    case 0 where frame.count > least: return Array(frame.prefix(Int.random(in: least..<frame.count, using: &numbers)))
    case 1: return frame + [UInt8](repeating: 0xee, count: Int.random(in: 0..<64, using: &numbers))
    default: return frame
    }
  }

  @Test(arguments: 1...8 as ClosedRange<UInt64>)
  func `nothing passes from a foreign source, and every answer is a verdict`(seed: UInt64) async throws {
    let fixture = try PodFixture()
    var numbers = SeededGenerator(seed: seed)
    var (passed, dropped) = (0, 0)
    for round in 0..<6000 {
      if round.isMultiple(of: 500) { await Task.yield() }
      let frame = Self.frame(&numbers)
      let verdict = try fixture.dispatcher.egress.test(packet: frame).returnValue
      try #require(verdict == -1 || verdict == 2, "\(verdict) for \(frame)")
      if verdict == -1 { passed += 1 } else { dropped += 1 }
      if verdict == -1 { try #require(Self.mayPass(frame), "passed: \(frame)") }
    }
    // Both happen, or the test says nothing.
    #expect(passed > 500 && dropped > 500, "\(passed) passed, \(dropped) dropped")
  }

  @Test(arguments: 1...4 as ClosedRange<UInt64>)
  func `of what reaches an isolated pod only discovery passes`(seed: UInt64) async throws {
    let fixture = try PodFixture()
    try fixture.publish(ingress: [], egress: [], peers: [])
    var numbers = SeededGenerator(seed: seed &* 1000)
    for round in 0..<6000 {
      if round.isMultiple(of: 500) { await Task.yield() }
      let frame = Self.frame(&numbers)
      let verdict = try fixture.dispatcher.ingress.test(packet: frame).returnValue
      try #require(verdict == -1 || verdict == 2, "\(verdict) for \(frame)")
      guard verdict == -1, frame[12] == 0x86 || frame[13] == 0 else { continue }
      // IPv6 with the hop limit of discovery, or the pod's own words come back, which are always its own.
      let isOwn = frame[12] == 0x86 ? Array(frame[22..<38]) == Self.pod6 : Array(frame[26..<30]) == Self.pod4
      try #require(isOwn || (frame[12] == 0x86 && (frame[21] == 255 || frame[21] == 1)), "passed: \(frame)")
    }
    #expect(
      try fixture.datapath.flows.entries().allSatisfy { Family.allCases.map(\.pod).contains($0.0.peer_address.address) }
    )
  }
}
