// SPDX-License-Identifier: Apache-2.0

internal import KubernetesModel
internal import NetworkTypes

/// The input by name and address, so that the evaluator finds what it asks for.
struct ReferenceCluster: Sendable {
  /// A pod, and the number of the group of pods that have its namespace and its labels.
  struct Member: Sendable {
    var pod: PolicyPod
    var group: Int
  }

  private struct Group: Hashable {
    var namespace: String
    var labels: [String: String]
  }

  private struct Scope: Hashable {
    var namespace: String
    var direction: PolicyDirection
  }

  private var byName: [NamespacedName: Member] = [:]
  private var byAddress: [IPAddress: NamespacedName] = [:]
  private let namespaces: [String: [String: String]]
  private var nodesByName: [String: PolicyNode] = [:]
  private var nodesByAddress: [IPAddress: [PolicyNode]] = [:]
  private var networkPolicies: [Scope: [NetworkPolicy]] = [:]
  private var clusterPolicies: [ClusterPolicy.Tier: [ClusterPolicyObject]] = [:]

  init(_ input: PolicyInput) {
    namespaces = input.namespaces
    var groups: [Group: Int] = [:]
    for pod in input.pods {
      let group = Group(namespace: pod.key.namespace, labels: pod.labels)
      let number = groups[group] ?? groups.count
      groups[group] = number
      byName[pod.key] = Member(pod: pod, group: number)
      if pod.isHostNetwork { continue }
      for address in pod.addresses { byAddress[address] = pod.key }
    }
    for node in input.nodes {
      nodesByName[node.name] = node
      for address in node.addresses { nodesByAddress[address, default: []].append(node) }
    }
    // Of two with one name the later counts.
    let network = Dictionary(input.networkPolicies.map { ($0.key, $0) }, uniquingKeysWith: { $1 })
    for policy in network.values.sorted(by: { $0.key < $1.key }) {
      for type in policy.spec.effectivePolicyTypes {
        let scope = Scope(namespace: policy.metadata.namespace, direction: type == .ingress ? .ingress : .egress)
        networkPolicies[scope, default: []].append(policy)
      }
    }
    let cluster = Dictionary(input.clusterPolicies.map { ($0.reference, $0) }, uniquingKeysWith: { $1 })
    clusterPolicies = Dictionary(
      grouping: cluster.values.sorted { ($0.spec.priority, $0.reference) < ($1.spec.priority, $1.reference) },
      by: \.spec.tier)
  }

  func member(named key: NamespacedName) -> Member? { byName[key] }

  /// The pod with a network of its own that has the address.
  func member(at address: IPAddress) -> Member? { byAddress[address].flatMap { byName[$0] } }

  func labels(ofNamespace name: String) -> [String: String] { namespaces[name] ?? [:] }

  func node(named name: String) -> PolicyNode? { nodesByName[name] }

  func nodes(at address: IPAddress) -> [PolicyNode] { nodesByAddress[address] ?? [] }

  /// Those that have the direction among their policy types, in the order of their names.
  func networkPolicies(in namespace: String, _ direction: PolicyDirection) -> [NetworkPolicy] {
    networkPolicies[Scope(namespace: namespace, direction: direction)] ?? []
  }

  /// In the order they are asked: by priority; where that is equal, by kind and name.
  func clusterPolicies(of tier: ClusterPolicy.Tier) -> [ClusterPolicyObject] { clusterPolicies[tier] ?? [] }
}
