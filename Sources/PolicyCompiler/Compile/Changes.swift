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
      if let record, record.stage != .policy, record.subject == old.subject, record.traits == old.traits {
        // The same pods in the same tiers: what these say may be different, and nothing else.
        for tier in policyTiers[Int(known)] { dirtyTiers.insert(tier) }
        policyRecords[Int(known)] = record
        release(old)
        return
      }
      leave(known, old)
      if record == nil {
        policies[reference] = nil
        freePolicies.append(known)
      }
    }
    guard let record else { return }
    if number == nil, let free = freePolicies.popLast() { number = free }
    if number == nil { policyRecords.append(nil) }
    let slot = number ?? UInt32(policyRecords.count - 1)
    policies[reference] = slot
    policyRecords[Int(slot)] = record
    set(&policyTraits, slot, record.traits)
    if policyTiers.count == Int(slot) { policyTiers.append([]) }
    elementRecords[Int(record.subject)].subjects.append(slot)
    touchSubject(record.subject)
  }

  private mutating func leave(_ number: UInt32, _ old: PolicyRecord) {
    touchSubject(old.subject)
    // The number may be another policy's before its tiers are gone.
    for tier in policyTiers[Int(number)] { dirtyTiers.insert(tier) }
    elementRecords[Int(old.subject)].subjects.removeOne(number)
    policyRecords[Int(number)] = nil
    release(old)
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
    selectStages()
    buryReleasedTiers()
    selectTiers()
    buryReleasedSets()
    for plane in PolicyPlane.allCases {
      changeForce(plane)
      selectCores(plane)
      refreshCores(plane)
      classify(plane)
    }
    buildTables()
    writeNodes()
    writeEndpoints()
    releaseRest()
  }

  /// The stages of kinds.
  private mutating func selectStages() {
    for kind in dirtyKinds.drain() where kinds.isUsed(kind) && kindRecords[Int(kind)].scoped > 0 {
      let form = kinds[kind]
      let found = elements(selecting: form.group)
      groupElements[form.group] = found
      var ingress = Selection()
      var egress = Selection()
      for element in found {
        for policy in elementRecords[Int(element)].subjects {
          let traits = policyTraits[Int(policy)]
          if traits.isForIngress { ingress.add(policy, traits.stage) }
          if traits.isForEgress { egress.add(policy, traits.stage) }
        }
      }
      let new = (hold(ingress, .ingress, ports: form.ports), hold(egress, .egress, ports: form.ports))
      let old = (kindRecords[Int(kind)].ingress, kindRecords[Int(kind)].egress)
      release(old.0)
      release(old.1)
      (kindRecords[Int(kind)].ingress, kindRecords[Int(kind)].egress) = new
      if delta != nil, new != old {
        for pod in kindRecords[Int(kind)].pods {
          if let key = podRecords[Int(pod)]?.pod.key { dirtyPods.insert(key) }
        }
      }
    }
  }

  /// The policies that select a kind in one direction, by stage.
  private struct Selection {
    var admin: [UInt32] = []
    var policy: [UInt32] = []
    var baseline: [UInt32] = []

    mutating func add(_ number: UInt32, _ stage: PolicyStage) {
      switch stage {
      case .admin: admin.append(number)
      case .policy: policy.append(number)
      case .baseline: baseline.append(number)
      }
    }
  }

  private mutating func hold(_ selection: Selection, _ direction: PolicyDirection, ports: UInt32) -> KindStages {
    KindStages(
      admin: holdTier(.admin, direction, selection.admin, ports: ports),
      policy: holdSet(selection.policy, direction, ports: ports),
      baseline: selection.policy.isEmpty
        ? holdTier(.baseline, direction, selection.baseline, ports: ports) : noNumber)
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
    if content.stage == .policy {
      for position in stride(from: 0, to: content.rules.count, by: 2) {
        add(peer: content.rules[position])
        found += ports[content.rules[position + 1]].names.map(\.element)
      }
    } else {
      for rule in content.rules {
        for peer in rules[rule].peers { add(peer: peer) }
        found += ports[rules[rule].ports].names.map(\.element)
      }
    }
    found.unique()
    cover.unique()
    let list = holdBlockList(cover)
    setRecords[Int(number)].elements = found
    setRecords[Int(number)].blocks = list
    let plane = content.stage.plane
    for element in found {
      if planes[plane].uses[Int(element)].sets.isEmpty { planes[plane].forceElements.insert(element) }
      planes[plane].uses[Int(element)].sets.append(number)
      if list != 0 { count(list, element, plane, 1) }
    }
  }

  private mutating func count(_ list: UInt32, _ element: UInt32, _ plane: PolicyPlane, _ change: Int) {
    let before = planes[plane].uses[Int(element)].blockLists[list] ?? 0
    let after = Int(before) + change
    planes[plane].uses[Int(element)].blockLists[list] = after == 0 ? nil : UInt32(after)
    if before == 0 || after == 0 {
      for core in planes[plane].uses[Int(element)].cores { planes[plane].dirtyCores.insert(core) }
    }
  }

  /// Takes rule sets out that nothing uses any more.
  private mutating func buryReleasedSets() {
    for number in releasedSets.reversed() {
      guard let content = sets.release(number) else { continue }
      let record = setRecords[Int(number)]
      deadContents.append(content)
      newSets.remove(number)
      refusedSets.remove(number)
      releasedLists.append(record.blocks)
      let plane = record.plane
      for element in record.elements {
        planes[plane].uses[Int(element)].sets.removeOne(number)
        if record.blocks != 0 { count(record.blocks, element, plane, -1) }
        if planes[plane].uses[Int(element)].sets.isEmpty { planes[plane].forceElements.insert(element) }
      }
      guard let old = tables.ruleSets.removeValue(forKey: record.id) else { continue }
      delta?.ruleSets.insert(record.id)
      dropTable(old.defaultTable)
      for range in old.ranges { dropTable(range.table) }
      for table in old.verdicts.values { dropTable(table) }
    }
    releasedSets.removeAll()
  }

  /// Finds whose core elements that came into force or went out of it change.
  private mutating func changeForce(_ plane: PolicyPlane) {
    var names: Set<String> = []
    for element in planes[plane].forceElements.drain() {
      if delta == nil { continue }
      for core in planes[plane].uses[Int(element)].cores {
        let record = planes[plane].coreRecords[Int(core)]
        for kind in record.kinds { planes[plane].forceKinds.append(Self.key(kind, noNumber)) }
        for address in record.addresses { planes[plane].dirtyAddresses.insert(address) }
      }
      switch elements[element] {
      case .pods:
        if planes[plane].uses[Int(element)].sets.isEmpty { break }
        for group in groups(selectedBy: element) {
          for kind in groupKinds[Int(group)] { planes[plane].forceKinds.append(Self.key(kind, element)) }
        }
      case .nodes(let selector):
        for number in nodes.values {
          if selectors[selector].matches(nodeRecords[Int(number)]?.features ?? []) {
            planes[plane].coreNodes.insert(number)
          }
        }
      case .portName(let name): names.insert(name)
      }
    }
    if names.isEmpty { return }
    for list in 0..<UInt32(portLists.end)
    where portLists.isUsed(list) && portLists[list].contains(where: { names.contains($0.name) }) {
      for kind in portListKinds[Int(list)] { planes[plane].coreKinds.insert(kind) }
    }
  }

  /// Lets go of what nothing refers to now, when no number of it is in use any more.
  private mutating func releaseRest() {
    for content in deadContents { release(content) }
    deadContents.removeAll()
    for plane in PolicyPlane.allCases { dropReleasedCores(plane) }
    for list in releasedLists { dropBlockList(list) }
    releasedLists.removeAll()
    for group in releasedGroups { dropListGroup(group) }
    releasedGroups.removeAll()
    for address in releasedAddresses { _ = addresses.release(address) }
    releasedAddresses.removeAll()
    setMemo.removeAll()
    groupElements.removeAll()
    tableMemo.removeAll()
    dirtyPods.removeAll()
    dirtyNodes.removeAll()
    newSets.removeAll()
    for plane in PolicyPlane.allCases { planes[plane].newClasses.removeAll() }
    sweepTables()
  }
}
