// SPDX-License-Identifier: Apache-2.0

import KubernetesModel
import PolicyCompiler
import Testing

@Suite("The status of cluster-scoped policies")
struct PolicyStatusTests {
  private func policy(ingress: [ClusterPolicy.Rule] = [], egress: [ClusterPolicy.Rule] = []) -> ClusterPolicyObject {
    .cluster(
      ClusterNetworkPolicy(
        metadata: ObjectMeta(name: "p"),
        spec: .init(
          tier: .admin, priority: 1, subject: .namespaces(LabelSelector()), ingress: ingress, egress: egress)))
  }

  @Test func `a policy of known parts is accepted and fully enforced`() {
    let conditions = policy(ingress: [.init(action: .deny, peers: [.namespaces(LabelSelector())])]).statusConditions
    #expect(conditions.map(\.type) == ["Accepted", "FullyEnforced"])
    #expect(conditions.allSatisfy { $0.isTrue })
  }

  @Test func `domainNames are reported as not supported, by their path`() throws {
    let conditions = policy(egress: [
      .init(action: .accept, peers: [.namespaces(LabelSelector()), .domainNames(["example.com"])])
    ]).statusConditions
    let enforced = try #require(conditions.last)
    #expect(conditions.first?.isTrue == true)
    #expect(!enforced.isTrue)
    #expect(enforced.reason == "DomainNamesNotSupported")
    #expect(enforced.message.contains(".spec.egress[0].to[1].domainNames is not supported"))
  }

  @Test func `unknown peers say what they do`() {
    let limits = policy(
      ingress: [.init(action: .accept, peers: [.unknown("a")]), .init(action: .pass, peers: [.unknown("b")])]
    ).enforcementLimits
    #expect(limits.map(\.path) == [".spec.ingress[0].from[0].a", ".spec.ingress[1].from[0].b"])
    #expect(limits.map(\.reason) == ["UnknownPeer", "UnknownPeer"])
    #expect(limits[0].message.contains("matches nothing"))
    #expect(limits[1].message.contains("denies every connection"))
  }

  @Test func `a long list is cut`() throws {
    let rule = ClusterPolicy.Rule(action: .accept, peers: [.domainNames(["example.com"])])
    let enforced = try #require(policy(egress: Array(repeating: rule, count: 100)).statusConditions.last)
    #expect(enforced.message.hasSuffix("; and 80 more."))
  }
}
