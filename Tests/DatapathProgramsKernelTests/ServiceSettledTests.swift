// SPDX-License-Identifier: Apache-2.0

import BPFMaps
import BPFTesting
import CDatapathABI
import DatapathPrograms
import KernelTestSupport
import LinuxSystem
import NetworkTypes
import Testing

/// For a second after a flow to a service was looked at, its choice alone is: what must be felt all the same.
@Suite("Settled choices of backends", .serialized, .requires(.root))
struct ServiceSettledTests {
  typealias Rule = PodFixture.Rule

  /// Further packets of a connection that was made, each to its backend.
  private static func go(_ fixture: borrowing PodFixture, _ family: Family, times: Int = 2) throws {
    for _ in 0..<times {
      let request = Message.tcp(from: 1000, to: 80).packet(from: family.pod, to: family.vip)
      #expect(try fixture.pass(request, .egress).destination == (family.peer, 8080))
      let reply = Message.tcp(from: 8080, to: 1000).packet(from: family.peer, to: family.pod)
      #expect(try fixture.pass(reply, .ingress).source == (family.vip, 80))
    }
  }

  private static func connect(_ fixture: borrowing PodFixture, _ family: Family) throws {
    let request = Message.tcp(from: 1000, to: 80, flags: .syn).packet(from: family.pod, to: family.vip)
    _ = try fixture.pass(request, .egress)
    let reply = Message.tcp(from: 8080, to: 1000, flags: [.syn, .ack]).packet(from: family.peer, to: family.pod)
    _ = try fixture.pass(reply, .ingress)
  }

  @Test(arguments: Family.allCases)
  func `a new policy is felt by the next packet, whether it tightens or loosens`(family: Family) throws {
    let made = try ServiceTests.fixture(family)
    let fixture = made.pod
    let request = Message.tcp(from: 1000, to: 80).packet(from: family.pod, to: family.vip)
    // Nothing is compiled.
    try Self.connect(fixture, family)
    try Self.go(fixture, family)
    try fixture.publish(ingress: [], egress: [])
    for _ in 0..<2 { #expect(try fixture.run(request, .egress) == .drops(.policy)) }
    try fixture.publish(generation: 2, ingress: [], egress: [Rule(classID: 4)])
    try Self.go(fixture, family)
    try fixture.publish(generation: 3, ingress: [], egress: [])
    for _ in 0..<2 { #expect(try fixture.run(request, .egress) == .drops(.policy)) }
  }

  @Test(arguments: Family.allCases)
  func `a policy of one second later is felt though sixteen bits of its number are the same`(family: Family) throws {
    let made = try ServiceTests.fixture(family)
    let fixture = made.pod
    try fixture.publish(generation: 1, ingress: [], egress: [Rule(classID: 4)])
    try Self.connect(fixture, family)
    try Self.go(fixture, family)
    try fixture.publish(generation: 0x1_0001, ingress: [], egress: [])
    try fixture.ageFlows(bySeconds: 2)
    let request = Message.tcp(from: 1000, to: 80).packet(from: family.pod, to: family.vip)
    #expect(try fixture.run(request, .egress) == .drops(.policy))
  }

  @Test(arguments: Family.allCases)
  func `a generation whose sixteen bits are zero is judged by the flow`(family: Family) throws {
    let made = try ServiceTests.fixture(family)
    let fixture = made.pod
    // Not compiled in a generation: nothing is settled, least of all for one that looks like none.
    try Self.connect(fixture, family)
    try Self.go(fixture, family)
    try fixture.publish(generation: 0x1_0000, ingress: [], egress: [])
    let request = Message.tcp(from: 1000, to: 80).packet(from: family.pod, to: family.vip)
    #expect(try fixture.run(request, .egress) == .drops(.policy))
    try fixture.publish(generation: 0x2_0000, ingress: [], egress: [Rule(classID: 4)])
    try Self.go(fixture, family)
  }

  @Test(arguments: Family.allCases)
  func `a flow that was lost comes back a second later`(family: Family) throws {
    let made = try ServiceTests.fixture(family)
    let fixture = made.pod
    try fixture.publish(ingress: [], egress: [Rule(classID: 4)])
    try Self.connect(fixture, family)
    try Self.go(fixture, family)
    let flows = try fixture.datapath.flows.entries()
    let flow = try #require(flows.first { $0.1.flags & UInt32(FLOW_SERVICE) == 0 })
    try fixture.datapath.flows.removeValue(forKey: flow.0)
    try fixture.ageFlows(bySeconds: 2)
    try Self.go(fixture, family)
    let state = try #require(try fixture.datapath.flows.value(forKey: flow.0))
    #expect(state.translation == flow.1.translation && state.generation == 1)
  }

  @Test(arguments: Family.allCases)
  func `the choice lives as long as packets come, and the flow with it`(family: Family) throws {
    let made = try ServiceTests.fixture(family)
    let fixture = made.pod
    try fixture.publish(ingress: [], egress: [Rule(classID: 4)])
    try Self.connect(fixture, family)
    for _ in 0..<3 {
      try fixture.ageFlows(bySeconds: 7000)
      try Self.go(fixture, family)
    }
    #expect(try made.services.maps.counters.values(at: made.written.index)?.reduce(0) { $0 + $1.translated } == 1)
    #expect(try fixture.datapath.flows.entries().count == 2)
  }

  @Test(arguments: Family.allCases)
  func `an end of the connection is noted, and a new one from its port is free to go elsewhere`(family: Family) throws {
    let made = try ServiceTests.fixture(family)
    let fixture = made.pod
    try Self.connect(fixture, family)
    try Self.go(fixture, family)
    let end = Message.tcp(from: 1000, to: 80, flags: [.fin, .ack]).packet(from: family.pod, to: family.vip)
    _ = try fixture.pass(end, .egress)
    let other = Message.tcp(from: 8080, to: 1000, flags: [.fin, .ack]).packet(from: family.peer, to: family.pod)
    _ = try fixture.pass(other, .ingress)
    let flow = try #require(try fixture.datapath.flows.entries().first { $0.1.flags & UInt32(FLOW_SERVICE) == 0 })
    #expect(flow.1.flags & UInt32(FLOW_CLOSING) != 0)
    try Self.connect(fixture, family)
    #expect(try made.services.maps.counters.values(at: made.written.index)?.reduce(0) { $0 + $1.translated } == 2)
  }
}
