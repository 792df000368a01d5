// SPDX-License-Identifier: Apache-2.0

/// Port tables, each kept as long as a rule set names it.
extension CompilerState {
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

  mutating func hold(_ id: PortTableID) -> PortTableID {
    if !id.isOfEverything { tableHolders[id, default: 0] += 1 }
    return id
  }

  mutating func hold(_ id: PortTableID, _ count: Int) {
    if !id.isOfEverything, count > 0 { tableHolders[id, default: 0] += count }
  }

  mutating func dropTable(_ id: PortTableID) {
    guard !id.isOfEverything else { return }
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
}
