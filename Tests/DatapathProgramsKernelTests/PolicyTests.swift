// SPDX-License-Identifier: Apache-2.0

import BPFMaps
import BPFTesting
import CDatapathABI
import DatapathPrograms
import KernelTestSupport
import LinuxSystem
import NetworkTypes
import Testing

@Suite("Policy", .serialized, .requires(.root))
struct PolicyTests {
  typealias Rule = PodFixture.Rule
  typealias Outcome = PodFixture.Outcome

  @Test(arguments: Family.allCases)
  func `a direction that no rule set restricts passes`(family: Family) throws {
    let fixture = try PodFixture()
    try fixture.publish(ingress: [], egress: nil)
    #expect(try fixture.fromPod(.tcp(from: 1, to: 80, flags: .syn), family) == .passes)
    #expect(try fixture.toPod(.tcp(from: 1, to: 80, flags: .syn), family) == .drops(.policy))
  }

  @Test(
    arguments: [
      ("exact port", UInt16(80), Outcome.passes), ("port below", 79, .drops(.policy)),
      ("port above", 81, .drops(.policy)), ("first of a range", 8192, .passes), ("inside a range", 8200, .passes),
      ("last of a range", 8207, .passes), ("below a range", 8191, .drops(.policy)),
      ("above a range", 8208, .drops(.policy)), ("denied port", 8201, .drops(.policyDeny)),
      ("beside the denied port", 8202, .passes),
    ], Family.allCases)
  func `the destination's port decides, at both ends`(
    kind: (what: String, port: UInt16, outcome: Outcome), family: Family
  ) throws {
    let fixture = try PodFixture()
    let rules = [
      Rule(classID: 4, ipProtocol: .tcp, ports: .exact(80)),
      Rule(classID: 4, ipProtocol: .tcp, ports: .range(8192, 8200)),
      Rule(classID: 4, ipProtocol: .tcp, ports: .exact(8201), isAllow: false),
      Rule(classID: 4, ipProtocol: .tcp, ports: .range(8202, 8207)),
    ]
    try fixture.publish(ingress: rules, egress: rules)
    let (port, outcome) = (kind.port, kind.outcome)
    #expect(try fixture.fromPod(.tcp(from: 1, to: port, flags: .syn), family) == outcome)
    #expect(try fixture.toPod(.tcp(from: 1, to: port, flags: .syn), family) == outcome)
    // The other end's port is nobody's rule.
    #expect(try fixture.fromPod(.tcp(from: port, to: 1, flags: .syn), family) == .drops(.policy))
    #expect(try fixture.toPod(.tcp(from: port, to: 1, flags: .syn), family) == .drops(.policy))
    // Nor is another protocol's.
    #expect(try fixture.fromPod(.udp(from: 1, to: port), family) == .drops(.policy))
  }

  @Test(arguments: Family.allCases)
  func `classes tell peers apart, and every other address has the default class`(family: Family) throws {
    let fixture = try PodFixture()
    try fixture.publish(
      egress: [
        Rule(classID: PodFixture.peerClassID, ipProtocol: .udp), Rule(classID: 6, ipProtocol: .sctp),
        Rule(classID: PodFixture.defaultClass, ipProtocol: .tcp),
      ], peers: PodFixture.peers + [TestTables.Peer(address: family.stranger, id: 6)])
    #expect(try fixture.fromPod(.udp(from: 1, to: 9), family) == .passes)
    #expect(try fixture.fromPod(.sctp(from: 1, to: 9), family) == .drops(.policy))
    #expect(try fixture.fromPod(.sctp(from: 1, to: 9), family, to: family.stranger) == .passes)
    #expect(try fixture.fromPod(.udp(from: 1, to: 9), family, to: family.stranger) == .drops(.policy))
    #expect(try fixture.fromPod(.tcp(from: 1, to: 9, flags: .syn), family, to: family.router) == .passes)
    #expect(try fixture.fromPod(.udp(from: 1, to: 9), family, to: family.router) == .drops(.policy))
  }

