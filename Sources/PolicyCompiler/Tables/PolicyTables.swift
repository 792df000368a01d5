// SPDX-License-Identifier: Apache-2.0

public import KubernetesModel
public import NetworkTypes

/// Policies as tables: what the kernel's maps hold (`bpf/include/policy_abi.h`), free of the kernel.
///
/// A pod has a rule set for each direction and an address has a class. Rule set and class name a port table; where they
/// name none, the rule set's own address ranges do, and else its default. A port table has one verdict for each
/// protocol and port.
///
/// Identifiers are never used twice in the history of one ``CompiledPolicy``; what is under one never changes, except that a
/// rule set gains and loses verdicts as classes come and go.
public struct PolicyTables: Sendable {
  /// The pods that have a network of their own.
  public var endpoints: [NamespacedName: Endpoint] = [:]
  /// The class of each address of a pod or node that has one other than 0.
  public var peers: [IPAddress: PeerClassID] = [:]
  /// The addresses of each node.
  public var nodes: [String: [IPAddress]] = [:]
  /// The rule sets that an endpoint or a rule set uses, ``RuleSetID/unrestricted`` aside.
  public var ruleSets: [RuleSetID: RuleSet] = [:]
  /// The port tables that rule sets use, the three of everything aside.
  public var portTables: [PortTableID: PortTable] = [:]

  /// Makes empty tables.
  public init() {}

  /// A pod's rule sets.
  public struct Endpoint: Hashable, Sendable {
    /// For connections to the pod.
    public var ingress: RuleSetID
    /// For connections from the pod.
    public var egress: RuleSetID
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
    public init(ingress: RuleSetID, egress: RuleSetID, addresses: [IPAddress] = [], node: String? = nil) {
      self.ingress = ingress
      self.egress = egress
      self.addresses = addresses
      self.node = node
    }
  }

  /// What pods with the same effective rules allow in one direction.
  public struct RuleSet: Hashable, Sendable {
    /// The ports of peers that nothing else matches.
    public var defaultTable: PortTableID
    /// The rule set that judges the addresses of the pod's own node.
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

/// A class of peers that no policy in force tells apart.
public struct PeerClassID: RawRepresentable, Hashable, Sendable, Comparable {
  /// The number; 0 is the class of all addresses that are not among ``PolicyTables/peers``.
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
  /// The number; 0, 1 and 2 are the tables of everything, as the verdicts are numbered.
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
}
