// SPDX-License-Identifier: Apache-2.0

import ClusterState
import KubernetesModel
import Testing

@Suite("Malformed policy manifests")
struct MalformedManifestTests {
  /// A manifest that must be refused.
  struct Malformed: Sendable, CustomTestStringConvertible {
    var text: String
    var path: String
    var words: String

    init(_ text: String, _ path: String, _ words: String) {
      self.text = text
      self.path = path
      self.words = words
    }

    /// A NetworkPolicy with this `spec`; the path is below it.
    static func spec(_ spec: String, _ path: String, _ words: String) -> Malformed {
      Malformed(
        "{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: p}, spec: \(spec)}", ".spec" + path,
        words)
    }

    /// A NetworkPolicy with one ingress rule; the path is below it.
    static func rule(_ rule: String, _ path: String, _ words: String) -> Malformed {
      spec("{ingress: [\(rule)]}", ".ingress[0]" + path, words)
    }

    /// A NetworkPolicy with this `metadata`; the path is below it.
    static func metadata(_ metadata: String, _ path: String, _ words: String) -> Malformed {
      Malformed(
        "{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: \(metadata)}", ".metadata" + path, words)
    }

    var testDescription: String { String(text.prefix(160)) }
  }

  private func check(_ malformed: Malformed) throws {
    let manifests = PolicyManifests(bytes: Array(malformed.text.utf8))
    #expect(manifests.policies.isEmpty)
    let error = try #require(manifests.errors.first, "accepted")
    #expect(error.document == 0)
    #expect(error.path == malformed.path)
    #expect(error.message.contains(malformed.words), "\(error.message)")
  }

  @Test(arguments: [
    Malformed("{kind: NetworkPolicy}", ".apiVersion", "is missing"),
    Malformed("{apiVersion: networking.k8s.io/v1}", ".kind", "is missing"),
    Malformed("{}", ".apiVersion", "is missing"),
    Malformed("[]", ".", "must be an object"),
    Malformed("text", ".", "must be an object"),
    Malformed("5", ".", "must be an object"),
    Malformed("{apiVersion: 1, kind: NetworkPolicy}", ".apiVersion", "must be a string"),
    Malformed("{apiVersion: null, kind: NetworkPolicy}", ".apiVersion", "is missing"),
    Malformed("{apiVersion: networking.k8s.io/v2, kind: NetworkPolicy}", ".apiVersion", "is not known"),
    Malformed("{apiVersion: extensions/v1beta1, kind: NetworkPolicy}", ".apiVersion", "is not known"),
    Malformed("{apiVersion: networking.k8s.io/v1, kind: networkpolicy}", ".kind", "is not known"),
    Malformed("{apiVersion: networking.k8s.io/v1, kind: Ingress}", ".kind", "is not known"),
    Malformed("{apiVersion: v1, kind: Pod, metadata: {name: a}}", ".kind", "v1 Pod is not known here; policies are"),
    Malformed("{apiVersion: v1, kind: PodList, items: []}", ".kind", "is not known"),
    Malformed("{apiVersion: v2, kind: List}", ".apiVersion", "version v1"),
    Malformed("{apiVersion: v1, kind: List, items: {}}", ".items", "must be a list"),
    Malformed("{apiVersion: v1, kind: List, itmes: []}", ".itmes", "unknown field"),
    Malformed("{apiVersion: v1, kind: List, metadata: {name: a}}", ".metadata.name", "unknown field"),
    Malformed("{apiVersion: v1, kind: List, items: [{apiVersion: v1, kind: List}]}", ".items[0].kind", "is not known"),
    Malformed(
      "{apiVersion: networking.k8s.io/v1, kind: NetworkPolicyList, items: [null]}", ".items[0].metadata.name", "missing"
    ),
    Malformed(
      "{apiVersion: networking.k8s.io/v1, kind: NetworkPolicyList, items: [{apiVersion: v1, kind: Pod, metadata: {name: a}}]}",
      ".items[0].kind", "does not belong"),
    Malformed(
      "{apiVersion: v1, kind: List, items: [{apiVersion: networking.k8s.io/v1, kind: NetworkPolicyList, items: [5]}]}",
      ".items[0].items[0]", "must be an object"),
    Malformed(
      "{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: p}, status: {}}", ".status",
      "unknown field"),
    Malformed(
      "{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: p}, sepc: {}}", ".sepc", "unknown"),
  ])
  func `documents that are no policy`(malformed: Malformed) throws { try check(malformed) }

