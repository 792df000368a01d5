// SPDX-License-Identifier: Apache-2.0

internal import CDatapathABI
internal import KubernetesModel
internal import NetworkTypes

extension PolicyStore {
  /// Plans the next generation.
  ///
  /// - Parameters:
  ///   - target: What shall be published.
  ///   - delta: Which entries of the tables are others than those published last; nil: any.
  /// - Returns: What to do. The store is as if it were done: where it cannot be, the store is of no use any more.
  /// - Throws: `.full`; the store is good for a plan without a delta then.
  package mutating func plan(_ target: PolicyTarget, delta: PolicyDelta?) throws(PolicyError) -> PolicyMapPlan {
    if delta == nil { correlate(with: target) }
    let difference = difference(to: target, delta: delta)
    try check(difference, target)
    var planner = PolicyPlanner(store: self, target: target, difference: difference)
    // One owner at a time, or each change of a dictionary would copy it.
    self = PolicyStore(generation: 0, capacity: PolicyMapCapacity.none)
    planner.run()
    self = planner.store
    return planner.plan
  }
}

extension PolicyMapCapacity {
  static let none = PolicyMapCapacity(
    endpoints: 0, ruleSets: 0, peers: 0, peerClasses: 0, verdicts: 0, addressRanges4: 0, addressRanges6: 0,
    portTables: 0, portRanges: 0, decisions: 0)
}

/// Gives every entry of a difference its index.
///
/// There is room for all, as was checked before.
struct PolicyPlanner {
  var store: PolicyStore
  let target: PolicyTarget
  let difference: PolicyDifference
  var plan = PolicyMapPlan()
  var released = PolicyStore.Release()

  init(store: consuming PolicyStore, target: PolicyTarget, difference: PolicyDifference) {
    self.store = store
    self.target = target
    self.difference = difference
  }

  mutating func run() {
    plan.generation = PolicyGeneration.after(store.generation)
    if store.generation == 0 { addTablesOfEverything() }
    for table in difference.addedTables { add(table) }
    removeSets()
    renumberClasses()
    addSets()
    addVerdicts()
    changePeers()
    changeEndpoints()
    store.localAddresses = difference.localAddresses
    plan.tail.release = released
    plan.tail.settled = plan.words.map { ($0.place, $0.after) }
    if plan.isEmpty, store.generation != 0 {
      plan.generation = store.generation
    } else {
      store.generation = plan.generation
    }
  }

  // MARK: Port tables

  private mutating func addTablesOfEverything() {
    for verdict in PolicyVerdict.allCases {
      let number = verdict.rawValue
      plan.portTables.append(
        (
          UInt32(number),
          port_table(
            first: (0, 0, 0), count: (0, 0, 0), rest: (number, number, number), other: number, padding: 0)
        ))
    }
  }

  private mutating func add(_ table: PortTable) {
    guard let index = store.tableIndexes.allocate()?.index else { return }
    let runs = table.runs.map { addRun($0) }
    plan.portTables.append(
      (
        index,
        port_table(
          first: (runs[0].first, runs[1].first, runs[2].first),
          count: (
            UInt16(truncatingIfNeeded: runs[0].count), UInt16(truncatingIfNeeded: runs[1].count),
            UInt16(truncatingIfNeeded: runs[2].count)
          ), rest: (table.tcp.rest.rawValue, table.udp.rest.rawValue, table.sctp.rest.rawValue),
          other: table.other.rawValue, padding: 0)
      ))
    store.portTables[index] = .init(table: table)
    store.tableIndex[table] = index
  }

  private mutating func addRun(_ ranges: [PortTable.Range]) -> ExtentAllocator.Extent {
    if ranges.isEmpty { return .empty }
    if let run = store.portRuns[ranges] {
      store.portRuns[ranges]?.uses += 1
      return run.extent
    }
    guard let extent = store.portExtents.allocate(ranges.count) else { return .empty }
    store.portRuns[ranges] = .init(extent: extent, uses: 1)
    for (offset, range) in ranges.enumerated() {
      plan.portRanges.append(
        (
          extent.first + UInt32(offset),
          port_range(first: range.first, last: range.last, verdict: UInt32(range.verdict.rawValue))
        ))
    }
    return extent
  }

