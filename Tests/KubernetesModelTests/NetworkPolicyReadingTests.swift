// SPDX-License-Identifier: Apache-2.0

import Foundation
import KubernetesModel
import Testing

@Suite("Reading network policies")
struct NetworkPolicyReadingTests {
  private func policy(_ spec: String) throws -> NetworkPolicy {
    let text = """
      {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": "p"}, "spec": \(spec)}
      """
    let document = try JSONDecoder().decode(DocumentValue.self, from: Data(text.utf8))
    guard case .networkPolicy(let policy) = try KubernetesObject(document) else {
      throw ValidationError(path: ".kind", message: "not a policy")
    }
    return policy
  }

  private func refusal(_ spec: String) -> ValidationError? {
    do {
      _ = try policy(spec)
      return nil
    } catch {
      return error as? ValidationError
    }
  }

  @Test func `a policy without a namespace is in default`() throws {
    #expect(try policy("{}").key == NamespacedName(namespace: "default", name: "p"))
  }

  @Test func `missing and empty selectors of a peer stay apart`() throws {
    let spec = try policy(#"{"ingress": [{"from": [{"podSelector": {}}, {"namespaceSelector": {}}]}]}"#).spec
    let peers = try #require(spec.ingress.first?.from)
    #expect(peers == [.init(podSelector: LabelSelector()), .init(namespaceSelector: LabelSelector())])
  }

  @Test(arguments: [
    ("{}", ["Ingress"]), (#"{"egress": []}"#, ["Ingress"]), (#"{"egress": [{}]}"#, ["Egress", "Ingress"]),
    (#"{"policyTypes": ["Egress"]}"#, ["Egress"]),
    (#"{"policyTypes": null, "egress": [null]}"#, ["Egress", "Ingress"]),
    (#"{"policyTypes": ["Ingress"], "egress": [{}]}"#, ["Ingress"]),
  ])
  func `policy types have the API's default`(spec: String, expected: [String]) throws {
    #expect(try policy(spec).spec.effectivePolicyTypes.map(\.rawValue).sorted() == expected)
  }

  /// As the API server has it: the field is no pointer, so that leaving it out is the empty selector.
  @Test(arguments: ["{}", #"{"podSelector": null}"#, #"{"podSelector": {}}"#])
  func `a policy without a pod selector is for every pod of its namespace`(spec: String) throws {
    let selector = try policy(spec).spec.podSelector
    #expect(selector == LabelSelector())
    #expect(selector.matches([:]) && selector.matches(["app": "web"]))
  }

  @Test func `null means not set`() throws {
    let text = #"{"podSelector": null, "ingress": [{"ports": [{"port": null, "protocol": null}], "from": null}]}"#
    let rule = try #require(try policy(text).spec.ingress.first)
    #expect(rule == NetworkPolicy.IngressRule(ports: [.init(protocol: .tcp)]))
  }

  @Test(arguments: [
    (#"{"podselector": {}}"#, ".spec.podselector"),
    (#"{"ingress": [{"form": []}]}"#, ".spec.ingress[0].form"),
    (#"{"ingress": {}}"#, ".spec.ingress"),
    (#"{"ingress": [{"from": [{"ipBlock": {"cidr": "10.0.0.0/33"}}]}]}"#, ".spec.ingress[0].from[0].ipBlock.cidr"),
    (#"{"egress": [{"to": [{"ipBlock": {}}]}]}"#, ".spec.egress[0].to[0].ipBlock.cidr"),
    (
      #"{"egress": [{"to": [{"ipBlock": {"cidr": "10.0.0.0/8", "except": ["11.0.0.0/16"]}}]}]}"#,
      ".spec.egress[0].to[0].ipBlock.except[0]"
    ),
    (
      #"{"egress": [{"to": [{"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.0.0.0/8"]}}]}]}"#,
      ".spec.egress[0].to[0].ipBlock.except[0]"
    ),
    (
      #"{"egress": [{"to": [{"ipBlock": {"cidr": "10.0.0.0/8", "except": ["fd00::/16"]}}]}]}"#,
      ".spec.egress[0].to[0].ipBlock.except[0]"
    ),
    (#"{"ingress": [{"from": [{}]}]}"#, ".spec.ingress[0].from[0]"),
    (#"{"ingress": [{"from": [{"podSelector": {}, "ipBlock": {"cidr": "::/0"}}]}]}"#, ".spec.ingress[0].from[0]"),
    (#"{"ingress": [{"ports": [{"port": 0}]}]}"#, ".spec.ingress[0].ports[0].port"),
    (#"{"ingress": [{"ports": [{"port": 70000}]}]}"#, ".spec.ingress[0].ports[0].port"),
    (#"{"ingress": [{"ports": [{"port": "80"}]}]}"#, ".spec.ingress[0].ports[0].port"),
    (#"{"ingress": [{"ports": [{"port": 1.5}]}]}"#, ".spec.ingress[0].ports[0].port"),
    (#"{"ingress": [{"ports": [{"port": "a-long-port-name"}]}]}"#, ".spec.ingress[0].ports[0].port"),
    (#"{"ingress": [{"ports": [{"protocol": "ICMP"}]}]}"#, ".spec.ingress[0].ports[0].protocol"),
    (#"{"ingress": [{"ports": [{"endPort": 90}]}]}"#, ".spec.ingress[0].ports[0].endPort"),
    (#"{"ingress": [{"ports": [{"port": "http", "endPort": 90}]}]}"#, ".spec.ingress[0].ports[0].endPort"),
    (#"{"ingress": [{"ports": [{"port": 90, "endPort": 80}]}]}"#, ".spec.ingress[0].ports[0].endPort"),
    (#"{"policyTypes": ["ingress"]}"#, ".spec.policyTypes[0]"),
    (#"{"policyTypes": ["Ingress", "Egress", "Ingress"]}"#, ".spec.policyTypes"),
    (#"{"podSelector": {"matchLabels": {"-a": "b"}}}"#, #".spec.podSelector.matchLabels["-a"]"#),
    (#"{"podSelector": {"matchLabels": {"a": "b c"}}}"#, #".spec.podSelector.matchLabels["a"]"#),
    (#"{"podSelector": {"matchLabels": {"a": 1}}}"#, #".spec.podSelector.matchLabels["a"]"#),
    (
      #"{"podSelector": {"matchExpressions": [{"key": "a", "operator": "in"}]}}"#,
      ".spec.podSelector.matchExpressions[0].operator"
    ),
    (
      #"{"podSelector": {"matchExpressions": [{"key": "a", "operator": "In"}]}}"#,
      ".spec.podSelector.matchExpressions[0].values"
    ),
    (
      #"{"podSelector": {"matchExpressions": [{"key": "a", "operator": "Exists", "values": ["b"]}]}}"#,
      ".spec.podSelector.matchExpressions[0].values"
    ),
  ])
  func `what the API server refuses is refused with its path`(spec: String, path: String) throws {
    let error = try #require(refusal(spec), "accepted: \(spec)")
    #expect(error.path == path)
    #expect(!error.message.isEmpty)
  }

  @Test func `a hostile key does not flood the message`() throws {
    let error = try #require(refusal(#"{"\#(String(repeating: "x", count: 100_000))": 1}"#))
    #expect(error.description.utf8.count < 400)
  }

  @Test func `a policy is the same after writing and reading`() throws {
    let spec = """
      {"podSelector": {"matchLabels": {"app": "db"}}, "policyTypes": ["Ingress", "Egress"],
       "ingress": [{"ports": [{"port": "http"}, {"protocol": "UDP", "port": 5, "endPort": 9}],
                    "from": [{"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.1.0.0/16"]}}, {"podSelector": {}}]}]}
      """
    let policy = try policy(spec)
    #expect(try JSONDecoder().decode(NetworkPolicy.self, from: JSONEncoder().encode(policy)) == policy)
  }
}
