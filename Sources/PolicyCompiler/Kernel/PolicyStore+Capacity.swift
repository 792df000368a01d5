// SPDX-License-Identifier: Apache-2.0

internal import CDatapathABI
internal import KubernetesModel
internal import NetworkTypes

extension PolicyStore {
  /// Refuses what does not fit beside what is published.
  func check(_ difference: PolicyDifference, _ target: PolicyTarget) throws(PolicyError) {
    let tables = target.tables
    let (fresh, dying) = (Set(difference.freshClasses), Set(difference.dyingClasses))
    func isKept(_ peerClass: PeerClassID) -> Bool {
      fresh.contains(peerClass) || classIndex[peerClass].map { !dying.contains($0) } ?? false
    }
    let added = difference.addedSets.compactMap { tables.ruleSets[$0] }
    let peers = difference.peers.count { address in
      self.peers[address] == nil && !address.isMapped
        && (difference.localAddresses.contains(address)
          || PolicyPlane.allCases.contains { isKept(tables[$0][address] ?? .none) })
    }
    let room = Room(store: self, difference: difference, target: target)
    try room.check("rule_set", needed: added.count, free: setIndexes.available) { _ in 1 }
    try room.check("peer_class (23 bits)", needed: difference.freshClasses.count, free: classIndexes.available) {
      $0.verdicts.count
    }
    let verdicts = difference.addedVerdicts.count
    try room.check("verdict", needed: verdicts, free: Int(capacity.verdicts) - verdictCount) { $0.verdicts.count }
    try room.check("peer", needed: peers, free: Int(capacity.peers) - peerCount) { $0.verdicts.count }
    try room.check("peer_class", needed: peers, free: slots.available) { $0.verdicts.count }
    let decisions = added.reduce(verdicts) { $0 + 1 + $1.ranges.count }
    try room.check("decision_counter", needed: decisions, free: decisionIndexes.available) {
      $0.verdicts.count + $0.ranges.count + 1
    }
    try room.check("port_table", needed: difference.addedTables.count, free: tableIndexes.available) {
      Set($0.tables).count
    }
    for table in difference.addedTables {
      for run in table.runs {
        try room.check("port_table.count (16 bits)", needed: run.count, free: Int(UInt16.max)) { _ in 0 }
      }
    }
    try checkRuns(difference, added, room)
  }

  /// Runs need neighbouring entries, so that they are tried, on copies of the allocators.
  private func checkRuns(
    _ difference: PolicyDifference, _ added: [PolicyTables.RuleSet], _ room: Room
  ) throws(PolicyError) {
    var ports = portExtents
    let runs = Set(difference.addedTables.flatMap(\.runs)).filter { !$0.isEmpty && portRuns[$0] == nil }
    // In the order of the plan: an allocator may have room for the same runs in one order alone.
    var seen: Set<[PortTable.Range]> = []
    for run in difference.addedTables.flatMap(\.runs) where runs.contains(run) && seen.insert(run).inserted {
      guard ports.allocate(run.count) == nil else { continue }
      try room.refuse("port_range", needed: runs.reduce(0) { $0 + $1.count }, free: portExtents.available) { set in
        Set(set.tables).reduce(0) { $0 + (room.target.tables.portTables[$1]?.runs.reduce(0) { $0 + $1.count } ?? 0) }
      }
    }
    var (extents4, extents6) = (extents4, extents6)
    for set in added {
      let count4 = set.ranges.count { $0.first.family == .ipv4 }
      if extents4.allocate(count4) == nil {
        let needed = added.reduce(0) { $0 + $1.ranges.count { $0.first.family == .ipv4 } }
        try room.refuse("address_range4", needed: needed, free: self.extents4.available) {
          $0.ranges.count { $0.first.family == .ipv4 }
        }
      }
      if extents6.allocate(set.ranges.count - count4) == nil {
        let needed = added.reduce(0) { $0 + $1.ranges.count { $0.first.family == .ipv6 } }
        try room.refuse("address_range6", needed: needed, free: self.extents6.available) {
          $0.ranges.count { $0.first.family == .ipv6 }
        }
      }
    }
  }
}

extension PolicyTables.RuleSet {
  /// The port tables that it names.
  var tables: [PortTableID] { [defaultTable] + ranges.map(\.table) + verdicts.values }
}

/// Whether things fit, and what to say where they do not.
private struct Room {
  let store: PolicyStore
  let difference: PolicyDifference
  let target: PolicyTarget

  func check(
    _ map: String, needed: Int, free: Int, cost: (PolicyTables.RuleSet) -> Int
  ) throws(PolicyError) {
    if needed > free { try refuse(map, needed: needed, free: free, cost: cost) }
  }

  func refuse(
    _ map: String, needed: Int, free: Int, cost: (PolicyTables.RuleSet) -> Int
  ) throws(PolicyError) {
    let costs = costs(cost)
    var message =
      "map \(map): \(needed) more entries do not fit, \(free) are free; generation \(store.generation) stays in force; "
      + "load the datapath with a larger limit"
    if !costs.isEmpty {
      message += " or narrow the policies that cost most: " + costs.map(\.description).joined(separator: ", ")
    }
    throw PolicyError(
      .full, message, shortage: .init(map: map, needed: needed, free: free, costs: costs))
  }

  /// The rule sets of this node that cost most.
  private func costs(_ cost: (PolicyTables.RuleSet) -> Int) -> [PolicyError.Cost] {
    var users: [RuleSetID: PolicyError.Cost] = [:]
    for (pod, number) in target.endpoints.sorted(by: { $0.key < $1.key }) {
      guard let endpoint = difference.endpoints[number] else { continue }
      for (stages, direction) in [(endpoint.ingress, PolicyDirection.ingress), (endpoint.egress, .egress)] {
        for id in target.tables.ruleSets(of: stages) {
          guard let set = target.tables.ruleSets[id] else { continue }
          users[id, default: .init(ruleSet: id, direction: direction, pod: pod, podCount: 0, entries: cost(set))]
            .podCount += 1
        }
      }
    }
    return Array(
      users.values.filter { $0.entries > 0 }.sorted { ($1.entries, $0.ruleSet) < ($0.entries, $1.ruleSet) }.prefix(5))
  }
}

extension PolicyError.Cost: CustomStringConvertible {
  /// Such as `egress of shop/web and 3 more: 120`.
  public var description: String {
    "\(direction) of \(pod)\(podCount > 1 ? " and \(podCount - 1) more" : ""): \(entries)"
  }
}
