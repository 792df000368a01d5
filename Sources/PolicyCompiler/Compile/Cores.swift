// SPDX-License-Identifier: Apache-2.0

internal import KubernetesModel
internal import NetworkTypes

/// Cores of peers, and the classes of addresses.
extension CompilerState {
  /// The cores of kinds and the elements of nodes.
  mutating func selectCores(_ plane: PolicyPlane) {
    var left = Marks()
    let changed = planes[plane].forceKinds
    planes[plane].forceKinds.removeAll()
    // Kinds of which more is different are looked at anew.
    let rest = changed.filter { !planes[plane].coreKinds.contains(UInt32(truncatingIfNeeded: $0 >> 32)) }.sorted()
    for kind in planes[plane].coreKinds.drain() where kinds.isUsed(kind) {
      move(kind, to: holdCore(Core(items: items(of: kinds[kind], plane)), plane), plane, &left)
    }
    moveKinds(rest, plane, &left)
    let cores = planes[plane].kindCores
    for core in left.drain() { planes[plane].coreRecords[Int(core)].kinds.removeAll { cores[Int($0)] != core } }
    selectNodes(plane)
  }

  /// The elements of nodes.
  private mutating func selectNodes(_ plane: PolicyPlane) {
    for number in planes[plane].coreNodes.drain() {
      guard let record = nodeRecords[Int(number)] else { continue }
      var selected: [UInt32] = []
      for element in nodeElements where isInForce(element, plane) {
        guard case .nodes(let selector) = elements[element] else { continue }
        if selectors[selector].matches(record.features) { selected.append(element) }
      }
      selected.sort()
      if selected == planes[plane].nodeElements[Int(number)] { continue }
      planes[plane].nodeElements[Int(number)] = selected
      for address in record.addresses { planes[plane].dirtyAddresses.insert(address) }
    }
  }

  func isInForce(_ element: UInt32, _ plane: PolicyPlane) -> Bool {
    !planes[plane].uses[Int(element)].sets.isEmpty
  }

  private mutating func items(of kind: Kind, _ plane: PolicyPlane) -> [UInt64] {
    var items: [UInt64] = []
    let found = groupElements[kind.group] ?? elements(selecting: kind.group)
    for element in found where isInForce(element, plane) { items.append(Self.key(element, 0)) }
    let list = portLists[kind.ports]
    var start = 0
    while start < list.count {
      var end = start
      while end < list.count, list[end].name == list[start].name { end += 1 }
      if let element = elements.number(of: .portName(list[start].name)), isInForce(element, plane) {
        let meaning = Meaning(ports: list[start..<end].map { UInt32($0.transport) << 16 | UInt32($0.port) })
        items.append(Self.key(element, meanings.hold(meaning).number))
      }
      start = end
    }
    items.sort()
    return items
  }

  /// Takes over the holds on the meanings of a core.
  mutating func holdCore(_ core: Core, _ plane: PolicyPlane) -> UInt32 {
    if core.items.isEmpty { return noNumber }
    let (number, isNew) = planes[plane].cores.hold(core)
    guard isNew else {
      releaseMeanings(core)
      return number
    }
    var record = CoreRecord()
    for item in core.items { planes[plane].uses[Int(item >> 32)].cores.append(number) }
    record.blocks = holdRelevantBlocks(core, plane)
    set(&planes[plane].coreRecords, number, record)
    return number
  }

  private mutating func releaseMeanings(_ core: Core) {
    for item in core.items {
      let meaning = UInt32(truncatingIfNeeded: item)
      if meaning != 0 { _ = meanings.release(meaning) }
    }
  }

  /// The lists of blocks of all rule sets that use an item of the core, held as a group.
  private mutating func holdRelevantBlocks(_ core: Core, _ plane: PolicyPlane) -> UInt32 {
    var lists: [UInt32] = []
    for item in core.items { lists += planes[plane].uses[Int(item >> 32)].blockLists.keys }
    lists.unique()
    return holdListGroup(lists)
  }

  /// Lets go of a core once nothing can mean it any more.
  mutating func releaseCore(_ number: UInt32, _ plane: PolicyPlane) {
    if number != noNumber { planes[plane].releasedCores.append(number) }
  }

  mutating func leaveCore(kind: UInt32, _ plane: PolicyPlane) {
    let core = planes[plane].kindCores[Int(kind)]
    guard core != noNumber else { return }
    planes[plane].coreRecords[Int(core)].kinds.removeOne(kind)
    planes[plane].kindCores[Int(kind)] = noNumber
    releaseCore(core, plane)
  }

  mutating func dropReleasedCores(_ plane: PolicyPlane) {
    // Lists of cores are in the order in which cores came: the last is found first.
    for number in planes[plane].releasedCores.reversed() {
      guard let core = planes[plane].cores.release(number) else { continue }
      for item in core.items { planes[plane].uses[Int(item >> 32)].cores.removeOne(number) }
      dropListGroup(planes[plane].coreRecords[Int(number)].blocks)
      planes[plane].coreRecords[Int(number)] = CoreRecord()
      releaseMeanings(core)
    }
    planes[plane].releasedCores.removeAll()
  }

