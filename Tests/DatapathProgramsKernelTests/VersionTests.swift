// SPDX-License-Identifier: Apache-2.0

import BPFMaps
import BPFTesting
import CDatapathABI
import DatapathPrograms
import KernelTestSupport
import LinuxSystem
import NetworkTypes
import Testing

@Suite("Generations", .serialized, .requires(.root))
struct VersionTests {
  typealias Rule = PodFixture.Rule
  typealias Rules = PodFixture.Rules

  @Test(
    arguments: [
      (1, 0, false), (1, 1, true), (1, 2, true), (5, 4, false), (5, 5, true), (5, 0x8004, true),
      (0x8000, 0x7fff, false),
      (0x8000, 0x8000, true), (0xffff, 0xfffe, false), (0xffff, 0xffff, true), (0xffff, 0x1_0000, true),
      (0xffff, 0x1_0005, true), (0x1_0003, 0x1_0002, false), (0x1_0003, 0x1_0003, true), (0x1_0003, 0xffff, false),
      (0x7fff_ffff, 0x7fff_fffe, false), (0x7fff_ffff, 0x8000_0000, true), (0xffff_ffff, 0xffff_fffe, false),
      (0xffff_ffff, 1, true),
    ] as [(UInt32, UInt32, Bool)])
  func `a word says the new from its generation on, across every wrap-around`(
    since: UInt32, generation: UInt32, isNew: Bool
  ) throws {
    let word = version_word(before: 0x12_3456, after: 0xff_ffff, since: since)
    #expect(word.value(in: generation) == (isNew ? 0xff_ffff : 0x12_3456))
    // The programs read it alike: unrestricted before, isolated after.
    let fixture = try PodFixture()
    try fixture.publish(generation: generation, egress: [])
    var policy = fixture.datapath.endpointPolicies[PodFixture.endpointID]
    policy.egress.policy = version_word(
      before: UInt32(RULE_SET_UNRESTRICTED), after: fixture.tables.nextRuleSet - 1, since: since)
    fixture.datapath.setPolicy(policy, ofEndpoint: PodFixture.endpointID)
    for family in Family.allCases {
      #expect(try fixture.fromPod(.udp(from: 1, to: 2), family) == (isNew ? .drops(.policy) : .passes))
    }
  }

  @Test(arguments: Family.allCases)
  func `what is prepared is felt with the generation, not before`(family: Family) throws {
    let fixture = try PodFixture()
    let allow = Rules(rules: [Rule(classID: 4)])
    try fixture.publish(generation: 7, sets: (allow, allow))
    #expect(try fixture.fromPod(.udp(from: 1, to: 2), family) == .passes)
    // The peer loses its class, and the endpoint its rules, with one store.
    try fixture.prepare(
      generation: 8, sets: (Rules(), Rules(rules: [Rule(classID: 5)])),
      peers: [.init(address: family.peer, id: 5), .init(address: family.stranger, id: 4)])
    #expect(try fixture.fromPod(.udp(from: 2, to: 2), family) == .passes)
    #expect(try fixture.fromPod(.udp(from: 2, to: 2), family, to: family.stranger) == .drops(.policy))
    #expect(try fixture.toPod(.udp(from: 3, to: 2), family) == .passes)
    fixture.datapath.publish(generation: 8)
    #expect(fixture.datapath.generation == 8)
    #expect(try fixture.fromPod(.udp(from: 4, to: 2), family) == .passes)
    #expect(try fixture.fromPod(.udp(from: 4, to: 2), family, to: family.stranger) == .drops(.policy))
    #expect(try fixture.toPod(.udp(from: 4, to: 2), family) == .drops(.policy))
    // The flow of before is judged again.
    #expect(try fixture.toPod(.udp(from: 3, to: 2), family) == .drops(.policy))
  }

  @Test(arguments: Family.allCases)
  func `a generation does not see the classes of another`(family: Family) throws {
    let fixture = try PodFixture()
    try fixture.publish(generation: 1, egress: [Rule(classID: 4)])
    #expect(try fixture.fromPod(.udp(from: 1, to: 53), family) == .passes)
    try fixture.publish(generation: 2, egress: [Rule(classID: 4)], peers: [])
    #expect(try fixture.fromPod(.udp(from: 2, to: 53), family) == .drops(.policy))
  }

  @Test(arguments: [(false, PodFixture.Outcome.passes), (true, .drops(.endpointNotReady))])
  func `an endpoint whose number was freed is not judged by what was`(
    isRequired: Bool, outcome: PodFixture.Outcome
  ) throws {
    let fixture = try PodFixture(isPolicyRequired: isRequired)
    try fixture.publish(generation: 1, egress: [])
    #expect(try fixture.fromPod(.udp(from: 1, to: 53)) == .drops(.policy))
    fixture.datapath.setPolicy(endpoint_policy(), ofEndpoint: PodFixture.endpointID)
    #expect(try fixture.fromPod(.udp(from: 1, to: 53)) == outcome)
    fixture.datapath.publish(generation: 2)
    #expect(try fixture.fromPod(.udp(from: 1, to: 53)) == outcome)
  }

  @Test func `what passed before an endpoint was compiled is judged when it is`() throws {
    let fixture = try PodFixture()
    fixture.datapath.publish(generation: 3)
    #expect(try fixture.fromPod(.udp(from: 1, to: 53)) == .passes)
    #expect(try fixture.flow().generation == 0)
    // In the same generation, too: nothing that was compiled let it pass.
    try fixture.publish(generation: 3, egress: [])
    #expect(try fixture.fromPod(.udp(from: 1, to: 53)) == .drops(.policy))
  }
}
