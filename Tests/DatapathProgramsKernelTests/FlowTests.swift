// SPDX-License-Identifier: Apache-2.0

import BPFMaps
import BPFTesting
import CDatapathABI
import DatapathPrograms
import KernelTestSupport
import LinuxSystem
import NetworkTypes
import Testing

@Suite("Connection tracking", .serialized, .requires(.root))
struct FlowTests {
  typealias Rule = PodFixture.Rule

  /// Isolated both ways; the pod may begin flows to the peer's port 80.
  static func clientFixture() throws -> PodFixture {
    let fixture = try PodFixture()
    try fixture.publish(
      ingress: [],
      egress: [IPProtocol.tcp, .udp, .sctp].map { Rule(classID: 4, ipProtocol: $0, ports: .exact(80), decision: 12) })
    return fixture
  }

  static let protocols: [@Sendable (UInt16, UInt16) -> Message] = [
    { .tcp(from: $0, to: $1, flags: $1 == 80 ? .syn : [.syn, .ack]) }, { .udp(from: $0, to: $1) },
    { .sctp(from: $0, to: $1) },
  ]

  @Test(arguments: 0..<3, Family.allCases)
  func `replies pass without policy, and only replies`(number: Int, family: Family) throws {
    let fixture = try Self.clientFixture()
    let transport = Self.protocols[number]
    #expect(try fixture.toPod(transport(80, 1000), family) == .drops(.policy))
    #expect(try fixture.fromPod(transport(1000, 80), family) == .passes)
    #expect(try fixture.toPod(transport(80, 1000), family) == .passes)
    #expect(try fixture.toPod(transport(80, 1001), family) == .drops(.policy))
    #expect(try fixture.toPod(transport(81, 1000), family) == .drops(.policy))
    #expect(try fixture.toPod(transport(80, 1000), family, from: family.stranger) == .drops(.policy))
    #expect(try fixture.fromPod(transport(1000, 80), family) == .passes)
    let state = try fixture.flow()
    #expect(state.flags == UInt32(FLOW_FROM_POD | FLOW_REPLIED))
    #expect(state.decision == 12 && state.generation == 1)
  }

  @Test(arguments: Family.allCases)
  func `a server answers its clients without an egress rule`(family: Family) throws {
    let fixture = try PodFixture()
    try fixture.publish(ingress: [Rule(classID: 4, ipProtocol: .tcp, ports: .exact(8080))], egress: [])
    #expect(try fixture.fromPod(.tcp(from: 8080, to: 5555, flags: [.syn, .ack]), family) == .drops(.policy))
    #expect(try fixture.toPod(.tcp(from: 5555, to: 8080, flags: .syn), family) == .passes)
    #expect(try fixture.fromPod(.tcp(from: 8080, to: 5555, flags: [.syn, .ack]), family) == .passes)
    #expect(try fixture.flow().flags == UInt32(FLOW_TO_POD | FLOW_REPLIED))
  }

  @Test(arguments: Family.allCases)
  func `a tightened policy cuts a live flow at its next forward packet`(family: Family) throws {
    let fixture = try Self.clientFixture()
    #expect(try fixture.fromPod(.tcp(from: 1000, to: 80, flags: .syn), family) == .passes)
    #expect(try fixture.toPod(.tcp(from: 80, to: 1000, flags: [.syn, .ack]), family) == .passes)
    try fixture.publish(generation: 2, ingress: [], egress: [])
    #expect(try fixture.fromPod(.tcp(from: 1000, to: 80), family) == .drops(.policy))
    #expect(try fixture.fromPod(.tcp(from: 1000, to: 80), family) == .drops(.policy))
    // Loosened again: the flow goes on.
    try fixture.publish(generation: 3, egress: [Rule(classID: 4, decision: 99)])
    #expect(try fixture.fromPod(.tcp(from: 1000, to: 80), family) == .passes)
    #expect(try fixture.flow().decision == 99)
    #expect(try fixture.flow().generation == 3)
  }

  @Test(arguments: Family.allCases)
  func `a flow from before the first generation is judged by it`(family: Family) throws {
    let fixture = try PodFixture()
    #expect(try fixture.fromPod(.udp(from: 1000, to: 80), family) == .passes)
    #expect(try fixture.flow().generation == 0)
    try fixture.publish(egress: [])
    #expect(try fixture.fromPod(.udp(from: 1000, to: 80), family) == .drops(.policy))
  }

  /// A moment before and a moment after.
  static func ages(_ seconds: UInt64) -> [(UInt64, PodFixture.Outcome, Family)] {
    Family.allCases.flatMap { [(seconds - 2, .passes, $0), (seconds + 1, .drops(.policy), $0)] }
  }

  /// Seconds after which a reply no longer passes; the flow's packets so far.
  @Test(arguments: [
    ("TCP without a reply", 60, 0), ("TCP established", 8000, 1), ("TCP after FIN of one side", 8000, 2),
    ("TCP after FIN of both sides", 10, 3), ("TCP after RST", 10, 4),
  ])
  func `TCP lifetimes`(what: String, seconds: UInt64, stage: Int) throws {
    for (age, outcome, family) in Self.ages(seconds) {
      let fixture = try Self.clientFixture()
      _ = try fixture.fromPod(.tcp(from: 1000, to: 80, flags: .syn), family)
      if stage >= 1 { _ = try fixture.toPod(.tcp(from: 80, to: 1000, flags: [.syn, .ack]), family) }
      if stage == 2 || stage == 3 { _ = try fixture.fromPod(.tcp(from: 1000, to: 80, flags: [.fin, .ack]), family) }
      if stage == 3 { _ = try fixture.toPod(.tcp(from: 80, to: 1000, flags: [.fin, .ack]), family) }
      if stage == 4 { _ = try fixture.toPod(.tcp(from: 80, to: 1000, flags: .rst), family) }
      try fixture.ageFlows(bySeconds: age)
      #expect(try fixture.toPod(.tcp(from: 80, to: 1000), family) == outcome, "\(what), idle for \(age) s")
    }
  }

