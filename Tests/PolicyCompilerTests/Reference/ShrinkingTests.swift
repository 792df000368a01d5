// SPDX-License-Identifier: Apache-2.0

import KubernetesModel
import NetworkTypes
import PolicyCompiler
import PolicyTestSupport
import Testing

@Suite("Random clusters and their shrinking")
struct ShrinkingTests {
  @Test func `a seed makes the same cluster, probes and changes each time`() {
    for seed in 1...20 as ClosedRange<UInt64> {
      var one = RandomCluster(seed: seed)
      var other = RandomCluster(seed: seed)
      #expect(one.input == other.input)
      #expect(one.probes(50) == other.probes(50))
      #expect(one.change() == other.change())
      #expect(one.input == other.input)
    }
  }

  @Test func `random clusters reach every reason a verdict can have`() async {
    var reasons: Set<PolicyExplanation.Reason> = []
    var passed = 0
    for seed in 1...150 as ClosedRange<UInt64> {
      await Task.yield()
      var cluster = RandomCluster(seed: seed)
      let evaluator = PolicyEvaluator(cluster.input)
      for probe in cluster.probes(60) {
        guard let why = evaluator.explain(probe) else { continue }
        reasons.formUnion([why.egress.reason, why.ingress.reason])
        passed += why.egress.passedBy.count
      }
    }
    #expect(reasons == Set(PolicyExplanation.Reason.allCases))
    #expect(passed > 0)
  }

  @Test func `a failing case shrinks to what it needs`() throws {
    // An engine that knows no `except`, say: every case with a denied connection and a hole fails.
    func fails(_ case: PolicyCounterexample) -> Bool {
      guard PolicyEvaluator(`case`.input).answer(`case`.probe)?.ingress == false else { return false }
      return `case`.input.networkPolicies.contains { policy in
        policy.spec.ingress.contains { $0.from.contains { !($0.ipBlock?.except.isEmpty ?? true) } }
      }
    }
    var found: PolicyCounterexample?
    search: for seed in 1... as PartialRangeFrom<UInt64> {
      var cluster = RandomCluster(seed: seed)
      for probe in cluster.probes(20) {
        let candidate = PolicyCounterexample(input: cluster.input, probe: probe)
        guard fails(candidate) else { continue }
        found = candidate
        break search
      }
    }
    let smallest = try #require(found).shrunk(while: fails)
    #expect(fails(smallest))
    #expect(smallest.input.pods.count <= 2)
    #expect(smallest.input.networkPolicies.count <= 2)
    #expect(smallest.input.clusterPolicies.count <= 1)
    let rules = smallest.input.networkPolicies.flatMap(\.spec.ingress)
    #expect(rules.count == 1)
    #expect(rules.first?.from.count == 1)
    #expect(rules.first?.from.first?.ipBlock?.except.count == 1)
    #expect(smallest.input.pods.allSatisfy { $0.labels.isEmpty && $0.ports.isEmpty })
    #expect(smallest.description.contains("policies.yaml"))
  }

  @Test func `a list shrinks to the items that matter`() {
    #expect(shrunk(Array(1...100)) { $0.contains(13) && $0.contains(77) } == [13, 77])
    #expect(shrunk([1]) { _ in true } == [])
  }
}
