// SPDX-License-Identifier: Apache-2.0

import BPFMaps
import BPFTesting
import CDatapathABI
import DatapathPrograms
import KernelTestSupport
import LinuxSystem
import NetworkTypes
import Testing

/// The binary searches, at every bound: each range of a run has a decision of its own.
@Suite("Searches", .serialized, .requires(.root))
struct SearchTests {
  typealias Rule = PodFixture.Rule
  typealias Addresses = TestTables.Addresses
  static let counts = [1, 2, 3, 4, 15, 16, 17, 4000]

  /// Which ranges of a run to look at: both ends, and some in between.
  static func samples(_ count: Int) -> [Int] {
    Array(Set([0, 1, 2, count / 2 - 1, count / 2, count - 2, count - 1]).filter { (0..<count).contains($0) }).sorted()
  }

  static func address(_ family: Family, _ number: UInt64) -> IPAddress {
    if family == .v4 { return .v4(IPv4Address(rawValue: UInt32(number))) }
    // The halves meet in the middle of the run.
    let (low, overflow) = (UInt64.max - 20_000).addingReportingOverflow(number)
    return .v6(IPv6Address(high: 0xfd11 << 48 | (overflow ? 1 : 0), low: low))
  }

  /// Decisions begin anew after 1,000, which no two neighbours notice.
  static func decision(_ index: Int) -> UInt32 { UInt32(index % 1000) + 1 }

  @Test(arguments: counts, Family.allCases)
  func `an address is found in its range, and nothing beside`(count: Int, family: Family) async throws {
    let fixture = try PodFixture()
    // Ranges of 3 addresses, with one between them that belongs to none.
    let base: UInt64 = family == .v4 ? 0x0a10_0000 : 0
    let ranges = (0..<count).map { index in
      Addresses(
        first: Self.address(family, base + UInt64(index) * 10 + 1),
        last: Self.address(family, base + UInt64(index) * 10 + 3),
        rules: [Rule(classID: 0, decision: Self.decision(index))])
    }
    // Another run before and behind it, to which nothing may slip.
    let other = Addresses(
      first: Self.address(family, 0), last: Self.address(family, base == 0 ? 1 << 30 : 0xffff_ffff),
      rules: [Rule(classID: 0, isAllow: false)])
    try fixture.publish(generation: 1, sets: (.init(addresses: [other]), nil))
    try fixture.publish(generation: 2, sets: (nil, .init(addresses: ranges)))
    try fixture.publish(generation: 3, sets: (.init(addresses: [other]), .init(addresses: ranges)))
    for index in Self.samples(count) {
      await Task.yield()
      for offset in UInt64(0)...4 {
        let address = Self.address(family, base + UInt64(index) * 10 + offset)
        let expected: PodFixture.Outcome = (1...3).contains(offset) ? .passes : .drops(.policy)
        #expect(try fixture.fromPod(.udp(from: 1, to: 2), family, to: address) == expected, "\(index), \(offset)")
        guard expected == .passes else { continue }
        #expect(try fixture.flow().decision == Self.decision(index))
        try fixture.datapath.removeFlows(ofEndpoint: PodFixture.endpointID)
      }
    }
  }

  @Test(arguments: Family.allCases)
  func `the first and the last address there are`(family: Family) throws {
    let fixture = try PodFixture()
    let (low, high): (IPAddress, IPAddress) =
      family == .v4
      ? (.v4(IPv4Address(rawValue: 0)), .v4(IPv4Address(rawValue: .max)))
      : (.v6(IPv6Address(high: 0, low: 0)), .v6(IPv6Address(high: .max, low: .max)))
    try fixture.publish(sets: (.init(addresses: [.init(first: low, last: high, rules: [Rule(classID: 0)])]), nil))
    for address in [low, high, family.stranger] {
      #expect(try fixture.toPod(.udp(from: 1, to: 2), family, from: address) == .passes, "\(address)")
    }
    try fixture.publish(
      generation: 2,
      sets: (
        .init(addresses: [
          .init(first: low, last: low, rules: [Rule(classID: 0)]),
          .init(first: high, last: high, rules: [Rule(classID: 0, isAllow: false)]),
        ]), nil
      ))
    #expect(try fixture.toPod(.udp(from: 3, to: 2), family, from: low) == .passes)
    #expect(try fixture.toPod(.udp(from: 3, to: 2), family, from: high) == .drops(.policyDeny))
    #expect(try fixture.toPod(.udp(from: 3, to: 2), family, from: family.stranger) == .drops(.policy))
  }

