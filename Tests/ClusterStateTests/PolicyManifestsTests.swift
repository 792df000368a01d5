// SPDX-License-Identifier: Apache-2.0

import ClusterState
import KubernetesModel
import Testing

@Suite("Policy manifests")
struct PolicyManifestsTests {
  private func policy(_ name: String, _ rest: String = "") -> String {
    "{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: \(name)}\(rest)}\n"
  }

  private func read(_ text: String) -> PolicyManifests { PolicyManifests(bytes: Array(text.utf8)) }

  @Test func `every refused document has its errors`() {
    let manifests = read(
      """
      # nothing
      ---
      \(policy("a", ", spec: {ingress: [{ports: [{port: 0}, {port: 1, endPort: 70000}]}]}"))
      ---
      \(policy("b"))
      ---
      ---
      a: b
      a: c
      ---
      - *nowhere
      ---
      {apiVersion: v1, kind: Secret}
      """)
    #expect(manifests.policies.map(\.object.key.name) == ["b"])
    #expect(manifests.policies.map(\.document) == [1])
    #expect(manifests.errors.map(\.document) == [0, 0, 3, 4, 5])
    #expect(
      manifests.errors.map(\.path) == [
        ".spec.ingress[0].ports[0].port", ".spec.ingress[0].ports[1].endPort", ".a", "[0]", ".kind",
      ])
    #expect(manifests.errors[2].message == #"key "a" is there twice; remove one"#)
    #expect(manifests.errors[3].message.contains("alias *nowhere"))
    #expect(manifests.errors.map(\.line) == [nil, nil, 11, 13, nil])
  }

  @Test func `a policy that a later one replaces is told, with the places of both`() {
    let manifests = read(
      """
      \(policy("a"))
      ---
      \(policy("b"))
      ---
      {apiVersion: v1, kind: List, items: [\(policy("a")), \(policy("a"))]}
      """)
    #expect(manifests.errors.isEmpty)
    #expect(manifests.policies.map(\.document) == [1, 2])
    #expect(manifests.replacements.map(\.document) == [0, 2])
    #expect(manifests.replacements.map(\.path.description) == [".", ".items[0]"])
    // Both by the one that counts in the end.
    #expect(manifests.replacements.map(\.laterDocument) == [2, 2])
    #expect(manifests.replacements.map(\.laterPath.description) == [".items[1]", ".items[1]"])
    #expect(manifests.replacements.allSatisfy { $0.kind == "NetworkPolicy" && $0.name.name == "a" })
  }

  @Test func `of many replaced policies a thousand are told`() {
    let one = policy("a") + "\n---\n"
    let manifests = read(String(repeating: one, count: 1500))
    #expect(manifests.replacements.count == PolicyManifests.errorLimit)
    #expect(manifests.omittedReplacementCount == 1499 - PolicyManifests.errorLimit)
    #expect(manifests.policies.map(\.document) == [1499])
  }

  @Test func `a stream that ends in no YAML has an error without a document`() {
    let manifests = read(policy("a") + "---\n" + policy("b") + "---\n{apiVersion: [")
    #expect(manifests.policies.count == 2)
    #expect(manifests.errors.map(\.document) == [nil])
    #expect(manifests.errors.first?.message.hasPrefix("is not YAML: ") == true)
    #expect(manifests.errors.first?.line == 6)
  }

  @Test(arguments: [
    [0x61, 0x3A, 0x20, 0xFF], [0xFF, 0xFE, 0x61, 0x00], [0xFE, 0xFF, 0x00, 0x61], [0x61, 0x3A, 0x20, 0x00],
    [0xC0, 0x80], [0xED, 0xA0, 0x80], [0x61, 0x3A, 0x09, 0x09, 0x07],
  ])
  func `bytes that are no text are an error without a document`(bytes: [UInt8]) {
    let manifests = PolicyManifests(bytes: bytes)
    #expect(manifests.errors.map(\.document) == [nil])
    #expect(manifests.errors.allSatisfy { !$0.message.isEmpty })
  }

  @Test(arguments: ["", "\n", "---\n", "---\n---\n", "# a\n", "null", "~", "\u{FEFF}", "--- # a\n...\n"])
  func `a stream without policies is no error`(text: String) {
    let manifests = read(text)
    #expect(manifests.policies.isEmpty && manifests.errors.isEmpty)
  }

  @Test func `the later of two with one name replaces the earlier`() {
    let manifests = read(
      [
        policy("a"), policy("b"), policy("a", ", spec: {egress: [{}]}"),
        policy("'a'").replacing("name:", with: "namespace: x, name:"),
      ]
      .joined(separator: "---\n"))
    #expect(manifests.policies.map(\.object.key.description) == ["default/b", "default/a", "x/a"])
    #expect(manifests.policies.map(\.document) == [1, 2, 3])
  }

  @Test func `a refused policy replaces nothing`() {
    let manifests = read(policy("a") + "---\n" + policy("a", ", spec: {ingress: 5}"))
    #expect(manifests.policies.map(\.document) == [0])
    #expect(manifests.errors.map(\.document) == [1])
  }

  @Test func `kinds with one name stay apart and lists keep their order`() {
    let group = "policy.networking.k8s.io"
    let manifests = read(
      """
      apiVersion: v1
      kind: List
      metadata: {resourceVersion: ""}
      items:
      - \(policy("default"))
      - {apiVersion: \(group)/v1alpha1, kind: BaselineAdminNetworkPolicy, metadata: {name: default}, spec: {subject: {namespaces: {}}}}
      - apiVersion: \(group)/v1alpha2
        kind: ClusterNetworkPolicyList
        items:
        - {metadata: {name: default}, spec: {tier: Admin, priority: 1, subject: {namespaces: {}}}}
      - {apiVersion: \(group)/v1alpha1, kind: AdminNetworkPolicyList, items: [{metadata: {name: default}, spec: {priority: 1, subject: {namespaces: {}}}}]}
      """)
    #expect(manifests.errors.isEmpty, "\(manifests.errors)")
    #expect(
      manifests.policies.map(\.object.kind) == [
        "NetworkPolicy", "BaselineAdminNetworkPolicy", "ClusterNetworkPolicy", "AdminNetworkPolicy",
      ])
    #expect(
      manifests.policies.map(\.path.description) == [
        ".items[0]", ".items[1]", ".items[2].items[0]", ".items[3].items[0]",
      ])
  }

  @Test func `names that the server would make are made`() {
    let text = "{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {generateName: web-}}\n"
    let manifests = read(text + "---\n" + text)
    #expect(manifests.errors.isEmpty)
    #expect(Set(manifests.policies.map(\.object.key.name)).count == 2)
    #expect(
      manifests.policies.allSatisfy { $0.object.key.name.hasPrefix("web-") && $0.object.key.name.utf8.count == 9 })
    #expect(manifests.policies == read(text + "---\n" + text).policies)
  }

  @Test func `the errors of a stream are bounded`() {
    let manifests = read(String(repeating: "a\n---\n", count: 1500))
    #expect(manifests.errors.count == PolicyManifests.errorLimit)
    #expect(manifests.omittedErrorCount == 500)
    let values = Array(repeating: "'-'", count: 5000).joined(separator: ", ")
    let one = read(
      policy("a", ", spec: {podSelector: {matchExpressions: [{key: a, operator: In, values: [\(values)]}]}}"))
    #expect((1...100).contains(one.errors.count))
  }

  @Test func `what follows too many errors is not read`() {
    let text = String(repeating: "{}", count: PolicyManifests.omittedErrorLimit * 2)
    let manifests = PolicyManifests(bytes: Array(text.utf8))
    #expect(manifests.errors.count == PolicyManifests.errorLimit)
    #expect(manifests.omittedErrorCount == PolicyManifests.omittedErrorLimit)
  }

  @Test func `objects of a newer server are read where that is asked for`() {
    let text = """
      {apiVersion: policy.networking.k8s.io/v1alpha2, kind: ClusterNetworkPolicy, metadata: {name: a, later: b},
       spec: {tier: Admin, priority: 5000, subject: {namespaces: {}}, egress: [{action: Deny, to: [{services: {}}]}]}}
      """
    #expect(read(text).errors.map(\.path) == [".metadata.later"])
    let manifests = PolicyManifests(bytes: Array(text.utf8), options: .accepted)
    #expect(manifests.errors.isEmpty)
    guard case .clusterNetworkPolicy(let policy)? = manifests.policies.first?.object else {
      return #expect(Bool(false), "no policy")
    }
    #expect(policy.spec.egress.first?.peers == [.unknown("services")])
  }

  @Test func `a stream that is too large is refused unread`() {
    let manifests = PolicyManifests(bytes: Array(repeating: 0x20, count: ManifestStream.sizeLimit + 1))
    #expect(manifests.errors.map(\.document) == [nil])
  }
}

