// SPDX-License-Identifier: Apache-2.0

internal import KubernetesModel
internal import NetworkTypes

/// The tables of new rule sets, and the verdicts of old ones for new classes.
extension CompilerState {
  mutating func buildTables() {
    let fresh = newSets.list.sorted()
    for number in fresh { build(number) }
    guard delta != nil else { return }
    for number in newClasses.list.sorted() { judge(number) }
  }

  private mutating func build(_ number: UInt32) {
    let record = setRecords[Int(number)]
    point(at: noNumber, cover: [])
    let defaultKey = matching(record.content)
    let defaultTable = hold(table(for: defaultKey))
    var set = PolicyTables.RuleSet(defaultTable: defaultTable, ownNode: id(of: record.ownNode))
    var bases: [[UInt32]: [UInt32]] = [:]
    if record.blocks != 0 {
      let cells = cells(record.blocks)
      for (family, list) in [(AddressFamily.ipv4, cells.ipv4), (.ipv6, cells.ipv6)] {
        addRanges(list, family, record.content, &set, &bases)
      }
    }
    for range in set.ranges { _ = hold(range.table) }
    classMarks.removeAll()
    for element in record.elements {
      for core in elementRecords[Int(element)].cores {
        for peerClass in coreRecords[Int(core)].classes { classMarks.insert(peerClass) }
      }
    }
    for number in classMarks.list {
      let form = classes[number]
      point(at: form.core, cover: form.cover)
      let key = matching(record.content)
      let base = record.blocks == 0 ? defaultKey : self.base(form.cover, record.content, defaultKey, &bases)
      if key == base { continue }
      let table = self.table(for: key)
      if table == self.table(for: base) { continue }
      set.verdicts[classIDs[Int(number)]] = hold(table)
    }
    classMarks.removeAll()
    tables.ruleSets[record.id] = set
    delta?.ruleSets.insert(record.id)
  }

  /// What is left of a set's rules for addresses that nothing but blocks speaks of.
  private mutating func base(
    _ cover: [UInt32], _ content: SetContent, _ defaultKey: [UInt32], _ bases: inout [[UInt32]: [UInt32]]
  ) -> [UInt32] {
    if cover.isEmpty { return defaultKey }
    if let known = bases[cover] { return known }
    point(at: noNumber, cover: cover)
    let key = matching(content)
    bases[cover] = key
    return key
  }

  private mutating func addRanges(
    _ cells: [BlockCells.Cell], _ family: AddressFamily, _ content: SetContent, _ set: inout PolicyTables.RuleSet,
    _ bases: inout [[UInt32]: [UInt32]]
  ) {
    var last: (first: UInt128, last: UInt128, table: PortTableID)?
    func finish(_ set: inout PolicyTables.RuleSet) {
      guard let run = last else { return }
      set.ranges.append(
        PolicyTables.AddressRange(
          first: IPAddress(family, run.first), last: IPAddress(family, run.last), table: run.table))
      last = nil
    }
    for cell in cells {
      let table = self.table(for: base(cell.cover, content, [], &bases))
      if let run = last, run.table == table, run.last + 1 == cell.first {
        last?.last = cell.last
        continue
      }
      finish(&set)
      if table != set.defaultTable { last = (cell.first, cell.last, table) }
    }
    finish(&set)
  }

  func id(of number: UInt32) -> RuleSetID {
    number == unrestrictedSet ? .unrestricted : setRecords[Int(number)].id
  }

  /// The verdicts of older rule sets for a new class.
  private mutating func judge(_ number: UInt32) {
    let form = classes[number]
    let id = classIDs[Int(number)]
    var seen: Set<UInt32> = []
    for item in cores[form.core].items {
      for set in elementRecords[Int(item >> 32)].sets where !newSets.contains(set) && seen.insert(set).inserted {
        let record = setRecords[Int(set)]
        point(at: form.core, cover: form.cover)
        let key = matching(record.content)
        point(at: noNumber, cover: form.cover)
        let base = matching(record.content)
        if key == base { continue }
        let table = self.table(for: key)
        if table == self.table(for: base) { continue }
        let held = hold(table)
        tables.ruleSets[record.id]?.verdicts[id] = held
        delta?.verdicts.insert(.init(record.id, id))
      }
    }
  }

  // Port tables.

  /// The number of a port table, not held.
  mutating func portTable(_ table: PortTable) -> PortTableID {
    for verdict in PolicyVerdict.allCases where table == PortTable(everything: verdict) { return .everything(verdict) }
    if let known = tableIDs[table] { return known }
    nextTable += 1
    let id = PortTableID(rawValue: nextTable)
    tableIDs[table] = id
    tables.portTables[id] = table
    newTables.insert(id)
    looseTables.insert(id)
    return id
  }

  private mutating func hold(_ id: PortTableID) -> PortTableID {
    if id.rawValue > 2 { tableHolders[id, default: 0] += 1 }
    return id
  }

  mutating func dropTable(_ id: PortTableID) {
    guard id.rawValue > 2 else { return }
    tableHolders[id, default: 0] -= 1
    if tableHolders[id] == 0 { looseTables.insert(id) }
  }

  /// Removes port tables that nothing refers to.
  mutating func sweepTables() {
    for id in looseTables where tableHolders[id, default: 0] == 0 {
      tableHolders[id] = nil
      if let table = tables.portTables.removeValue(forKey: id) { tableIDs[table] = nil }
      if newTables.remove(id) == nil { delta?.portTables.insert(id) }
    }
    if delta != nil { for id in newTables { delta?.portTables.insert(id) } }
    looseTables.removeAll()
    newTables.removeAll()
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
      ingress: id(of: kind.ingress), egress: id(of: kind.egress), addresses: record.pod.addresses,
      node: record.pod.node)
  }
}
