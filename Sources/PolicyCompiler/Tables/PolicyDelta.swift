// SPDX-License-Identifier: Apache-2.0

public import KubernetesModel
public import NetworkTypes

/// Which entries of ``PolicyTables`` a change touched: their new values, or their absence, are in the tables.
public struct PolicyDelta: Hashable, Sendable {
  /// Pods whose entry was added, changed or removed.
  public var endpoints: Set<NamespacedName> = []
  /// Tiers that were added or removed, or have another rule set now.
  public var tiers: Set<TierID> = []
  /// Addresses of which a class is another now.
  public var peers: Set<IPAddress> = []
  /// Nodes whose addresses are others now.
  public var nodes: Set<String> = []
  /// Rule sets that were added or removed, with all their verdicts.
  public var ruleSets: Set<RuleSetID> = []
  /// Verdicts that were added to or removed from rule sets that were there before and still are.
  public var verdicts: Set<VerdictKey> = []
  /// Port tables that were added or removed.
  public var portTables: Set<PortTableID> = []

  /// A rule set and a class.
  public struct VerdictKey: Hashable, Sendable {
    /// The rule set.
    public var ruleSet: RuleSetID
    /// The class.
    public var peerClass: PeerClassID

    /// Makes a key.
    ///
    /// - Parameters:
    ///   - ruleSet: the rule set.
    ///   - peerClass: the class.
    public init(_ ruleSet: RuleSetID, _ peerClass: PeerClassID) {
      self.ruleSet = ruleSet
      self.peerClass = peerClass
    }
  }

  /// Makes a delta that touches nothing.
  public init() {}

  /// Whether nothing was touched.
  public var isEmpty: Bool {
    endpoints.isEmpty && tiers.isEmpty && peers.isEmpty && nodes.isEmpty && ruleSets.isEmpty && verdicts.isEmpty
      && portTables.isEmpty
  }

  /// Adds what a later change touched.
  ///
  /// - Parameter later: the delta of the later change.
  public mutating func merge(_ later: PolicyDelta) {
    endpoints.formUnion(later.endpoints)
    tiers.formUnion(later.tiers)
    peers.formUnion(later.peers)
    nodes.formUnion(later.nodes)
    ruleSets.formUnion(later.ruleSets)
    verdicts.formUnion(later.verdicts)
    portTables.formUnion(later.portTables)
  }
}
