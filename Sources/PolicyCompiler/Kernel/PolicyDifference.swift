// SPDX-License-Identifier: Apache-2.0

internal import CDatapathABI
package import KubernetesModel
internal import NetworkTypes

/// What is to be published on a node.
package struct PolicyTarget: Sendable {
  /// The tables of the whole cluster.
  package var tables: PolicyTables
  /// The endpoint number of each pod of this node.
  package var endpoints: [NamespacedName: UInt32]
  /// This node's name.
  package var node: String?

  package init(tables: PolicyTables, endpoints: [NamespacedName: UInt32], node: String?) {
    self.tables = tables
    self.endpoints = endpoints
    self.node = node
  }
}

/// How what is published differs from what shall be, in entries, before any of them has an index.
struct PolicyDifference {
  /// A verdict to come.
  struct Verdict {
    var ruleSet: RuleSetID
    var peerClass: PeerClassID
    var table: PortTableID
  }

  /// A verdict to go.
  struct OldVerdict: Hashable {
    var set: UInt32
    var peerClass: UInt32
  }

  /// Rule sets of the endpoints, by number.
  var endpoints: [UInt32: PolicyTables.Endpoint] = [:]
  var addedSets: [RuleSetID] = []
  var removedSets: [UInt32] = []
  /// Classes that need an index: new ones, those that matter now, and those whose verdicts in a rule set that stays are
  /// others now.
  var freshClasses: [PeerClassID] = []
  /// Class indexes that no rule set has a verdict for any more.
  var dyingClasses: [UInt32] = []
  var addedVerdicts: [Verdict] = []
  var removedVerdicts: Set<OldVerdict> = []
  /// Addresses whose entry may be another now.
  var peers: [IPAddress] = []
  var localAddresses: Set<IPAddress> = []
  /// Port tables that are nowhere yet, each once.
  var addedTables: [PortTable] = []
}

extension PolicyStore {
  /// Compares what is published with a target.
  ///
  /// - Parameters:
  ///   - target: What shall be published.
  ///   - delta: Which entries of the tables are others than those published last; nil: any, and the names in the tables
  ///     were matched with the entries by ``correlate(with:)``.
  /// - Returns: What is different.
  mutating func difference(to target: PolicyTarget, delta: PolicyDelta?) -> PolicyDifference {
    var difference = PolicyDifference()
    let used = usedSets(target, &difference)
    for address in delta?.peers ?? [] {
      for plane in PolicyPlane.allCases { setClass(of: address, to: target.tables[plane][address] ?? .none, plane) }
    }
    difference.addedSets = used.filter { setIndex[$0] == nil }.sorted()
    difference.removedSets = sets.filter { $0.value.id.map { !used.contains($0) } ?? true }.keys.sorted()
    compareVerdicts(target, delta, used, &difference)
    comparePeers(target, delta, &difference)
    findTables(target, &difference)
    return difference
  }

  /// The rule sets that this node's endpoints use, and those that these name for addresses of the node.
  private func usedSets(_ target: PolicyTarget, _ difference: inout PolicyDifference) -> Set<RuleSetID> {
    var used: Set<RuleSetID> = []
    var waiting: [RuleSetID] = []
    for (pod, number) in target.endpoints {
      guard let endpoint = target.tables.endpoints[pod] else { continue }
      difference.endpoints[number] = endpoint
      waiting += target.tables.ruleSets(of: endpoint.ingress) + target.tables.ruleSets(of: endpoint.egress)
      while let id = waiting.popLast() {
        // A set that the tables name and lack stays unknown, and with it the endpoint "not compiled".
        guard id != .unrestricted, let set = target.tables.ruleSets[id], used.insert(id).inserted else { continue }
        waiting.append(set.ownNode)
      }
    }
    return used
  }

  private func compareVerdicts(
    _ target: PolicyTarget, _ delta: PolicyDelta?, _ used: Set<RuleSetID>, _ difference: inout PolicyDifference
  ) {
    var change: [UInt32: Int] = [:]
    var fresh: Set<PeerClassID> = []
    /// Classes whose index must not be kept, because programs of the old generation would see the new verdicts.
    var renewed: Set<PeerClassID> = []
    /// Classes that lost a verdict in a rule set that stays.
    var reduced: Set<PeerClassID> = []
    for id in difference.addedSets {
      for (peerClass, table) in target.tables.ruleSets[id]?.verdicts ?? [:] {
        difference.addedVerdicts.append(.init(ruleSet: id, peerClass: peerClass, table: table))
        if let index = classIndex[peerClass] { change[index, default: 0] += 1 } else { fresh.insert(peerClass) }
      }
    }
    for index in difference.removedSets {
      for peerClass in sets[index]?.verdicts.keys ?? [:].keys {
        difference.removedVerdicts.insert(.init(set: index, peerClass: peerClass))
        change[peerClass, default: 0] -= 1
      }
    }
    func compare(_ id: RuleSetID, _ index: UInt32, _ peerClass: PeerClassID) {
      let classIndex = classIndex[peerClass]
      let old = classIndex.flatMap { sets[index]?.verdicts[$0] }
      let new = target.tables.ruleSets[id]?.verdicts[peerClass]
      switch (old, new) {
      case (nil, nil): return
      case (nil, let table?):
        if classIndex == nil {
          fresh.insert(peerClass)
          difference.addedVerdicts.append(.init(ruleSet: id, peerClass: peerClass, table: table))
        } else {
          renewed.insert(peerClass)
        }
      case (let old?, let table?):
        if old.table != publishedIndex(of: table, target.tables) { renewed.insert(peerClass) }
      case (.some, nil):
        reduced.insert(peerClass)
        guard let classIndex else { return }
        if difference.removedVerdicts.insert(.init(set: index, peerClass: classIndex)).inserted {
          change[classIndex, default: 0] -= 1
        }
      }
    }
    if let delta {
      for key in delta.verdicts where used.contains(key.ruleSet) {
        if let index = setIndex[key.ruleSet] { compare(key.ruleSet, index, key.peerClass) }
      }
    } else {
      for id in used {
        guard let index = setIndex[id], let set = sets[index] else { continue }
        target.tables.ruleSets[id]?.verdicts.keys.forEach { compare(id, index, $0) }
        for classIndex in set.verdicts.keys {
          if let peerClass = classes[classIndex]?.id {
            compare(id, index, peerClass)
          } else if difference.removedVerdicts.insert(.init(set: index, peerClass: classIndex)).inserted {
            change[classIndex, default: 0] -= 1
          }
        }
      }
    }
    // A verdict may go where its class goes altogether; where the class stays, the next generation must not find it.
    for peerClass in reduced {
      guard let index = classIndex[peerClass], let entry = classes[index] else { continue }
      if entry.uses + change[index, default: 0] > 0, members[peerClass] != nil { renewed.insert(peerClass) }
    }
    for peerClass in renewed { renew(peerClass, target, used, &change, &difference) }
    fresh.formUnion(
      renewed.filter { peerClass in used.contains { target.tables.ruleSets[$0]?.verdicts[peerClass] != nil } })
    difference.freshClasses = fresh.sorted()
    let candidates = delta == nil ? Array(classes.keys) : Array(change.keys)
    difference.dyingClasses = candidates.filter { (classes[$0]?.uses ?? 0) + change[$0, default: 0] <= 0 }.sorted()
  }

