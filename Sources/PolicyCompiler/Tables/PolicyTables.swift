// SPDX-License-Identifier: Apache-2.0

public import KubernetesModel
public import NetworkTypes

/// Policies as tables: what the kernel's maps hold (`bpf/include/policy_abi.h`), free of the kernel.
///
/// There are three stages, as Kubernetes has tiers: the admin tier, NetworkPolicies, the baseline tier. A pod has a rule set
/// for each direction and stage, and an address has a class for NetworkPolicies and one for the policies of the cluster.
/// Rule set and class name a port table; where they name none, the rule set's own address ranges do, and else its default.
/// A port table has one verdict for each protocol and port.
///
/// Identifiers are never used twice in the history of one ``CompiledPolicy``; what is under one never changes, except that a
/// rule set gains and loses verdicts as classes come and go, and that a tier gets another rule set when a policy of it is
/// edited.
public struct PolicyTables: Sendable {
  /// The pods that have a network of their own.
  public var endpoints: [NamespacedName: Endpoint] = [:]
  /// The rule set of each tier that an endpoint has, where it has any.
  public var tiers: [TierID: RuleSetID] = [:]
  /// What NetworkPolicies see of each address of a pod or node: its class, where it has one other than 0.
  public var peers: [IPAddress: PeerClassID] = [:]
  /// What policies of the cluster see of each address of a pod or node: its class, where it has one other than 0.
  public var clusterPeers: [IPAddress: PeerClassID] = [:]
  /// The addresses of each node.
  public var nodes: [String: [IPAddress]] = [:]
  /// The rule sets that an endpoint, a tier or a rule set uses, ``RuleSetID/unrestricted`` aside.
  public var ruleSets: [RuleSetID: RuleSet] = [:]
  /// The port tables that rule sets use, those of everything aside.
  public var portTables: [PortTableID: PortTable] = [:]

  /// Makes empty tables.
  public init() {}

  /// What is asked about one direction of a pod, in this order.
  public struct Stages: Hashable, Sendable {
    /// The admin tier: allows, denies, or passes on.
    public var admin: TierID
    /// NetworkPolicies; ``RuleSetID/unrestricted`` where none selects the pod.
    public var policy: RuleSetID
    /// The baseline tier, which has a say where no NetworkPolicy selects the pod.
    public var baseline: TierID

    /// Makes stages.
    ///
    /// - Parameters:
    ///   - admin: the admin tier.
    ///   - policy: what NetworkPolicies say.
    ///   - baseline: the baseline tier.
    public init(admin: TierID = .none, policy: RuleSetID = .unrestricted, baseline: TierID = .none) {
      self.admin = admin
      self.policy = policy
      self.baseline = baseline
    }

    /// Nothing is asked.
    public static let unrestricted = Stages()
  }

  /// A pod's rule sets.
  public struct Endpoint: Hashable, Sendable {
    /// For connections to the pod.
    public var ingress: Stages
    /// For connections from the pod.
    public var egress: Stages
    /// The pod's addresses, in order of preference.
    public var addresses: [IPAddress]
    /// The pod's node.
    public var node: String?

    /// Makes an endpoint.
    ///
    /// - Parameters:
    ///   - ingress: for connections to the pod.
    ///   - egress: for connections from the pod.
    ///   - addresses: the pod's addresses, in order of preference.
    ///   - node: the pod's node.
    public init(ingress: Stages, egress: Stages, addresses: [IPAddress] = [], node: String? = nil) {
      self.ingress = ingress
      self.egress = egress
      self.addresses = addresses
      self.node = node
    }
  }

  /// What pods with the same effective rules allow in one direction, in one stage.
  public struct RuleSet: Hashable, Sendable {
    /// The ports of peers that nothing else matches.
    public var defaultTable: PortTableID
    /// Of NetworkPolicies: the rule set that judges the addresses of the pod's own node.
    public var ownNode: RuleSetID
    /// The ports by peer address, sorted and disjoint, IPv4 before IPv6; only where they differ from the default's.
    public var ranges: [AddressRange] = []
    /// The ports by peer class; only where they differ from what the class's addresses get without it.
    public var verdicts: [PeerClassID: PortTableID] = [:]

