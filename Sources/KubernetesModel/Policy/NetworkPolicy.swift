// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes

/// What may reach the pods it selects, and what they may reach.
///
/// Kubernetes: `networking.k8s.io/v1 NetworkPolicy`.
public struct NetworkPolicy: Hashable, Sendable {
  /// Name and namespace; the policy selects pods of its namespace only.
  public var metadata: ObjectMeta
  /// Which pods it selects, and what it allows.
  public var spec: Spec

  /// A policy's rules.
  ///
  /// Kubernetes: `NetworkPolicySpec`.
  public struct Spec: Hashable, Sendable, Encodable {
    /// The pods the policy is for; a selector without conditions selects every pod of the namespace.
    public var podSelector: LabelSelector
    /// What may reach the pods: any rule is enough; without rules nothing may.
    public var ingress: [IngressRule]
    /// What the pods may reach: any rule is enough; without rules they may reach nothing.
    public var egress: [EgressRule]
    /// The directions the policy is for; empty where the manifest leaves them to the default.
    public var policyTypes: [PolicyType]

    /// Makes a specification.
    ///
    /// - Parameters:
    ///   - podSelector: the pods the policy is for.
    ///   - ingress: what may reach them.
    ///   - egress: what they may reach.
    ///   - policyTypes: the directions the policy is for; empty for the default.
    public init(
      podSelector: LabelSelector = LabelSelector(), ingress: [IngressRule] = [], egress: [EgressRule] = [],
      policyTypes: [PolicyType] = []
    ) {
      self.podSelector = podSelector
      self.ingress = ingress
      self.egress = egress
      self.policyTypes = policyTypes
    }

    /// The directions the policy is for, with the API's default: ingress always, egress if there are egress rules.
    public var effectivePolicyTypes: Set<PolicyType> {
      if !policyTypes.isEmpty { return Set(policyTypes) }
      return egress.isEmpty ? [.ingress] : [.ingress, .egress]
    }
  }

  /// A direction, as seen from the pods a policy selects.
  ///
  /// Kubernetes: `PolicyType`.
  public enum PolicyType: String, Hashable, Sendable, Codable, CaseIterable {
    /// Connections to the pods.
    case ingress = "Ingress"
    /// Connections from the pods.
    case egress = "Egress"
  }

  /// Allows connections to the pods.
  ///
  /// Kubernetes: `NetworkPolicyIngressRule`.
  public struct IngressRule: Hashable, Sendable, Encodable {
    /// The pods' ports that may be reached; empty for every port and protocol.
    public var ports: [Port]
    /// Who may connect: any peer is enough; empty for everyone.
    public var from: [Peer]

    /// Makes a rule.
    ///
    /// - Parameters:
    ///   - ports: ports that may be reached; empty for all.
    ///   - from: who may connect; empty for everyone.
    public init(ports: [Port] = [], from: [Peer] = []) {
      self.ports = ports
      self.from = from
    }
  }

  /// Allows connections from the pods.
  ///
  /// Kubernetes: `NetworkPolicyEgressRule`.
  public struct EgressRule: Hashable, Sendable, Encodable {
    /// The destinations' ports that may be reached; empty for every port and protocol.
    public var ports: [Port]
    /// Where to: any peer is enough; empty for everywhere.
    public var to: [Peer]

    /// Makes a rule.
    ///
    /// - Parameters:
    ///   - ports: ports that may be reached; empty for all.
    ///   - to: where to; empty for everywhere.
    public init(ports: [Port] = [], to: [Peer] = []) {
      self.ports = ports
      self.to = to
    }
  }

  /// Ports of one protocol.
  ///
  /// Kubernetes: `NetworkPolicyPort`.
  public struct Port: Hashable, Sendable, Encodable {
    /// The protocol.
    public var `protocol`: TransportProtocol
    /// The port's number, or the name that the destination pod's containers give it; nil for every port.
    public var port: IntOrString?
    /// The last port of a range that begins with `port`.
    public var endPort: Int32?

    /// Makes a port.
    ///
    /// - Parameters:
    ///   - protocol: the protocol.
    ///   - port: the number or name; nil for every port of the protocol.
    ///   - endPort: the last port of a range that begins with `port`.
    public init(protocol: TransportProtocol = .tcp, port: IntOrString? = nil, endPort: Int32? = nil) {
      self.protocol = `protocol`
      self.port = port
      self.endPort = endPort
    }
  }

  /// The other side of a connection: pods by selectors, or addresses.
  ///
  /// Kubernetes: `NetworkPolicyPeer`.
  public struct Peer: Hashable, Sendable, Encodable {
    /// Pods by their labels, in the policy's namespace or in those that `namespaceSelector` selects.
    ///
    /// Nil is not the same as a selector without conditions: nil leaves the choice to `namespaceSelector`.
    public var podSelector: LabelSelector?
    /// Namespaces by their labels; nil for the policy's own.
    public var namespaceSelector: LabelSelector?
    /// Addresses, whoever has them.
    public var ipBlock: IPBlock?

    /// Makes a peer out of selectors.
    ///
    /// - Parameters:
    ///   - podSelector: pods by their labels; nil for all pods of the selected namespaces.
    ///   - namespaceSelector: namespaces by their labels; nil for the policy's own.
    public init(podSelector: LabelSelector? = nil, namespaceSelector: LabelSelector? = nil) {
      self.podSelector = podSelector
      self.namespaceSelector = namespaceSelector
    }

    /// Makes a peer out of addresses.
    ///
    /// - Parameter ipBlock: the addresses.
    public init(ipBlock: IPBlock) {
      self.ipBlock = ipBlock
    }
  }

  /// A block of addresses with holes.
  ///
  /// Kubernetes: `IPBlock`.
  public struct IPBlock: Hashable, Sendable, Encodable {
    /// The block.
    public var cidr: IPCIDR
    /// Smaller blocks inside of it that do not belong to it.
    public var except: [IPCIDR]

    /// Makes a block.
    ///
    /// - Parameters:
    ///   - cidr: the block.
    ///   - except: holes in it.
    public init(cidr: IPCIDR, except: [IPCIDR] = []) {
      self.cidr = cidr
      self.except = except
    }
  }

  /// Makes a policy.
  ///
  /// - Parameters:
  ///   - metadata: name and namespace.
  ///   - spec: which pods it selects, and what it allows.
  public init(metadata: ObjectMeta, spec: Spec = Spec()) {
    self.metadata = metadata
    self.spec = spec
  }
}
