// SPDX-License-Identifier: Apache-2.0

internal import NetworkTypes

/// How large compiled policies are.
public struct PolicyStatistics: Hashable, Sendable {
  /// Pods with rule sets.
  public var pods = 0
  /// Policies, in force or not.
  public var policies = 0
  /// Classes of peers of both kinds, class 0 included.
  public var classes = 1
  /// Addresses with a class other than 0.
  public var peers = 0
  /// Rule sets.
  public var ruleSets = 0
  /// Verdicts: pairs of rule set and class.
  public var verdicts = 0
  /// Address ranges of all rule sets.
  public var addressRanges = 0
  /// Port tables, those of everything aside.
  public var portTables = 0
  /// Port ranges of all port tables.
  public var portRanges = 0
  /// The aligned blocks that those port ranges would be in a map of prefixes.
  public var portBlocks = 0
  /// Bytes of keys and values in the kernel's maps.
  public var bytes = 0
  /// What tables of addresses and ports for each pod would hold at least: for each pod its rules.
  public var naiveEntries = 0

  /// The entries of the maps that decide: verdicts and ranges.
  public var entries: Int { peers + ruleSets + verdicts + addressRanges + portTables + portRanges }
}

extension CompiledPolicy {
  /// How large the tables are; counted anew each time.
  public var statistics: PolicyStatistics {
    let tables = state.tables
    var result = PolicyStatistics()
    result.pods = tables.endpoints.count
    result.policies = state.policies.count
    result.classes = PolicyPlane.allCases.reduce(1) { $0 + state.planes[$1].classes.count }
    result.peers = tables.peers.count + tables.clusterPeers.keys.count { tables.peers[$0] == nil }
    result.ruleSets = tables.ruleSets.count
    var ranges6 = 0
    for set in tables.ruleSets.values {
      result.verdicts += set.verdicts.count
      result.addressRanges += set.ranges.count
      ranges6 += set.ranges.count { $0.first.family == .ipv6 }
    }
    result.portTables = tables.portTables.count
    for table in tables.portTables.values {
      for range in table.tcp.ranges + table.udp.ranges + table.sctp.ranges {
        result.portRanges += 1
        result.portBlocks += range.blockCount
      }
    }
    let kinds = state.kindRecords.indices.filter { state.kinds.isUsed(UInt32($0)) && state.kindRecords[$0].scoped > 0 }
    for kind in kinds {
      let group = state.kinds[UInt32(kind)].group
      let policies = state.elements(selecting: group).flatMap { state.elementRecords[Int($0)].subjects }
      let rules = policies.reduce(0) { sum, number in
        let policy = state.policyRecords[Int(number)]
        return sum + (policy?.ingress?.count ?? 0) + (policy?.egress?.count ?? 0)
      }
      result.naiveEntries += Int(state.kindRecords[kind].scoped) * rules
    }
    result.bytes =
      48 * result.pods + (16 + 4 + 16) * result.peers + 32 * result.ruleSets + (8 + 8) * result.verdicts
      + 16 * (result.addressRanges - ranges6) + 40 * ranges6 + 24 * result.portTables + 8 * result.portRanges
    return result
  }
}

extension PortTable.Range {
  /// The fewest aligned blocks that make up the range.
  var blockCount: Int {
    var count = 0
    var next = Int(first)
    while next <= Int(last) {
      var size = next == 0 ? 1 << 16 : 1 << next.trailingZeroBitCount
      while next + size - 1 > Int(last) { size >>= 1 }
      count += 1
      next += size
    }
    return count
  }
}
