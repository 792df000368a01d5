// SPDX-License-Identifier: Apache-2.0

import KubernetesModel
import NetworkTypes
import PolicyCompiler
import Testing

@Suite("Compiled policies as text")
struct DescriptionTests {
  static func input() throws -> PolicyInput {
    func pod(_ name: String, _ app: String, _ address: String) throws -> PolicyPod {
      PolicyPod(
        key: NamespacedName(namespace: "shop", name: name), labels: ["app": app],
        addresses: [try #require(IPAddress(address))], node: "n1")
    }
    let web = LabelSelector(matchLabels: ["app": "web"])
    let block = NetworkPolicy.IPBlock(
      cidr: try #require(IPCIDR("10.0.0.0/8")), except: [try #require(IPCIDR("10.9.0.0/16"))])
    let database = NetworkPolicy.Spec(
      podSelector: LabelSelector(matchLabels: ["app": "db"]),
      ingress: [
        .init(ports: [.init(port: 5432), .init(protocol: .udp)], from: [.init(podSelector: web)]),
        .init(ports: [.init(port: 5432, endPort: 5435)], from: [.init(ipBlock: block)]),
      ])
    let metadata = try #require(IPCIDR("169.254.169.254/32"))
    let guardian = ClusterPolicy.Spec(
      tier: .admin, priority: 5, subject: .namespaces(LabelSelector()),
      egress: [.init(action: .deny, peers: [.networks([metadata])])])
    return PolicyInput(
      pods: [
        try pod("web-1", "web", "10.0.1.5"), try pod("web-2", "web", "10.0.1.4"), try pod("db", "db", "10.0.1.6"),
      ],
      namespaces: ["shop": [:]],
      nodes: [PolicyNode(name: "n1", addresses: [try #require(IPAddress("192.168.0.1"))])],
      networkPolicies: [NetworkPolicy(metadata: ObjectMeta(name: "db", namespace: "shop"), spec: database)],
      clusterPolicies: [.admin(AdminNetworkPolicy(metadata: ObjectMeta(name: "guard"), spec: guardian))])
  }

  @Test func `the tables print as text`() throws {
    #expect(
      CompiledPolicy(try Self.input()).description == """
        classes
          class of 10.0.1.4
            10.0.1.4 pod shop/web-2
            10.0.1.5 pod shop/web-1
        admin tier of shop/db egress
          for shop/db egress
          for shop/web-1 egress
          for shop/web-2 egress
          default: pass
          169.254.169.254-169.254.169.254: deny by AdminNetworkPolicy guard egress[0]
        rule set of shop/db ingress
          for shop/db ingress
          default: noMatch
          10.0.0.0-10.8.255.255: TCP 5432-5435 allow, else noMatch by NetworkPolicy shop/db ingress[1]
          10.10.0.0-10.255.255.255: TCP 5432-5435 allow, else noMatch by NetworkPolicy shop/db ingress[1]
          class of 10.0.1.4 (2): TCP 5432-5435 allow, UDP allow, else noMatch by NetworkPolicy shop/db ingress[0], \
        NetworkPolicy shop/db ingress[1]
          own node: unrestricted
        unrestricted
          shop/web-1 ingress
          shop/web-2 ingress
        nodes
          n1: 192.168.0.1

        """)
  }

  @Test func `every decision explains itself`() throws {
    let compiled = CompiledPolicy(try Self.input())
    let database = NamespacedName(namespace: "shop", name: "db")
    func why(_ direction: PolicyDirection, _ peer: String, _ port: UInt16 = 5432) throws -> PolicyExplanation {
      compiled.explain(database, direction, peer: try #require(IPAddress(peer)), protocol: .tcp, port: port)
    }
    #expect(try why(.ingress, "10.0.1.5").rules.map(\.index) == [0, 1])
    #expect(try why(.ingress, "10.0.1.5", 5435).rules.map(\.index) == [1])
    #expect(try why(.ingress, "10.9.1.5").reason == .isolated)
    #expect(try why(.ingress, "192.168.0.1").reason == .ownNode)
    #expect(try why(.ingress, "10.0.1.6").reason == .itself)
    #expect(try why(.egress, "169.254.169.254").reason == .adminRule)
    #expect(try why(.egress, "169.254.169.253").reason == .unrestricted)
    let gone = NamespacedName(namespace: "shop", name: "gone")
    let none = compiled.explain(
      gone, .ingress, peer: try #require(IPAddress("10.0.1.5")), protocol: .tcp, port: 1)
    #expect(none.reason == .notAPod)
  }
}
