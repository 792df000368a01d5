// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import PolicyCompiler
import Testing

@Suite("Compiler against reference")
struct AgreementTests {
  @Test(arguments: UInt64(1)...60)
  func `tables and reference agree on random clusters`(seed: UInt64) throws {
    let cluster = RandomCluster(seed: seed, probes: 400)
    let options = PolicyOptions(allowsOwnNode: seed % 4 != 0)
    let compiled = CompiledPolicy.compile(cluster.input, options: options)
    let reference = PolicyEvaluator(cluster.input, options: options)
    var seen: Set<PolicyAnswer> = []
    for probe in cluster.probes {
      let expected = reference.answer(probe)
      let found = compiled.answer(probe)
      if let expected { seen.insert(expected) }
      guard expected == found else {
        Issue.record("seed \(seed): \(probe): reference \(expected as Any), tables \(found as Any)")
        return
      }
    }
    #expect(!seen.isEmpty, "seed \(seed) probed nothing")
  }

  @Test func `random clusters meet every answer`() {
    var seen: Set<PolicyAnswer> = []
    for seed in UInt64(1)...20 {
      let cluster = RandomCluster(seed: seed, probes: 200)
      let reference = PolicyEvaluator(cluster.input)
      seen.formUnion(cluster.probes.compactMap { reference.answer($0) })
    }
    #expect(seen.count == 4)
  }

  @Test(arguments: UInt64(1)...10)
  func `the order of the input does not change the tables`(seed: UInt64) {
    var cluster = RandomCluster(seed: seed, probes: 0)
    let text = CompiledPolicy.compile(cluster.input).description
    var random = SeededGenerator(seed: seed)
    cluster.input.pods.shuffle(using: &random)
    cluster.input.nodes.shuffle(using: &random)
    cluster.input.networkPolicies.shuffle(using: &random)
    #expect(CompiledPolicy.compile(cluster.input).description == text, "seed \(seed)")
  }
}
