// SPDX-License-Identifier: Apache-2.0

internal import KubernetesModel
internal import NetworkTypes
internal import PolicyCompiler

/// One way to make an input smaller, at one of several positions.
struct Reduction {
  var count: (PolicyInput) -> Int
  var apply: (inout PolicyInput, Int) -> Void
}

extension PolicyInput {
  /// The large steps first.
  static var reductions: [Reduction] {
    [
      removal(\.clusterPolicies), removal(\.networkPolicies), removal(\.pods), removal(\.nodes),
      Reduction(count: \.namespaces.count) { $0.namespaces[$0.namespaces.keys.sorted()[$1]] = nil },
      inEach(\.networkPolicies, reduceNetworkPolicy), inEach(\.clusterPolicies, reduceClusterPolicy),
      inEach(\.pods, reducePod), inEach(\.nodes, reduceNode),
      Reduction(count: { $0.namespaces.values.reduce(0) { $0 + $1.count } }, apply: removeNamespaceLabel),
    ]
  }

  private static func removal<Item>(_ list: WritableKeyPath<PolicyInput, [Item]>) -> Reduction {
    Reduction(count: { $0[keyPath: list].count }, apply: { $0[keyPath: list].remove(at: $1) })
  }

  private static func removeNamespaceLabel(_ input: inout PolicyInput, _ position: Int) {
    let labels = input.namespaces.keys.sorted().flatMap { name in
      (input.namespaces[name] ?? [:]).keys.sorted().map { (name, $0) }
    }
    input.namespaces[labels[position].0]?[labels[position].1] = nil
  }

  /// Tries every smaller form of each item of a list.
  private static func inEach<Item>(
    _ list: WritableKeyPath<PolicyInput, [Item]>, _ smaller: @escaping (Item) -> [Item]
  ) -> Reduction {
    Reduction(
      count: { $0[keyPath: list].reduce(0) { $0 + smaller($1).count } },
      apply: { input, position in
        var position = position
        for index in input[keyPath: list].indices {
          let forms = smaller(input[keyPath: list][index])
          if position < forms.count {
            input[keyPath: list][index] = forms[position]
            return
          }
          position -= forms.count
        }
      })
  }
}

/// Copies of a value with one item of a list missing.
private func without<Value, Item>(_ value: Value, _ list: WritableKeyPath<Value, [Item]>) -> [Value] {
  value[keyPath: list].indices.map { index in
    var copy = value
    copy[keyPath: list].remove(at: index)
    return copy
  }
}

/// Copies of a value with one item of a list in a smaller form.
private func smaller<Value, Item>(
  _ value: Value, _ list: WritableKeyPath<Value, [Item]>, _ forms: (Item) -> [Item]
) -> [Value] {
  value[keyPath: list].indices.flatMap { index in
    forms(value[keyPath: list][index]).map { form in
      var copy = value
      copy[keyPath: list][index] = form
      return copy
    }
  }
}

private func withoutLabels<Value>(_ value: Value, _ labels: WritableKeyPath<Value, [String: String]>) -> [Value] {
  value[keyPath: labels].keys.sorted().map { key in
    var copy = value
    copy[keyPath: labels][key] = nil
    return copy
  }
}

private func reduceSelector(_ selector: LabelSelector) -> [LabelSelector] {
  withoutLabels(selector, \.matchLabels) + without(selector, \.matchExpressions)
}

private func reduce<Value>(_ value: Value, _ selector: WritableKeyPath<Value, LabelSelector>) -> [Value] {
  reduceSelector(value[keyPath: selector]).map { form in
    var copy = value
    copy[keyPath: selector] = form
    return copy
  }
}

private func reducePod(_ pod: PolicyPod) -> [PolicyPod] {
  var forms = withoutLabels(pod, \.labels) + without(pod, \.ports)
  if pod.addresses.count > 1 { forms += without(pod, \.addresses) }
  if pod.node != nil, !pod.isHostNetwork {
    var copy = pod
    copy.node = nil
    forms.append(copy)
  }
  return forms
}

private func reduceNode(_ node: PolicyNode) -> [PolicyNode] {
  withoutLabels(node, \.labels) + without(node, \.addresses)
}

