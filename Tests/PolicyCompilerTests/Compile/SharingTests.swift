// SPDX-License-Identifier: Apache-2.0

import KubernetesModel
import NetworkTypes
import PolicyCompiler
import Testing

@Suite("What compiled policies share")
struct SharingTests {
  typealias Rule = NetworkPolicy.IngressRule

  private func pod(
    _ name: String, _ address: String, _ labels: [String: String] = [:], ports: [Pod.ContainerPort] = [],
    node: String? = nil
  ) throws -> PolicyPod {
    let parts = name.split(separator: "/")
    let key = NamespacedName(namespace: String(try #require(parts.first)), name: String(try #require(parts.last)))
    return PolicyPod(
      key: key, labels: labels, addresses: [try #require(IPAddress(address))], node: node, ports: ports)
  }

  private func policy(_ name: String, _ spec: NetworkPolicy.Spec, in namespace: String = "shop") -> NetworkPolicy {
    NetworkPolicy(metadata: ObjectMeta(name: name, namespace: namespace), spec: spec)
  }

  private func selector(_ app: String) -> LabelSelector { LabelSelector(matchLabels: ["app": app]) }

  @Test func `pods that no policy tells apart share a class and a rule set`() throws {
    var input = PolicyInput(namespaces: ["shop": [:]])
    for number in 1...50 {
      input.pods.append(try pod("shop/web-\(number)", "10.0.1.\(number)", ["app": "web", "index": "\(number)"]))
      input.pods.append(try pod("shop/db-\(number)", "10.0.2.\(number)", ["app": "db"]))
    }
    let rule = Rule(ports: [.init(port: 5432)], from: [.init(podSelector: selector("web"))])
    input.networkPolicies = [policy("db", .init(podSelector: selector("db"), ingress: [rule]))]
    let compiled = CompiledPolicy(input)
    let statistics = compiled.statistics
    #expect(statistics.classes == 2)
    #expect(statistics.peers == 50)
    #expect(statistics.ruleSets == 1)
    #expect(statistics.verdicts == 1)
    #expect(statistics.portTables == 1)
    #expect(statistics.naiveEntries == 50)
  }

  @Test func `the same rules in a thousand namespaces are one rule set`() throws {
    var input = PolicyInput()
    for number in 0..<1000 {
      input.namespaces["n\(number)"] = [:]
      input.pods.append(try pod("n\(number)/a", "10.\(number / 250).\(number % 250).1"))
      let deny = NetworkPolicy.Spec(policyTypes: [.ingress, .egress])
      input.networkPolicies.append(policy("deny-\(number)", deny, in: "n\(number)"))
    }
    let compiled = CompiledPolicy(input)
    #expect(compiled.statistics.ruleSets == 1)
    #expect(compiled.statistics.entries == 1)
    #expect(compiled.tables.ruleSets.values.first?.ownNode == .unrestricted)
    let why = compiled.explain(
      NamespacedName(namespace: "n7", name: "a"), .ingress, peer: .v4(IPv4Address(8, 8, 8, 8)), protocol: .tcp, port: 1)
    #expect(why.reason == .isolated)
    #expect(why.policies.map(\.description) == ["NetworkPolicy n7/deny-7"])
  }

  @Test func `rules written differently that say the same share a rule set`() throws {
    var input = PolicyInput(namespaces: ["shop": [:]])
    input.pods = [try pod("shop/a", "10.0.0.1", ["app": "a"]), try pod("shop/b", "10.0.0.2", ["app": "b"])]
    let other = LabelSelector(matchExpressions: [.init(key: "app", operator: .isIn, values: ["a"])])
    input.networkPolicies = [
      policy(
        "a",
        .init(
          podSelector: selector("a"),
          ingress: [.init(ports: [.init(port: 80, endPort: 82)], from: [.init(podSelector: selector("a"))])])),
      policy(
        "b",
        .init(
          podSelector: selector("b"),
          ingress: [
            .init(
              ports: [.init(port: 81), .init(port: 80)],
              from: [.init(podSelector: other), .init(podSelector: selector("a"))]),
            .init(ports: [.init(port: 82)], from: [.init(podSelector: other)]),
          ])),
    ]
    #expect(CompiledPolicy(input).statistics.ruleSets == 1)
  }

  @Test func `rules that can never decide leave nothing in the tables`() throws {
    var input = PolicyInput(namespaces: ["shop": [:]])
    input.pods = [try pod("shop/a", "10.0.0.1", ["app": "a"]), try pod("shop/b", "10.0.0.2", ["app": "b"])]
    let some = Rule(ports: [.init(port: 80)], from: [.init(podSelector: selector("b"))])
    let every = Rule(ports: [.init(port: 79, endPort: 90)])
    input.networkPolicies = [policy("a", .init(podSelector: selector("a"), ingress: [some, every]))]
    var compiled = CompiledPolicy(input)
    #expect(compiled.statistics.classes == 1)
    #expect(compiled.statistics.verdicts == 0)
    // A Pass at the end of its tier, and a NetworkPolicy that allows everything.
    input.networkPolicies = [policy("a", .init(podSelector: selector("a"), ingress: [some, Rule()]))]
    let peers = [ClusterPolicy.Peer.pods(.init(namespaceSelector: .init(), podSelector: selector("b")))]
    let pass = ClusterPolicy.Spec(
      tier: .admin, priority: 1, subject: .namespaces(.init()), ingress: [.init(action: .pass, peers: peers)])
    input.clusterPolicies = [.admin(AdminNetworkPolicy(metadata: ObjectMeta(name: "pass"), spec: pass))]
    compiled = CompiledPolicy(input)
    #expect(compiled.statistics.entries == 0)
    #expect(compiled.tables.tiers.isEmpty)
    #expect(compiled.tables.endpoints.values.allSatisfy { $0.ingress.policy == .unrestricted })
  }

  @Test func `blocks that no rule set has together with pods split no class`() throws {
    var input = PolicyInput(namespaces: ["shop": [:]])
    for number in 1...20 { input.pods.append(try pod("shop/web-\(number)", "10.0.1.\(number)", ["app": "web"])) }
    input.pods.append(try pod("shop/db", "10.0.2.1", ["app": "db"]))
    input.pods.append(try pod("shop/out", "10.0.2.2", ["app": "out"]))
    let block = NetworkPolicy.IPBlock(cidr: try #require(IPCIDR("10.0.1.0/29")))
    let web = Rule(ports: [.init(port: 80)], from: [.init(podSelector: selector("web"))])
    let some = Rule(ports: [.init(port: 81)], from: [.init(ipBlock: block)])
    input.networkPolicies = [
      policy("db", .init(podSelector: selector("db"), ingress: [web])),
      policy("out", .init(podSelector: selector("out"), ingress: [some])),
    ]
    #expect(CompiledPolicy(input).statistics.classes == 2)
    // Together they do: a web pod inside of the block gets both.
    input.networkPolicies = [policy("db", .init(podSelector: selector("db"), ingress: [web, some]))]
    let compiled = CompiledPolicy(input)
    #expect(compiled.statistics.classes == 3)
    #expect(compiled.statistics.addressRanges == 1)
  }

  @Test func `blocks become disjoint ranges, merged where they say the same`() throws {
    var input = PolicyInput(namespaces: ["shop": [:]], networkPolicies: [])
    input.pods = [try pod("shop/db", "10.9.9.9")]
    func rule(_ cidr: String, _ except: [String] = [], port: NetworkPolicy.Port = .init(port: 80)) throws -> Rule {
      let holes = try except.map { try #require(IPCIDR($0)) }
      return Rule(ports: [port], from: [.init(ipBlock: .init(cidr: try #require(IPCIDR(cidr)), except: holes))])
    }
    input.networkPolicies = [
      policy(
        "db",
        .init(ingress: [
          try rule("10.0.0.0/25"), try rule("10.0.0.128/25"),
          try rule("10.0.1.0/24", ["10.0.1.16/28", "10.0.1.16/32"]),
          try rule("10.0.1.0/24"), try rule("::/0", ["2001:db8::/32"]), try rule("10.0.0.7/32", port: .init(port: 81)),
        ]))
    ]
    let compiled = CompiledPolicy(input)
    let ranges = try #require(compiled.tables.ruleSets.values.first { !$0.ranges.isEmpty }).ranges
    #expect(
      ranges.map { "\($0.first)-\($0.last)" } == [
        "10.0.0.0-10.0.0.6", "10.0.0.7-10.0.0.7", "10.0.0.8-10.0.1.255", "::-2001:db7:ffff:ffff:ffff:ffff:ffff:ffff",
        "2001:db9::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
      ])
    #expect(Set(ranges.map(\.table)).count == 2)
  }

  @Test func `a port name splits peers only where an egress rule in force uses it`() throws {
    var input = PolicyInput(namespaces: ["shop": [:]])
    input.pods = [
      try pod("shop/a", "10.0.0.1", ["app": "a"], ports: [.init(name: "http", containerPort: 80)]),
      try pod("shop/b", "10.0.0.2", ["app": "b"], ports: [.init(name: "http", containerPort: 81)]),
      try pod("shop/c", "10.0.0.3", ["app": "c"]),
    ]
    let ingress = Rule(ports: [.init(port: "http")])
    input.networkPolicies = [policy("in", .init(ingress: [ingress]))]
    var compiled = CompiledPolicy(input)
    #expect(compiled.statistics.classes == 1)
    #expect(compiled.statistics.ruleSets == 3)
    let egress = NetworkPolicy.EgressRule(ports: [.init(port: "http")])
    let out = policy("out", .init(podSelector: selector("c"), egress: [egress], policyTypes: [.egress]))
    compiled.apply([.networkPolicy(out.key, out)])
    #expect(compiled.statistics.classes == 3)
    #expect(compiled.statistics.verdicts == 2)
    compiled.apply([.pod(try #require(input.pods.last).key, nil)])
    #expect(compiled.statistics.classes == 1)
  }

  @Test func `only the policies of a node's own pods are in its tables`() throws {
    var input = PolicyInput(namespaces: ["shop": [:]])
    for number in 1...9 {
      input.pods.append(try pod("shop/p\(number)", "10.0.0.\(number)", ["app": "\(number)"], node: "n\(number % 3)"))
      let rule = Rule(from: [.init(podSelector: selector("\(10 - number)"))])
      input.networkPolicies.append(policy("p\(number)", .init(podSelector: selector("\(number)"), ingress: [rule])))
    }
    let compiled = CompiledPolicy(input, scope: .node("n1"))
    #expect(compiled.tables.endpoints.keys.map(\.name).sorted() == ["p1", "p4", "p7"])
    #expect(compiled.statistics.ruleSets == 3)
    #expect(compiled.tables.peers.count == 3)
  }
}
