// SPDX-License-Identifier: Apache-2.0

internal import KubernetesModel
internal import NetworkTypes

/// Cores of peers, and the classes of addresses.
extension CompilerState {
  /// The cores of kinds and the elements of nodes.
  mutating func selectCores() {
    for kind in coreKinds.drain() where kinds.isUsed(kind) {
      let new = holdCore(Core(items: items(of: kinds[kind])))
      let old = kindRecords[Int(kind)].core
      if new == old {
        releaseCore(new)
        continue
      }
      if new != noNumber { coreRecords[Int(new)].kinds.append(kind) }
      leaveCore(kind: kind)
      kindRecords[Int(kind)].core = new
      for pod in kindRecords[Int(kind)].pods {
        for address in podRecords[Int(pod)]?.addresses ?? [] { dirtyAddresses.insert(address) }
      }
    }
    for number in coreNodes.drain() {
      guard let record = nodeRecords[Int(number)] else { continue }
      var selected: [UInt32] = []
      for element in nodeElements where !elementRecords[Int(element)].sets.isEmpty {
        guard case .nodes(let selector) = elements[element] else { continue }
        if selectors[selector].matches(record.features) { selected.append(element) }
      }
      selected.sort()
      if selected == record.elements { continue }
      nodeRecords[Int(number)]?.elements = selected
      for address in record.addresses { dirtyAddresses.insert(address) }
    }
  }

  private mutating func items(of kind: Kind) -> [UInt64] {
    var items: [UInt64] = []
    let found = groupElements[kind.group] ?? elements(selecting: kind.group)
    for element in found where !elementRecords[Int(element)].sets.isEmpty {
      items.append(Self.key(element, 0))
    }
    let list = portLists[kind.ports]
    var start = 0
    while start < list.count {
      var end = start
      while end < list.count, list[end].name == list[start].name { end += 1 }
      if let element = elements.number(of: .portName(list[start].name)),
        !elementRecords[Int(element)].sets.isEmpty
      {
        let meaning = Meaning(ports: list[start..<end].map { UInt32($0.transport) << 16 | UInt32($0.port) })
        items.append(Self.key(element, meanings.hold(meaning).number))
      }
      start = end
    }
    items.sort()
    return items
  }

  /// Takes over the holds on the meanings of a core.
  private mutating func holdCore(_ core: Core) -> UInt32 {
    if core.items.isEmpty { return noNumber }
    let (number, isNew) = cores.hold(core)
    guard isNew else {
      releaseMeanings(core)
      return number
    }
    var record = CoreRecord()
    for item in core.items { elementRecords[Int(item >> 32)].cores.append(number) }
    record.blocks = holdRelevantBlocks(core)
    set(&coreRecords, number, record)
    return number
  }

  private mutating func releaseMeanings(_ core: Core) {
    for item in core.items {
      let meaning = UInt32(truncatingIfNeeded: item)
      if meaning != 0 { _ = meanings.release(meaning) }
    }
  }

  /// The blocks of all rule sets that use an item of the core, held.
  private mutating func holdRelevantBlocks(_ core: Core) -> UInt32 {
    var lists: [UInt32] = []
    for item in core.items {
      for (list, _) in elementRecords[Int(item >> 32)].blockLists { lists.append(list) }
    }
    lists.unique()
    if lists.isEmpty { lists = [0] }
    let known = lists.count == 1 ? lists[0] : listMemo[lists]
    if let known {
      blockLists.hold(number: known)
      return known
    }
    var relevant = lists.flatMap { blockLists[$0] }
    relevant.unique()
    let number = holdBlockList(relevant)
    listMemo[lists] = number
    return number
  }

  /// Lets go of a core once nothing can mean it any more.
  private mutating func releaseCore(_ number: UInt32) {
    if number != noNumber { releasedCores.append(number) }
  }

  mutating func leaveCore(kind: UInt32) {
    let core = kindRecords[Int(kind)].core
    guard core != noNumber else { return }
    coreRecords[Int(core)].kinds.removeOne(kind)
    kindRecords[Int(kind)].core = noNumber
    releaseCore(core)
  }

  mutating func dropCore(_ number: UInt32) {
    guard let core = cores.release(number) else { return }
    for item in core.items { elementRecords[Int(item >> 32)].cores.removeOne(number) }
    dropBlockList(coreRecords[Int(number)].blocks)
    coreRecords[Int(number)] = CoreRecord()
    releaseMeanings(core)
  }

