// SPDX-License-Identifier: Apache-2.0

public import KubernetesModel
public import NetworkTypes

/// Policies as tables: an address has a class, a pod has a rule set for each direction, and rule set, class, protocol
/// and port have at most one verdict.
///
/// This is what the kernel's maps hold, and it can be asked in user space as well.
public struct CompiledPolicy: Sendable {
  /// Prefixes and their classes; the longest that contains an address decides.
  ///
  /// Addresses in none have class 0.
  public let prefixes: [PeerPrefix]
  /// How many classes there are, class 0 included.
  public let classCount: Int
  /// The rule sets; set number `n` is at `n - 1`, because 0 means "not restricted".
  public let ruleSets: [RuleSet]
  /// The rule sets of each pod that has a network of its own.
  public let endpoints: [NamespacedName: Endpoint]
  /// Which rules a decision came from; decision number `n` is at `n - 1`, because 0 means "no rule".
  public let decisions: [[PolicyRuleReference]]
  /// The verdicts, in order.
  public let verdicts: [VerdictKey: Verdict]

  let classIndex: PrefixIndex
  let podsByAddress: [IPAddress: NamespacedName]
  let hostPods: [NamespacedName: [IPAddress]]

  /// A prefix of addresses that policies do not tell apart.
  public struct PeerPrefix: Hashable, Sendable {
    /// The prefix; `/32` or `/128` for a pod's or node's address.
    public var prefix: IPCIDR
    /// The class of its addresses.
    public var classID: UInt32
    /// The node whose address this is, where pods of that node may always talk to it.
    public var node: String?
    /// The pod whose address this is; for people.
    public var pod: NamespacedName?
  }

  /// What one or more pods with the same policies allow in one direction.
  public struct RuleSet: Hashable, Sendable {
    /// The set's number, from 1.
    public var id: UInt32
    /// The direction.
    public var direction: PolicyDirection
    /// The policies that are in force.
    public var policies: [NamespacedName]
  }

  /// A pod's rule sets.
  public struct Endpoint: Hashable, Sendable {
    /// The set for connections to the pod; 0 where nothing restricts them.
    public var ingressSet: UInt32
    /// The set for connections from the pod; 0 where nothing restricts them.
    public var egressSet: UInt32
    /// The pod's addresses.
    public var addresses: [IPAddress]
    /// The pod's node.
    public var node: String?
  }

  /// What a verdict is for.
  public struct VerdictKey: Hashable, Sendable {
    /// The rule set.
    public var ruleSet: UInt32
    /// The peer's class.
    public var classID: UInt32
    /// The protocol; nil for every protocol, those without ports included.
    public var `protocol`: TransportProtocol?
    /// The destination ports; nil for every port.
    public var ports: PortBlock?
  }

  /// A verdict.
  ///
  /// Of several that fit the one with the longest key counts: protocol before none, smaller block first.
  public struct Verdict: Hashable, Sendable {
    /// The decision's number, for ``CompiledPolicy/decisions``.
    public var decision: UInt32
    /// Whether the connection may be.
    public var isAllowed: Bool
  }
}