  @Test(
    arguments: [
      (0, 0, 0), (0, 1, 0), (0, .max, 0), (1, 0, 1), (1, .max, 1), (1 << 32, 0, 1), (.max, 0, 1), (.max, .max, 1),
    ] as [(UInt64, UInt64, Int)])
  func `both halves of an IPv6 address count, as numbers without sign`(high: UInt64, low: UInt64, index: Int) throws {
    let fixture = try PodFixture()
    let ranges = [
      Addresses(
        first: .v6(IPv6Address(high: 0, low: 0)), last: .v6(IPv6Address(high: 0, low: .max)),
        rules: [Rule(classID: 0, decision: 1)]),
      Addresses(
        first: .v6(IPv6Address(high: 1, low: 0)), last: .v6(IPv6Address(high: .max, low: .max)),
        rules: [Rule(classID: 0, decision: 2)]),
    ]
    try fixture.publish(sets: (.init(addresses: ranges), nil))
    let address = IPAddress.v6(IPv6Address(high: high, low: low))
    #expect(try fixture.toPod(.udp(from: 1, to: 2), .v6, from: address) == .passes)
    #expect(try fixture.flow().decision == UInt32(index + 1))
  }

  @Test func `IPv4's ranges say nothing of IPv6, nor the other way round`() throws {
    let fixture = try PodFixture()
    let all4 = Addresses(
      first: .v4(IPv4Address(rawValue: 0)), last: .v4(IPv4Address(rawValue: .max)), rules: [Rule(classID: 0)])
    let all6 = Addresses(
      first: .v6(IPv6Address(high: 0, low: 0)), last: .v6(IPv6Address(high: .max, low: .max)), rules: [Rule(classID: 0)]
    )
    try fixture.publish(sets: (.init(addresses: [all4]), .init(addresses: [all6])))
    #expect(try fixture.toPod(.udp(from: 1, to: 2), .v4) == .passes)
    #expect(try fixture.toPod(.udp(from: 1, to: 2), .v6) == .drops(.policy))
    #expect(try fixture.fromPod(.udp(from: 3, to: 4), .v4) == .drops(.policy))
    #expect(try fixture.fromPod(.udp(from: 3, to: 4), .v6) == .passes)
  }

  @Test(arguments: counts, [IPProtocol.tcp, .udp, .sctp])
  func `a port is found in its range, and nothing beside`(count: Int, number: IPProtocol) async throws {
    let fixture = try PodFixture()
    func message(_ port: UInt16) -> Message {
      switch number {
      case .tcp: .tcp(from: 1, to: port, flags: .syn)
      case .udp: .udp(from: 1, to: port)
      default: .sctp(from: 1, to: port)
      }
    }
    // Ranges of 3 ports, every other one denied; the other protocols have runs beside it.
    let others = [IPProtocol.tcp, .udp, .sctp].filter { $0 != number }
    let rules =
      (0..<count).map { index in
        let first = UInt16(index) * 16 + 1
        return Rule(
          classID: 4, ipProtocol: number, ports: .range(first, first + 2), isAllow: index.isMultiple(of: 2))
      } + others.map { Rule(classID: 4, ipProtocol: $0, ports: .range(0, .max)) }
    try fixture.publish(egress: rules)
    for index in Self.samples(count) {
      await Task.yield()
      for offset in UInt16(0)...4 {
        let inside: PodFixture.Outcome = index.isMultiple(of: 2) ? .passes : .drops(.policyDeny)
        let expected = (1...3).contains(offset) ? inside : .drops(.policy)
        #expect(try fixture.fromPod(message(UInt16(index) * 16 + offset)) == expected, "\(index), \(offset)")
      }
    }
  }

  @Test(arguments: [
    (UInt16(0), PodFixture.Outcome.passes), (1, .drops(.policyDeny)), (65_534, .drops(.policyDeny)), (65_535, .passes),
  ])
  func `the first and the last port there are`(port: UInt16, outcome: PodFixture.Outcome) throws {
    let fixture = try PodFixture()
    try fixture.publish(
      egress: [
        Rule(classID: 4, ipProtocol: .udp, ports: .exact(0)), Rule(classID: 4, ipProtocol: .udp, ports: .exact(65_535)),
        Rule(classID: 4, ipProtocol: .udp, isAllow: false),
      ])
    #expect(try fixture.fromPod(.udp(from: 1, to: port)) == outcome)
  }

  @Test func `a protocol without ranges has its rest`() throws {
    let fixture = try PodFixture()
    try fixture.publish(
      egress: [
        Rule(classID: 4, ipProtocol: .tcp), Rule(classID: 4, ipProtocol: .udp, isAllow: false),
        Rule(classID: 4, ipProtocol: .sctp, ports: .exact(5)),
      ])
    #expect(try fixture.fromPod(.tcp(from: 1, to: 80)) == .passes)
    #expect(try fixture.fromPod(.udp(from: 1, to: 80)) == .drops(.policyDeny))
    #expect(try fixture.fromPod(.sctp(from: 1, to: 80)) == .drops(.policy))
    #expect(try fixture.fromPod(.echoRequest(identifier: 1)) == .drops(.policy))
  }
}