  @Test(arguments: Family.allCases)
  func `a class without a port table of its own is judged by its address`(family: Family) throws {
    let fixture = try PodFixture()
    let own = TestTables.Addresses(first: family.peer, last: family.peer, rules: [Rule(classID: 0, decision: 5)])
    try fixture.publish(sets: (nil, .init(rules: [Rule(classID: 7)], addresses: [own])))
    #expect(try fixture.fromPod(.udp(from: 1, to: 9), family) == .passes)
    #expect(try fixture.flow().decision == 5)
    #expect(try fixture.fromPod(.udp(from: 1, to: 9), family, to: family.stranger) == .drops(.policy))
    // With one, the address does not matter.
    try fixture.publish(
      generation: 2, sets: (nil, .init(rules: [Rule(classID: 4, isAllow: false)], addresses: [own])))
    #expect(try fixture.fromPod(.udp(from: 2, to: 9), family) == .drops(.policyDeny))
  }

  @Test(arguments: Family.allCases)
  func `the own node is judged by the companion set, and the pod itself by none`(family: Family) throws {
    let fixture = try PodFixture()
    try fixture.publish(ingress: [], egress: [])
    #expect(try fixture.toPod(.tcp(from: 1, to: 8080, flags: .syn), family, from: family.node) == .passes)
    #expect(try fixture.fromPod(.tcp(from: 1, to: 10250, flags: .syn), family, to: family.node) == .passes)
    #expect(try fixture.fromPod(.udp(from: 1, to: 53), family, to: family.pod) == .passes)
    #expect(try fixture.toPod(.udp(from: 1, to: 53), family, from: family.pod) == .passes)
    #expect(try fixture.fromPod(.udp(from: 1, to: 53), family) == .drops(.policy))
    let careful = PodFixture.Rules(
      rules: [Rule(classID: 9)], ownNode: [Rule(classID: 9, ipProtocol: .tcp, ports: .exact(8080), decision: 21)])
    try fixture.publish(generation: 2, sets: (careful, careful))
    #expect(try fixture.toPod(.tcp(from: 2, to: 8080, flags: .syn), family, from: family.node) == .passes)
    #expect(try fixture.toPod(.tcp(from: 2, to: 8081, flags: .syn), family, from: family.node) == .drops(.policy))
    #expect(try fixture.fromPod(.tcp(from: 2, to: 10250, flags: .syn), family, to: family.node) == .drops(.policy))
    #expect(try fixture.datapath.readDecisionCounter(at: 21) == DecisionCount(allowed: 1, dropped: 2))
  }

  @Test(arguments: Family.allCases)
  func `other protocols are judged by rules without ports, packet by packet`(family: Family) throws {
    let fixture = try PodFixture()
    try fixture.publish(egress: [Rule(classID: 4, ipProtocol: nil), Rule(classID: 0, ipProtocol: .tcp)])
    #expect(try fixture.fromPod(.other(47), family, payload: [1, 2, 3, 4]) == .passes)
    #expect(try fixture.fromPod(family.otherICMP, family) == .passes)
    #expect(try fixture.fromPod(.tcp(from: 1, to: 2, flags: .syn), family) == .passes)
    #expect(try fixture.fromPod(.other(47), family, to: family.stranger) == .drops(.unknownProtocol))
    #expect(try fixture.fromPod(family.otherICMP, family, to: family.stranger) == .drops(.policy))
    #expect(try fixture.datapath.flows.entries().count == 1)
    #expect(try fixture.toPod(.other(47), family) == .passes)
  }

  @Test(arguments: Family.allCases)
  func `before the first generation only endpoints that need policy wait`(family: Family) throws {
    let fixture = try PodFixture()
    #expect(try fixture.fromPod(.udp(from: 1, to: 53), family) == .passes)
    let careful = try PodFixture(isPolicyRequired: true)
    #expect(try careful.fromPod(.udp(from: 1, to: 53), family) == .drops(.endpointNotReady))
    #expect(try careful.toPod(.udp(from: 1, to: 53), family) == .drops(.endpointNotReady))
    try careful.publish()
    #expect(try careful.fromPod(.udp(from: 1, to: 53), family) == .passes)
  }