  /// The index of a port table, with one use more.
  private mutating func use(_ id: PortTableID) -> UInt32 {
    if id.isOfEverything { return id.rawValue }
    let index = store.publishedIndex(of: id, target.tables) ?? UInt32(VERDICT_NO_MATCH)
    if store.tableIndexOfID[id] == nil, store.portTables[index] != nil {
      store.tableIndexOfID[id] = index
      store.portTables[index]?.ids.append(id)
    }
    store.portTables[index]?.uses += 1
    return index
  }

  // MARK: Rule sets and verdicts

  private mutating func decision(_ set: UInt32, _ part: PolicyStore.DecisionEntry.Part) -> UInt32 {
    guard let (number, isUsed) = store.decisionIndexes.allocate() else { return 0 }
    if isUsed || store.hasForeignCounters { plan.recycledDecisions.append(number) }
    store.decisions[number] = .init(set: set, part: part)
    return number
  }

  private mutating func removeSets() {
    for index in difference.removedSets {
      guard let set = store.sets.removeValue(forKey: index) else { continue }
      if let id = set.id, store.setIndex[id] == index { store.setIndex[id] = nil }
      released.sets.append(index)
      released.extents4.append(set.extent4)
      released.extents6.append(set.extent6)
      released.decisions.append(set.entry.default_decision)
      released.tableUses.append(set.entry.default_table)
      for range in set.ranges {
        released.decisions.append(range.decision)
        released.tableUses.append(range.table)
      }
      for (peerClass, verdict) in set.verdicts { remove(verdict, set: index, peerClass: peerClass) }
    }
    for old in difference.removedVerdicts.sorted(by: { ($0.set, $0.peerClass) < ($1.set, $1.peerClass) }) {
      guard let verdict = store.sets[old.set]?.verdicts.removeValue(forKey: old.peerClass) else { continue }
      remove(verdict, set: old.set, peerClass: old.peerClass)
    }
    plan.tail.verdicts.sort { ($0.rule_set, $0.peer_class) < ($1.rule_set, $1.peer_class) }
  }

  private mutating func remove(_ verdict: PolicyStore.VerdictEntry, set: UInt32, peerClass: UInt32) {
    store.classes[peerClass]?.uses -= 1
    plan.tail.verdicts.append(verdict_key(rule_set: set, peer_class: peerClass))
    released.verdictCount += 1
    released.decisions.append(verdict.decision)
    released.tableUses.append(verdict.table)
  }

  private mutating func renumberClasses() {
    for index in difference.dyingClasses {
      if let id = store.classes[index]?.id, store.classIndex[id] == index { store.classIndex[id] = nil }
      store.classes[index] = nil
      released.classes.append(index)
    }
    for peerClass in difference.freshClasses {
      guard let index = store.classIndexes.allocate()?.index else { continue }
      store.classIndex[peerClass] = index
      store.classes[index] = .init(id: peerClass)
    }
  }

  private mutating func addSets() {
    for id in difference.addedSets {
      if let index = store.setIndexes.allocate()?.index { store.setIndex[id] = index }
    }
    for id in difference.addedSets {
      guard let index = store.setIndex[id], let set = target.tables.ruleSets[id] else { continue }
      var entry = rule_set(
        default_table: use(set.defaultTable), default_decision: decision(index, .other),
        own_node: kernelIndex(set.ownNode), range4_first: 0, range4_count: 0, range6_first: 0, range6_count: 0,
        padding: 0)
      var ranges: [PolicyStore.RangeEntry] = []
      for (position, range) in set.ranges.enumerated() {
        ranges.append(
          .init(
            first: range.first, last: range.last, table: use(range.table), decision: decision(index, .range(position))))
      }
      write(ranges, &entry)
      plan.ruleSets.append((index, entry))
      store.sets[index] = .init(id: id, entry: entry, ranges: ranges)
    }
  }

  private mutating func write(_ ranges: [PolicyStore.RangeEntry], _ entry: inout rule_set) {
    let count4 = ranges.count { $0.first.family == .ipv4 }
    guard let extent4 = store.extents4.allocate(count4), let extent6 = store.extents6.allocate(ranges.count - count4)
    else { return }
    (entry.range4_first, entry.range4_count) = (extent4.first, extent4.count)
    (entry.range6_first, entry.range6_count) = (extent6.first, extent6.count)
    var (next4, next6) = (extent4.first, extent6.first)
    for range in ranges {
      switch (range.first, range.last) {
      case (.v4(let first), .v4(let last)):
        let value = address_range4(
          first: first.rawValue, last: last.rawValue, table: range.table, decision: range.decision)
        plan.addressRanges4.append((next4, value))
        next4 += 1
      case (.v6(let first), .v6(let last)):
        let value = address_range6(
          first_high: first.high, first_low: first.low, last_high: last.high, last_low: last.low, table: range.table,
          decision: range.decision)
        plan.addressRanges6.append((next6, value))
        next6 += 1
      default: continue
      }
    }
  }

