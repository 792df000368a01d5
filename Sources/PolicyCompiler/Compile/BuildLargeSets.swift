// SPDX-License-Identifier: Apache-2.0

internal import KubernetesModel
internal import NetworkTypes

/// The tables of large rule sets.
extension CompilerState {
  mutating func buildLarge(_ number: UInt32) {
    let record = setRecords[Int(number)]
    let limit = WorkLimit(size: size(of: record))
    var large = LargeSet(record.content, rules: rules, peers: peers, ports: ports, limit: limit)
    defer { steps += large.steps }
    var set = emptySet(record, defaultTable: hold(table(for: large.always, &large)))
    if record.content.isRefused || !limit.allows(large.ranks) {
      refuse(number, set.defaultTable)
      return
    }
    if record.blocks != 0 {
      let tree = tree(record.blocks)
      guard large.walk(tree, nil, limit: limit), let tables = tables(tree, &large, limit) else {
        refuse(number, set.defaultTable)
        return
      }
      addRanges(tree, tables, &set)
    }
    for range in set.ranges { _ = hold(range.table) }
    set.verdicts = verdicts(record, set.defaultTable, &large)
    tables.ruleSets[record.id] = set
    delta?.ruleSets.insert(record.id)
  }

  /// How much a rule set says: rules, their ports, blocks and their holes.
  private func size(of record: SetRecord) -> Int {
    var size = record.content.rules.count + record.elements.count + blockLists[record.blocks].count
    var seen = Set<UInt32>()
    func add(ports number: UInt32) {
      if seen.insert(number).inserted { size += ports[number].spans.count + ports[number].names.count }
    }
    func add(peer number: UInt32) { if case .block(_, let except) = peers[number] { size += except.count } }
    if record.content.stage == .policy {
      for position in stride(from: 0, to: record.content.rules.count, by: 2) {
        add(peer: record.content.rules[position])
        add(ports: record.content.rules[position + 1])
      }
    } else {
      for rule in record.content.rules {
        size += rules[rule].peers.count
        for peer in rules[rule].peers { add(peer: peer) }
        add(ports: rules[rule].ports)
      }
    }
    return size
  }

  /// The tables of the addresses that each block is the innermost of; nil where they are more than the limit.
  private mutating func tables(
    _ tree: BlockTree, _ large: inout LargeSet, _ limit: WorkLimit
  ) -> [PortTableID]? {
    var found: [PortTableID] = []
    found.reserveCapacity(tree.nodes.count)
    var seen: Set<PortTableID> = []
    var size = 0
    for position in tree.nodes.indices {
      let table = table(for: large.region(UInt32(position)), &large)
      found.append(table)
      guard seen.insert(table).inserted else { continue }
      size += tables.portTables[table]?.rangeCount ?? 0
      if size > limit.portRanges { return nil }
    }
    return found
  }

  /// A rule set that says too much for tables lets nothing through.
  private mutating func refuse(_ number: UInt32, _ defaultTable: PortTableID) {
    let record = setRecords[Int(number)]
    dropTable(defaultTable)
    refusedSets.insert(number)
    let verdict: PolicyVerdict = record.content.stage == .policy ? .noMatch : .deny
    tables.ruleSets[record.id] = emptySet(record, defaultTable: .everything(verdict))
    delta?.ruleSets.insert(record.id)
  }

  private mutating func table(for number: UInt32, _ large: inout LargeSet) -> PortTableID {
    if let known = large.tables[number] { return known }
    let table = portTable(large.portTable(number))
    large.tables[number] = table
    return table
  }

  private mutating func verdicts(
    _ record: SetRecord, _ defaultTable: PortTableID, _ large: inout LargeSet
  ) -> [PeerClassID: PortTableID] {
    let plane = record.plane
    hitCores(of: record)
    var found: [(PeerClassID, PortTableID)] = []
    found.reserveCapacity(coreHits.list.count)
    for core in coreHits.list {
      let items = planes[plane].cores[core].items
      let only = coreHits.only(core)
      let own = only == noNumber || isPortName(only) ? large.join(items) : large.number(of: only)
      // Those of one core differ by the blocks that cover them.
      var same: (region: UInt32, table: PortTableID?)?
      for number in planes[plane].coreRecords[Int(core)].classes {
        let region =
          record.blocks == 0 ? large.always : large.region(cover: planes[plane].classes[number].cover)
        let table = same?.region == region ? same?.table : verdict(own, region, items, &large)
        same = (region, table)
        if let table { found.append((planes[plane].classIDs[Int(number)], table)) }
      }
    }
    return held(found)
  }

  /// The table of a class, nil where its addresses get the same without one.
  private mutating func verdict(
    _ own: UInt32, _ region: UInt32, _ items: [UInt64], _ large: inout LargeSet
  ) -> PortTableID? {
    let number = large.named(large.join(own, region), items, meanings)
    if number == region { return nil }
    let table = table(for: number, &large)
    return table == self.table(for: region, &large) ? nil : table
  }

  /// The verdicts of a large rule set that is not new for classes that are.
  mutating func judge(_ classes: [UInt32], by set: UInt32, _ plane: PolicyPlane) {
    if refusedSets.contains(set) { return }
    let record = setRecords[Int(set)]
    let forms = classes.map { planes[plane].classes[$0] }
    let items = forms.map { planes[plane].cores[$0.core].items }
    let covers = record.blocks == 0 ? [] : forms.flatMap(\.cover)
    pointer.point(at: items.flatMap { $0 }, cover: covers, elements: elements.end, blocks: blocks.end)
    var large = LargeSet(record.content, rules: rules, peers: peers, ports: ports, limit: .none, for: pointer)
    defer { steps += large.steps }
    if !covers.isEmpty {
      let tree = tree(record.blocks)
      let needed = tree.nodes.indices.filter { pointer.has(block: tree.nodes[$0].number) }.map { UInt32($0) }
      _ = large.walk(tree, needed, limit: .none)
    }
    for (position, number) in classes.enumerated() {
      let region = record.blocks == 0 ? large.always : large.region(cover: forms[position].cover)
      let own = large.join(items[position])
      guard let table = verdict(own, region, items[position], &large) else { continue }
      hold(table, 1)
      tables.ruleSets[record.id]?.verdicts[planes[plane].classIDs[Int(number)]] = table
      delta?.verdicts.insert(.init(record.id, planes[plane].classIDs[Int(number)]))
    }
  }
}

extension PortTable {
  /// How many ranges it has.
  var rangeCount: Int { tcp.ranges.count + udp.ranges.count + sctp.ranges.count }
}
