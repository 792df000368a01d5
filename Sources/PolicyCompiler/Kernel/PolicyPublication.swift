// SPDX-License-Identifier: Apache-2.0

/// What a publication put into force, and what it took.
public struct PolicyPublication: Hashable, Sendable {
  /// The generation in force; flow records carry it.
  ///
  /// Where nothing that concerns this node is different, it is the one that was in force before.
  public let generation: UInt32
  /// Entries that were written by system calls.
  public let writtenEntries: Int
  /// Version words that were stored to shared memory.
  public let changedWords: Int
  /// Entries that were replaced, to be removed when no program can be at work with them.
  public let removedEntries: Int
  /// Entries in force, by map.
  public let entries: Entries

  /// Entries in force, by map.
  public struct Entries: Hashable, Sendable {
    /// Endpoints that have rule sets.
    public let endpoints: Int
    /// `rule_set`.
    public let ruleSets: Int
    /// `peer`.
    public let peers: Int
    /// `verdict`.
    public let verdicts: Int
    /// `address_range4` and `address_range6`.
    public let addressRanges: Int
    /// `port_table`, without the three of everything.
    public let portTables: Int
    /// `port_range`.
    public let portRanges: Int
  }

  init(_ plan: PolicyMapPlan, _ store: PolicyStore) {
    generation = plan.generation
    writtenEntries = plan.writtenEntryCount
    changedWords = plan.words.count
    removedEntries = plan.tail.verdicts.count + plan.tail.peers.count
    entries = Entries(
      endpoints: store.endpoints.count, ruleSets: store.sets.count, peers: store.peers.count,
      verdicts: store.verdictCount - plan.tail.verdicts.count,
      addressRanges: store.addressRangeCount, portTables: store.portTables.count,
      portRanges: Int(store.capacity.portRanges) - store.portExtents.available)
  }
}

extension PolicyStore {
  fileprivate var addressRangeCount: Int {
    Int(capacity.addressRanges4) - extents4.available + Int(capacity.addressRanges6) - extents6.available
  }
}
