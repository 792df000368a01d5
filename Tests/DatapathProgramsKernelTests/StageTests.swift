// SPDX-License-Identifier: Apache-2.0

import BPFMaps
import BPFTesting
import CDatapathABI
import DatapathPrograms
import KernelTestSupport
import LinuxSystem
import NetworkTypes
import Testing

/// The tiers of policy, as the programs ask them.
@Suite("Policy stages", .serialized, .requires(.root))
struct StageTests {
  typealias Rule = PodFixture.Rule
  typealias Rules = PodFixture.Rules
  typealias Outcome = PodFixture.Outcome

  /// The peer is 4 to NetworkPolicies and 5 to the policies of the cluster; the node is 9, this node, and 5.
  private static let peers = Family.allCases.flatMap {
    [
      TestTables.Peer(address: $0.peer, id: 4, cluster: 5),
      TestTables.Peer(address: $0.node, id: 9, isLocalNode: true, cluster: 5),
    ]
  }

  /// Passes on everything but what rules for class 5 say.
  private static func admin(_ rules: [Rule]) -> Rules { Rules(rules: rules, defaultDecision: 30, rest: 3) }

  private func fixture(_ stages: TestTables.Stages) throws -> PodFixture {
    let fixture = try PodFixture()
    try fixture.publish(stages: stages, peers: Self.peers)
    return fixture
  }

  @Test(arguments: Family.allCases)
  func `the admin tier comes first, and what it passes on the next stage decides`(family: Family) throws {
    let admin = Self.admin([
      Rule(classID: 5, ipProtocol: .tcp, ports: .exact(22), isAllow: false, decision: 31),
      Rule(classID: 5, ipProtocol: .tcp, ports: .exact(53), decision: 31),
      Rule(classID: 5, isPass: true, decision: 31),
    ])
    let policy = Rules(rules: [
      Rule(classID: 4, ipProtocol: .tcp, ports: .exact(22), decision: 41),
      Rule(classID: 4, ipProtocol: .tcp, ports: .exact(80), decision: 41),
    ])
    let fixture = try fixture(.init(admin: admin, policy: policy))
    for (port, outcome) in [
      (UInt16(22), Outcome.drops(.policyDeny)), (53, .passes), (80, .passes), (81, .drops(.policy)),
    ] {
      #expect(try fixture.fromPod(.tcp(from: 1, to: port, flags: .syn), family) == outcome)
      #expect(try fixture.toPod(.tcp(from: 1, to: port, flags: .syn), family) == outcome)
    }
    // Whom the tier does not know, it passes on as well.
    #expect(try fixture.fromPod(.tcp(from: 1, to: 53), family, to: family.stranger) == .drops(.policy))
    // Each packet is counted where it was decided, and nowhere else.
    #expect(try fixture.datapath.readDecisionCounter(at: 31) == DecisionCount(allowed: 2, dropped: 2))
    #expect(try fixture.datapath.readDecisionCounter(at: 41) == DecisionCount(allowed: 2, dropped: 2))
    #expect(try fixture.datapath.readDecisionCounter(at: 30) == DecisionCount())
  }

  @Test(arguments: Family.allCases)
  func `the baseline tier has a say where no NetworkPolicy isolates`(family: Family) throws {
    let baseline = Rules(
      rules: [Rule(classID: 5, isAllow: false, decision: 51)], defaultDecision: 50, rest: UInt32(VERDICT_ALLOW))
    let fixture = try fixture(.init(admin: Self.admin([]), baseline: baseline))
    #expect(try fixture.fromPod(.udp(from: 1, to: 2), family) == .drops(.policyDeny))
    #expect(try fixture.fromPod(.udp(from: 1, to: 2), family, to: family.stranger) == .passes)
    #expect(try fixture.flow().decision == 50)
    // Also of this node's addresses: that exception is NetworkPolicy's.
    #expect(try fixture.fromPod(.udp(from: 1, to: 2), family, to: family.node) == .drops(.policyDeny))
    // Isolated, nobody asks it.
    try fixture.publish(
      generation: 2, stages: .init(admin: Self.admin([]), policy: Rules(rules: [Rule(classID: 4)]), baseline: baseline),
      peers: Self.peers)
    #expect(try fixture.fromPod(.udp(from: 3, to: 2), family) == .passes)
    #expect(try fixture.fromPod(.udp(from: 3, to: 2), family, to: family.stranger) == .drops(.policy))
  }

  @Test(arguments: Family.allCases)
  func `the admin tier judges this node's addresses too, and NetworkPolicies except them`(family: Family) throws {
    let admin = Self.admin([
      Rule(classID: 5, ipProtocol: .tcp, ports: .exact(22), isAllow: false), Rule(classID: 5, isPass: true),
    ])
    let fixture = try fixture(.init(admin: admin, policy: Rules()))
    #expect(try fixture.toPod(.tcp(from: 1, to: 22, flags: .syn), family, from: family.node) == .drops(.policyDeny))
    #expect(try fixture.toPod(.tcp(from: 1, to: 80, flags: .syn), family, from: family.node) == .passes)
    #expect(try fixture.flow().decision == 0)
    #expect(try fixture.toPod(.tcp(from: 1, to: 80, flags: .syn), family) == .drops(.policy))
  }

