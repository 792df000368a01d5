// SPDX-License-Identifier: Apache-2.0

import KubernetesModel
import NetworkTypes
import PolicyCompiler
import PolicyTestSupport
import SeededRandom
import Testing

/// Policies as large as a manifest can be: what they cost must not grow with the square of it.
@Suite("Large policies")
struct LargePolicyTests {
  private let pod = PolicyPod(
    key: NamespacedName(namespace: "shop", name: "a"), addresses: [.v4(IPv4Address(10, 0, 0, 1))])

  private func probes(_ random: inout SeededGenerator, _ count: Int) -> [PolicyProbe] {
    (0..<count).map { _ in
      PolicyProbe(
        from: .address(.v4(IPv4Address(rawValue: 0x0A00_0000 + UInt32(random.number(2...70000))))), to: .pod(pod.key),
        protocol: random.pick([.tcp, .udp, .sctp, .icmp]), port: UInt16(random.number(1...65535)))
    }
  }

  @Test(arguments: [true, false]) func `many rules with many ports`(hasNetworkPolicy: Bool) {
    var random = SeededGenerator(seed: hasNetworkPolicy ? 1 : 2)
    func ports(_ count: Int) -> [ClusterPolicy.Ports] {
      (0..<count).map { _ in
        let first = UInt16(random.number(1...65000))
        return .range(random.pick([.tcp, .udp]), first...(first + UInt16(random.number(0...20))))
      }
    }
    var input = PolicyInput(pods: [pod], namespaces: ["shop": [:]])
    let all = [ClusterPolicy.Subject.namespaces(LabelSelector())]
    for (number, tier) in [ClusterPolicy.Tier.admin, .baseline].enumerated() {
      var rules: [ClusterPolicy.Rule] = []
      for index in 0..<60 {
        let peers: [ClusterPolicy.Peer] = [.networks([IPCIDR("10.0.0.0/8"), IPCIDR("11.0.0.0/8")].compactMap { $0 })]
        rules.append(.init(action: ClusterPolicy.Action.allCases[index % 3], peers: peers, ports: ports(100)))
      }
      for subject in all {
        let spec = ClusterPolicy.Spec(tier: tier, priority: 1, subject: subject, ingress: rules)
        let metadata = ObjectMeta(name: "p\(number)")
        input.clusterPolicies.append(.cluster(ClusterNetworkPolicy(metadata: metadata, spec: spec)))
      }
    }
    if hasNetworkPolicy {
      let ports = (0..<3000).map { _ in NetworkPolicy.Port(port: .int(Int32(random.number(1...65535)))) }
      let metadata = ObjectMeta(name: "n", namespace: "shop")
      input.networkPolicies = [NetworkPolicy(metadata: metadata, spec: .init(ingress: [.init(ports: ports)]))]
    }
    let compiled = CompiledPolicy(input)
    let evaluator = PolicyEvaluator(input)
    for probe in probes(&random, 2000) { #expect(compiled.answer(probe) == evaluator.answer(probe), "\(probe)") }
    #expect(compiled.tables.defects().isEmpty)
  }

  @Test func `many blocks with many holes, and many peers`() throws {
    var random = SeededGenerator(seed: 3)
    let outer = try #require(IPCIDR("10.0.0.0/8"))
    let holes = (0..<20_000).compactMap { _ in
      IPCIDR(
        address: .v4(IPv4Address(rawValue: 0x0A00_0000 + UInt32(random.number(0...70000)))),
        prefixLength: random.pick([24, 30, 32]))
    }
    let peers = holes.prefix(10_000).map { NetworkPolicy.Peer(ipBlock: .init(cidr: IPCIDR(host: $0.address))) }
    let rules: [NetworkPolicy.IngressRule] = [
      .init(ports: [.init(port: 80, endPort: 40000)], from: [.init(ipBlock: .init(cidr: outer, except: holes))]),
      .init(ports: [.init(port: 79, endPort: 30000)], from: Array(peers)),
      .init(from: (0..<5000).map { .init(podSelector: LabelSelector(matchLabels: ["app": "a\($0)"])) }),
    ]
    let policy = NetworkPolicy(metadata: ObjectMeta(name: "n", namespace: "shop"), spec: .init(ingress: rules))
    let input = PolicyInput(pods: [pod], namespaces: ["shop": [:]], networkPolicies: [policy])
    let compiled = CompiledPolicy(input)
    let evaluator = PolicyEvaluator(input)
    for probe in probes(&random, 200) { #expect(compiled.answer(probe) == evaluator.answer(probe), "\(probe)") }
    #expect(compiled.tables.defects().isEmpty)
  }
}