    /// Makes a rule set.
    ///
    /// - Parameters:
    ///   - defaultTable: the ports of peers that nothing else matches.
    ///   - ownNode: the rule set that judges the addresses of the pod's own node.
    ///   - ranges: the ports by peer address, sorted and disjoint, IPv4 before IPv6.
    ///   - verdicts: the ports by peer class.
    public init(
      defaultTable: PortTableID, ownNode: RuleSetID, ranges: [AddressRange] = [],
      verdicts: [PeerClassID: PortTableID] = [:]
    ) {
      self.defaultTable = defaultTable
      self.ownNode = ownNode
      self.ranges = ranges
      self.verdicts = verdicts
    }
  }

  /// Addresses from a first to a last one, both included.
  public struct AddressRange: Hashable, Sendable {
    /// The first address.
    public var first: IPAddress
    /// The last address, of the same family.
    public var last: IPAddress
    /// Their ports.
    public var table: PortTableID

    /// Makes a range.
    ///
    /// - Parameters:
    ///   - first: the first address.
    ///   - last: the last address, of the same family.
    ///   - table: their ports.
    public init(first: IPAddress, last: IPAddress, table: PortTableID) {
      self.first = first
      self.last = last
      self.table = table
    }
  }
}

/// What cluster-scoped policies of one tier say to pods that the same of them select.
///
/// A tier is known by its policies, not by what they say, so that an edit of a policy for every pod of the cluster is a
/// change of one rule set, not of every pod.
public struct TierID: RawRepresentable, Hashable, Sendable, Comparable {
  /// The number; 0 is ``none``.
  public var rawValue: UInt32

  /// Makes an identifier.
  ///
  /// - Parameter rawValue: the number.
  public init(rawValue: UInt32) { self.rawValue = rawValue }

  /// No policy of the tier selects the pod.
  public static let none = TierID(rawValue: 0)

  /// Orders by number.
  public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}

/// A class of peers that no policy in force tells apart.
///
/// It is one of ``PolicyTables/peers`` or of ``PolicyTables/clusterPeers``, never of both.
public struct PeerClassID: RawRepresentable, Hashable, Sendable, Comparable {
  /// The number; 0 is the class of all addresses that have no other.
  public var rawValue: UInt32

  /// Makes an identifier.
  ///
  /// - Parameter rawValue: the number.
  public init(rawValue: UInt32) { self.rawValue = rawValue }

  /// The class of every address that has no other.
  public static let none = PeerClassID(rawValue: 0)

  /// Orders by number.
  public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}

/// A rule set.
public struct RuleSetID: RawRepresentable, Hashable, Sendable, Comparable {
  /// The number; 1 is ``unrestricted``, those of sets with entries follow.
  public var rawValue: UInt32

  /// Makes an identifier.
  ///
  /// - Parameter rawValue: the number.
  public init(rawValue: UInt32) { self.rawValue = rawValue }

  /// The set that allows everything and has no entry; the kernel's `RULE_SET_UNRESTRICTED`.
  public static let unrestricted = RuleSetID(rawValue: 1)

  /// Orders by number.
  public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}

/// A port table.
public struct PortTableID: RawRepresentable, Hashable, Sendable, Comparable {
  /// The number; 0 to 3 are the tables of everything, as the verdicts are numbered.
  public var rawValue: UInt32

  /// Makes an identifier.
  ///
  /// - Parameter rawValue: the number.
  public init(rawValue: UInt32) { self.rawValue = rawValue }

  /// The table that has one verdict for everything, and no entry.
  ///
  /// - Parameter verdict: the verdict.
  /// - Returns: its number.
  public static func everything(_ verdict: PolicyVerdict) -> PortTableID {
    PortTableID(rawValue: UInt32(verdict.rawValue))
  }

  /// Orders by number.
  public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }

  /// Whether it is one that has one verdict for everything.
  var isOfEverything: Bool { rawValue <= UInt32(PolicyVerdict.pass.rawValue) }
}
