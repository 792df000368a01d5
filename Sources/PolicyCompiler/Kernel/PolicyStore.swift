// SPDX-License-Identifier: Apache-2.0

internal import CDatapathABI
internal import KubernetesModel
internal import NetworkTypes

/// What is published: which entry of the kernel's maps stands for what.
///
/// Indexes in the kernel have nothing to do with the numbers in ``PolicyTables``: an entry is kept for what it says.
package struct PolicyStore: Sendable {
  /// The generation in force.
  package internal(set) var generation: UInt32
  let capacity: PolicyMapCapacity

  var setIndexes: IndexAllocator
  var classIndexes: IndexAllocator
  var slots: IndexAllocator
  var tableIndexes: IndexAllocator
  var decisionIndexes: IndexAllocator
  var portExtents: ExtentAllocator
  var extents4: ExtentAllocator
  var extents6: ExtentAllocator
  /// Whether every counter may hold what an earlier writer's decisions counted.
  var hasForeignCounters = false

  /// Rule sets of each endpoint.
  var endpoints: [UInt32: EndpointEntry] = [:]
  var sets: [UInt32: SetEntry] = [:]
  var classes: [UInt32: ClassEntry] = [:]
  var peers: [IPAddress: PeerEntry] = [:]
  var portTables: [UInt32: PortTableEntry] = [:]
  /// Runs in `port_range` that are shared by what they say.
  var portRuns: [[PortTable.Range]: PortRun] = [:]
  var decisions: [UInt32: DecisionEntry] = [:]
  /// Entries in the map `verdict`, those that are only waiting for removal included.
  var verdictCount = 0
  /// Entries in the map `peer`, likewise.
  var peerCount = 0

  // What the tables that were published last call these entries.
  var setIndex: [RuleSetID: UInt32] = [:]
  var classIndex: [PeerClassID: UInt32] = [:]
  var tableIndex: [PortTable: UInt32] = [:]
  var tableIndexOfID: [PortTableID: UInt32] = [:]
  /// The class of every address in the tables, whether it is in the kernel or not, by plane.
  var classOf: [PolicyPlane: [IPAddress: PeerClassID]] = [:]
  var members: [PeerClassID: Set<IPAddress>] = [:]
  var localAddresses: Set<IPAddress> = []
  var pods: [UInt32: NamespacedName] = [:]

  struct EndpointEntry: Hashable, Sendable {
    var ingress = StageEntry()
    var egress = StageEntry()
  }

  /// Indexes of rule sets by stage; the first says "not compiled".
  struct StageEntry: Hashable, Sendable {
    var admin = UInt32(RULE_SET_NOT_COMPILED)
    var policy = UInt32(RULE_SET_NOT_COMPILED)
    var baseline = UInt32(RULE_SET_NOT_COMPILED)

    subscript(stage: PolicyStage) -> UInt32 {
      switch stage {
      case .admin: admin
      case .policy: policy
      case .baseline: baseline
      }
    }

    /// Asks for the index of each stage.
    init(_ index: (PolicyStage) -> UInt32) {
      (admin, policy, baseline) = (index(.admin), index(.policy), index(.baseline))
    }

    init() {}
  }

  struct SetEntry: Sendable {
    var id: RuleSetID?
    var entry: rule_set
    var ranges: [RangeEntry] = []
    /// By class index.
    var verdicts: [UInt32: VerdictEntry] = [:]
    /// Whether it was read from the kernel and makes no sense: it keeps its indexes and is never used again.
    var isOpaque = false

    var extent4: ExtentAllocator.Extent { .init(first: entry.range4_first, count: entry.range4_count) }
    var extent6: ExtentAllocator.Extent { .init(first: entry.range6_first, count: entry.range6_count) }
  }

  struct RangeEntry: Hashable, Sendable {
    var first: IPAddress
    var last: IPAddress
    var table: UInt32
    var decision: UInt32
  }

  struct VerdictEntry: Hashable, Sendable {
    var table: UInt32
    var decision: UInt32
  }

  struct ClassEntry: Hashable, Sendable {
    var id: PeerClassID?
    /// How many rule sets have a verdict for it.
    var uses = 0
  }

  struct PeerEntry: Hashable, Sendable {
    var slot: UInt32
    /// Class index and `PEER_IS_LOCAL_NODE`.
    var policy: UInt32
    /// Class index.
    var cluster: UInt32

    subscript(plane: PolicyPlane) -> UInt32 { plane == .namespaced ? policy : cluster }
  }

  struct PortTableEntry: Sendable {
    var table: PortTable
    /// What the tables that were published last call it.
    var ids: [PortTableID] = []
    var uses = 0
  }

  struct PortRun: Hashable, Sendable {
    var extent: ExtentAllocator.Extent
    var uses: Int
  }

  struct DecisionEntry: Hashable, Sendable {
    var set: UInt32
    var part: Part

    enum Part: Hashable, Sendable {
      case other
      case peers(UInt32)
      case range(Int)
    }
  }

  /// Numbers and runs to be given away again.
  struct Release: Sendable {
    var sets: [UInt32] = []
    var classes: [UInt32] = []
    var slots: [UInt32] = []
    var decisions: [UInt32] = []
    var extents4: [ExtentAllocator.Extent] = []
    var extents6: [ExtentAllocator.Extent] = []
    /// Port tables, once for each use that ends.
    var tableUses: [UInt32] = []
    var verdictCount = 0
    var peerCount = 0

    var isEmpty: Bool {
      sets.isEmpty && classes.isEmpty && slots.isEmpty && decisions.isEmpty && tableUses.isEmpty && verdictCount == 0
        && peerCount == 0
    }
  }

  /// A store for maps in which nothing is published.
  package init(generation: UInt32, capacity: PolicyMapCapacity) {
    self.generation = generation
    self.capacity = capacity
    setIndexes = IndexAllocator(first: UInt32(RULE_SET_FIRST), limit: Self.limit(capacity.ruleSets))
    classIndexes = IndexAllocator(first: 1, limit: UInt32(PEER_IS_LOCAL_NODE))
    slots = IndexAllocator(first: 0, limit: capacity.peerClasses)
    tableIndexes = IndexAllocator(first: UInt32(PORT_TABLE_FIRST), limit: capacity.portTables)
    decisionIndexes = IndexAllocator(first: 1, limit: capacity.decisions)
    portExtents = ExtentAllocator(limit: capacity.portRanges)
    extents4 = ExtentAllocator(limit: capacity.addressRanges4)
    extents6 = ExtentAllocator(limit: capacity.addressRanges6)
  }

  static func limit(_ entries: UInt32) -> UInt32 { min(entries, UInt32(VERSION_VALUE_MASK) + 1) }

  /// Gives away again what a plan's tail has taken out of the kernel.
  package mutating func finish(_ tail: PolicyMapPlan.Tail) {
    let release = tail.release
    release.sets.forEach { setIndexes.free($0) }
    release.classes.forEach { classIndexes.free($0) }
    release.slots.forEach { slots.free($0) }
    for decision in release.decisions {
      decisions[decision] = nil
      decisionIndexes.free(decision)
    }
    release.extents4.forEach { extents4.release($0) }
    release.extents6.forEach { extents6.release($0) }
    verdictCount -= release.verdictCount
    peerCount -= release.peerCount
    for index in release.tableUses { endUse(ofTable: index) }
  }

  private mutating func endUse(ofTable index: UInt32) {
    guard var entry = portTables[index] else { return }
    entry.uses -= 1
    if entry.uses > 0 {
      portTables[index] = entry
      return
    }
    portTables[index] = nil
    if tableIndex[entry.table] == index { tableIndex[entry.table] = nil }
    for id in entry.ids { tableIndexOfID[id] = nil }
    tableIndexes.free(index)
    for ranges in entry.table.runs where !ranges.isEmpty {
      guard var run = portRuns[ranges] else { continue }
      run.uses -= 1
      portRuns[ranges] = run.uses > 0 ? run : nil
      if run.uses == 0 { portExtents.release(run.extent) }
    }
  }

  /// What a decision's number stands for, if it does now.
  package func decision(_ number: UInt32) -> PolicyDecision? {
    guard let entry = decisions[number], let set = sets[entry.set], let id = set.id else { return nil }
    switch entry.part {
    case .other: return PolicyDecision(ruleSet: id, part: .other)
    case .peers(let index):
      guard let peerClass = classes[index]?.id else { return nil }
      return PolicyDecision(ruleSet: id, part: .peers(peerClass))
    case .range(let index):
      guard set.ranges.indices.contains(index) else { return nil }
      return PolicyDecision(ruleSet: id, part: .addresses(first: set.ranges[index].first, last: set.ranges[index].last))
    }
  }
}

extension PortTable {
  /// The ranges of TCP, UDP and SCTP, as they lie in `port_range`.
  var runs: [[Range]] { [tcp.ranges, udp.ranges, sctp.ranges] }
}
