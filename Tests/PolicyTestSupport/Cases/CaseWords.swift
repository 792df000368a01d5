// SPDX-License-Identifier: Apache-2.0

internal import KubernetesModel
internal import NetworkTypes
internal import PolicyCompiler

// Short words to write cases with.

let everything = LabelSelector()

func labels(_ labels: [String: String]) -> LabelSelector { LabelSelector(matchLabels: labels) }

func condition(_ key: String, _ relation: LabelSelector.Operator, _ values: String...) -> LabelSelector {
  LabelSelector(matchExpressions: [.init(key: key, operator: relation, values: values)])
}

/// A NetworkPolicy.
func policy(
  _ name: String = "shop/policy", for pods: LabelSelector = everything, ingress: [NetworkPolicy.IngressRule] = [],
  egress: [NetworkPolicy.EgressRule] = [], types: [NetworkPolicy.PolicyType] = []
) -> CasePolicy {
  let parts = name.split(separator: "/").map(String.init)
  return .network(
    NetworkPolicy(
      metadata: ObjectMeta(name: parts[1], namespace: parts[0]),
      spec: .init(podSelector: pods, ingress: ingress, egress: egress, policyTypes: types)))
}

extension NetworkPolicy.Peer {
  static func pods(_ selector: LabelSelector) -> Self { Self(podSelector: selector) }
  static func namespaces(_ selector: LabelSelector) -> Self { Self(namespaceSelector: selector) }
  static func pods(_ pods: LabelSelector, in namespaces: LabelSelector) -> Self {
    Self(podSelector: pods, namespaceSelector: namespaces)
  }
  static func block(_ text: String, except: String...) -> Self {
    Self(ipBlock: NetworkPolicy.IPBlock(cidr: cidr(text), except: except.map(cidr)))
  }
}

extension NetworkPolicy.Port {
  static func tcp(_ port: IntOrString? = nil, to last: Int32? = nil) -> Self { Self(port: port, endPort: last) }
  static func udp(_ port: IntOrString? = nil, to last: Int32? = nil) -> Self {
    Self(protocol: .udp, port: port, endPort: last)
  }
  static func sctp(_ port: IntOrString? = nil, to last: Int32? = nil) -> Self {
    Self(protocol: .sctp, port: port, endPort: last)
  }
}

func cidr(_ text: String) -> IPCIDR {
  guard let block = IPCIDR(text) else { preconditionFailure("\(text) is no block") }
  return block
}

/// Which kind spells a cluster-scoped policy.
enum CaseKind: String, CaseIterable {
  case admin = "AdminNetworkPolicy"
  case baseline = "BaselineAdminNetworkPolicy"
  case clusterAdmin = "ClusterNetworkPolicy, tier Admin"
  case clusterBaseline = "ClusterNetworkPolicy, tier Baseline"

  /// The kinds that are asked before any NetworkPolicy.
  static let admins: [CaseKind] = [.admin, .clusterAdmin]
  /// The kinds that are asked where no NetworkPolicy decides.
  static let baselines: [CaseKind] = [.baseline, .clusterBaseline]

  /// A policy of this kind.
  func policy(
    _ name: String = "policy", priority: Int32 = 10, for subject: ClusterPolicy.Subject = .namespaces(everything),
    ingress: [ClusterPolicy.Rule] = [], egress: [ClusterPolicy.Rule] = []
  ) -> CasePolicy {
    let metadata = ObjectMeta(name: self == .baseline ? "default" : name)
    let spec = ClusterPolicy.Spec(
      tier: Self.admins.contains(self) ? .admin : .baseline, priority: self == .baseline ? 0 : priority,
      subject: subject, ingress: ingress, egress: egress)
    switch self {
    case .admin: return .cluster(.admin(AdminNetworkPolicy(metadata: metadata, spec: spec)))
    case .baseline: return .cluster(.baseline(BaselineAdminNetworkPolicy(metadata: metadata, spec: spec)))
    case .clusterAdmin, .clusterBaseline:
      return .cluster(.cluster(ClusterNetworkPolicy(metadata: metadata, spec: spec)))
    }
  }
}

func accept(_ peers: ClusterPolicy.Peer..., ports: [ClusterPolicy.Ports]? = nil) -> ClusterPolicy.Rule {
  ClusterPolicy.Rule(action: .accept, peers: peers, ports: ports)
}
func deny(_ peers: ClusterPolicy.Peer..., ports: [ClusterPolicy.Ports]? = nil) -> ClusterPolicy.Rule {
  ClusterPolicy.Rule(action: .deny, peers: peers, ports: ports)
}
func pass(_ peers: ClusterPolicy.Peer..., ports: [ClusterPolicy.Ports]? = nil) -> ClusterPolicy.Rule {
  ClusterPolicy.Rule(action: .pass, peers: peers, ports: ports)
}

extension ClusterPolicy.Peer {
  static let anyPod = Self.namespaces(everything)
  static func pods(_ pods: LabelSelector, in namespaces: LabelSelector) -> Self {
    .pods(.init(namespaceSelector: namespaces, podSelector: pods))
  }
  static func networks(_ texts: String...) -> Self { .networks(texts.map(cidr)) }
}

extension ClusterPolicy.Subject {
  static func pods(_ pods: LabelSelector, in namespaces: LabelSelector) -> Self {
    .pods(.init(namespaceSelector: namespaces, podSelector: pods))
  }
}

extension ClusterPolicy.Ports {
  static func tcp(_ port: UInt16) -> Self { .range(.tcp, port...port) }
  static func tcp(_ ports: ClosedRange<UInt16>) -> Self { .range(.tcp, ports) }
  static func udp(_ port: UInt16) -> Self { .range(.udp, port...port) }
  static func sctp(_ port: UInt16) -> Self { .range(.sctp, port...port) }
}
