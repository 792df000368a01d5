// SPDX-License-Identifier: Apache-2.0

import KubernetesModel
import NetworkTypes
import PolicyCompiler
import Testing

@Suite("Revisions of compiled policies")
struct RevisionTests {
  private func change(_ number: Int) -> PolicyChange {
    let name = "n\(number)"
    return .node(name, PolicyNode(name: name, addresses: [.v4(IPv4Address(192, 0, 2, UInt8(number)))]))
  }

  @Test func `a writer learns what is different from what it published`() {
    var policy = CompiledPolicy(PolicyInput())
    let first = policy.revision
    policy.apply([change(1)])
    let second = policy.revision
    policy.apply([change(2), change(3)])
    #expect(policy.delta(since: policy.revision)?.isEmpty == true)
    #expect(policy.delta(since: second)?.nodes == ["n2", "n3"])
    #expect(policy.delta(since: first)?.nodes == ["n1", "n2", "n3"])
    #expect(second.number == first.number + 1)
    #expect(second.lineage == first.lineage)
  }

  @Test func `a change that changes nothing makes no revision`() {
    var policy = CompiledPolicy(PolicyInput())
    policy.apply([change(1)])
    let revision = policy.revision
    let name = NamespacedName(namespace: "shop", name: "gone")
    #expect(
      policy.apply([
        change(1), .pod(name, nil), .networkPolicy(name, nil), .namespace("shop", labels: nil), .node("n9", nil),
        .clusterPolicy(PolicyReference(.adminNetworkPolicy, name), nil),
      ]).isEmpty)
    #expect(policy.revision == revision)
  }

  @Test func `what changes there and back within one step is no difference`() {
    var policy = CompiledPolicy(PolicyInput())
    policy.apply([change(1)])
    #expect(policy.apply([.node("n1", nil), change(1), change(2), .node("n2", nil)]).isEmpty)
  }

  @Test func `copies that go different ways know nothing of each other, and a long history is forgotten`() {
    var one = CompiledPolicy(PolicyInput())
    var other = one
    let start = one.revision
    one.apply([change(1)])
    other.apply([change(2)])
    #expect(one.revision != other.revision)
    #expect(one.delta(since: other.revision) == nil)
    #expect(CompiledPolicy(PolicyInput()).delta(since: start) == nil)
    for number in 2...16 { one.apply([change(number)]) }
    #expect(one.delta(since: start)?.nodes.count == 16)
    one.apply([change(17)])
    #expect(one.delta(since: start) == nil)
  }
}