@Suite("Accepted oddities of policy manifests")
struct AcceptedManifestTests {
  private func spec(_ spec: String, _ rest: String = "") throws -> NetworkPolicy.Spec {
    let text = "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: p\(rest)}\n\(spec)\n"
    let manifests = PolicyManifests(bytes: Array(text.utf8))
    guard case .networkPolicy(let policy)? = manifests.policies.first?.object, manifests.errors.isEmpty else {
      throw ValidationError(path: "", message: "\(manifests.errors)")
    }
    return policy.spec
  }

  @Test(arguments: [
    "", "spec:", "spec: {}", "spec: null", "spec: {podSelector: null, ingress: null, egress: [], policyTypes: []}",
  ])
  func `what is missing has the server's default`(text: String) throws {
    let spec = try spec(text)
    #expect(spec == NetworkPolicy.Spec())
    #expect(spec.effectivePolicyTypes == [.ingress])
  }

  @Test func `a null item is an item without fields`() throws {
    #expect(try spec("spec: {ingress: [null]}").ingress == [NetworkPolicy.IngressRule()])
    #expect(try spec("spec: {egress: [~]}").effectivePolicyTypes == [.ingress, .egress])
    #expect(try spec("spec: {ingress: [{ports: [null]}]}").ingress == [.init(ports: [.init(protocol: .tcp)])])
    #expect(
      try spec("spec: {ingress: [{ports: [{port: ~, protocol: ~, endPort: ~}], from: ~}]}").ingress == [
        .init(ports: [.init(protocol: .tcp)])
      ])
    let values =
      "spec: {podSelector: {matchLabels: {a: null}, matchExpressions: [{key: a, operator: In, values: [~]}]}}"
    #expect(
      try spec(values).podSelector
        == LabelSelector(matchLabels: ["a": ""], matchExpressions: [.init(key: "a", operator: .isIn, values: [""])]))
  }

  @Test(arguments: [
    (", generateName: p-", ""), (", namespace: null", ""), (", namespace: ''", ""), (", labels: null", ""),
    (", creationTimestamp: null", ""), (", creationTimestamp: 2024-02-29T01:02:03Z", ""),
    (", creationTimestamp: '2024-02-29T01:02:03.5+02:00'", ""), (", uid: u, resourceVersion: '7', generation: 3", ""),
    (", selfLink: /a, deletionGracePeriodSeconds: 5", ""), (", finalizers: [kubernetes, example.com/a]", ""),
    (", annotations: {A.B/c: 'any text', k: ''}", ""), (", labels: {a: 'yes', example.com/b: ''}", ""),
    (", ownerReferences: [{apiVersion: apps/v1, kind: A, name: b, uid: c, controller: true}]", ""),
    (
      ", managedFields: [{manager: kubectl, operation: Update, apiVersion: v1, fieldsType: FieldsV1, fieldsV1: {'f:a': {}}}]",
      ""
    ),
    ("", "spec: {policyTypes: [Ingress, Ingress]}"), ("", "spec: {policyTypes: [Egress]}"),
    ("", "spec: {ingress: [{from: [{podSelector: {}, namespaceSelector: {}}]}]}"),
    ("", "spec: {ingress: [{from: [{ipBlock: {cidr: 10.0.0.0/8, except: []}}]}]}"),
    ("", "spec: {ingress: [{from: [{ipBlock: {cidr: 0.0.0.0/0, except: [10.0.0.0/8, 10.1.0.0/16, 10.0.0.0/8]}}]}]}"),
    ("", "spec: {ingress: [{from: [{ipBlock: {cidr: '::/0', except: ['fd00::/8', '::/1']}}]}]}"),
    ("", "spec: {ingress: [{from: [{ipBlock: {cidr: 'FD00:0:0::/48'}}]}]}"),
    ("", "spec: {ingress: [{ports: [{port: 1, endPort: 1}, {port: 65535}, {port: a}, {port: 8080-a}]}]}"),
    ("", "spec: {ingress: [{ports: [{protocol: SCTP}]}]}"),
    ("", "spec: {podSelector: {matchLabels: {app.kubernetes.io/name: a_b.C}}}"),
  ])
  func `what the server accepts is accepted`(metadata: String, text: String) throws {
    _ = try spec(text, metadata)
  }

  @Test(arguments: [
    "80", "0x50", "0120", "0o120", "0O120", "0X50", "8_0", "80.0", "8e1", "+80", "0b1010000", "&a 80", "!!int 80",
    "!!int '80'", "08_0.0",
  ])
  func `a number may be written in many ways`(text: String) throws {
    #expect(try spec("spec: {ingress: [{ports: [{port: \(text)}]}]}").ingress.first?.ports == [.init(port: 80)])
  }

  @Test(arguments: [
    "http", "!!str http", "!custom http", "'http'", #""ht\x74p""#, "!!binary aHR0cA==", "&b http", "!!foo http",
  ])
  func `a name may be written in many ways`(text: String) throws {
    #expect(try spec("spec: {ingress: [{ports: [{port: \(text)}]}]}").ingress.first?.ports == [.init(port: "http")])
  }

  @Test(arguments: ["2001-12-14", "1:30", "1e400", "0x", "0b2", "yEs", "tRUE", "nUll", "=", "123e", "_1", "0+7"])
  func `what looks like a number and is none is text`(text: String) throws {
    let text = "{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: p, annotations: {k: \(text)}}}"
    #expect(PolicyManifests(bytes: Array(text.utf8)).errors.isEmpty)
  }

  @Test(arguments: [
    "y", "N", "on", "OFF", "Yes", "1_000", "1.5", "0x1F", ".5", "5.", "1e3", "0o17", "-0", ".5_0",
    "18446744073709551615",
    "!!float 80", "!!bool yes",
  ])
  func `what is no text is refused where text is wanted`(text: String) {
    let text = "{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: p, annotations: {k: \(text)}}}"
    #expect(PolicyManifests(bytes: Array(text.utf8)).errors.map(\.path) == [#".metadata.annotations["k"]"#])
  }

  @Test(arguments: ["!!int x", "!!float x", "!!bool maybe", "!!null x", "!!timestamp x", "!!binary '*'"])
  func `a tag that its value does not have refuses the document`(text: String) {
    let manifests = PolicyManifests(bytes: Array("a: \(text)\n---\n".utf8))
    #expect(manifests.errors.map(\.document) == [0])
    #expect(manifests.errors.first?.line == 1)
  }

  @Test(arguments: [
    ("{<<: {a: '1'}, a: '2'}", "2"), ("{a: '2', <<: {a: '1'}}", "1"), ("{<<: [{a: '1'}, {a: '2'}]}", "1"),
    ("{<<: {a: '1'}, <<: {a: '2'}}", "2"), ("{!!merge <<: {a: '1'}}", "1"),
  ])
  func `merge keys win in their order`(labels: String, expected: String) throws {
    let text = "{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: p, labels: \(labels)}}"
    let manifests = PolicyManifests(bytes: Array(text.utf8))
    #expect(manifests.policies.first?.object.resource.metadata.labels == ["a": expected])
  }

  @Test(arguments: ["{a: '1', a: '2'}", "{<<: {a: '1'}, a: '2', a: '3'}", "{'a': b, a: b}", "{1: a, '1': a}"])
  func `a key that the mapping sets twice is refused`(labels: String) {
    let text = "{apiVersion: networking.k8s.io/v1,\nkind: NetworkPolicy, metadata: {name: p,\nlabels: \(labels)}}"
    let error = PolicyManifests(bytes: Array(text.utf8)).errors.first
    #expect(error?.line == 3)
    #expect(error?.path.hasPrefix(".metadata.labels.") == true)
    #expect(error?.message.hasSuffix("is there twice; remove one") == true)
  }

  @Test func `byte order marks and line ends are as kubectl takes them`() {
    let one = "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata:\n  name: "
    for text in [
      "\u{FEFF}\(one)a\n---\n\u{FEFF}\(one)b\n", "\(one)a\n---\n\(one)b\n".replacing("\n", with: "\r\n"),
      "%YAML 1.1\n---\n\(one)a\n...\n---\n\(one)b", "---\t# c\n\(one)a # c\n--- \n\(one)'b'\n...\n",
    ] {
      let manifests = PolicyManifests(bytes: Array(text.utf8))
      #expect(manifests.errors.isEmpty, "\(text): \(manifests.errors)")
      #expect(manifests.policies.map(\.object.key.name) == ["a", "b"])
    }
  }

  @Test func `JSON objects may follow each other`() {
    let one =
      #"{"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": "a", "annotations": {"k": "} { \" \\"}}}"#
    for separator in ["", " ", "\t", "\n", "\n\n  ", "\n\t ", "\n---\n"] {
      let spaces = separator.contains("\t") ? "\n\t" : "\n"
      let text = "\u{FEFF}" + spaces + one + separator + one.replacing(#""a""#, with: #""b""#) + spaces
      let manifests = PolicyManifests(bytes: Array(text.utf8))
      #expect(manifests.errors.isEmpty, "\(manifests.errors)")
      #expect(manifests.policies.map(\.document) == [0, 1])
    }
  }
}
