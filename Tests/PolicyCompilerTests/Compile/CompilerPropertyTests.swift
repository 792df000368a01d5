// SPDX-License-Identifier: Apache-2.0

import KubernetesModel
import NetworkTypes
import PolicyCompiler
import PolicyTestSupport
import Testing

@Suite("Compiler, on random clusters")
struct CompilerPropertyTests {
  @Test(arguments: 0..<20) func `the tables say what the evaluator says, and why`(_ block: Int) async {
    for seed in UInt64(block * 8)..<UInt64(block * 8 + 8) {
      await Task.yield()
      var cluster = RandomCluster(seed: seed)
      let options = PolicyOptions(allowsOwnNode: seed % 4 != 0)
      let compiled = CompiledPolicy(cluster.input, options: options)
      let evaluator = PolicyEvaluator(cluster.input, options: options)
      #expect(compiled.tables.defects().isEmpty, "seed \(seed)")
      // Whichever way rule sets are judged.
      let large = CompiledPolicy(cluster.input, options: options, largeSize: -1)
      #expect(large.tables.defects().isEmpty, "seed \(seed)")
      #expect(large.description == compiled.description, "seed \(seed)")
      #expect(large.statistics == compiled.statistics, "seed \(seed)")
      for probe in cluster.probes(100) {
        #expect(compiled.explain(probe) == evaluator.explain(probe), "seed \(seed): \(probe)")
        guard compiled.answer(probe) != evaluator.answer(probe) else { continue }
        let smallest = PolicyCounterexample(input: cluster.input, probe: probe).shrunk { smaller in
          CompiledPolicy(smaller.input, options: options).answer(smaller.probe)
            != PolicyEvaluator(smaller.input, options: options).answer(smaller.probe)
        }
        Issue.record("seed \(seed):\n\(smallest)")
        return
      }
    }
  }

  /// How many verdicts a run compares at least, in as many parts as may run beside each other.
  private static let verdicts = (wanted: 1_000_000, parts: 20)

  @Test(arguments: 0..<verdicts.parts)
  func `a million verdicts are those of the evaluator, of every pair of a cluster`(_ part: Int) async {
    var compared = 0
    var seed = UInt64(10_000 + part)
    while compared < Self.verdicts.wanted / Self.verdicts.parts {
      let cluster = RandomCluster(seed: seed)
      let options = PolicyOptions(allowsOwnNode: seed % 4 != 0)
      let compiled = CompiledPolicy(cluster.input, options: options)
      let evaluator = PolicyEvaluator(cluster.input, options: options)
      for (number, probe) in cluster.everyProbe().enumerated() {
        if number % 256 == 0 { await Task.yield() }
        let answer = evaluator.answer(probe)
        if compiled.answer(probe) != answer {
          let smallest = PolicyCounterexample(input: cluster.input, probe: probe).shrunk { smaller in
            CompiledPolicy(smaller.input, options: options).answer(smaller.probe)
              != PolicyEvaluator(smaller.input, options: options).answer(smaller.probe)
          }
          Issue.record("seed \(seed):\n\(smallest)")
          return
        }
        // One of each end; none where they have no address family in common.
        if answer != nil { compared += 2 }
      }
      seed += UInt64(Self.verdicts.parts)
    }
    #expect(compared * Self.verdicts.parts >= 1_000_000)
  }

  @Test(arguments: PolicyCase.all) func `the tables answer as documented`(_ case: PolicyCase) {
    let compiled = CompiledPolicy(`case`.input, options: `case`.options)
    for expectation in `case`.expectations {
      #expect(compiled.answer(expectation.probe) == expectation.answer, "\(expectation.text)")
    }
    #expect(compiled.tables.defects().isEmpty)
  }