  /// The kernel's index of a rule set; one that is unknown is "not compiled": closed.
  private func kernelIndex(_ id: RuleSetID) -> UInt32 {
    id == .unrestricted ? UInt32(RULE_SET_UNRESTRICTED) : store.setIndex[id] ?? UInt32(RULE_SET_NOT_COMPILED)
  }

  private mutating func addVerdicts() {
    for added in difference.addedVerdicts {
      guard let set = store.setIndex[added.ruleSet], let peerClass = store.classIndex[added.peerClass] else { continue }
      let value = PolicyStore.VerdictEntry(table: use(added.table), decision: decision(set, .peers(peerClass)))
      store.sets[set]?.verdicts[peerClass] = value
      store.classes[peerClass]?.uses += 1
      plan.verdicts.append(
        (verdict_key(rule_set: set, peer_class: peerClass), verdict(table: value.table, decision: value.decision)))
    }
    store.verdictCount += plan.verdicts.count
  }

  // MARK: Words

  private mutating func changePeers() {
    for address in difference.peers where !address.isMapped {
      var new = PolicyStore.PeerEntry(
        slot: 0, policy: classIndex(of: address, .namespaced), cluster: classIndex(of: address, .cluster))
      if difference.localAddresses.contains(address) { new.policy |= UInt32(PEER_IS_LOCAL_NODE) }
      let isNeeded = new.policy != 0 || new.cluster != 0
      let old = store.peers[address]
      if let old {
        new.slot = old.slot
        if !isNeeded {
          plan.tail.peers.append(address)
          released.slots.append(old.slot)
          released.peerCount += 1
        }
      } else {
        guard isNeeded, let slot = store.slots.allocate()?.index else { continue }
        new.slot = slot
        plan.peers.append((address, slot))
      }
      store.peers[address] = isNeeded ? new : nil
      for plane in PolicyPlane.allCases where old?[plane] ?? 0 != new[plane] {
        plan.words.append(.init(place: .peer(new.slot, plane), before: old?[plane] ?? 0, after: new[plane]))
      }
    }
    store.peerCount += plan.peers.count
  }

  private func classIndex(of address: IPAddress, _ plane: PolicyPlane) -> UInt32 {
    target.tables[plane][address].flatMap { store.classIndex[$0] } ?? UInt32(PEER_CLASS_DEFAULT)
  }

  private mutating func changeEndpoints() {
    for number in Set(store.endpoints.keys).union(difference.endpoints.keys).sorted() {
      let old = store.endpoints[number]
      let new = difference.endpoints[number].map {
        PolicyStore.EndpointEntry(ingress: entry($0.ingress), egress: entry($0.egress))
      }
      guard old != new else { continue }
      store.endpoints[number] = new
      for stage in PolicyStage.allCases {
        change(.ingress(number, stage), old?.ingress[stage], new?.ingress[stage])
        change(.egress(number, stage), old?.egress[stage], new?.egress[stage])
      }
    }
    store.pods = Dictionary(uniqueKeysWithValues: target.endpoints.map { ($0.value, $0.key) })
  }

  private func entry(_ stages: PolicyTables.Stages) -> PolicyStore.StageEntry {
    .init { kernelIndex(target.tables.ruleSet(stages, $0)) }
  }

  private mutating func change(_ place: PolicyWordPlace, _ old: UInt32?, _ new: UInt32?) {
    let (before, after) = (old ?? UInt32(RULE_SET_NOT_COMPILED), new ?? UInt32(RULE_SET_NOT_COMPILED))
    if before != after { plan.words.append(.init(place: place, before: before, after: after)) }
  }
}

extension IPAddress {
  /// Whether it is ::ffff:a.b.c.d, which in the kernel would pass for IPv4; packets that carry it are malformed.
  var isMapped: Bool {
    if case .v6(let address) = self { return address.high == 0 && address.low >> 32 == 0xffff }
    return false
  }
}