  @Test(arguments: [
    Malformed.metadata("null", ".name", "is missing"),
    .metadata("[]", "", "must be an object"),
    .metadata("{}", ".name", "is missing"),
    .metadata("{name: ''}", ".name", "is missing"),
    .metadata("{generateName: AB-}", ".generateName", "DNS subdomain"),
    .metadata("{name: 5}", ".name", "must be a string"),
    .metadata("{name: A}", ".name", "DNS subdomain"),
    .metadata("{name: a_b}", ".name", "DNS subdomain"),
    .metadata("{name: a..b}", ".name", "DNS subdomain"),
    .metadata("{name: -a}", ".name", "DNS subdomain"),
    .metadata("{name: \(String(repeating: "a", count: 254))}", ".name", "DNS subdomain"),
    .metadata("{generateName: A-}", ".name", "DNS subdomain"),
    .metadata("{generateName: '-'}", ".generateName", "DNS subdomain"),
    .metadata("{name: p, namespace: a.b}", ".namespace", "DNS label"),
    .metadata("{name: p, namespace: \(String(repeating: "a", count: 64))}", ".namespace", "DNS label"),
    .metadata("{name: p, labels: {a: 1}}", #".labels["a"]"#, "must be a string"),
    .metadata("{name: p, labels: {a: yes}}", #".labels["a"]"#, "is a boolean"),
    .metadata("{name: p, labels: {a: {}}}", #".labels["a"]"#, "is an object"),
    .metadata("{name: p, labels: {'': b}}", #".labels[""]"#, "label key"),
    .metadata("{name: p, labels: {a/b/c: d}}", #".labels["a/b/c"]"#, "label key"),
    .metadata("{name: p, labels: {/a: d}}", #".labels["/a"]"#, "label key"),
    .metadata("{name: p, labels: {A.b/c: d}}", #".labels["A.b/c"]"#, "label key"),
    .metadata("{name: p, labels: {a: -b}}", #".labels["a"]"#, "label value"),
    .metadata("{name: p, labels: {a: \(String(repeating: "b", count: 64))}}", #".labels["a"]"#, "label value"),
    .metadata("{name: p, annotations: {a b: c}}", #".annotations["a b"]"#, "label key"),
    .metadata("{name: p, annotations: {a: \(String(repeating: "b", count: 256 << 10))}}", ".annotations", "256 KiB"),
    .metadata("{name: p, finalizers: [a]}", ".finalizers[0]", "needs a domain"),
    .metadata("{name: p, finalizers: [null]}", ".finalizers[0]", "label key"),
    .metadata("{name: p, finalizers: [orphan, foregroundDeletion]}", ".finalizers", "exclude"),
    .metadata("{name: p, ownerReferences: [{kind: A, name: b, uid: c}]}", ".ownerReferences[0].apiVersion", "missing"),
    .metadata("{name: p, ownerReferences: [null]}", ".ownerReferences[0].apiVersion", "missing"),
    .metadata(
      "{name: p, ownerReferences: [{apiVersion: a/b/c, kind: A, name: b, uid: c}]}", ".ownerReferences[0].apiVersion",
      "group/version"),
    .metadata(
      "{name: p, ownerReferences: [{apiVersion: v1, kind: Event, name: b, uid: c}]}", ".ownerReferences[0]", "Event"),
    .metadata("{name: p, ownerReferences: [{owner: a}]}", ".ownerReferences[0].owner", "unknown field"),
    .metadata("{name: p, creationTimestamp: yesterday}", ".creationTimestamp", "is not a time"),
    .metadata("{name: p, creationTimestamp: 2024-02-30T00:00:00Z}", ".creationTimestamp", "is not a time"),
    .metadata("{name: p, generation: -1}", ".generation", "less than 0"),
    .metadata("{name: p, generation: '1'}", ".generation", "must be a whole number"),
    .metadata("{name: p, managedFields: [{manager: kubectl}]}", ".managedFields[0].operation", "is not one of"),
    .metadata("{name: p, clusterName: a}", ".clusterName", "unknown field"),
    .metadata("{name: p, Labels: {}}", ".Labels", "unknown field"),
  ])
  func `metadata that the server refuses`(malformed: Malformed) throws { try check(malformed) }

  @Test(arguments: [
    Malformed.spec("[]", "", "must be an object"),
    .spec("{podselector: {}}", ".podselector", "unknown field"),
    .spec("{podSelector: []}", ".podSelector", "must be an object"),
    .spec("{podSelector: {matchLabels: []}}", ".podSelector.matchLabels", "must be an object"),
    .spec("{podSelector: {matchLabels: {a: 5}}}", #".podSelector.matchLabels["a"]"#, "must be a string"),
    .spec("{podSelector: {matchExpressions: [null]}}", ".podSelector.matchExpressions[0].operator", "is missing"),
    .spec("{podSelector: {matchExpressions: [{key: a}]}}", ".podSelector.matchExpressions[0].operator", "is missing"),
    .spec(
      "{podSelector: {matchExpressions: [{key: a, operator: in, values: [b]}]}}",
      ".podSelector.matchExpressions[0].operator", "is not one of"),
    .spec(
      "{podSelector: {matchExpressions: [{key: a, operator: Gt, values: ['5']}]}}",
      ".podSelector.matchExpressions[0].operator", "is not one of"),
    .spec(
      "{podSelector: {matchExpressions: [{key: a, operator: NotIn, values: []}]}}",
      ".podSelector.matchExpressions[0].values", "at least one"),
    .spec(
      "{podSelector: {matchExpressions: [{key: a, operator: DoesNotExist, values: ['']}]}}",
      ".podSelector.matchExpressions[0].values", "must be empty"),
    .spec(
      "{podSelector: {matchExpressions: [{key: a, operator: In, values: [b, 5]}]}}",
      ".podSelector.matchExpressions[0].values[1]", "must be a string"),
    .spec(
      "{podSelector: {matchExpressions: [{key: a, operator: In, values: [b c]}]}}",
      ".podSelector.matchExpressions[0].values[0]", "label value"),
    .spec(
      "{podSelector: {matchExpressions: [{operator: Exists}]}}", ".podSelector.matchExpressions[0].key", "label key"),
    .spec("{policyTypes: Ingress}", ".policyTypes", "must be a list"),
    .spec("{policyTypes: [ingress]}", ".policyTypes[0]", "is not one of"),
    .spec("{policyTypes: [null]}", ".policyTypes[0]", "is not one of"),
    .spec("{policyTypes: [Ingress, Egress, Egress]}", ".policyTypes", "more than two"),
    .spec("{ingress: {}}", ".ingress", "must be a list"),
    .spec("{ingress: [[]]}", ".ingress[0]", "must be an object"),
    .spec("{ingress: [{to: []}]}", ".ingress[0].to", "unknown field"),
    .spec("{egress: [{from: []}]}", ".egress[0].from", "unknown field"),
    .spec("{egress: [{to: [null]}]}", ".egress[0].to[0]", "is empty"),
    .spec("{egress: [{to: [{}]}]}", ".egress[0].to[0]", "is empty"),
    .spec("{egress: [{to: [{podSelector: null}]}]}", ".egress[0].to[0]", "is empty"),
    .spec("{egress: [{to: [{ipblock: {cidr: 10.0.0.0/8}}]}]}", ".egress[0].to[0].ipblock", "unknown field"),
  ])
  func `specifications that the server refuses`(malformed: Malformed) throws { try check(malformed) }

  @Test(arguments: [
    Malformed.rule("{from: [{ipBlock: {}}]}", ".from[0].ipBlock.cidr", "is missing"),
    .rule("{from: [{ipBlock: {cidr: ''}}]}", ".from[0].ipBlock.cidr", "is missing"),
    .rule("{from: [{ipBlock: {cidr: 10.0.0.0}}]}", ".from[0].ipBlock.cidr", "is not a block"),
    .rule("{from: [{ipBlock: {cidr: 10.0.0.0/33}}]}", ".from[0].ipBlock.cidr", "is not a block"),
    .rule("{from: [{ipBlock: {cidr: 10.0.0/8}}]}", ".from[0].ipBlock.cidr", "is not a block"),
    .rule("{from: [{ipBlock: {cidr: 256.0.0.0/8}}]}", ".from[0].ipBlock.cidr", "is not a block"),
    .rule("{from: [{ipBlock: {cidr: '10.0.0.0/-1'}}]}", ".from[0].ipBlock.cidr", "is not a block"),
    .rule("{from: [{ipBlock: {cidr: ' 10.0.0.0/8'}}]}", ".from[0].ipBlock.cidr", "is not a block"),
    .rule("{from: [{ipBlock: {cidr: 'fd00::/129'}}]}", ".from[0].ipBlock.cidr", "is not a block"),
    .rule("{from: [{ipBlock: {cidr: 'fd00:::/64'}}]}", ".from[0].ipBlock.cidr", "is not a block"),
    .rule("{from: [{ipBlock: {cidr: 'fe80::1%eth0/64'}}]}", ".from[0].ipBlock.cidr", "is not a block"),
    .rule("{from: [{ipBlock: {cidr: 5}}]}", ".from[0].ipBlock.cidr", "must be a string"),
    .rule("{from: [{ipBlock: {cidr: 10.0.0.0/8, except: [null]}}]}", ".from[0].ipBlock.except[0]", "is not a block"),
    .rule(
      "{from: [{ipBlock: {cidr: 10.0.0.0/8, except: [10.0.0.0/8]}}]}", ".from[0].ipBlock.except[0]", "smaller block"),
    .rule(
      "{from: [{ipBlock: {cidr: 10.0.0.0/8, except: [0.0.0.0/0]}}]}", ".from[0].ipBlock.except[0]", "smaller block"),
    .rule(
      "{from: [{ipBlock: {cidr: 10.0.0.0/8, except: [11.0.0.0/16]}}]}", ".from[0].ipBlock.except[0]", "smaller block"),
    .rule(
      "{from: [{ipBlock: {cidr: 10.0.0.0/8, except: ['fd00::/64']}}]}", ".from[0].ipBlock.except[0]", "smaller block"),
    .rule("{from: [{ipBlock: {cidr: 10.0.0.0/8, excepts: []}}]}", ".from[0].ipBlock.excepts", "unknown field"),
    .rule("{from: [{ipBlock: {cidr: 10.0.0.0/8}, podSelector: {}}]}", ".from[0]", "ipBlock and a selector"),
    .rule("{from: [{ipBlock: {cidr: 10.0.0.0/8}, namespaceSelector: {}}]}", ".from[0]", "ipBlock and a selector"),
    .rule("{ports: [80]}", ".ports[0]", "must be an object"),
    .rule("{ports: [{port: 0}]}", ".ports[0].port", "0 is not a port"),
    .rule("{ports: [{port: -1}]}", ".ports[0].port", "-1 is not a port"),
    .rule("{ports: [{port: 65536}]}", ".ports[0].port", "65536 is not a port"),
    .rule("{ports: [{port: 4294967376}]}", ".ports[0].port", "32 bits"),
    .rule("{ports: [{port: 99999999999999999999}]}", ".ports[0].port", "must be"),
    .rule("{ports: [{port: 80.5}]}", ".ports[0].port", "must be"),
    .rule("{ports: [{port: yes}]}", ".ports[0].port", "must be"),
    .rule("{ports: [{port: '80'}]}", ".ports[0].port", "not a port name"),
    .rule("{ports: [{port: ''}]}", ".ports[0].port", "not a port name"),
    .rule("{ports: [{port: HTTP}]}", ".ports[0].port", "not a port name"),
    .rule("{ports: [{port: a--b}]}", ".ports[0].port", "not a port name"),
    .rule("{ports: [{port: abcdefghijklmnop}]}", ".ports[0].port", "not a port name"),
    .rule("{ports: [{protocol: tcp}]}", ".ports[0].protocol", "is not one of"),
    .rule("{ports: [{protocol: ''}]}", ".ports[0].protocol", "is not one of"),
    .rule("{ports: [{protocol: ICMP}]}", ".ports[0].protocol", "is not one of"),
    .rule("{ports: [{endPort: 90}]}", ".ports[0].endPort", "needs port"),
    .rule("{ports: [{port: http, endPort: 90}]}", ".ports[0].endPort", "needs port as a number"),
    .rule("{ports: [{port: 90, endPort: 80}]}", ".ports[0].endPort", "less than port"),
    .rule("{ports: [{port: 90, endPort: 65536}]}", ".ports[0].endPort", "65536 is not a port"),
    .rule("{ports: [{port: 90, endPort: '95'}]}", ".ports[0].endPort", "must be a whole number"),
    .rule("{ports: [{port: 90, endport: 95}]}", ".ports[0].endport", "unknown field"),
    .rule("{ports: {}}", ".ports", "must be a list"),
    .rule("{prots: []}", ".prots", "unknown field"),
  ])
  func `rules that the server refuses`(malformed: Malformed) throws { try check(malformed) }

  @Test func `each kind of cluster-scoped policy is refused by its own definition`() throws {
    let head = "metadata: {name: default}, spec: {subject: {namespaces: {}}"
    let group = "policy.networking.k8s.io"
    try check(
      Malformed(
        "{apiVersion: \(group)/v1alpha1, kind: AdminNetworkPolicy, \(head), priority: 1001}}", ".spec.priority",
        "1001 is not a priority"))
    try check(
      Malformed(
        "{apiVersion: \(group)/v1alpha1, kind: BaselineAdminNetworkPolicy, \(head), ingress: null}}", ".spec.ingress",
        "is null"))
    try check(
      Malformed(
        "{apiVersion: \(group)/v1alpha2, kind: ClusterNetworkPolicyList, items: [{\(head), priority: 1}}]}",
        ".items[0].spec.tier", "is missing"))
  }
}
