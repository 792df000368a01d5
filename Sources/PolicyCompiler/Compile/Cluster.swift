// SPDX-License-Identifier: Apache-2.0

internal import KubernetesModel
internal import NetworkTypes

/// Changes of pods, namespaces and nodes: what is stored of them, and what has to be computed anew.
extension CompilerState {
  mutating func holdNamespace(_ name: String) -> UInt32 {
    let (number, isNew) = namespaces.hold(name)
    if isNew {
      set(&namespaceRecords, number, NamespaceRecord())
      enterScopes(number)
    }
    return number
  }

  mutating func releaseNamespace(_ number: UInt32) {
    if namespaces.release(number) != nil { namespaceRecords[Int(number)] = NamespaceRecord() }
  }

  mutating func changeNamespace(_ name: String, labels: [String: String]?) {
    if labels == nil, namespaces.number(of: name) == nil { return }
    let number = holdNamespace(name)
    defer { releaseNamespace(number) }
    let record = namespaceRecords[Int(number)]
    if (labels != nil) != record.isDefined {
      namespaceRecords[Int(number)].isDefined = labels != nil
      if labels != nil { namespaces.hold(number: number) } else { releaseNamespace(number) }
    }
    let new = features.hold(labels ?? [:])
    for feature in record.features {
      remove(number, from: &namespacesByFeature, feature)
      features.release(feature)
    }
    for feature in new { namespacesByFeature[feature, default: []].append(number) }
    if new == record.features { return }
    namespaceRecords[Int(number)].features = new
    enterScopes(number)
    for group in namespaceRecords[Int(number)].groups { touchGroup(group) }
  }

  /// The scopes a namespace is in, by its labels as they are.
  private mutating func enterScopes(_ number: UInt32) {
    var found: [UInt32] = []
    if let named = scopes.number(of: .named(number)) { found.append(named) }
    let features = namespaceRecords[Int(number)].features
    for feature in [0] + features {
      for candidate in namespaceScopes[feature] ?? [] {
        guard case .selected(let selector) = scopes[candidate] else { continue }
        if selectors[selector].matches(features) { found.append(candidate) }
      }
    }
    namespaceRecords[Int(number)].scopes = found
  }

  /// The pods of a group have other policies or another core, perhaps.
  mutating func touchGroup(_ group: UInt32) {
    for kind in groupKinds[Int(group)] {
      dirtyKinds.insert(kind)
      for plane in PolicyPlane.allCases { planes[plane].coreKinds.insert(kind) }
    }
  }

  mutating func changePod(_ key: NamespacedName, _ pod: PolicyPod?) {
    let known = pods[key]
    if let known {
      if podRecords[Int(known)]?.pod == pod { return }
      removePod(known)
      podRecords[Int(known)] = nil
      if pod == nil {
        pods[key] = nil
        freePods.append(known)
      }
    }
    guard let pod else { return }
    let number = known ?? freePods.popLast() ?? UInt32(podRecords.count)
    if Int(number) == podRecords.count { podRecords.append(nil) }
    if known == nil { pods[key] = number }
    if delta != nil { dirtyPods.insert(key) }
    guard !pod.isHostNetwork else {
      podRecords[Int(number)] = PodRecord(pod: pod, kind: noNumber, addresses: [])
      return
    }
    let kind = holdKind(pod)
    kindRecords[Int(kind)].pods.append(number)
    if isScoped(pod) {
      kindRecords[Int(kind)].scoped += 1
      if kindRecords[Int(kind)].scoped == 1 { dirtyKinds.insert(kind) }
    }
    let held = pod.addresses.map { own($0, 2 * number) }
    podRecords[Int(number)] = PodRecord(pod: pod, kind: kind, addresses: held)
  }

  private mutating func removePod(_ number: UInt32) {
    guard let record = podRecords[Int(number)] else { return }
    if delta != nil { dirtyPods.insert(record.pod.key) }
    guard record.kind != noNumber else { return }
    for address in record.addresses { disown(address, 2 * number) }
    kindRecords[Int(record.kind)].pods.removeOne(number)
    if isScoped(record.pod) { kindRecords[Int(record.kind)].scoped -= 1 }
    emptiedKinds.insert(record.kind)
  }