  /// The blocks that cores tell apart, where rule sets came and went.
  mutating func refreshCores(_ plane: PolicyPlane) {
    for number in planes[plane].dirtyCores.drain() {
      let group = holdRelevantBlocks(planes[plane].cores[number], plane)
      let record = planes[plane].coreRecords[Int(number)]
      releasedGroups.append(record.blocks)
      if group == record.blocks { continue }
      planes[plane].coreRecords[Int(number)].blocks = group
      for address in record.addresses { planes[plane].dirtyAddresses.insert(address) }
      for kind in record.kinds {
        for pod in kindRecords[Int(kind)].pods {
          for address in podRecords[Int(pod)]?.addresses ?? [] { planes[plane].dirtyAddresses.insert(address) }
        }
      }
    }
  }

  /// The classes of addresses.
  mutating func classify(_ plane: PolicyPlane) {
    let dirty = planes[plane].dirtyAddresses.drain()
    if dirty.count > 64 { delta?.peers.reserveCapacity(dirty.count) }
    for number in dirty {
      let core = core(of: number, plane)
      let new = core == noNumber ? noNumber : holdClass(of: number, core, plane)
      let old = planes[plane].addresses[Int(number)].peerClass
      if old != noNumber { planes[plane].releasedClasses.append(old) }
      planes[plane].addresses[Int(number)].peerClass = new
      if old == new { continue }
      let address = addresses[number]
      tables[plane][address] = new == noNumber ? nil : planes[plane].classIDs[Int(new)]
      delta?.peers.insert(address)
    }
    for number in planes[plane].releasedClasses { leaveClass(number, plane) }
    planes[plane].releasedClasses.removeAll()
  }

  /// The class of an address with this core, held once more.
  private mutating func holdClass(of address: UInt32, _ core: UInt32, _ plane: PolicyPlane) -> UInt32 {
    let group = planes[plane].coreRecords[Int(core)].blocks
    // Without blocks there is one class, the first.
    if group == 0, let only = planes[plane].coreRecords[Int(core)].classes.first,
      planes[plane].classes[only].cover.isEmpty
    {
      planes[plane].classes.hold(number: only)
      return only
    }
    let cover = group == 0 ? [] : cover(addresses[address], group)
    let (number, isNew) = planes[plane].classes.hold(PeerClass(core: core, cover: cover))
    if isNew { enterClass(number, plane) }
    return number
  }

  private mutating func core(of number: UInt32, _ plane: PolicyPlane) -> UInt32 {
    let owners = addressRecords[Int(number)].owners
    var new = noNumber
    var isOwn = false
    defer {
      let old = planes[plane].addresses[Int(number)].core
      if old != noNumber {
        planes[plane].coreRecords[Int(old)].addresses.removeOne(number)
        releaseCore(old, plane)
      }
      planes[plane].addresses[Int(number)].core = isOwn ? new : noNumber
      if isOwn, new != noNumber { planes[plane].coreRecords[Int(new)].addresses.append(number) }
    }
    if let pod = owners.onlyPod {
      if let kind = podRecords[Int(pod)]?.kind { new = planes[plane].kindCores[Int(kind)] }
      return new
    }
    isOwn = true
    var items: [UInt64] = []
    if let pod = firstPod(owners.all) {
      items = self.items(of: kinds[pod.kind], plane)
    }
    for owner in owners.all where owner & 1 == 1 {
      items += planes[plane].nodeElements[Int(owner >> 1)].map { Self.key($0, 0) }
    }
    items.sort()
    items = items.indices.filter { $0 == 0 || items[$0] != items[$0 - 1] }.map { items[$0] }
    new = holdCore(Core(items: items), plane)
    return new
  }

  /// Of several pods with one address the first by name counts.
  func firstPod(_ owners: [UInt32]) -> PodRecord? {
    owners.filter { $0 & 1 == 0 }.compactMap { podRecords[Int($0 >> 1)] }.min { $0.pod.key < $1.pod.key }
  }

  private mutating func enterClass(_ number: UInt32, _ plane: PolicyPlane) {
    nextClass += 1
    set(&planes[plane].classIDs, number, PeerClassID(rawValue: nextClass))
    let core = planes[plane].classes[number].core
    planes[plane].coreRecords[Int(core)].classes.append(number)
    planes[plane].newClasses.insert(number)
  }

  private mutating func leaveClass(_ number: UInt32, _ plane: PolicyPlane) {
    guard let form = planes[plane].classes.release(number) else { return }
    planes[plane].coreRecords[Int(form.core)].classes.removeOne(number)
    planes[plane].newClasses.remove(number)
    let id = planes[plane].classIDs[Int(number)]
    for item in planes[plane].cores[form.core].items {
      for number in planes[plane].uses[Int(item >> 32)].sets {
        let set = setRecords[Int(number)].id
        guard let table = tables.ruleSets[set]?.verdicts.removeValue(forKey: id) else { continue }
        delta?.verdicts.insert(.init(set, id))
        dropTable(table)
      }
    }
  }
}
