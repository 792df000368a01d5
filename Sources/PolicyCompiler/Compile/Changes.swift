// SPDX-License-Identifier: Apache-2.0

internal import KubernetesModel
internal import NetworkTypes

/// Changes of policies, and the order in which everything that a change touches is computed.
extension CompilerState {
  mutating func apply(_ change: PolicyChange) {
    switch change {
    case .pod(let key, let pod): changePod(key, pod)
    case .namespace(let name, let labels): changeNamespace(name, labels: labels)
    case .node(let name, let node): changeNode(name, node)
    case .networkPolicy(let name, let policy):
      if networkPolicies[name] == policy { return }
      networkPolicies[name] = policy
      var new: PolicyRecord?
      if let policy { new = record(policy) }
      changePolicy(PolicyReference(.networkPolicy, name), new)
    case .clusterPolicy(let reference, let policy):
      if clusterPolicies[reference] == policy { return }
      clusterPolicies[reference] = policy
      var new: PolicyRecord?
      if let policy { new = record(policy) }
      changePolicy(reference, new)
    }
  }

  private mutating func changePolicy(_ reference: PolicyReference, _ record: PolicyRecord?) {
    var number = policies[reference]
    if let known = number, let old = policyRecords[Int(known)] {
      touchSubject(old.subject)
      elementRecords[Int(old.subject)].subjects.removeOne(known)
      policyRecords[Int(known)] = nil
      if record == nil {
        policies[reference] = nil
        freePolicies.append(known)
      }
      release(old)
    }
    guard let record else { return }
    if number == nil, let free = freePolicies.popLast() { number = free }
    if number == nil { policyRecords.append(nil) }
    let slot = number ?? UInt32(policyRecords.count - 1)
    policies[reference] = slot
    policyRecords[Int(slot)] = record
    set(
      &policyTraits, slot,
      PolicyTraits(
        isForIngress: record.ingress != nil, isForEgress: record.egress != nil, hasIngressNames: record.hasIngressNames)
    )
    elementRecords[Int(record.subject)].subjects.append(slot)
    touchSubject(record.subject)
  }

  private mutating func touchSubject(_ subject: UInt32) {
    // In a first compilation every kind is dirty anyway.
    guard delta != nil else { return }
    for group in groups(selectedBy: subject) {
      for kind in groupKinds[Int(group)] { dirtyKinds.insert(kind) }
    }
  }

  /// Computes everything that the changes since the last time touch.
  mutating func settle() {
    dropEmptyKinds(emptiedKinds.drain())
    selectSets()
    buryReleasedSets()
    changeForce()
    selectCores()
    refreshCores()
    classify()
    buildTables()
    writeNodes()
    writeEndpoints()
    releaseRest()
  }

  /// The rule sets of kinds.
  private mutating func selectSets() {
    var ingress: [UInt32] = []
    var egress: [UInt32] = []
    for kind in dirtyKinds.drain() where kinds.isUsed(kind) && kindRecords[Int(kind)].scoped > 0 {
      let form = kinds[kind]
      let found = elements(selecting: form.group)
      groupElements[form.group] = found
      ingress.removeAll(keepingCapacity: true)
      egress.removeAll(keepingCapacity: true)
      for element in found {
        for policy in elementRecords[Int(element)].subjects {
          if policyTraits[Int(policy)].isForIngress { ingress.append(policy) }
          if policyTraits[Int(policy)].isForEgress { egress.append(policy) }
        }
      }
      let ingress = holdSet(&ingress, .ingress, ports: form.ports)
      let egress = holdSet(&egress, .egress, ports: form.ports)
      let old = (ingress: kindRecords[Int(kind)].ingress, egress: kindRecords[Int(kind)].egress)
      releaseSet(old.ingress)
      releaseSet(old.egress)
      kindRecords[Int(kind)].ingress = ingress
      kindRecords[Int(kind)].egress = egress
      if delta != nil, ingress != old.ingress || egress != old.egress {
        for pod in kindRecords[Int(kind)].pods {
          if let key = podRecords[Int(pod)]?.pod.key { dirtyPods.insert(key) }
        }
      }
    }
  }