  /// The blocks that cores tell apart, where rule sets came and went.
  mutating func refreshCores() {
    for number in dirtyCores.drain() {
      let list = holdRelevantBlocks(cores[number])
      let old = coreRecords[Int(number)].blocks
      releasedLists.append(old)
      if list == old { continue }
      coreRecords[Int(number)].blocks = list
      for address in coreRecords[Int(number)].addresses { dirtyAddresses.insert(address) }
      for kind in coreRecords[Int(number)].kinds {
        for pod in kindRecords[Int(kind)].pods {
          for address in podRecords[Int(pod)]?.addresses ?? [] { dirtyAddresses.insert(address) }
        }
      }
    }
  }

  /// The classes of addresses.
  mutating func classify() {
    for number in dirtyAddresses.drain() {
      let address = addresses[number]
      let core = core(of: number)
      var new = noNumber
      if core != noNumber {
        let (held, isNew) = classes.hold(PeerClass(core: core, cover: cover(address, core)))
        new = held
        if isNew { enterClass(new) }
      }
      let old = addressRecords[Int(number)].peerClass
      if old != noNumber { releasedClasses.append(old) }
      addressRecords[Int(number)].peerClass = new
      if old == new { continue }
      tables.peers[address] = new == noNumber ? nil : classIDs[Int(new)]
      delta?.peers.insert(address)
    }
    for number in releasedClasses { leaveClass(number) }
    releasedClasses.removeAll()
  }

  private mutating func core(of number: UInt32) -> UInt32 {
    let owners = addressRecords[Int(number)].owners
    var new = noNumber
    var isOwn = false
    defer {
      let old = addressRecords[Int(number)].core
      if old != noNumber {
        coreRecords[Int(old)].addresses.removeOne(number)
        releaseCore(old)
      }
      addressRecords[Int(number)].core = isOwn ? new : noNumber
      if isOwn, new != noNumber { coreRecords[Int(new)].addresses.append(number) }
    }
    if let pod = owners.onlyPod {
      new = podRecords[Int(pod)].map { kindRecords[Int($0.kind)].core } ?? noNumber
      return new
    }
    isOwn = true
    var items: [UInt64] = []
    if let pod = firstPod(owners.all) {
      items = self.items(of: kinds[pod.kind])
    }
    for owner in owners.all where owner & 1 == 1 {
      items += (nodeRecords[Int(owner >> 1)]?.elements ?? []).map { Self.key($0, 0) }
    }
    items.sort()
    items = items.indices.filter { $0 == 0 || items[$0] != items[$0 - 1] }.map { items[$0] }
    new = holdCore(Core(items: items))
    return new
  }

  /// Of several pods with one address the first by name counts.
  func firstPod(_ owners: [UInt32]) -> PodRecord? {
    owners.filter { $0 & 1 == 0 }.compactMap { podRecords[Int($0 >> 1)] }.min { $0.pod.key < $1.pod.key }
  }

  private mutating func cover(_ address: IPAddress, _ core: UInt32) -> [UInt32] {
    let list = coreRecords[Int(core)].blocks
    return list == 0 ? [] : cells(list).cover(address)
  }

  mutating func cells(_ list: UInt32) -> BlockCells {
    if let known = blockCells[Int(list)] { return known }
    let made = BlockCells(blockLists[list].map { ($0, blocks[$0]) })
    blockCells[Int(list)] = made
    return made
  }

  private mutating func enterClass(_ number: UInt32) {
    nextClass += 1
    set(&classIDs, number, PeerClassID(rawValue: nextClass))
    coreRecords[Int(classes[number].core)].classes.append(number)
    newClasses.insert(number)
  }

  private mutating func leaveClass(_ number: UInt32) {
    guard let form = classes.release(number) else { return }
    coreRecords[Int(form.core)].classes.removeOne(number)
    newClasses.remove(number)
    let id = classIDs[Int(number)]
    for item in cores[form.core].items {
      for number in elementRecords[Int(item >> 32)].sets {
        let set = setRecords[Int(number)].id
        guard let table = tables.ruleSets[set]?.verdicts.removeValue(forKey: id) else { continue }
        delta?.verdicts.insert(.init(set, id))
        dropTable(table)
      }
    }
  }
}
