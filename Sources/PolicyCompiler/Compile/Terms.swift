// SPDX-License-Identifier: Apache-2.0

internal import KubernetesModel

/// Selectors, scopes and elements, and who is found by them.
extension CompilerState {
  mutating func holdSelector(_ selector: LabelSelector) -> UInt32 {
    let form = SelectorForm(selector, &features)
    let (number, isNew) = selectors.hold(form)
    if !isNew { for feature in form.features { features.release(feature) } }
    return number
  }

  mutating func releaseSelector(_ number: UInt32) {
    if let form = selectors.release(number) { for feature in form.features { features.release(feature) } }
  }

  mutating func holdScope(named name: String) -> UInt32 {
    let namespace = holdNamespace(name)
    let (number, isNew) = scopes.hold(.named(namespace))
    if isNew {
      namespaceRecords[Int(namespace)].scopes.append(number)
    } else {
      releaseNamespace(namespace)
    }
    return number
  }

  mutating func holdScope(selected selector: LabelSelector) -> UInt32 {
    let selected = holdSelector(selector)
    let (number, isNew) = scopes.hold(.selected(selected))
    if isNew {
      let form = selectors[selected]
      let index = indexFeatures(form) { namespaceScopes[$0]?.count ?? 0 }
      set(&scopeIndexes, number, index)
      for feature in index { namespaceScopes[feature, default: []].append(number) }
      for namespace in namespaces(matching: form) { namespaceRecords[Int(namespace)].scopes.append(number) }
    } else {
      releaseSelector(selected)
    }
    return number
  }

  mutating func releaseScope(_ number: UInt32) {
    guard let scope = scopes.release(number) else { return }
    switch scope {
    case .named(let namespace):
      namespaceRecords[Int(namespace)].scopes.removeOne(number)
      releaseNamespace(namespace)
    case .selected(let selector):
      for feature in scopeIndexes[Int(number)] { remove(number, from: &namespaceScopes, feature) }
      for namespace in namespaces(matching: selectors[selector]) {
        namespaceRecords[Int(namespace)].scopes.removeOne(number)
      }
      releaseSelector(selector)
    }
  }

  func namespaces(in scope: UInt32) -> [UInt32] {
    switch scopes[scope] {
    case .named(let namespace): [namespace]
    case .selected(let selector): namespaces(matching: selectors[selector])
    }
  }

  private func namespaces(matching form: SelectorForm) -> [UInt32] {
    var found: [UInt32] = []
    if let choices = form.all.min(by: { count($0, namespacesByFeature) < count($1, namespacesByFeature) }) {
      for feature in choices { found += namespacesByFeature[feature] ?? [] }
      if choices.count > 1 { found.unique() }
    } else {
      found = (0..<UInt32(namespaces.end)).filter { namespaces.isUsed($0) }
    }
    return found.filter { form.matches(namespaceRecords[Int($0)].features) }
  }

  private func count(_ choices: [UInt32], _ index: [UInt32: [UInt32]]) -> Int {
    choices.reduce(0) { $0 + (index[$1]?.count ?? 0) }
  }

  /// The features to file a selector under: those that fewest are under so far.
  func indexFeatures(_ form: SelectorForm, _ filed: (UInt32) -> Int) -> [UInt32] {
    var best: (cost: Int, choices: [UInt32])?
    for choices in form.all {
      let cost = choices.reduce(0) { $0 + filed($1) }
      if let known = best, known.cost <= cost { continue }
      best = (cost, choices)
    }
    return best?.choices ?? [0]
  }

  mutating func holdPods(scope: UInt32, _ selector: LabelSelector) -> UInt32 {
    holdElement(.pods(scope: scope, selector: holdSelector(selector)))
  }

  mutating func holdNodes(_ selector: LabelSelector) -> UInt32 {
    holdElement(.nodes(selector: holdSelector(selector)))
  }

