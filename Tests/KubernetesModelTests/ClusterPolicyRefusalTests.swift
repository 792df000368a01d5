// SPDX-License-Identifier: Apache-2.0

import KubernetesModel
import Testing

@Suite("Refused cluster-scoped policies")
struct ClusterPolicyRefusalTests {
  private func refusal(_ text: String) -> ValidationError? {
    do {
      _ = try clusterPolicySpec(text)
      return nil
    } catch {
      return error as? ValidationError
    }
  }

  private func expect(_ text: String, _ path: String, _ words: String) throws {
    let error = try #require(refusal(text), "accepted: \(text)")
    #expect(error.path == path, "\(text)")
    #expect(error.message.contains(words), "\(text): \(error.message)")
  }

  /// Rules that all kinds share; `X` stands for the action that accepts.
  @Test(arguments: [
    (#""ingress": null"#, ".spec.ingress", "is null"),
    (#""ingress": {}"#, ".spec.ingress", "must be a list"),
    (#""ingress": [null]"#, ".spec.ingress[0]", "is null"),
    (#""ingres": []"#, ".spec.ingres", "unknown field"),
    (#""Ingress": []"#, ".spec.Ingress", "unknown field"),
    (#""ingress": [{"from": [{"namespaces": {}}]}]"#, ".spec.ingress[0].action", "is missing"),
    (#""ingress": [{"action": "X"}]"#, ".spec.ingress[0].from", "is missing"),
    (#""ingress": [{"action": "X", "from": []}]"#, ".spec.ingress[0].from", "has 0 peers"),
    (#""ingress": [{"action": "X", "from": [{}]}]"#, ".spec.ingress[0].from[0]", "is empty"),
    (#""ingress": [{"action": "X", "to": [{"namespaces": {}}]}]"#, ".spec.ingress[0].from", "is missing"),
    (#""ingress": [{"action": "x", "from": [{"namespaces": {}}]}]"#, ".spec.ingress[0].action", "is not one of"),
    (#""ingress": [{"action": null, "from": [{"namespaces": {}}]}]"#, ".spec.ingress[0].action", "is null"),
    (
      #""ingress": [{"action": "X", "from": [{"namespaces": null}]}]"#, ".spec.ingress[0].from[0].namespaces", "is null"
    ),
    (#""ingress": [{"action": "X", "from": [{"nodes": {}}]}]"#, ".spec.ingress[0].from[0].nodes", "unknown field"),
    (
      #""ingress": [{"action": "X", "from": [{"networks": ["::/0"]}]}]"#, ".spec.ingress[0].from[0].networks",
      "unknown field"
    ),
    (
      #""ingress": [{"action": "X", "from": [{"namespaces": {}, "pods": {"podSelector": {}}}]}]"#,
      ".spec.ingress[0].from[0]", "has 2 of"
    ),
    (#""ingress": [{"action": "X", "from": [{"pods": {}}]}]"#, ".spec.ingress[0].from[0].pods", "is missing"),
    (#""egress": [{"action": "X", "to": [{"networks": []}]}]"#, ".spec.egress[0].to[0].networks", "has 0 entries"),
    (#""egress": [{"action": "X", "to": [{"networks": [null]}]}]"#, ".spec.egress[0].to[0].networks[0]", "is null"),
    (
      #""egress": [{"action": "X", "to": [{"networks": ["10.0.0.0"]}]}]"#, ".spec.egress[0].to[0].networks[0]",
      "a block"
    ),
    (
      #""egress": [{"action": "X", "to": [{"networks": ["::/0", "::/0"]}]}]"#, ".spec.egress[0].to[0].networks[1]",
      "twice"
    ),
    (
      #""egress": [{"action": "X", "to": [{"networks": ["0000:0000:0000:0000:0000:ffff:255.255.255.255/128"]}]}]"#,
      ".spec.egress[0].to[0].networks[0]", "a block"
    ),
    (
      #""egress": [{"action": "X", "to": [{"nodes": {"matchExpressions": [{"key": "a", "operator": "Near"}]}}]}]"#,
      ".spec.egress[0].to[0].nodes.matchExpressions[0].operator", "is not one of"
    ),
    (
      #""egress": [{"action": "X", "to": [{"nodes": {"matchExpressions": [{"key": "a", "operator": "In"}]}}]}]"#,
      ".spec.egress[0].to[0].nodes.matchExpressions[0].values", "at least one"
    ),
    (
      #""egress": [{"action": "X", "to": [{"nodes": {"matchExpressions": [{"operator": "Exists"}]}}]}]"#,
      ".spec.egress[0].to[0].nodes.matchExpressions[0].key", "label key"
    ),
    (
      #""egress": [{"action": "X", "to": [{"nodes": {"matchLabels": {"a": null}}}]}]"#,
      #".spec.egress[0].to[0].nodes.matchLabels["a"]"#, "is null"
    ),
    (
      #""egress": [{"action": "X", "to": [{"nodes": {"matchlabels": {}}}]}]"#,
      ".spec.egress[0].to[0].nodes.matchlabels", "unknown field"
    ),
    (#""egress": [{"action": "X", "to": [{"nodes": {}}], "name": 5}]"#, ".spec.egress[0].name", "must be a string"),
    (#""egress": [{"action": "X", "to": [{"nodes": {}}], "nmae": "a"}]"#, ".spec.egress[0].nmae", "unknown field"),
  ])
  func `what no kind may say`(part: String, path: String, words: String) throws {
    for kind in PolicyKind.allCases {
      let accept = kind == .cluster ? "Accept" : "Allow"
      var path = path
      // Of a pod selector v1alpha1 misses both parts, v1alpha2 the one that it needs.
      if path.hasSuffix("from[0].pods") { path += kind == .cluster ? ".podSelector" : ".namespaceSelector" }
      try expect(
        kind.manifest("{\(kind.head), \(part)}").replacing(#""action": "X""#, with: #""action": "\#(accept)""#), path,
        words)
    }
  }

  @Test(arguments: [
    (PolicyKind.admin, #""ports": []"#, ".ports", "is empty"),
    (.admin, #""ports": null"#, ".ports", "is null"),
    (.admin, #""ports": [{}]"#, ".ports[0]", "is empty"),
    (.admin, #""ports": [{"portNumber": {"port": 1}, "namedPort": "a"}]"#, ".ports[0]", "has 2 of"),
    (.admin, #""ports": [{"portNumber": {}}]"#, ".ports[0].portNumber.port", "is missing"),
    (.admin, #""ports": [{"portNumber": {"port": 0}}]"#, ".ports[0].portNumber.port", "0 is not a port"),
    (.admin, #""ports": [{"portNumber": {"port": 65536}}]"#, ".ports[0].portNumber.port", "65536 is not"),
    (.admin, #""ports": [{"portNumber": {"port": "80"}}]"#, ".ports[0].portNumber.port", "must be a whole number"),
    (.admin, #""ports": [{"portNumber": {"port": 1.5}}]"#, ".ports[0].portNumber.port", "must be a whole number"),
    (.admin, #""ports": [{"portNumber": {"port": 4294967297}}]"#, ".ports[0].portNumber.port", "32 bits"),
    (
      .admin, #""ports": [{"portNumber": {"protocol": "ICMP", "port": 1}}]"#, ".ports[0].portNumber.protocol", "not one"
    ),
    (.admin, #""ports": [{"portNumber": {"protocol": "tcp", "port": 1}}]"#, ".ports[0].portNumber.protocol", "not one"),
    (.admin, #""ports": [{"portNumber": {"protocol": null, "port": 1}}]"#, ".ports[0].portNumber.protocol", "is null"),
    (.admin, #""ports": [{"portRange": {"start": 5}}]"#, ".ports[0].portRange.end", "is missing"),
    (.admin, #""ports": [{"portRange": {"end": 5}}]"#, ".ports[0].portRange.start", "is missing"),
    (.admin, #""ports": [{"portRange": {"start": 5, "end": 4}}]"#, ".ports[0].portRange.end", "less than start"),
    (.admin, #""ports": [{"port": 80}]"#, ".ports[0].port", "unknown field"),
    (.admin, #""protocols": []"#, ".protocols", "unknown field"),
    (.baseline, #""ports": [{"namedPort": 80}]"#, ".ports[0].namedPort", "must be a string"),
    (.cluster, #""protocols": []"#, ".protocols", "is empty"),
    (.cluster, #""protocols": [{}]"#, ".protocols[0]", "is empty"),
    (.cluster, #""protocols": [{"tcp": {}}]"#, ".protocols[0].tcp", "is empty"),
    (.cluster, #""protocols": [{"tcp": null}]"#, ".protocols[0].tcp", "is null"),
    (.cluster, #""protocols": [{"TCP": {}}]"#, ".protocols[0].TCP", "unknown field"),
    (.cluster, #""protocols": [{"icmp": {}}]"#, ".protocols[0].icmp", "unknown field"),
    (.cluster, #""protocols": [{"tcp": {"port": 1}}]"#, ".protocols[0].tcp.port", "unknown field"),
    (.cluster, #""protocols": [{"tcp": {"destinationPort": {}}}]"#, ".protocols[0].tcp.destinationPort", "is empty"),
    (
      .cluster, #""protocols": [{"tcp": {"destinationPort": {"number": 1, "range": {"start": 1, "end": 2}}}}]"#,
      ".protocols[0].tcp.destinationPort", "has 2 of"
    ),
    (
      .cluster, #""protocols": [{"udp": {"destinationPort": {"number": 0}}}]"#,
      ".protocols[0].udp.destinationPort.number", "0 is not a port"
    ),
    (
      .cluster, #""protocols": [{"udp": {"destinationPort": {"range": {"start": 7, "end": 7}}}}]"#,
      ".protocols[0].udp.destinationPort.range.end", "must be more than start"
    ),
    (
      .cluster, #""protocols": [{"udp": {"destinationPort": {"range": {"start": 7}}}}]"#,
      ".protocols[0].udp.destinationPort.range.end", "is missing"
    ),
    (
      .cluster,
      #""protocols": [{"udp": {"destinationPort": {"number": 1}}, "sctp": {"destinationPort": {"number": 1}}}]"#,
      ".protocols[0]", "has 2 of"
    ),
    (.cluster, #""ports": []"#, ".ports", "unknown field"),
  ])
  func `ports that a kind does not have`(kind: PolicyKind, ports: String, path: String, words: String) throws {
    let rule = #"{"action": "Deny", "from": [{"namespaces": {}}], \#(ports)}"#
    try expect(kind.manifest(#"{\#(kind.head), "ingress": [\#(rule)]}"#), ".spec.ingress[0]" + path, words)
  }

  @Test(arguments: [
    (PolicyKind.admin, #"{"subject": {"namespaces": {}}}"#, ".spec.priority", "is missing"),
    (.admin, #"{"priority": 1}"#, ".spec.subject", "is missing"),
    (.admin, #"{"priority": -1, "subject": {"namespaces": {}}}"#, ".spec.priority", "-1 is not a priority"),
    (.admin, #"{"priority": 1001, "subject": {"namespaces": {}}}"#, ".spec.priority", "1001 is not a priority"),
    (.admin, #"{"priority": "1", "subject": {"namespaces": {}}}"#, ".spec.priority", "must be a whole number"),
    (.admin, #"{"priority": 1, "subject": {}}"#, ".spec.subject", "is empty"),
    (.admin, #"{"priority": 1, "subject": null}"#, ".spec.subject", "is null"),
    (.admin, #"{"priority": 1, "subject": {"namespaces": {}, "pods": {}}}"#, ".spec.subject", "has 2 of"),
    (
      .admin, #"{"priority": 1, "subject": {"pods": {"podSelector": {}}}}"#, ".spec.subject.pods.namespaceSelector",
      "missing"
    ),
    (.admin, #"{"priority": 1, "tier": "Admin", "subject": {"namespaces": {}}}"#, ".spec.tier", "unknown field"),
    (.admin, "null", ".spec", "is null"),
    (.admin, "[]", ".spec", "must be an object"),
    (.baseline, #"{"priority": 1, "subject": {"namespaces": {}}}"#, ".spec.priority", "unknown field"),
    (.cluster, #"{"priority": 1, "subject": {"namespaces": {}}}"#, ".spec.tier", "is missing"),
    (.cluster, #"{"tier": "admin", "priority": 1, "subject": {"namespaces": {}}}"#, ".spec.tier", "is not one of"),
    (.cluster, #"{"tier": "Admin", "subject": {"namespaces": {}}}"#, ".spec.priority", "is missing"),
    (
      .cluster, #"{"tier": "Admin", "priority": 1, "subject": {"pods": {"namespaceSelector": {}}}}"#,
      ".spec.subject.pods.podSelector", "missing"
    ),
  ])
  func `a specification that a kind does not have`(kind: PolicyKind, spec: String, path: String, words: String) throws {
    try expect(kind.manifest(spec), path, words)
  }

  @Test func `actions belong to their kind`() throws {
    for (kind, action) in [
      (PolicyKind.admin, "Accept"), (.baseline, "Pass"), (.baseline, "Accept"), (.cluster, "Allow"),
    ] {
      let text = kind.manifest(#"{\#(kind.head), "ingress": [{"action": "\#(action)", "from": [{"namespaces": {}}]}]}"#)
      try expect(text, ".spec.ingress[0].action", "\"\(action)\" is not one of")
    }
  }

  @Test func `counts are bounded as each kind has it`() throws {
    for kind in PolicyKind.allCases {
      let limit = kind == .cluster ? 25 : 100
      let field = kind == .cluster ? "protocols" : "ports"
      let port = kind == .cluster ? #"{"tcp": {"destinationPort": {"number": 1}}}"# : #"{"portNumber": {"port": 1}}"#
      func list(_ item: String, _ count: Int) -> String { Array(repeating: item, count: count).joined(separator: ",") }
      func rule(peers: Int = 1, ports: Int = 1, name: Int = 1) -> String {
        #"""
        {"name": "\#(String(repeating: "é", count: name))", "action": "Deny", "from": [\#(list(#"{"namespaces": {}}"#, peers))],
         "\#(field)": [\#(list(port, ports))]}
        """#
      }
      func text(_ rules: String) -> String { kind.manifest(#"{\#(kind.head), "ingress": [\#(rules)]}"#) }
      _ = try clusterPolicySpec(text(list(rule(), limit)))
      _ = try clusterPolicySpec(text(rule(peers: limit, ports: limit, name: 100)))
      try expect(text(list(rule(), limit + 1)), ".spec.ingress", "more than \(limit)")
      try expect(text(rule(peers: limit + 1)), ".spec.ingress[0].from", "give it 1 to \(limit)")
      try expect(text(rule(ports: limit + 1)), ".spec.ingress[0].\(field)", "give it 1 to \(limit)")
      try expect(text(rule(name: 101)), ".spec.ingress[0].name", "longer than 100")
      let networks = (0...25).map { "\"10.\($0).0.0/16\"" }.joined(separator: ",")
      try expect(
        kind.manifest(#"{\#(kind.head), "egress": [{"action": "Deny", "to": [{"networks": [\#(networks)]}]}]}"#),
        ".spec.egress[0].to[0].networks", "give it 1 to 25")
    }
  }

  @Test(arguments: [#"{"nodes": {}}"#, #"{"networks": ["::/0"]}"#, #"{"domainNames": ["a.b"]}"#])
  func `peers without port names do not go with a port's name`(peer: String) throws {
    for kind in PolicyKind.allCases {
      if kind == .baseline, peer.contains("domainNames") { continue }
      let ports =
        kind == .cluster ? #""protocols": [{"destinationNamedPort": "a"}]"# : #""ports": [{"namedPort": "a"}]"#
      let rule = #"{"action": "Deny", "to": [{"namespaces": {}}, \#(peer)], \#(ports)}"#
      try expect(kind.manifest(#"{\#(kind.head), "egress": [\#(rule)]}"#), ".spec.egress[0]", "no named ports")
    }
  }

  @Test(arguments: ["a", "a..b", ".a.b", "*.a", "**.a.b", "a.*.b", "-a.b", "a-.b", "a b.c", "", "é.de", "a.b..", "*"])
  func `a name that is no domain's is refused`(name: String) throws {
    let kind = PolicyKind.admin
    let rule = #"{"action": "Allow", "to": [{"domainNames": ["a.b", "\#(name)"]}]}"#
    try expect(
      kind.manifest(#"{\#(kind.head), "egress": [\#(rule)]}"#), ".spec.egress[0].to[0].domainNames[1]",
      "not a domain name")
  }

  @Test(arguments: ["a.b", "*.a.b", "a.b.", "A1.b-c.d_e", "_.b", "[.x", "1.2"])
  func `a name that the pattern takes is accepted`(name: String) throws {
    let kind = PolicyKind.cluster
    _ = try clusterPolicySpec(
      kind.manifest(#"{\#(kind.head), "egress": [{"action": "Pass", "to": [{"domainNames": ["\#(name)"]}]}]}"#))
  }

  @Test func `the baseline tier's policy knows no domain names and one name`() throws {
    let kind = PolicyKind.baseline
    try expect(
      kind.manifest(#"{\#(kind.head), "egress": [{"action": "Deny", "to": [{"domainNames": ["a.b"]}]}]}"#),
      ".spec.egress[0].to[0].domainNames", "unknown field")
    try expect(kind.manifest("{\(kind.head)}", metadata: #"{"name": "other"}"#), ".metadata.name", "\"default\"")
  }

  @Test func `a specification is needed`() throws {
    for kind in PolicyKind.allCases {
      try expect(
        #"{"apiVersion": "\#(kind.apiVersion)", "kind": "\#(kind.rawValue)", "metadata": {"name": "default"}}"#,
        ".spec",
        "is missing")
      let other = kind == .cluster ? "v1alpha1" : "v1alpha2"
      try expect(
        kind.manifest("{\(kind.head)}").replacing(kind.apiVersion, with: "policy.networking.k8s.io/\(other)"), ".kind",
        "is not known here")
    }
  }
}
