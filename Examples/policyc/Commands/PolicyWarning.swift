// SPDX-License-Identifier: Apache-2.0

import ClusterState
import KubernetesModel
import PolicyCompiler

/// Something that is accepted, but hardly meant.
struct PolicyWarning {
  var policy: PolicyReference
  var message: String
  /// Where, if not where the policy stands that counts.
  var place: (text: String, line: Int?)?

  static func all(_ file: PolicyFile, cluster: PolicyInput?) -> [PolicyWarning] {
    var warnings: [PolicyWarning] = []
    let network = file.networkPolicies.map { (PolicyReference(.networkPolicy, $0.key), $0) }
    for policy in file.clusterPolicies {
      for limit in policy.enforcementLimits {
        warnings.append(.init(policy: policy.reference, message: "\(limit.path) \(limit.message)"))
      }
    }
    warnings += replaced(file)
    warnings += ties(file.clusterPolicies)
    if let cluster { warnings += withoutPods(network, file.clusterPolicies, cluster) }
    return warnings
  }

  private static func replaced(_ file: PolicyFile) -> [PolicyWarning] {
    file.replacements.compactMap { replacement in
      guard let kind = PolicyReference.Kind(rawValue: replacement.kind) else { return nil }
      let later = file.place(document: replacement.laterDocument, path: replacement.laterPath)
      let lines = file.sourceMap?.lines(document: replacement.document, path: replacement.path)
      return PolicyWarning(
        policy: PolicyReference(kind, replacement.name),
        message: "has no effect: \(later) has the same name and replaces it",
        place: (file.place(document: replacement.document, path: replacement.path), lines?.lowerBound))
    }
  }

  private static func ties(_ policies: [ClusterPolicyObject]) -> [PolicyWarning] {
    struct Rank: Hashable {
      var tier: ClusterPolicy.Tier
      var priority: Int32
    }
    let ranks = Dictionary(grouping: policies) { Rank(tier: $0.spec.tier, priority: $0.spec.priority) }
    return ranks.values.filter { $0.count > 1 }.flatMap { group in
      let names = group.map(\.reference).sorted()
      return names.dropFirst().map { name in
        PolicyWarning(
          policy: name,
          message: "has the tier and the priority of \(names[0]); which is asked first is not defined by the API")
      }
    }.sorted { $0.policy < $1.policy }
  }

  private static func withoutPods(
    _ network: [(PolicyReference, NetworkPolicy)], _ policies: [ClusterPolicyObject], _ cluster: PolicyInput
  ) -> [PolicyWarning] {
    let pods = cluster.pods.filter { !$0.isHostNetwork }
    let byNamespace = Dictionary(grouping: pods, by: \.key.namespace)
    var warnings: [PolicyWarning] = []
    for (reference, policy) in network {
      guard cluster.namespaces[policy.metadata.namespace] != nil else {
        warnings.append(.init(policy: reference, message: "is in a namespace that the cluster does not have"))
        continue
      }
      let candidates = byNamespace[policy.metadata.namespace] ?? []
      if !candidates.contains(where: { policy.spec.podSelector.matches($0.labels) }) {
        warnings.append(.init(policy: reference, message: "selects no pod"))
      }
    }
    for policy in policies {
      let selects = pods.contains { pod in
        let labels = cluster.namespaces[pod.key.namespace] ?? [:]
        switch policy.spec.subject {
        case .namespaces(let selector): return selector.matches(labels)
        case .pods(let selector):
          return selector.namespaceSelector.matches(labels) && selector.podSelector.matches(pod.labels)
        }
      }
      if !selects { warnings.append(.init(policy: policy.reference, message: "selects no pod")) }
    }
    return warnings
  }
}
