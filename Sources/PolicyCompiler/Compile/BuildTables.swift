// SPDX-License-Identifier: Apache-2.0

internal import KubernetesModel
internal import NetworkTypes

/// The tables of new rule sets, and the verdicts of old ones for new classes.
extension CompilerState {
  mutating func buildTables() {
    let fresh = newSets.list.sorted()
    for number in fresh {
      if isLarge(number) { buildLarge(number) } else { build(number) }
    }
    guard delta != nil else { return }
    for plane in PolicyPlane.allCases {
      var known: [UInt64: PortTableID] = [:]
      var large: [UInt32: [UInt32]] = [:]
      for number in planes[plane].newClasses.list.sorted() { judge(number, plane, &known, &large) }
      for (set, classes) in large.sorted(by: { $0.key < $1.key }) { judge(classes, by: set, plane) }
    }
  }

  /// Whether a rule set has so many rules that they are not asked one by one.
  func isLarge(_ number: UInt32) -> Bool {
    let record = setRecords[Int(number)]
    return record.content.isRefused || record.elements.count > largeSize || blockLists[record.blocks].count > largeSize
      || record.content.rules.count > 8 * largeSize
  }

  /// A new rule set without its entries.
  func emptySet(_ record: SetRecord, defaultTable: PortTableID) -> PolicyTables.RuleSet {
    let excepts = record.content.stage == .policy && options.allowsOwnNode
    return PolicyTables.RuleSet(defaultTable: defaultTable, ownNode: excepts ? .unrestricted : record.id)
  }

  private mutating func build(_ number: UInt32) {
    let record = setRecords[Int(number)]
    // What is left of the rules for addresses that nothing but blocks speaks of, by the blocks.
    var bases: [[UInt32]: [UInt32]] = [[]: matching(record, items: [], cover: [])]
    let defaultTable = hold(table(for: bases[[]] ?? []))
    var set = emptySet(record, defaultTable: defaultTable)
    if record.blocks != 0 {
      let tree = tree(record.blocks)
      let tables = tree.nodes.indices.map { position in
        table(for: base(tree.cover(UInt32(position)), record, &bases))
      }
      addRanges(tree, tables, &set)
    }
    for range in set.ranges { _ = hold(range.table) }
    set.verdicts = verdicts(record, defaultTable, &bases)
    tables.ruleSets[record.id] = set
    delta?.ruleSets.insert(record.id)
  }

  /// The verdicts of a new rule set.
  ///
  /// Most cores have but one of the set's elements, and all those with the same one get the same ports.
  private mutating func verdicts(
    _ record: SetRecord, _ defaultTable: PortTableID, _ bases: inout [[UInt32]: [UInt32]]
  ) -> [PeerClassID: PortTableID] {
    let plane = record.plane
    hitCores(of: record)
    var found: [(PeerClassID, PortTableID)] = []
    found.reserveCapacity(coreHits.list.count)
    var ofElement: (element: UInt32, table: PortTableID?) = (noNumber, nil)
    for core in coreHits.list {
      let only = coreHits.only(core)
      if record.blocks == 0, only != noNumber, !isPortName(only) {
        if only != ofElement.element {
          let table = self.table(for: matching(record, items: [Self.key(only, 0)], cover: []))
          ofElement = (only, table == defaultTable ? nil : table)
        }
        guard let table = ofElement.table else { continue }
        for number in planes[plane].coreRecords[Int(core)].classes {
          found.append((planes[plane].classIDs[Int(number)], table))
        }
        continue
      }
      let items = planes[plane].cores[core].items
      for number in planes[plane].coreRecords[Int(core)].classes {
        let cover = record.blocks == 0 ? [] : planes[plane].classes[number].cover
        let key = matching(record, items: items, cover: cover)
        let base = base(cover, record, &bases)
        if key == base { continue }
        let table = self.table(for: key)
        if table != self.table(for: base) { found.append((planes[plane].classIDs[Int(number)], table)) }
      }
    }
    return held(found)
  }

  /// Finds the cores that have an element of a rule set.
  mutating func hitCores(of record: SetRecord) {
    coreHits.start()
    for element in record.elements {
      for core in planes[record.plane].uses[Int(element)].cores { coreHits.hit(core, by: element) }
    }
  }

  /// Verdicts as they are stored, their tables held.
  mutating func held(_ found: [(PeerClassID, PortTableID)]) -> [PeerClassID: PortTableID] {
    var verdicts = [PeerClassID: PortTableID](minimumCapacity: found.count)
    for (id, table) in found { verdicts[id] = table }
    var run: (table: PortTableID, count: Int) = (.everything(.noMatch), 0)
    for (_, table) in found {
      if table != run.table {
        hold(run.table, run.count)
        run = (table, 0)
      }
      run.count += 1
    }
    hold(run.table, run.count)
    return verdicts
  }

  func isPortName(_ element: UInt32) -> Bool { elementRecords[Int(element)].selector == noNumber }