  /// Files a new rule set under its elements.
  mutating func enter(_ number: UInt32) {
    let content = setRecords[Int(number)].content
    var found: [UInt32] = []
    var cover: [UInt32] = []
    func add(peer: UInt32) {
      switch peers[peer] {
      case .any: break
      case .element(let element): found.append(element)
      case .block(let block, let except):
        cover.append(block)
        cover += except
      }
    }
    for rule in content.admin + content.baseline {
      for peer in rules[rule].peers { add(peer: peer) }
      found += ports[rules[rule].ports].names.map(\.element)
    }
    for position in stride(from: 0, to: content.allow.count, by: 2) {
      add(peer: content.allow[position])
      found += ports[content.allow[position + 1]].names.map(\.element)
    }
    found.unique()
    cover.unique()
    let list = holdBlockList(cover)
    setRecords[Int(number)].elements = found
    setRecords[Int(number)].blocks = list
    for element in found {
      if elementRecords[Int(element)].sets.isEmpty { forceElements.insert(element) }
      elementRecords[Int(element)].sets.append(number)
      if list != 0 { count(list, element, 1) }
    }
  }

  mutating func holdBlockList(_ list: [UInt32]) -> UInt32 {
    let (number, isNew) = blockLists.hold(list)
    if isNew {
      for block in list { blocks.hold(number: block) }
      set(&blockCells, number, nil)
    }
    return number
  }

  private mutating func count(_ list: UInt32, _ element: UInt32, _ change: Int) {
    let position = elementRecords[Int(element)].blockLists.firstIndex { $0.list == list }
    if change > 0, let position {
      elementRecords[Int(element)].blockLists[position].count += 1
    } else if change > 0 {
      elementRecords[Int(element)].blockLists.append((list: list, count: 1))
    } else if let position {
      elementRecords[Int(element)].blockLists[position].count -= 1
      if elementRecords[Int(element)].blockLists[position].count > 0 { return }
      elementRecords[Int(element)].blockLists.remove(at: position)
    }
    if position == nil || change < 0 {
      for core in elementRecords[Int(element)].cores { dirtyCores.insert(core) }
    }
  }

  /// Takes rule sets out that nothing uses any more.
  private mutating func buryReleasedSets() {
    var next = releasedSets
    releasedSets = []
    while let number = next.popLast() {
      guard let content = sets.release(number) else { continue }
      let record = setRecords[Int(number)]
      deadContents.append(content)
      newSets.remove(number)
      releasedLists.append(record.blocks)
      for element in record.elements {
        elementRecords[Int(element)].sets.removeOne(number)
        if record.blocks != 0 { count(record.blocks, element, -1) }
        if elementRecords[Int(element)].sets.isEmpty { forceElements.insert(element) }
      }
      if record.ownNode != number, record.ownNode != unrestrictedSet { next.append(record.ownNode) }
      guard let old = tables.ruleSets.removeValue(forKey: record.id) else { continue }
      delta?.ruleSets.insert(record.id)
      dropTable(old.defaultTable)
      for range in old.ranges { dropTable(range.table) }
      for table in old.verdicts.values { dropTable(table) }
    }
  }

  /// Finds whose core elements that came into force or went out of it change.
  private mutating func changeForce() {
    for element in forceElements.drain() {
      if delta == nil { continue }
      for core in elementRecords[Int(element)].cores {
        for kind in coreRecords[Int(core)].kinds { coreKinds.insert(kind) }
        for address in coreRecords[Int(core)].addresses { dirtyAddresses.insert(address) }
      }
      switch elements[element] {
      case .pods:
        for group in groups(selectedBy: element) {
          for kind in groupKinds[Int(group)] { coreKinds.insert(kind) }
        }
      case .nodes(let selector):
        for number in nodes.values {
          if selectors[selector].matches(nodeRecords[Int(number)]?.features ?? []) { coreNodes.insert(number) }
        }
      case .portName(let name):
        for list in 0..<UInt32(portLists.end)
        where portLists.isUsed(list) && portLists[list].contains(where: { $0.name == name }) {
          for kind in portListKinds[Int(list)] { coreKinds.insert(kind) }
        }
      }
    }
  }

  /// Lets go of what nothing refers to now, when no number of it is in use any more.
  private mutating func releaseRest() {
    for content in deadContents { release(content) }
    deadContents.removeAll()
    for core in releasedCores { dropCore(core) }
    releasedCores.removeAll()
    for list in releasedLists { dropBlockList(list) }
    releasedLists.removeAll()
    for address in releasedAddresses { _ = addresses.release(address) }
    releasedAddresses.removeAll()
    listMemo.removeAll()
    setMemo.removeAll()
    groupElements.removeAll()
    tableMemo.removeAll()
    dirtyPods.removeAll()
    dirtyNodes.removeAll()
    newSets.removeAll()
    newClasses.removeAll()
    sweepTables()
  }

  mutating func dropBlockList(_ number: UInt32) {
    guard let list = blockLists.release(number) else { return }
    blockCells[Int(number)] = nil
    for block in list { _ = blocks.release(block) }
  }
}
