// SPDX-License-Identifier: Apache-2.0

internal import KubernetesModel
internal import NetworkTypes

/// The rules that speak of one peer of one pod in one direction, whatever the ports.
struct RulesOfPeer: Sendable {
  struct ClusterRule: Sendable {
    var reference: PolicyRuleReference
    var action: ClusterPolicy.Action
    /// nil: every protocol and port.
    var ports: [ClusterPolicy.Ports]?
  }

  struct NetworkRule: Sendable {
    var reference: PolicyRuleReference
    /// Empty: every protocol and port.
    var ports: [NetworkPolicy.Port]
  }

  /// In the order they are asked.
  var admin: [ClusterRule] = []
  /// Any of them is enough.
  var network: [NetworkRule] = []
  /// In the order they are asked.
  var baseline: [ClusterRule] = []
}

extension PolicyEvaluator {
  /// The policies that select a pod.
  func policies(selecting pod: PolicyPod, _ direction: PolicyDirection) -> PolicySelection {
    func positions(_ tier: ClusterPolicy.Tier) -> [Int] {
      let policies = cluster.clusterPolicies(of: tier)
      return policies.indices.filter { fits(policies[$0].spec.subject, pod) }
    }
    let policies = cluster.networkPolicies(in: pod.key.namespace, direction)
    return PolicySelection(
      namespace: pod.key.namespace,
      network: policies.indices.filter { policies[$0].spec.podSelector.matches(pod.labels) },
      admin: positions(.admin), baseline: positions(.baseline))
  }

  /// The NetworkPolicies of a selection by name: those that isolate its pods.
  func isolating(_ selection: PolicySelection, _ direction: PolicyDirection) -> [PolicyReference] {
    let policies = cluster.networkPolicies(in: selection.namespace, direction)
    return selection.network.map { PolicyReference(.networkPolicy, policies[$0].key) }
  }

  func rulesOfPeer(_ selection: PolicySelection, _ direction: PolicyDirection, _ peer: Party) -> RulesOfPeer {
    var rules = RulesOfPeer()
    rules.admin = clusterRules(.admin, selection.admin, direction, peer)
    let policies = cluster.networkPolicies(in: selection.namespace, direction)
    for policy in selection.network.lazy.map({ policies[$0] }) {
      let reference = PolicyReference(.networkPolicy, policy.key)
      switch direction {
      case .ingress:
        for (index, rule) in policy.spec.ingress.enumerated() where fits(rule.from, peer, policy) {
          let place = PolicyRuleReference(policy: reference, direction: .ingress, index: index)
          rules.network.append(.init(reference: place, ports: rule.ports))
        }
      case .egress:
        for (index, rule) in policy.spec.egress.enumerated() where fits(rule.to, peer, policy) {
          let place = PolicyRuleReference(policy: reference, direction: .egress, index: index)
          rules.network.append(.init(reference: place, ports: rule.ports))
        }
      }
    }
    // The baseline tier is not asked where a NetworkPolicy isolates the pod.
    if selection.network.isEmpty { rules.baseline = clusterRules(.baseline, selection.baseline, direction, peer) }
    return rules
  }

  private func clusterRules(
    _ tier: ClusterPolicy.Tier, _ selection: [Int], _ direction: PolicyDirection, _ peer: Party
  ) -> [RulesOfPeer.ClusterRule] {
    var rules: [RulesOfPeer.ClusterRule] = []
    let policies = cluster.clusterPolicies(of: tier)
    for policy in selection.lazy.map({ policies[$0] }) {
      let list = direction == .ingress ? policy.spec.ingress : policy.spec.egress
      for (index, rule) in list.enumerated() {
        let place = PolicyRuleReference(policy: policy.reference, direction: direction, index: index)
        if rule.action != .accept, rule.peers.contains(where: \.isUnknown) {
          // Nobody knows whom the rule means: it may be everyone.
          rules.append(.init(reference: place, action: .deny, ports: nil))
        } else if rule.peers.contains(where: { fits($0, peer) }) {
          rules.append(.init(reference: place, action: rule.action, ports: rule.ports))
        }
      }
    }
    return rules
  }
}

extension ClusterPolicy.Peer {
  fileprivate var isUnknown: Bool {
    if case .unknown = self { return true }
    return false
  }
}