  @Test(arguments: [("without a reply", 30, false), ("with replies", 60, true)])
  func `UDP lifetimes`(what: String, seconds: UInt64, isReplied: Bool) throws {
    for (age, outcome, family) in Self.ages(seconds) {
      let fixture = try Self.clientFixture()
      _ = try fixture.fromPod(.udp(from: 1000, to: 80), family)
      if isReplied { _ = try fixture.toPod(.udp(from: 80, to: 1000), family) }
      try fixture.ageFlows(bySeconds: age)
      #expect(try fixture.toPod(.udp(from: 80, to: 1000), family) == outcome, "idle for \(age) s")
    }
  }

  @Test(arguments: Family.allCases)
  func `a packet renews the flow, at most once a second`(family: Family) throws {
    let fixture = try Self.clientFixture()
    _ = try fixture.fromPod(.udp(from: 1000, to: 80), family)
    let first = try fixture.flow().last_seen
    _ = try fixture.fromPod(.udp(from: 1000, to: 80), family)
    #expect(try fixture.flow().last_seen == first)
    try fixture.ageFlows(bySeconds: 20)
    _ = try fixture.toPod(.udp(from: 80, to: 1000), family)
    #expect(try fixture.flow().last_seen >= first)
  }

  @Test(arguments: Family.allCases)
  func `a SYN on a closing flow begins a new one`(family: Family) throws {
    let fixture = try Self.clientFixture()
    _ = try fixture.fromPod(.tcp(from: 1000, to: 80, flags: .syn), family)
    _ = try fixture.toPod(.tcp(from: 80, to: 1000, flags: [.rst, .ack]), family)
    #expect(try fixture.flow().flags & UInt32(FLOW_CLOSING) != 0)
    #expect(try fixture.fromPod(.tcp(from: 1000, to: 80, flags: .syn), family) == .passes)
    #expect(try fixture.flow().flags == UInt32(FLOW_FROM_POD))
  }

  @Test(arguments: Family.allCases)
  func `a SYN against a flow's direction is no reply`(family: Family) throws {
    let fixture = try Self.clientFixture()
    _ = try fixture.fromPod(.tcp(from: 1000, to: 80, flags: .syn), family)
    _ = try fixture.toPod(.tcp(from: 80, to: 1000, flags: [.syn, .ack]), family)
    #expect(try fixture.toPod(.tcp(from: 80, to: 1000, flags: .syn), family) == .drops(.policy))
    #expect(try fixture.toPod(.tcp(from: 80, to: 1000), family) == .passes)
  }

  @Test(arguments: [TCPHeader.Flags([.syn, .ack]), .rst, [.fin, .ack]], Family.allCases)
  func `a segment that answers or ends a connection begins no flow`(flags: TCPHeader.Flags, family: Family) throws {
    let fixture = try PodFixture()
    #expect(try fixture.fromPod(.tcp(from: 80, to: 1000, flags: flags), family) == .passes)
    #expect(try fixture.datapath.flows.entries().isEmpty)
  }

  @Test(arguments: Family.allCases)
  func `a segment from the middle of a connection begins a flow if policy allows it`(family: Family) throws {
    let fixture = try Self.clientFixture()
    #expect(try fixture.fromPod(.tcp(from: 1000, to: 81, flags: .ack), family) == .drops(.policy))
    #expect(try fixture.fromPod(.tcp(from: 1000, to: 80, flags: .ack), family) == .passes)
    #expect(try fixture.toPod(.tcp(from: 80, to: 1000, flags: .ack), family) == .passes)
  }

  @Test(arguments: Family.allCases)
  func `a denied packet leaves no flow behind`(family: Family) throws {
    let fixture = try PodFixture()
    try fixture.publish(ingress: [Rule(classID: 4, isAllow: false)], egress: [])
    #expect(try fixture.toPod(.udp(from: 1, to: 2), family) == .drops(.policyDeny))
    #expect(try fixture.fromPod(.udp(from: 1, to: 2), family) == .drops(.policy))
    #expect(try fixture.datapath.flows.entries().isEmpty)
  }

  @Test(arguments: Family.allCases)
  func `an endpoint's flows are forgotten on request, others stay`(family: Family) throws {
    let fixture = try Self.clientFixture()
    for port in UInt16(1000)..<1010 { _ = try fixture.fromPod(.udp(from: port, to: 80), family) }
    var foreign = flow_key()
    foreign.endpoint = 77
    try fixture.datapath.flows.updateValue(flow_state(), forKey: foreign)
    #expect(try fixture.datapath.removeFlows(ofEndpoint: PodFixture.endpointID) == 10)
    #expect(try fixture.datapath.flows.entries().map(\.0.endpoint) == [77])
    #expect(try fixture.toPod(.udp(from: 80, to: 1000), family) == .drops(.policy))
  }
}