  @Test(arguments: Family.allCases)
  func `judged packets are counted by decision, further ones of a flow are not`(family: Family) throws {
    let fixture = try PodFixture()
    let rules = PodFixture.Rules(
      rules: [
        Rule(classID: 4, ipProtocol: .tcp, ports: .exact(80), decision: 11),
        Rule(classID: 6, isAllow: false, decision: 12),
      ], defaultDecision: 13)
    let peers = PodFixture.peers + [TestTables.Peer(address: family.stranger, id: 6)]
    try fixture.publish(sets: (nil, rules), peers: peers)
    for _ in 0..<3 { #expect(try fixture.fromPod(.tcp(from: 1, to: 80), family) == .passes) }
    for _ in 0..<2 { #expect(try fixture.fromPod(.tcp(from: 1, to: 81), family) == .drops(.policy)) }
    #expect(try fixture.fromPod(.udp(from: 1, to: 80), family, to: family.stranger) == .drops(.policyDeny))
    for _ in 0..<4 { #expect(try fixture.fromPod(.udp(from: 1, to: 80), family, to: family.router) == .drops(.policy)) }
    #expect(try fixture.datapath.readDecisionCounter(at: 11) == DecisionCount(allowed: 1, dropped: 2))
    #expect(try fixture.datapath.readDecisionCounter(at: 12) == DecisionCount(dropped: 1))
    #expect(try fixture.datapath.readDecisionCounter(at: 13) == DecisionCount(dropped: 4))
    // A new generation asks once more.
    try fixture.publish(generation: 2, sets: (nil, rules), peers: peers)
    for _ in 0..<3 { #expect(try fixture.fromPod(.tcp(from: 1, to: 80), family) == .passes) }
    #expect(try fixture.datapath.readDecisionCounter(at: 11) == DecisionCount(allowed: 2, dropped: 2))
    #expect(try fixture.datapath.readDecisionCounter(at: 0) == DecisionCount())
    #expect(try fixture.datapath.readDecisionCounter(at: 1 << 30) == DecisionCount())
  }

  @Test(arguments: Family.allCases)
  func `indexes that lead nowhere never allow`(family: Family) throws {
    let fixture = try PodFixture()
    let far = UInt32(VERSION_VALUE_MASK)
    fixture.datapath.setPolicy(
      endpoint_policy(ingress: .init(policy: version_word(far)), egress: .init(policy: version_word(far))),
      ofEndpoint: PodFixture.endpointID)
    fixture.datapath.publish(generation: 1)
    #expect(try fixture.fromPod(.udp(from: 1, to: 53), family) == .drops(.endpointNotReady))
    try fixture.datapath.peers.updateValue(0, forKey: ip_address(family.node))
    fixture.datapath.setPeerClass(
      peer_class(policy: version_word(UInt32(PEER_IS_LOCAL_NODE)), cluster: version_word(0)), at: 0)
    #expect(try fixture.fromPod(.udp(from: 1, to: 53), family, to: family.node) == .drops(.endpointNotReady))
    var set = rule_set()
    (set.default_table, set.default_decision, set.own_node) = (far, far, far)
    (set.range4_first, set.range4_count, set.range6_first, set.range6_count) = (far, far, far, far)
    try fixture.datapath.ruleSets.setValue(set, at: 2)
    fixture.datapath.setPolicy(
      endpoint_policy(ingress: .init(policy: version_word(2)), egress: .init(policy: version_word(2))),
      ofEndpoint: PodFixture.endpointID)
    fixture.datapath.publish(generation: 2)
    #expect(try fixture.fromPod(.udp(from: 1, to: 53), family) == .drops(.policy))
    #expect(try fixture.fromPod(.udp(from: 1, to: 53), family, to: family.node) == .drops(.endpointNotReady))
    try fixture.datapath.peers.updateValue(far, forKey: ip_address(family.peer))
    #expect(try fixture.fromPod(.udp(from: 1, to: 53), family) == .drops(.policy))
    try fixture.datapath.peers.updateValue(0, forKey: ip_address(family.peer))
    fixture.datapath.setPeerClass(peer_class(policy: version_word(5), cluster: version_word(0)), at: 0)
    var table = port_table()
    (table.first, table.count) = ((far, far, far), (9, 9, 9))
    try fixture.datapath.portTables.setValue(table, at: 9)
    try fixture.datapath.verdicts.updateValue(
      verdict(table: 9, decision: far), forKey: verdict_key(rule_set: 2, peer_class: 5))
    #expect(try fixture.fromPod(.udp(from: 1, to: 53), family) == .drops(.policy))
  }
}