  private mutating func holdKind(_ pod: PolicyPod) -> UInt32 {
    let namespace = holdNamespace(pod.key.namespace)
    let group: UInt32
    if let found = features.find(pod.labels),
      let known = groups.number(of: Group(namespace: namespace, features: found))
    {
      groups.hold(number: known)
      releaseNamespace(namespace)
      group = known
    } else {
      let held = features.hold(pod.labels)
      group = groups.hold(Group(namespace: namespace, features: held)).number
      set(&groupKinds, group, [])
      namespaceRecords[Int(namespace)].groups.append(group)
      for feature in held { groupsByFeature[Self.key(namespace, feature), default: []].append(group) }
    }
    let (list, isNewList) = portLists.hold(NamedPort.list(of: pod.ports))
    if isNewList { set(&portListKinds, list, []) }
    // A kind without pods stays until the end of the change, and so does what it holds.
    if let known = kinds.number(of: Kind(group: group, ports: list)) {
      _ = groups.release(group)
      _ = portLists.release(list)
      return known
    }
    let kind = kinds.hold(Kind(group: group, ports: list)).number
    set(&kindRecords, kind, KindRecord())
    groupKinds[Int(group)].append(kind)
    portListKinds[Int(list)].append(kind)
    for plane in PolicyPlane.allCases {
      set(&planes[plane].kindCores, kind, noNumber)
      planes[plane].coreKinds.insert(kind)
    }
    return kind
  }

  /// Lets go of what kinds that pods have left do not need any more.
  mutating func dropEmptyKinds(_ left: [UInt32]) {
    for number in left {
      let record = kindRecords[Int(number)]
      if record.scoped == 0 {
        for stages in [record.ingress, record.egress] { release(stages) }
        kindRecords[Int(number)].ingress = KindStages()
        kindRecords[Int(number)].egress = KindStages()
      }
      guard record.pods.isEmpty else { continue }
      for plane in PolicyPlane.allCases { leaveCore(kind: number, plane) }
      let kind = kinds[number]
      dropKind(number, kind)
    }
  }

  private mutating func dropKind(_ number: UInt32, _ kind: Kind) {
    _ = kinds.release(number)
    groupKinds[Int(kind.group)].removeOne(number)
    portListKinds[Int(kind.ports)].removeOne(number)
    _ = portLists.release(kind.ports)
    guard let group = groups.release(kind.group) else { return }
    namespaceRecords[Int(group.namespace)].groups.removeOne(kind.group)
    for feature in group.features {
      remove(kind.group, from: &groupsByFeature, Self.key(group.namespace, feature))
      features.release(feature)
    }
    releaseNamespace(group.namespace)
  }

  mutating func release(_ stages: KindStages) {
    releaseTier(stages.admin)
    releaseSet(stages.policy)
    releaseTier(stages.baseline)
  }

  private mutating func own(_ address: IPAddress, _ owner: UInt32) -> UInt32 {
    let (number, isNew) = addresses.hold(address)
    if isNew {
      set(&addressRecords, number, AddressRecord())
      for plane in PolicyPlane.allCases { set(&planes[plane].addresses, number, AddressUse()) }
    }
    addressRecords[Int(number)].owners.add(owner)
    for plane in PolicyPlane.allCases { planes[plane].dirtyAddresses.insert(number) }
    return number
  }

  private mutating func disown(_ address: UInt32, _ owner: UInt32) {
    addressRecords[Int(address)].owners.remove(owner)
    for plane in PolicyPlane.allCases { planes[plane].dirtyAddresses.insert(address) }
    releasedAddresses.append(address)
  }

  mutating func changeNode(_ name: String, _ node: PolicyNode?) {
    if let number = nodes[name], let record = nodeRecords[Int(number)] {
      if record.node == node { return }
      for feature in record.features { features.release(feature) }
      for address in record.addresses { disown(address, 2 * number + 1) }
      nodes[name] = nil
      nodeRecords[Int(number)] = nil
      freeNodes.append(number)
    }
    dirtyNodes.insert(name)
    guard let node else { return }
    let number: UInt32
    if let free = freeNodes.popLast() {
      number = free
    } else {
      number = UInt32(nodeRecords.count)
      nodeRecords.append(nil)
    }
    nodes[name] = number
    let held = node.addresses.map { own($0, 2 * number + 1) }
    nodeRecords[Int(number)] = NodeRecord(node: node, features: features.hold(node.labels), addresses: held)
    for plane in PolicyPlane.allCases {
      set(&planes[plane].nodeElements, number, [])
      planes[plane].coreNodes.insert(number)
    }
  }
}