  /// Takes over the holds on the parts of an element.
  mutating func holdElement(_ element: Element) -> UInt32 {
    let (number, isNew) = elements.hold(element)
    guard isNew else {
      releaseParts(element)
      return number
    }
    var record = ElementRecord()
    switch element {
    case .pods(let scope, let selector):
      let form = selectors[selector]
      record.selector = selector
      record.isExact = form.none.isEmpty && form.all.count <= 1
      record.index = indexFeatures(form) { podIndex[Self.key(scope, $0)]?.count ?? 0 }
      for feature in record.index {
        podIndex[Self.key(scope, feature), default: []].append(number)
        set(&indexUses, feature, (Int(feature) < indexUses.count ? indexUses[Int(feature)] : 0) + 1)
      }
    case .nodes(let selector):
      record.selector = selector
      nodeElements.append(number)
    case .portName: break
    }
    set(&elementRecords, number, record)
    for plane in PolicyPlane.allCases { set(&planes[plane].uses, number, ElementUse()) }
    return number
  }

  mutating func releaseElement(_ number: UInt32) {
    guard let element = elements.release(number) else { return }
    switch element {
    case .pods(let scope, _):
      for feature in elementRecords[Int(number)].index {
        remove(number, from: &podIndex, Self.key(scope, feature))
        indexUses[Int(feature)] -= 1
      }
    case .nodes: nodeElements.removeOne(number)
    case .portName: break
    }
    releaseParts(element)
  }

  private mutating func releaseParts(_ element: Element) {
    switch element {
    case .pods(let scope, let selector):
      releaseScope(scope)
      releaseSelector(selector)
    case .nodes(let selector): releaseSelector(selector)
    case .portName: break
    }
  }

  /// The elements that select the pods of a group, whether they are in force or not.
  func elements(selecting group: UInt32) -> [UInt32] {
    let form = groups[group]
    var found: [UInt32] = []
    for scope in namespaceRecords[Int(form.namespace)].scopes {
      collect(scope, 0, form.features, &found)
      for feature in form.features where Int(feature) < indexUses.count && indexUses[Int(feature)] > 0 {
        collect(scope, feature, form.features, &found)
      }
    }
    return found
  }

  private func collect(_ scope: UInt32, _ feature: UInt32, _ features: [UInt32], _ found: inout [UInt32]) {
    guard let candidates = podIndex[Self.key(scope, feature)] else { return }
    for candidate in candidates {
      if elementRecords[Int(candidate)].isExact {
        found.append(candidate)
      } else if selectors[elementRecords[Int(candidate)].selector].matches(features) {
        found.append(candidate)
      }
    }
  }

  /// The groups whose pods an element selects.
  func groups(selectedBy element: UInt32) -> [UInt32] {
    guard case .pods(let scope, let selector) = elements[element] else { return [] }
    let form = selectors[selector]
    var found: [UInt32] = []
    for namespace in namespaces(in: scope) {
      let candidates: [UInt32]
      if let choices = form.all.first {
        candidates = choices.flatMap { groupsByFeature[Self.key(namespace, $0)] ?? [] }
      } else {
        candidates = namespaceRecords[Int(namespace)].groups
      }
      for candidate in candidates where form.matches(groups[candidate].features) { found.append(candidate) }
    }
    return found
  }

  static func key(_ high: UInt32, _ low: UInt32) -> UInt64 { UInt64(high) << 32 | UInt64(low) }
}

/// Stores a value at a position, which may be behind the end.
func set<Value>(_ array: inout ContiguousArray<Value>, _ number: UInt32, _ value: Value) {
  while array.count < Int(number) { array.append(value) }
  if array.count == Int(number) { array.append(value) } else { array[Int(number)] = value }
}

/// Removes a number from a list of an index, and the list when it is empty.
func remove<Key>(_ number: UInt32, from index: inout [Key: [UInt32]], _ key: Key) {
  index[key]?.removeOne(number)
  if index[key]?.isEmpty == true { index[key] = nil }
}
