// SPDX-License-Identifier: Apache-2.0

import KubernetesModel
import NetworkTypes
import PolicyCompiler
import Testing

@Suite("Tables")
struct TableTests {
  private func pod(_ name: String, _ app: String, _ address: String) -> PolicyPod {
    PolicyPod(
      key: NamespacedName(namespace: "shop", name: name), labels: ["app": app],
      addresses: [IPAddress(address)].compactMap { $0 }, node: "n1")
  }

  private func policy(_ name: String, _ spec: NetworkPolicy.Spec) -> NetworkPolicy {
    NetworkPolicy(metadata: ObjectMeta(name: name, namespace: "shop"), spec: spec)
  }

  @Test(arguments: [
    (UInt16(80), UInt16(80), 1), (0, 65535, 1), (1, 65534, 30), (30000, 32767, 5), (8000, 9000, 7), (1024, 65535, 6),
    (65535, 65535, 1), (1, 65535, 16),
  ])
  func `a range is cut into the fewest aligned blocks`(first: UInt16, last: UInt16, count: Int) {
    let blocks = PortBlock.covering(first...last)
    #expect(blocks.count == count)
    var next = Int(first)
    for block in blocks {
      #expect(Int(block.first) == next)
      next = Int(block.last) + 1
    }
    #expect(next == Int(last) + 1)
  }

  @Test func `pods that no policy tells apart share a class, and pods with the same policies a rule set`() {
    let web = LabelSelector(matchLabels: ["app": "web"])
    let database = LabelSelector(matchLabels: ["app": "db"])
    var input = PolicyInput(namespaces: ["shop": [:]])
    for number in 1...50 {
      input.pods.append(pod("web-\(number)", "web", "10.0.1.\(number)"))
      input.pods.append(pod("db-\(number)", "db", "10.0.2.\(number)"))
    }
    let rule = NetworkPolicy.IngressRule(ports: [.init(port: 5432)], from: [.init(podSelector: web)])
    input.networkPolicies = [policy("db", .init(podSelector: database, ingress: [rule]))]
    let compiled = CompiledPolicy.compile(input)
    #expect(compiled.classCount == 2)
    #expect(compiled.ruleSets.count == 1)
    #expect(compiled.verdicts.count == 1)
    #expect(compiled.prefixes.count == 50)
  }

  @Test func `the tables print as text`() throws {
    let block = NetworkPolicy.IPBlock(
      cidr: try #require(IPCIDR("10.0.0.0/8")), except: [try #require(IPCIDR("10.9.0.0/16"))])
    let input = PolicyInput(
      pods: [pod("web", "web", "10.0.1.5"), pod("db", "db", "10.0.1.6")], namespaces: ["shop": [:]],
      nodes: [PolicyNode(name: "n1", addresses: [try #require(IPAddress("192.168.0.1"))])],
      networkPolicies: [
        policy(
          "db",
          .init(
            podSelector: LabelSelector(matchLabels: ["app": "db"]),
            ingress: [
              .init(
                ports: [.init(port: 5432), .init(protocol: .udp)],
                from: [.init(podSelector: LabelSelector(matchLabels: ["app": "web"]))]),
              .init(ports: [.init(port: 5432, endPort: 5435)], from: [.init(ipBlock: block)]),
            ]))
      ])
    #expect(
      CompiledPolicy.compile(input).description == """
        classes
          0: every other address
          0: 10.9.0.0/16
          0: 192.168.0.1/32 node n1
          1: 10.0.0.0/8
          2: 10.0.1.5/32 pod shop/web
        rule set 1: ingress of shop/db
          class 1 TCP 5432-5435: allow by shop/db ingress[1]
          class 2 TCP 5432: allow by shop/db ingress[0], shop/db ingress[1]
          class 2 TCP 5433: allow by shop/db ingress[1]
          class 2 TCP 5434-5435: allow by shop/db ingress[1]
          class 2 UDP: allow by shop/db ingress[0]
        pods
          shop/db: ingress rule set 1, egress not restricted
          shop/web: ingress not restricted, egress not restricted

        """)
  }

  @Test func `a rule for a whole protocol takes one entry beside special ports`() {
    let rules: [NetworkPolicy.IngressRule] = [
      .init(ports: [.init()]), .init(ports: [.init(port: 80)]), .init(ports: [.init(protocol: .udp, port: 53)]),
    ]
    let input = PolicyInput(
      pods: [pod("db", "db", "10.0.1.6")], namespaces: ["shop": [:]],
      networkPolicies: [policy("db", .init(ingress: rules))])
    let keys = CompiledPolicy.compile(input).verdicts.keys.sorted().map(\.description)
    #expect(keys == ["TCP", "TCP 80", "UDP 53"])
  }
}