  /// What is left of a set's rules for addresses that nothing but blocks speaks of.
  private mutating func base(
    _ cover: [UInt32], _ record: SetRecord, _ bases: inout [[UInt32]: [UInt32]]
  ) -> [UInt32] {
    if let known = bases[cover] { return known }
    let key = matching(record, items: [], cover: cover)
    bases[cover] = key
    return key
  }

  /// Adds the ranges of a set whose blocks have these tables, those of addresses of which a block is the innermost.
  func addRanges(_ tree: BlockTree, _ tables: [PortTableID], _ set: inout PolicyTables.RuleSet) {
    for (family, cells) in [(AddressFamily.ipv4, tree.ipv4), (.ipv6, tree.ipv6)] {
      let end = family == .ipv4 ? UInt128(UInt32.max) : UInt128.max
      var next = 0
      while next < cells.starts.count {
        let first = next
        let table = cells.inner[first] == noNumber ? set.defaultTable : tables[Int(cells.inner[first])]
        repeat {
          next += 1
        } while next < cells.starts.count
          && (cells.inner[next] == noNumber ? set.defaultTable : tables[Int(cells.inner[next])]) == table
        if table == set.defaultTable { continue }
        let last = next < cells.starts.count ? cells.starts[next] - 1 : end
        set.ranges.append(
          PolicyTables.AddressRange(
            first: IPAddress(family, cells.starts[first]), last: IPAddress(family, last), table: table))
      }
    }
  }

  func id(of number: UInt32) -> RuleSetID {
    number == unrestrictedSet ? .unrestricted : setRecords[Int(number)].id
  }

  /// The verdicts of older rule sets for a new class.
  ///
  /// Large rule sets are not asked now: the class is filed under them.
  private mutating func judge(
    _ number: UInt32, _ plane: PolicyPlane, _ known: inout [UInt64: PortTableID], _ large: inout [UInt32: [UInt32]]
  ) {
    let form = planes[plane].classes[number]
    let id = planes[plane].classIDs[Int(number)]
    let items = planes[plane].cores[form.core].items
    setHits.start()
    for item in items {
      let element = UInt32(truncatingIfNeeded: item >> 32)
      for set in planes[plane].uses[Int(element)].sets where !newSets.contains(set) { setHits.hit(set, by: element) }
    }
    for set in setHits.list {
      if isLarge(set) {
        large[set, default: []].append(number)
        continue
      }
      let only = setHits.only(set)
      let isSimple = setRecords[Int(set)].blocks == 0 && only != noNumber && !isPortName(only)
      // What the class gets from this set, and nil where that is what it gets anyway.
      var table: PortTableID?
      if isSimple, let found = known[Self.key(set, only)] {
        table = found == .nothing ? nil : found
      } else {
        let cover = setRecords[Int(set)].blocks == 0 ? [] : form.cover
        let key = matching(setRecords[Int(set)], items: items, cover: cover)
        let base = matching(setRecords[Int(set)], items: [], cover: cover)
        if key != base {
          let found = self.table(for: key)
          if found != self.table(for: base) { table = found }
        }
        if isSimple { known[Self.key(set, only)] = table ?? .nothing }
      }
      guard let table else { continue }
      let ruleSet = setRecords[Int(set)].id
      hold(table, 1)
      tables.ruleSets[ruleSet]?.verdicts[id] = table
      delta?.verdicts.insert(.init(ruleSet, id))
    }
  }

  /// The addresses of nodes that changed.
  mutating func writeNodes() {
    for name in dirtyNodes {
      let new = nodes[name].flatMap { nodeRecords[Int($0)]?.node.addresses }
      if tables.nodes[name] == new { continue }
      tables.nodes[name] = new
      delta?.nodes.insert(name)
    }
  }

  /// The rule sets of pods that changed.
  mutating func writeEndpoints() {
    guard delta != nil else {
      tables.endpoints.reserveCapacity(pods.count)
      for record in podRecords {
        if let record, let endpoint = endpoint(record) { tables.endpoints[record.pod.key] = endpoint }
      }
      return
    }
    for key in dirtyPods {
      let new = pods[key].flatMap { podRecords[Int($0)] }.flatMap { endpoint($0) }
      if tables.endpoints[key] == new { continue }
      tables.endpoints[key] = new
      delta?.endpoints.insert(key)
    }
  }

  private func endpoint(_ record: PodRecord) -> PolicyTables.Endpoint? {
    guard record.kind != noNumber, isScoped(record.pod) else { return nil }
    let kind = kindRecords[Int(record.kind)]
    return PolicyTables.Endpoint(
      ingress: stages(kind.ingress), egress: stages(kind.egress), addresses: record.pod.addresses,
      node: record.pod.node)
  }

  private func stages(_ stages: KindStages) -> PolicyTables.Stages {
    func id(_ tier: UInt32) -> TierID { tier == noNumber ? .none : tierRecords[Int(tier)].id }
    return PolicyTables.Stages(
      admin: id(stages.admin), policy: self.id(of: stages.policy), baseline: id(stages.baseline))
  }
}

extension PortTableID {
  /// No table.
  fileprivate static let nothing = PortTableID(rawValue: noNumber)
}