private func reduceNetworkPolicy(_ policy: NetworkPolicy) -> [NetworkPolicy] {
  var forms = without(policy, \.spec.ingress) + without(policy, \.spec.egress)
  // Without the last rule of a direction the default of the policy types is another.
  for index in forms.indices where policy.spec.policyTypes.isEmpty {
    forms[index].spec.policyTypes = policy.spec.effectivePolicyTypes.sorted { $0.rawValue < $1.rawValue }
  }
  if policy.spec.effectivePolicyTypes.count == 2 {
    for type in NetworkPolicy.PolicyType.allCases {
      var copy = policy
      copy.spec.policyTypes = [type]
      forms.append(copy)
    }
  }
  forms += reduce(policy, \.spec.podSelector)
  forms += smaller(policy, \.spec.ingress) {
    without($0, \.from) + without($0, \.ports) + smaller($0, \.from, reducePeer)
  }
  forms += smaller(policy, \.spec.egress) { without($0, \.to) + without($0, \.ports) + smaller($0, \.to, reducePeer) }
  return forms
}

private func reducePeer(_ peer: NetworkPolicy.Peer) -> [NetworkPolicy.Peer] {
  if let block = peer.ipBlock { return without(block, \.except).map { NetworkPolicy.Peer(ipBlock: $0) } }
  var forms: [NetworkPolicy.Peer] = []
  if let pods = peer.podSelector, let namespaces = peer.namespaceSelector {
    forms.append(NetworkPolicy.Peer(podSelector: pods))
    forms.append(NetworkPolicy.Peer(namespaceSelector: namespaces))
  }
  forms += reduceSelector(peer.podSelector ?? LabelSelector()).map {
    NetworkPolicy.Peer(podSelector: $0, namespaceSelector: peer.namespaceSelector)
  }
  forms += reduceSelector(peer.namespaceSelector ?? LabelSelector()).map {
    NetworkPolicy.Peer(podSelector: peer.podSelector, namespaceSelector: $0)
  }
  return forms
}

private func reduceClusterPolicy(_ policy: ClusterPolicyObject) -> [ClusterPolicyObject] {
  let spec = policy.spec
  var forms = without(spec, \.ingress) + without(spec, \.egress)
  forms += smaller(spec, \.ingress, reduceRule) + smaller(spec, \.egress, reduceRule)
  switch spec.subject {
  case .namespaces(let selector):
    forms += reduceSelector(selector).map {
      ClusterPolicy.Spec(
        tier: spec.tier, priority: spec.priority, subject: .namespaces($0), ingress: spec.ingress, egress: spec.egress)
    }
  case .pods(let pods):
    forms += (reduce(pods, \.namespaceSelector) + reduce(pods, \.podSelector)).map {
      ClusterPolicy.Spec(
        tier: spec.tier, priority: spec.priority, subject: .pods($0), ingress: spec.ingress, egress: spec.egress)
    }
  }
  return forms.map { spec in
    switch policy {
    case .admin(var policy):
      policy.spec = spec
      return .admin(policy)
    case .baseline(var policy):
      policy.spec = spec
      return .baseline(policy)
    case .cluster(var policy):
      policy.spec = spec
      return .cluster(policy)
    }
  }
}

private func reduceRule(_ rule: ClusterPolicy.Rule) -> [ClusterPolicy.Rule] {
  var forms: [ClusterPolicy.Rule] = []
  if rule.peers.count > 1 { forms += without(rule, \.peers) }
  if let ports = rule.ports {
    forms += (ports.count > 1 ? ports.indices.map { Optional($0) } : [nil]).map { index in
      var copy = rule
      if let index { copy.ports?.remove(at: index) } else { copy.ports = nil }
      return copy
    }
  }
  forms += smaller(rule, \.peers) { peer in
    switch peer {
    case .namespaces(let selector): reduceSelector(selector).map { .namespaces($0) }
    case .pods(let pods): (reduce(pods, \.namespaceSelector) + reduce(pods, \.podSelector)).map { .pods($0) }
    case .nodes(let selector): reduceSelector(selector).map { .nodes($0) }
    case .networks(let blocks):
      blocks.count < 2
        ? []
        : blocks.indices.map { index in
          var blocks = blocks
          blocks.remove(at: index)
          return .networks(blocks)
        }
    case .domainNames, .unknown: []
    }
  }
  return forms
}