  @Test(arguments: Family.allCases)
  func `where nothing comes after the admin tier its passing on is the decision`(family: Family) throws {
    let fixture = try fixture(.init(admin: Self.admin([Rule(classID: 5, isPass: true, decision: 31)])))
    #expect(try fixture.fromPod(.udp(from: 1, to: 2), family) == .passes)
    #expect(try fixture.fromPod(.udp(from: 1, to: 2), family, to: family.stranger) == .passes)
    #expect(try fixture.datapath.readDecisionCounter(at: 31) == DecisionCount(allowed: 1))
    #expect(try fixture.datapath.readDecisionCounter(at: 30) == DecisionCount(allowed: 1))
  }

  @Test(arguments: Family.allCases)
  func `a pod's own addresses are nobody's question, whatever the stage`(family: Family) throws {
    let nothing = Rules(rest: UInt32(VERDICT_DENY))
    let fixture = try fixture(.init(admin: nothing, policy: nothing, baseline: nothing))
    #expect(try fixture.fromPod(.udp(from: 1, to: 2), family, to: family.pod) == .passes)
    #expect(try fixture.fromPod(.udp(from: 1, to: 2), family) == .drops(.policyDeny))
  }

  @Test(arguments: [0, 1, 2])
  func `an endpoint is compiled when all of its stages are`(missing: Int) throws {
    let fixture = try PodFixture(isPolicyRequired: true)
    fixture.datapath.publish(generation: 1)
    var words = [version_word](repeating: version_word(UInt32(RULE_SET_UNRESTRICTED)), count: 3)
    func set() {
      let stages = policy_stages(admin: words[0], policy: words[1], baseline: words[2])
      fixture.datapath.setPolicy(endpoint_policy(ingress: stages, egress: stages), ofEndpoint: PodFixture.endpointID)
    }
    set()
    #expect(try fixture.fromPod(.udp(from: 1, to: 53)) == .passes)
    words[missing] = version_word(UInt32(RULE_SET_NOT_COMPILED))
    set()
    #expect(try fixture.fromPod(.udp(from: 2, to: 53)) == .drops(.endpointNotReady))
    #expect(try fixture.toPod(.udp(from: 2, to: 53)) == .drops(.endpointNotReady))
  }

  @Test(arguments: Family.allCases)
  func `indexes of the admin tier that lead nowhere never pass anything on`(family: Family) throws {
    let fixture = try PodFixture()
    let far = UInt32(VERSION_VALUE_MASK)
    func use(_ set: UInt32, generation: UInt32) {
      let free = version_word(UInt32(RULE_SET_UNRESTRICTED))
      let stages = policy_stages(admin: version_word(set), policy: free, baseline: free)
      fixture.datapath.setPolicy(endpoint_policy(ingress: stages, egress: stages), ofEndpoint: PodFixture.endpointID)
      fixture.datapath.publish(generation: generation)
    }
    use(far, generation: 1)
    #expect(try fixture.fromPod(.udp(from: 1, to: 53), family) == .drops(.endpointNotReady))
    // A set whose port table is not there, and one whose ports are not.
    var set = rule_set()
    set.default_table = far
    try fixture.datapath.ruleSets.setValue(set, at: 2)
    use(2, generation: 2)
    #expect(try fixture.fromPod(.udp(from: 1, to: 53), family) == .drops(.policy))
    var table = port_table()
    (table.first, table.count) = ((far, far, far), (9, 9, 9))
    (table.rest, table.other) = ((3, 3, 3), 3)
    try fixture.datapath.portTables.setValue(table, at: 9)
    set.default_table = 9
    try fixture.datapath.ruleSets.setValue(set, at: 3)
    use(3, generation: 3)
    #expect(try fixture.fromPod(.udp(from: 1, to: 53), family) == .drops(.policy))
    // What may be passed on and by whom: nobody else's Pass lets anything through.
    try fixture.publish(
      generation: 4, stages: .init(policy: Rules(rules: [Rule(classID: 4, isPass: true)])), peers: Self.peers)
    #expect(try fixture.fromPod(.udp(from: 2, to: 53), family) == .drops(.policy))
    try fixture.publish(generation: 5, stages: .init(baseline: Rules(rest: UInt32(VERDICT_PASS))), peers: Self.peers)
    #expect(try fixture.fromPod(.udp(from: 2, to: 53), family) == .drops(.policy))
  }

  @Test(arguments: Family.allCases)
  func `a generation sees neither the stages nor the cluster classes of another`(family: Family) throws {
    let fixture = try fixture(.init(admin: Self.admin([Rule(classID: 5, isAllow: false)])))
    #expect(try fixture.fromPod(.udp(from: 1, to: 2), family) == .drops(.policyDeny))
    // Prepared and not in force: the tier is gone and the peer has another class.
    try fixture.tables.prepare(
      generation: 2, endpoint: PodFixture.endpointID, ingress: .init(), egress: .init(),
      peers: Family.allCases.map { .init(address: $0.peer, id: 4, cluster: 6) })
    #expect(try fixture.fromPod(.udp(from: 1, to: 2), family) == .drops(.policyDeny))
    fixture.datapath.publish(generation: 2)
    #expect(try fixture.fromPod(.udp(from: 1, to: 2), family) == .passes)
  }
}