  @Test(arguments: 0..<20) func `changes one by one make what a full compilation makes`(_ block: Int) async {
    for seed in UInt64(block * 2)..<UInt64(block * 2 + 2) {
      await Task.yield()
      var cluster = RandomCluster(seed: seed)
      let start = cluster.input
      var changes: [[PolicyChange]] = []
      for number in 0..<14 {
        var step = (0..<(number % 4 == 3 ? 4 : 1)).map { _ in cluster.change() }
        if number % 5 == 4 { step.append(.pod(NamespacedName(namespace: "blue", name: "ghost"), nil)) }
        changes.append(step)
      }
      let scope = seed % 5 == 0 ? CompiledPolicy.Scope.node("n1") : .cluster
      let largeSize = seed % 2 == 0 ? 4 : -1
      guard let failure = Self.failure(start, changes, scope, largeSize) else { continue }
      let smallest = shrunk(changes) { Self.failure(start, $0, scope, largeSize) != nil }
      let last = Self.failure(start, smallest, scope, largeSize) ?? ""
      Issue.record(
        "seed \(seed): \(failure)\nbegins with \(PolicyFiles(start, probes: []))\nfails after \(smallest)\n\(last)")
      return
    }
  }

  /// What goes wrong when changes are applied one after the other.
  private static func failure(
    _ input: PolicyInput, _ changes: [[PolicyChange]], _ scope: CompiledPolicy.Scope, _ largeSize: Int
  ) -> String? {
    var input = input
    var compiled = CompiledPolicy(input, scope: scope, largeSize: largeSize)
    let first = compiled.revision
    for (number, step) in changes.enumerated() {
      let before = compiled.tables
      let revision = compiled.revision
      let delta = compiled.apply(step)
      for change in step { input.apply(change) }
      let expected = before.delta(to: compiled.tables)
      if delta != expected { return "step \(number): the delta is \(delta), not \(expected)" }
      if compiled.delta(since: revision) != delta { return "step \(number): the history has another delta" }
      let defects = compiled.tables.defects()
      if !defects.isEmpty { return "step \(number): \(defects)" }
      let full = CompiledPolicy(input, scope: scope)
      if compiled.description != full.description {
        return "step \(number): is\n\(compiled)\nand should be\n\(full)"
      }
      if compiled.statistics != full.statistics { return "step \(number): \(compiled.statistics), \(full.statistics)" }
      if compiled.footprint != full.footprint { return "step \(number): \(compiled.footprint), \(full.footprint)" }
    }
    return changes.count <= 16 && compiled.delta(since: first) == nil ? "the history is too short" : nil
  }

  @Test func `what comes and goes leaves nothing behind`() async {
    for seed in 1...4 as ClosedRange<UInt64> {
      await Task.yield()
      var cluster = RandomCluster(seed: seed)
      var compiled = CompiledPolicy(PolicyInput())
      let empty = compiled.footprint
      compiled.apply(Self.all(cluster.input))
      #expect(compiled.description == CompiledPolicy(cluster.input).description)
      for _ in 0..<30 { compiled.apply([cluster.change()]) }
      #expect(compiled.description == CompiledPolicy(cluster.input).description)
      compiled.apply(Self.all(cluster.input).map(\.removal).shuffled())
      #expect(compiled.footprint == empty, "seed \(seed)")
      #expect(compiled.description == CompiledPolicy(PolicyInput()).description)
    }
  }

  private static func all(_ input: PolicyInput) -> [PolicyChange] {
    input.networkPolicies.map { .networkPolicy($0.key, $0) }
      + input.clusterPolicies.map { .clusterPolicy($0.reference, $0) } + input.pods.map { .pod($0.key, $0) }
      + input.nodes.map { .node($0.name, $0) }
      + input.namespaces.sorted { $0.key < $1.key }.map { .namespace($0.key, labels: $0.value) }
  }
}

extension PolicyChange {
  /// The change that takes away what this one adds.
  fileprivate var removal: PolicyChange {
    switch self {
    case .pod(let key, _): .pod(key, nil)
    case .namespace(let name, _): .namespace(name, labels: nil)
    case .node(let name, _): .node(name, nil)
    case .networkPolicy(let key, _): .networkPolicy(key, nil)
    case .clusterPolicy(let reference, _): .clusterPolicy(reference, nil)
    }
  }
}