  /// Takes a class's index away from it: all its verdicts go, and come again under another.
  private func renew(
    _ peerClass: PeerClassID, _ target: PolicyTarget, _ used: Set<RuleSetID>, _ change: inout [UInt32: Int],
    _ difference: inout PolicyDifference
  ) {
    guard let index = classIndex[peerClass] else { return }
    for (set, entry) in sets where entry.verdicts[index] != nil {
      difference.removedVerdicts.insert(.init(set: set, peerClass: index))
    }
    change[index] = -(classes[index]?.uses ?? 0)
    difference.addedVerdicts.removeAll { $0.peerClass == peerClass }
    for id in used {
      guard let table = target.tables.ruleSets[id]?.verdicts[peerClass] else { continue }
      difference.addedVerdicts.append(.init(ruleSet: id, peerClass: peerClass, table: table))
    }
  }

  private func comparePeers(
    _ target: PolicyTarget, _ delta: PolicyDelta?, _ difference: inout PolicyDifference
  ) {
    var touched: Set<IPAddress> = []
    difference.localAddresses = localAddresses
    if delta.map({ $0.nodes.contains(target.node ?? "") }) ?? true {
      difference.localAddresses = Set(target.node.flatMap { target.tables.nodes[$0] } ?? [])
      touched.formUnion(localAddresses.symmetricDifference(difference.localAddresses))
    }
    if let delta {
      touched.formUnion(delta.peers)
      for peerClass in difference.freshClasses { touched.formUnion(members[peerClass] ?? []) }
      for index in difference.dyingClasses {
        if let id = classes[index]?.id { touched.formUnion(members[id] ?? []) }
      }
    } else {
      for plane in PolicyPlane.allCases { touched.formUnion(target.tables[plane].keys) }
      touched.formUnion(peers.keys)
      touched.formUnion(difference.localAddresses)
    }
    difference.peers = touched.sorted()
  }

  mutating func setClass(of address: IPAddress, to peerClass: PeerClassID, _ plane: PolicyPlane) {
    let old = classOf[plane]?[address] ?? .none
    guard old != peerClass else { return }
    if old != .none {
      members[old]?.remove(address)
      if members[old]?.isEmpty == true { members[old] = nil }
    }
    classOf[plane, default: [:]][address] = peerClass == .none ? nil : peerClass
    if peerClass != .none { members[peerClass, default: []].insert(address) }
  }

  private func findTables(_ target: PolicyTarget, _ difference: inout PolicyDifference) {
    var seen: Set<PortTable> = []
    var seenIDs: Set<PortTableID> = []
    func find(_ id: PortTableID) {
      guard !id.isOfEverything, tableIndexOfID[id] == nil, seenIDs.insert(id).inserted,
        let table = target.tables.portTables[id], tableIndex[table] == nil, seen.insert(table).inserted
      else { return }
      difference.addedTables.append(table)
    }
    for id in difference.addedSets {
      guard let set = target.tables.ruleSets[id] else { continue }
      find(set.defaultTable)
      set.ranges.forEach { find($0.table) }
    }
    difference.addedVerdicts.forEach { find($0.table) }
  }

  /// The index of a port table that is published; nil: it is not.
  func publishedIndex(of id: PortTableID, _ tables: PolicyTables) -> UInt32? {
    if id.isOfEverything { return id.rawValue }
    return tableIndexOfID[id] ?? tables.portTables[id].flatMap { tableIndex[$0] }
  }
}

extension PolicyTables {
  /// The rule set of a stage.
  func ruleSet(_ stages: Stages, _ stage: PolicyStage) -> RuleSetID {
    switch stage {
    case .admin: tiers[stages.admin] ?? .unrestricted
    case .policy: stages.policy
    case .baseline: tiers[stages.baseline] ?? .unrestricted
    }
  }

  /// The rule sets of all stages that have one.
  func ruleSets(of stages: Stages) -> [RuleSetID] {
    PolicyStage.allCases.map { ruleSet(stages, $0) }.filter { $0 != .unrestricted }
  }
}
