// SPDX-License-Identifier: Apache-2.0

import Foundation
import KubernetesModel
import NetworkTypes
import Testing

@Suite("Reading cluster-scoped policies")
struct ClusterPolicyReadingTests {
  private func network(_ text: String) throws -> IPCIDR { try #require(IPCIDR(text)) }

  @Test func `an AdminNetworkPolicy is read whole`() throws {
    let spec = try clusterPolicySpec(
      PolicyKind.admin.manifest(
        #"""
        {"priority": 1000,
         "subject": {"pods": {"namespaceSelector": {"matchLabels": {"a": "b"}}, "podSelector": {}}},
         "ingress": [{"name": "one", "action": "Pass", "from": [{"namespaces": {}}],
                      "ports": [{"portNumber": {"port": 80}}, {"portNumber": {"protocol": "UDP", "port": 53}},
                                {"portRange": {"start": 5, "end": 5}}, {"namedPort": "http"}]}],
         "egress": [{"action": "Allow", "to": [{"nodes": {}}, {"networks": ["10.0.0.0/8", "fd00::/8"]}]},
                    {"action": "Deny", "to": [{"domainNames": ["*.example.com.", "a.b"]}]}]}
        """#))
    #expect((spec.tier, spec.priority) == (.admin, 1000))
    #expect(
      spec.subject
        == .pods(.init(namespaceSelector: LabelSelector(matchLabels: ["a": "b"]), podSelector: LabelSelector())))
    #expect(
      spec.ingress == [
        .init(
          name: "one", action: .pass, peers: [.namespaces(LabelSelector())],
          ports: [.range(.tcp, 80...80), .range(.udp, 53...53), .range(.tcp, 5...5), .named("http")])
      ])
    #expect(
      try spec.egress == [
        .init(
          action: .accept,
          peers: [.nodes(LabelSelector()), .networks([network("10.0.0.0/8"), network("fd00::/8")])]),
        .init(action: .deny, peers: [.domainNames(["*.example.com.", "a.b"])]),
      ])
  }

  @Test func `a BaselineAdminNetworkPolicy has the baseline tier and no priority`() throws {
    let spec = try clusterPolicySpec(
      PolicyKind.baseline.manifest(
        #"{"subject": {"namespaces": {}}, "ingress": [{"action": "Deny", "from": [{"namespaces": {}}]}]}"#))
    #expect((spec.tier, spec.priority) == (.baseline, 0))
    #expect(spec.ingress == [.init(action: .deny, peers: [.namespaces(LabelSelector())])])
  }

  @Test func `a ClusterNetworkPolicy is read whole`() throws {
    let spec = try clusterPolicySpec(
      PolicyKind.cluster.manifest(
        #"""
        {"tier": "Baseline", "priority": 0, "subject": {"pods": {"podSelector": {"matchLabels": {"a": "b"}}}},
         "ingress": [{"action": "Accept", "from": [{"pods": {"podSelector": {}}}],
           "protocols": [{"tcp": {"destinationPort": {"number": 80}}},
                         {"udp": {"destinationPort": {"range": {"start": 1, "end": 65535}}}},
                         {"sctp": {"destinationPort": {"number": 9}}}, {"destinationNamedPort": "http"}]}],
         "egress": [{"action": "Pass", "to": [{"nodes": {}}, {"domainNames": ["a.b"]}]}]}
        """#))
    #expect((spec.tier, spec.priority) == (.baseline, 0))
    // Without a namespace selector the pods of every namespace are meant.
    #expect(
      spec.subject
        == .pods(.init(namespaceSelector: LabelSelector(), podSelector: LabelSelector(matchLabels: ["a": "b"]))))
    #expect(
      spec.ingress.first?.ports == [
        .range(.tcp, 80...80), .range(.udp, 1...65535), .range(.sctp, 9...9), .named("http"),
      ])
    #expect(spec.egress.first?.peers == [.nodes(LabelSelector()), .domainNames(["a.b"])])
  }

  @Test(arguments: PolicyKind.allCases)
  func `a policy is the same after writing and reading`(kind: PolicyKind) throws {
    let selector =
      #"{"matchLabels": {"a": "b"}, "matchExpressions": [{"key": "c", "operator": "NotIn", "values": ["d", ""]}]}"#
    let pods = #"{"pods": {"namespaceSelector": \#(selector), "podSelector": {}}}"#
    let accept = kind == .cluster ? "Accept" : "Allow"
    let ports =
      kind == .cluster
      ? #""protocols": [{"udp": {"destinationPort": {"range": {"start": 1, "end": 9}}}}, {"destinationNamedPort": "x"}]"#
      : #""ports": [{"portRange": {"protocol": "SCTP", "start": 1, "end": 9}}, {"namedPort": "x"}]"#
    let text = kind.manifest(
      #"""
      {\#(kind.head), "ingress": [{"name": "n", "action": "\#(accept)", "from": [\#(pods)], \#(ports)}],
       "egress": [{"action": "Deny", "to": [{"networks": ["10.0.0.1/8"]}, {"nodes": \#(selector)}, \#(pods)]}]}
      """#)
    let object = try KubernetesObject(documentValue(text))
    let written = try JSONEncoder().encode(object.resource)
    #expect(try KubernetesObject(JSONDecoder().decode(DocumentValue.self, from: written)) == object)
    let fields = try JSONDecoder().decode([String: DocumentValue].self, from: written)
    #expect(fields["kind"] == .string(kind.rawValue))
  }

  @Test func `a namespace of what has none is cleared as the server does`() throws {
    let text = PolicyKind.admin.manifest(
      "{\(PolicyKind.admin.head)}", metadata: #"{"name": "a", "namespace": "shop", "creationTimestamp": null}"#)
    #expect(try KubernetesObject(documentValue(text)).key == NamespacedName(namespace: "", name: "a"))
  }

  @Test func `a new object's status is not looked at but for its spelling`() throws {
    let kind = PolicyKind.admin
    func read(_ status: String) throws {
      let text = kind.manifest("{\(kind.head)}").dropLast() + #", "status": \#(status)}"#
      _ = try clusterPolicySpec(String(text))
    }
    for status in ["{}", "null", #"{"conditions": null}"#, #"{"conditions": [{"type": 1}]}"#] { try read(status) }
    let error = try #require(throws: ValidationError.self) { try read(#"{"phase": "Ready"}"#) }
    #expect(error.path == ".status.phase")
    let nested = try #require(throws: ValidationError.self) { try read(#"{"conditions": [{"tpye": "a"}]}"#) }
    #expect(nested.path == ".status.conditions[0].tpye")
  }

  @Test func `a value built in code is held to the same rules`() {
    let rule = ClusterPolicy.Rule(
      name: String(repeating: "n", count: 101), action: .pass, peers: [.domainNames(["a b"])], ports: [])
    let spec = ClusterPolicy.Spec(
      tier: .baseline, priority: 1001, subject: .namespaces(LabelSelector()), ingress: [rule], egress: [rule])
    let policy = BaselineAdminNetworkPolicy(metadata: ObjectMeta(name: "other"), spec: spec)
    #expect(
      Set(policy.validationErrors().map(\.path)) == [
        ".metadata.name", ".spec", ".spec.priority", ".spec.ingress[0].name", ".spec.ingress[0].action",
        ".spec.ingress[0].from[0].domainNames", ".spec.ingress[0].ports", ".spec.egress[0].name",
        ".spec.egress[0].action", ".spec.egress[0].to[0].domainNames", ".spec.egress[0].ports",
      ])
  }
}

@Suite("Cluster-scoped policies of a newer server")
struct NewerClusterPolicyTests {
  private func rules(_ kind: PolicyKind, _ egress: String) throws -> [ClusterPolicy.Rule] {
    try clusterPolicySpec(
      kind.manifest(#"{\#(kind.head), "future": 1, "egress": [\#(egress)]}"#), options: .accepted
    ).egress
  }

  @Test func `an unknown peer is kept by its name`() throws {
    let rules = try rules(.cluster, #"{"action": "Accept", "to": [{"services": {"a": 1}}, {"nodes": {}}, {}]}"#)
    #expect(rules.first?.peers == [.unknown("services"), .nodes(LabelSelector()), .unknown("")])
  }

  @Test func `a known peer of an unknown shape is an unknown peer`() throws {
    let rules = try rules(.admin, #"{"action": "Deny", "to": [{"pods": {"podSelector": {}, "new": {}}}]}"#)
    #expect(rules.first?.peers == [.unknown("pods")])
  }

  @Test func `an unknown port is never accepted`() throws {
    let known = #"{"tcp": {"destinationPort": {"number": 80}}}"#
    for unknown in [#"{"icmp": {}}"#, #"{"tcp": {"flags": 1}}"#, #"{"udp": {"destinationPort": {"set": [1]}}}"#] {
      let some = try rules(
        .cluster, #"{"action": "Accept", "to": [{"nodes": {}}], "protocols": [\#(known), \#(unknown)]}"#)
      #expect(some == [.init(action: .accept, peers: [.nodes(LabelSelector())], ports: [.range(.tcp, 80...80)])])
      let none = try rules(.cluster, #"{"action": "Accept", "to": [{"nodes": {}}], "protocols": [\#(unknown)]}"#)
      #expect(none == [.init(action: .accept, peers: [.unknown("protocols")])])
    }
  }

  @Test(arguments: ["Deny", "Pass"])
  func `an unknown port makes another rule one for everything`(action: String) throws {
    let rules = try rules(
      .admin, #"{"action": "\#(action)", "to": [{"nodes": {}}], "ports": [{"portNumber": {"port": 1}}, {"icmp": {}}]}"#)
    #expect(rules.map(\.peers) == [[.unknown("ports")]])
    #expect(rules.map(\.ports) == [nil])
  }

  @Test func `a rule with an unknown condition has an unknown peer`() throws {
    let rules = try rules(.admin, #"{"action": "Allow", "to": [{"nodes": {}}], "when": "night"}"#)
    #expect(rules.first?.peers == [.unknown("when")])
  }

  @Test func `manifests are strict all the same`() throws {
    let kind = PolicyKind.cluster
    let text = kind.manifest(#"{\#(kind.head), "egress": [{"action": "Accept", "to": [{"services": {}}]}]}"#)
    let error = try #require(throws: ValidationError.self) { try clusterPolicySpec(text) }
    #expect(error.path == ".spec.egress[0].to[0].services")
  }

  @Test func `a subject that is not known is an error`() throws {
    let text = PolicyKind.cluster.manifest(#"{"tier": "Admin", "priority": 1, "subject": {"nodes": {}}}"#)
    let error = try #require(throws: ValidationError.self) { try clusterPolicySpec(text, options: .accepted) }
    #expect(error.path == ".spec.subject")
  }
}
