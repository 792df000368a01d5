// SPDX-License-Identifier: Apache-2.0

/// How much the pod datapath's maps hold.
///
/// All memory is taken when a map is made: some 65 MB of kernel memory for the default sizes, and 1 MiB for each processor.
/// Maps that are pinned already keep their size: a table that is in use cannot be resized.
public struct DatapathLimits: Hashable, Sendable {
  /// Flows that are tracked at once, on all pods of the node.
  ///
  /// About 120 bytes each; one to a service takes two, where the programs translate. Beyond it the flow that was used least
  /// recently is forgotten.
  public var flows: UInt32
  /// Addresses of pods and nodes that policies tell apart from others, on the whole cluster.
  ///
  /// About 100 bytes each.
  public var peers: UInt32
  /// Rule sets; 32 bytes each.
  public var ruleSets: UInt32
  /// Port tables of rule sets for classes of peers; about 80 bytes each.
  public var verdicts: UInt32
  /// Address ranges of all rule sets, for each family, at most 2^20; 16 bytes each for IPv4 and 40 for IPv6.
  public var addressRanges: UInt32
  /// Port tables; 24 bytes each.
  public var portTables: UInt32
  /// Port ranges of all port tables; 8 bytes each.
  public var portRanges: UInt32
  /// Decisions that are counted; 16 bytes each for every processor.
  public var decisions: UInt32
  /// Bytes of flow records that wait to be read; rounded up to a power of two of at least a page.
  public var eventBytes: UInt32

  /// Chooses sizes, each at least 1.
  ///
  /// - Parameters:
  ///   - flows: Flows tracked at once.
  ///   - peers: Addresses of pods and nodes.
  ///   - ruleSets: Rule sets.
  ///   - verdicts: Port tables for classes.
  ///   - addressRanges: Address ranges of each family.
  ///   - portTables: Port tables.
  ///   - portRanges: Port ranges.
  ///   - decisions: Decisions that are counted.
  ///   - eventBytes: Bytes of waiting flow records.
  public init(
    flows: UInt32 = 131_072, peers: UInt32 = 262_144, ruleSets: UInt32 = 8192, verdicts: UInt32 = 262_144,
    addressRanges: UInt32 = 65_536, portTables: UInt32 = 16_384, portRanges: UInt32 = 65_536,
    decisions: UInt32 = 65_536, eventBytes: UInt32 = 1 << 20
  ) {
    self.flows = flows
    self.peers = peers
    self.ruleSets = ruleSets
    self.verdicts = verdicts
    self.addressRanges = addressRanges
    self.portTables = portTables
    self.portRanges = portRanges
    self.decisions = decisions
    self.eventBytes = eventBytes
  }

  /// Sizes for a node with up to 250 pods, in a cluster of up to 100,000.
  public static let `default` = DatapathLimits()

  /// Sizes for programs that translate services and judge nobody: policies have no room.
  ///
  /// Without a policy generation the tables are not asked. About 120 bytes of kernel memory for each flow.
  ///
  /// - Parameter flows: Flows tracked at once.
  /// - Returns: The sizes.
  public static func withoutPolicy(flows: UInt32 = 131_072) -> DatapathLimits {
    DatapathLimits(
      flows: flows, peers: 1, ruleSets: 1, verdicts: 1, addressRanges: 1, portTables: 1, portRanges: 1, decisions: 1,
      eventBytes: 4096)
  }

  /// The sizes by map.
  var sizes: [(String, UInt32)] {
    [
      ("flow", flows), ("peer", peers), ("peer_class", peers), ("rule_set", ruleSets), ("verdict", verdicts),
      ("address_range4", addressRanges), ("address_range6", addressRanges), ("port_table", portTables),
      ("port_range", portRanges), ("decision_count", decisions), ("flow_event", eventBytes),
    ]
  }
}
