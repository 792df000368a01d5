// SPDX-License-Identifier: Apache-2.0

import BPFMaps
import DatapathPrograms
import KernelTestSupport
import KubernetesModel
import LinuxSystem
import NetworkTypes
import PolicyTestSupport
import Testing

@testable import PolicyCompiler

/// The tables as the kernel's programs read them, against those who say what they mean.
@Suite("Compiled policies in the kernel", .serialized, .requires(.root))
struct KernelAgreementTests {
  @Test func `the programs answer as documented, case after case in the same maps`() async throws {
    let cases = PolicyCase.all
    let evaluator = try KernelEvaluator(CompiledPolicy(PolicyInput()))
    for item in cases {
      try await evaluator.use(CompiledPolicy(item.input, options: item.options))
      let answers = try await evaluator.answers(to: item.expectations.map(\.probe))
      for (expectation, answer) in zip(item.expectations, answers) {
        #expect(answer == expectation.answer, "\(item): \(expectation.text)")
      }
    }
    #expect(cases.count > 100)
  }

  @Test func `a hundred thousand verdicts of programs, tables and evaluator are one`() async throws {
    let kernel = try KernelEvaluator(CompiledPolicy(PolicyInput()))
    var compared = 0
    var seed: UInt64 = 20_000
    while compared < 100_000 {
      seed += 1
      let cluster = RandomCluster(seed: seed)
      let (compiled, reference) = (CompiledPolicy(cluster.input), PolicyEvaluator(cluster.input))
      try await kernel.use(compiled)
      let probes = cluster.everyProbe()
      for (probe, answer) in zip(probes, try await kernel.answers(to: probes)) {
        let wanted = reference.answer(probe)
        if answer != wanted || compiled.answer(probe) != wanted {
          Issue.record("seed \(seed): \(PolicyCounterexample(input: cluster.input, probe: probe))")
          return
        }
        if wanted != nil { compared += 2 }
      }
    }
    #expect(compared >= 100_000)
  }

  @Test(arguments: [false, true]) func `the programs answer as the evaluator does`(allowsOwnNode: Bool) async throws {
    let kernel = try KernelEvaluator(CompiledPolicy(PolicyInput()))
    for seed in UInt64(0)..<40 {
      var cluster = RandomCluster(seed: seed)
      let options = PolicyOptions(allowsOwnNode: allowsOwnNode)
      let reference = PolicyEvaluator(cluster.input, options: options)
      try await kernel.use(CompiledPolicy(cluster.input, options: options))
      let probes = cluster.probes(300)
      for (probe, answer) in zip(probes, try await kernel.answers(to: probes)) {
        #expect(
          answer == reference.answer(probe), "seed \(seed): \(PolicyCounterexample(input: cluster.input, probe: probe))"
        )
        if answer != reference.answer(probe) { return }
      }
    }
  }

  @Test(arguments: 0..<6) func `after each change, too, and after restarts`(_ seed: Int) async throws {
    var cluster = RandomCluster(seed: UInt64(seed) + 500)
    var policy = CompiledPolicy(cluster.input)
    let nodes = try ["n1", "n2"].map { try KernelNode($0) }
    var judged: [Bool: Int] = [:]
    for round in 0..<25 {
      if round > 0 { policy.apply([cluster.change()]) }
      if round % 6 == 5 { policy.apply([cluster.change(), cluster.change()]) }
      if round == 12 { policy = CompiledPolicy(cluster.input) }
      let reference = PolicyEvaluator(cluster.input)
      for node in nodes {
        if round % 10 == 9 { try await node.restart() }
        try await node.apply(policy)
      }
      for probe in cluster.probes(120) {
        guard let answer = reference.answer(probe) else { continue }
        for node in nodes {
          for (direction, isAllowed) in [(PolicyDirection.egress, answer.egress), (.ingress, answer.ingress)] {
            guard let (pod, local, peer) = policy.side(direction, of: probe), node.endpoints[pod] != nil else {
              continue
            }
            let passes = try node.passes(
              pod, direction, local: local, peer: peer, probe.protocol, probe.port)
            #expect(passes == isAllowed, "seed \(seed), round \(round), \(node.name), \(direction) of \(pod): \(probe)")
            if passes != isAllowed { return }
            judged[passes, default: 0] += 1
          }
        }
      }
    }
    #expect(judged[true, default: 0] > 50 && judged[false, default: 0] > 50, "\(judged)")
  }

  @Test func `policies that do not fit leave the kernel as it was`() async throws {
    var limits = DatapathLimits.small
    limits.portRanges = 10
    let node = try KernelNode("n1", limits: limits)
    let key = NamespacedName(namespace: "shop", name: "db")
    let address = IPAddress.v4(IPv4Address(10, 0, 0, 5))
    let peer = IPAddress.v4(IPv4Address(10, 0, 0, 9))
    func policy(_ ports: Int) -> CompiledPolicy {
      let list = (0..<ports).map { NetworkPolicy.Port(port: .int(Int32($0) * 2 + 80)) }
      return CompiledPolicy(
        PolicyInput(
          pods: [PolicyPod(key: key, addresses: [address], node: "n1")], namespaces: ["shop": [:]],
          networkPolicies: [
            NetworkPolicy(
              metadata: ObjectMeta(name: "db", namespace: "shop"), spec: .init(ingress: [.init(ports: list)]))
          ]))
    }
    let published = try await node.apply(policy(6))
    let error = await #expect(throws: PolicyError.self) { try await node.apply(policy(8)) }
    #expect(error?.code == .full)
    #expect(error?.shortage?.map == "port_range")
    #expect(error?.shortage?.costs.map(\.pod) == [key])
    let reference = PolicyReference(.networkPolicy, key)
    #expect(error?.shortage?.policies == [.init(policy: reference, ruleSets: 1, entries: 8)])
    #expect(error?.message.hasSuffix("; by policy: NetworkPolicy shop/db: 8 in 1 rule set") == true)
    #expect(node.datapath.generation == published.generation)
    for (port, isAllowed) in [(UInt16(90), true), (92, false)] {
      #expect(try node.passes(key, .ingress, local: address, peer: peer, .tcp, port) == isAllowed)
    }
    try await node.apply(policy(3))
    #expect(try !node.passes(key, .ingress, local: address, peer: peer, .tcp, 90))
  }
}

extension CompiledPolicy {
  /// The pod that one side of a connection is, and the addresses in use.
  func side(_ direction: PolicyDirection, of probe: PolicyProbe) -> (NamespacedName, local: IPAddress, peer: IPAddress)?
  {
    guard let (source, destination) = parties(probe) else { return nil }
    let (local, peer) = direction == .egress ? (source, destination) : (destination, source)
    return local.pod.map { ($0, local.address, peer.address) }
  }
}
