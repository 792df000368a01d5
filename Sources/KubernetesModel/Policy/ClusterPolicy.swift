// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes

/// What the cluster-scoped policies are made of, whichever of the three kinds spells it.
///
/// Kubernetes: `policy.networking.k8s.io`, of which ``AdminNetworkPolicy`` and ``BaselineAdminNetworkPolicy`` are the
/// version `v1alpha1` and ``ClusterNetworkPolicy`` the version `v1alpha2`.
public enum ClusterPolicy {
  /// When a policy is asked.
  public enum Tier: String, Hashable, Sendable, Codable, CaseIterable {
    /// Before any NetworkPolicy.
    case admin = "Admin"
    /// Where no NetworkPolicy selects the pod in this direction.
    case baseline = "Baseline"
  }

  /// What a rule does with the connections it matches.
  public enum Action: String, Hashable, Sendable, Codable, CaseIterable {
    /// They may be; no later rule is asked. `Allow` in `v1alpha1`.
    case accept = "Accept"
    /// They may not be; no later rule is asked.
    case deny = "Deny"
    /// The next tier is asked; no later rule of this tier is.
    case pass = "Pass"
  }

  /// Pods by the labels of their namespace and their own.
  public struct PodSelector: Hashable, Sendable {
    /// The namespaces; a selector without conditions selects every one.
    public var namespaceSelector: LabelSelector
    /// The pods in them; a selector without conditions selects every one.
    public var podSelector: LabelSelector

    /// Makes a selector.
    ///
    /// - Parameters:
    ///   - namespaceSelector: the namespaces.
    ///   - podSelector: the pods in them.
    public init(namespaceSelector: LabelSelector, podSelector: LabelSelector) {
      self.namespaceSelector = namespaceSelector
      self.podSelector = podSelector
    }
  }

  /// The pods a policy is for; never those on the host network.
  public enum Subject: Hashable, Sendable {
    /// All pods of the selected namespaces.
    case namespaces(LabelSelector)
    /// The selected pods.
    case pods(PodSelector)
  }

  /// The other side of a connection.
  public enum Peer: Hashable, Sendable {
    /// All pods of the selected namespaces.
    case namespaces(LabelSelector)
    /// The selected pods.
    case pods(PodSelector)
    /// The addresses of the selected nodes; in egress rules only.
    case nodes(LabelSelector)
    /// Addresses, whoever has them; in egress rules only.
    case networks([IPCIDR])
    /// Names of hosts outside of the cluster; in egress rules only.
    ///
    /// Nothing here resolves names: such a peer matches nothing.
    case domainNames([String])
    /// A field that this version does not know, by its name.
    ///
    /// Fails closed: in a rule that accepts it matches nothing, any other rule with it denies every connection.
    case unknown(String)
  }

  /// Destination ports of a rule.
  public enum Ports: Hashable, Sendable {
    /// A range of ports; one port is a range of one, all ports of a protocol are 1 to 65535.
    case range(TransportProtocol, ClosedRange<UInt16>)
    /// Ports by the name that the destination pod's containers give them, of any protocol.
    case named(String)
  }

  /// A rule: the first one that matches a connection decides.
  public struct Rule: Hashable, Sendable {
    /// A name for people; may be empty, and need not be unique.
    public var name: String
    /// What happens to a connection that the rule matches.
    public var action: Action
    /// The other side: any of them is enough; never empty in a valid policy.
    public var peers: [Peer]
    /// Destination ports: any of them is enough; nil for every protocol and port.
    public var ports: [Ports]?

    /// Makes a rule.
    ///
    /// - Parameters:
    ///   - name: a name for people.
    ///   - action: what happens to a connection that the rule matches.
    ///   - peers: the other side.
    ///   - ports: destination ports; nil for every protocol and port.
    public init(name: String = "", action: Action, peers: [Peer], ports: [Ports]? = nil) {
      self.name = name
      self.action = action
      self.peers = peers
      self.ports = ports
    }
  }

  /// A policy's rules, and when they are asked.
  public struct Spec: Hashable, Sendable {
    /// When the policy is asked.
    public var tier: Tier
    /// The order within the tier, 0 to 1000: the lowest number is asked first.
    ///
    /// Of policies with equal priority the API leaves the order open; here the name decides.
    public var priority: Int32
    /// The pods the policy is for.
    public var subject: Subject
    /// Connections to the pods, in order.
    public var ingress: [Rule]
    /// Connections from the pods, in order.
    public var egress: [Rule]

    /// Makes a specification.
    ///
    /// - Parameters:
    ///   - tier: when the policy is asked.
    ///   - priority: the order within the tier, 0 to 1000.
    ///   - subject: the pods the policy is for.
    ///   - ingress: connections to the pods.
    ///   - egress: connections from the pods.
    public init(tier: Tier, priority: Int32, subject: Subject, ingress: [Rule] = [], egress: [Rule] = []) {
      self.tier = tier
      self.priority = priority
      self.subject = subject
      self.ingress = ingress
      self.egress = egress
    }
  }
}

/// A policy of the cluster's administrators that is asked before any NetworkPolicy.
///
/// Kubernetes: `policy.networking.k8s.io/v1alpha1 AdminNetworkPolicy`.
public struct AdminNetworkPolicy: Hashable, Sendable {
  /// The name; the kind has no namespace.
  public var metadata: ObjectMeta
  /// The rules; the tier is ``ClusterPolicy/Tier/admin``.
  public var spec: ClusterPolicy.Spec

  /// Makes a policy.
  ///
  /// - Parameters:
  ///   - metadata: the name.
  ///   - spec: the rules, of the admin tier.
  public init(metadata: ObjectMeta, spec: ClusterPolicy.Spec) {
    self.metadata = metadata
    self.spec = spec
  }
}

/// The policy of the cluster's administrators that is asked where no NetworkPolicy selects a pod.
///
/// Kubernetes: `policy.networking.k8s.io/v1alpha1 BaselineAdminNetworkPolicy`; there is one, named `default`.
public struct BaselineAdminNetworkPolicy: Hashable, Sendable {
  /// The name; the kind has no namespace.
  public var metadata: ObjectMeta
  /// The rules; the tier is ``ClusterPolicy/Tier/baseline``, the priority 0.
  public var spec: ClusterPolicy.Spec

  /// Makes a policy.
  ///
  /// - Parameters:
  ///   - metadata: the name, `default`.
  ///   - spec: the rules, of the baseline tier.
  public init(metadata: ObjectMeta, spec: ClusterPolicy.Spec) {
    self.metadata = metadata
    self.spec = spec
  }
}

/// A policy of the cluster's administrators, of either tier.
///
/// Kubernetes: `policy.networking.k8s.io/v1alpha2 ClusterNetworkPolicy`.
public struct ClusterNetworkPolicy: Hashable, Sendable {
  /// The name; the kind has no namespace.
  public var metadata: ObjectMeta
  /// The rules.
  public var spec: ClusterPolicy.Spec

  /// Makes a policy.
  ///
  /// - Parameters:
  ///   - metadata: the name.
  ///   - spec: the rules.
  public init(metadata: ObjectMeta, spec: ClusterPolicy.Spec) {
    self.metadata = metadata
    self.spec = spec
  }
}
