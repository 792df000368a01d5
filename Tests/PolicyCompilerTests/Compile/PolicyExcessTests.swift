// SPDX-License-Identifier: Apache-2.0

import KubernetesModel
import NetworkTypes
import PolicyCompiler
import Testing

/// Policies whose tables would be the product of what they say.
@Suite("Policies that say more than tables hold")
struct PolicyExcessTests {
  private let all = HostilePolicyTests.block(0, 0)

  private func pod(_ name: String, _ number: UInt8) -> PolicyPod {
    PolicyPod(
      key: NamespacedName(namespace: "shop", name: name), labels: ["app": name],
      addresses: [.v4(IPv4Address(10, 0, 0, number))])
  }

  /// Each block has all ports but one.
  private func rules(_ count: Int) -> [NetworkPolicy.IngressRule] {
    (0..<count).map { number in
      let block = NetworkPolicy.IPBlock(cidr: all, except: [HostilePolicyTests.block(0x0B00_0000 + UInt32(number) * 2)])
      return .init(ports: [.init(port: .int(Int32(1 + 2 * number)))], from: [.init(ipBlock: block)])
    }
  }

  private func policy(_ name: String, _ app: String, _ rules: [NetworkPolicy.IngressRule]) -> NetworkPolicy {
    HostilePolicyTests.policy(.init(podSelector: LabelSelector(matchLabels: ["app": app]), ingress: rules), name)
  }

  private func allows(_ policy: CompiledPolicy, _ name: String, _ port: UInt16) -> Bool? {
    let probe = PolicyProbe(
      from: .address(.v4(IPv4Address(192, 0, 2, 1))), to: .pod(NamespacedName(namespace: "shop", name: name)),
      protocol: .tcp, port: port)
    return policy.answer(probe)?.isAllowed
  }

  private var input: PolicyInput {
    PolicyInput(
      pods: [pod("web", 1), pod("db", 2)], namespaces: ["shop": [:]],
      networkPolicies: [
        policy("large", "web", rules(2000)), policy("small", "web", rules(1)), policy("other", "db", rules(10)),
      ])
  }

  @Test func `one that multiplies is named, lets nothing through, and harms no other`() throws {
    let compiled = CompiledPolicy(input)
    #expect(compiled.tables.defects().isEmpty)
    let excess = try #require(compiled.excesses.first)
    #expect(compiled.excesses.count == 1)
    #expect(excess.policies.map(\.description) == ["NetworkPolicy shop/large", "NetworkPolicy shop/small"])
    #expect(excess.direction == .ingress)
    #expect(excess.pod == NamespacedName(namespace: "shop", name: "web"))
    #expect(excess.podCount == 1)
    #expect(excess.description.hasPrefix("NetworkPolicy shop/large, NetworkPolicy shop/small: "))
    #expect(allows(compiled, "web", 3) == false)
    #expect(allows(compiled, "db", 3) == true)
    #expect(allows(compiled, "db", 4) == false)
  }

  @Test func `it comes and goes like any other`() {
    let input = input
    let large = input.networkPolicies[0]
    var without = input
    without.networkPolicies.removeFirst()
    var compiled = CompiledPolicy(without)
    #expect(compiled.excesses.isEmpty)
    let start = (compiled.footprint, compiled.description)
    let before = compiled.tables
    let delta = compiled.apply([.networkPolicy(large.key, large)])
    #expect(delta == before.delta(to: compiled.tables))
    #expect(compiled.excesses == CompiledPolicy(input).excesses)
    #expect(compiled.footprint == CompiledPolicy(input).footprint)
    // A peer that came after it gets nothing either.
    let new = pod("new", 3)
    compiled.apply([.pod(new.key, new)])
    #expect(compiled.statistics.verdicts == 0)
    compiled.apply([.pod(new.key, nil), .networkPolicy(large.key, nil)])
    #expect(compiled.excesses.isEmpty)
    #expect(compiled.footprint == start.0)
    #expect(compiled.description == start.1)
  }

  @Test func `a tier that multiplies denies`() throws {
    func spec(_ tier: ClusterPolicy.Tier, _ count: Int) -> ClusterPolicy.Spec {
      let rules = (0..<count).flatMap { number -> [ClusterPolicy.Rule] in
        let port = UInt16(1 + 2 * number)
        let block = HostilePolicyTests.block(0x0B00_0000 + UInt32(number) * 2)
        return [
          .init(action: .deny, peers: [.networks([block])], ports: [.range(.tcp, port...port)]),
          .init(action: .accept, peers: [.networks([all])], ports: [.range(.tcp, port...port)]),
        ]
      }
      return .init(tier: tier, priority: 1, subject: .namespaces(LabelSelector()), ingress: rules)
    }
    for tier in [ClusterPolicy.Tier.admin, .baseline] {
      var input = PolicyInput(pods: [pod("web", 1)], namespaces: ["shop": [:]])
      input.clusterPolicies = [
        .cluster(ClusterNetworkPolicy(metadata: ObjectMeta(name: "c"), spec: spec(tier, 2000)))
      ]
      let compiled = CompiledPolicy(input)
      #expect(compiled.excesses.map { $0.policies.map(\.description) } == [["ClusterNetworkPolicy c"]])
      #expect(allows(compiled, "web", 1) == false)
      #expect(allows(compiled, "web", 2) == false)
      #expect(compiled.tables.defects().isEmpty)
    }
  }
}
