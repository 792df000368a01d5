// SPDX-License-Identifier: Apache-2.0

internal import KubernetesModel

/// The effective rules of a pod in one direction and stage; pods with equal ones share a rule set.
struct SetContent: Hashable, Sendable {
  var stage: PolicyStage
  /// What it says.
  ///
  /// Of NetworkPolicies: what they allow, as pairs of a peer and its ports, one for each peer, sorted. Of a tier: its rules,
  /// in order.
  var rules: [UInt32] = []
  /// Whether what it says is more than tables can hold: then it has no rules, and lets nothing through.
  var isRefused = false

  /// Whether it says what would be said without it.
  var isUnrestricted: Bool { stage != .policy && rules.isEmpty }
}

/// What is known of a rule set.
struct SetRecord: Sendable {
  var content = SetContent(stage: .policy)
  var id = RuleSetID.unrestricted
  /// Its elements, sorted.
  var elements: [UInt32] = []
  /// Its list of blocks.
  var blocks: UInt32 = 0

  var plane: PolicyPlane { content.stage.plane }
}

/// The number that stands for the rule set that allows everything.
let unrestrictedSet = UInt32.max - 1

extension CompilerState {
  /// The rule set, held once more, of pods that these NetworkPolicies select.
  mutating func holdSet(_ policies: [UInt32], _ direction: PolicyDirection, ports list: UInt32) -> UInt32 {
    if policies.isEmpty { return unrestrictedSet }
    let needsNames = direction == .ingress && policies.contains { policyTraits[Int($0)].hasIngressNames }
    var key = policies.sorted()
    key.append(needsNames ? list : noNumber)
    key.append(UInt32(direction.rawValue))
    if let known = setMemo[key] {
      if known != unrestrictedSet { sets.hold(number: known) }
      return known
    }
    let records = key.dropLast(2).compactMap { policyRecords[Int($0)] }
    let number = allowed(records, direction, ports: list).map { holdSet($0) }
    setMemo[key] = number ?? unrestrictedSet
    return number ?? unrestrictedSet
  }

  /// Takes over the holds of a content.
  mutating func holdSet(_ content: SetContent) -> UInt32 {
    if content.isUnrestricted { return unrestrictedSet }
    let (number, isNew) = sets.hold(content)
    guard isNew else {
      release(content)
      return number
    }
    nextSet += 1
    set(&setRecords, number, SetRecord(content: content, id: RuleSetID(rawValue: nextSet)))
    enter(number)
    newSets.insert(number)
    return number
  }

  mutating func releaseSet(_ number: UInt32) {
    if number != noNumber, number != unrestrictedSet { releasedSets.append(number) }
  }

  mutating func release(_ content: SetContent) {
    guard content.stage == .policy else {
      for rule in content.rules { releaseRule(rule) }
      return
    }
    for position in stride(from: 0, to: content.rules.count, by: 2) {
      releasePeer(content.rules[position])
      releasePorts(content.rules[position + 1])
    }
  }

  /// What NetworkPolicies allow together, by peer; nil for everything.
  private mutating func allowed(
    _ policies: [PolicyRecord], _ direction: PolicyDirection, ports list: UInt32
  ) -> SetContent? {
    /// Peers in the upper half, numbers of ports in the lower.
    var pairs: [UInt64] = []
    var held: [UInt32] = []
    for policy in policies {
      for rule in policy.rules(direction) ?? [] where !rule.peers.isEmpty {
        guard let number = holdPorts(rule.ports, direction, list) else { continue }
        held.append(number)
        for peer in rule.peers { pairs.append(Self.key(peer, number)) }
      }
    }
    defer { for number in held { releasePorts(number) } }
    pairs.sort()
    var allow: [UInt32] = []
    allow.reserveCapacity(2 * pairs.count)
    var merged: [[UInt32]: UInt32] = [:]
    var room = WorkLimit(size: pairs.count).size
    var next = 0
    while next < pairs.count {
      let peer = UInt32(truncatingIfNeeded: pairs[next] >> 32)
      var number = UInt32(truncatingIfNeeded: pairs[next])
      var others: [UInt32] = []
      next += 1
      while next < pairs.count, UInt32(truncatingIfNeeded: pairs[next] >> 32) == peer {
        let other = UInt32(truncatingIfNeeded: pairs[next])
        if other != others.last ?? number { others.append(other) }
        next += 1
      }
      if !others.isEmpty {
        let isNew = merged[[number] + others] == nil
        number = union([number] + others, &merged, &held)
        if isNew { room -= ports[number].spans.count }
        if room < 0 { return SetContent(stage: .policy, isRefused: true) }
      }
      allow.append(peer)
      allow.append(number)
    }
    if let any = peers.number(of: .any) {
      for position in stride(from: 0, to: allow.count, by: 2) where allow[position] == any {
        let free = allow[position + 1]
        if ports[free].isAll { return nil }
        allow = rest(of: allow, besides: any, free)
        break
      }
    }
    for position in stride(from: 0, to: allow.count, by: 2) {
      peers.hold(number: allow[position])
      ports.hold(number: allow[position + 1])
    }
    return SetContent(stage: .policy, rules: allow)
  }

  /// All ports of several specifications, held.
  private mutating func union(
    _ numbers: [UInt32], _ merged: inout [[UInt32]: UInt32], _ held: inout [UInt32]
  ) -> UInt32 {
    if let known = merged[numbers] { return known }
    var spec = PortSpec()
    for number in numbers { spec.add(ports[number]) }
    spec.normalise()
    for name in spec.names { elements.hold(number: name.element) }
    let number = hold(spec)
    held.append(number)
    merged[numbers] = number
    return number
  }

  /// What is allowed besides what every peer may.
  private func rest(of allow: [UInt32], besides any: UInt32, _ free: UInt32) -> [UInt32] {
    var isCovered: [UInt32: Bool] = [:]
    var rest: [UInt32] = []
    for position in stride(from: 0, to: allow.count, by: 2) {
      let number = allow[position + 1]
      if allow[position] != any {
        let known = isCovered[number] ?? ports[number].isCovered(by: ports[free])
        isCovered[number] = known
        if known { continue }
      }
      rest += [allow[position], number]
    }
    return rest
  }

  /// The ports of a rule as a set has them, held; nil for none.
  mutating func holdPorts(_ number: UInt32, _ direction: PolicyDirection, _ list: UInt32) -> UInt32? {
    let spec = ports[number]
    if spec.names.isEmpty || direction == .egress {
      if spec.isEmpty { return nil }
      ports.hold(number: number)
      return number
    }
    let resolved = resolved(spec, direction, list)
    return resolved.isEmpty ? nil : hold(resolved)
  }

  /// Ports with the names that the pod itself gives meaning to.
  private func resolved(_ spec: PortSpec, _ direction: PolicyDirection, _ list: UInt32) -> PortSpec {
    if spec.names.isEmpty || direction == .egress { return spec }
    var resolved = spec
    resolved.names = []
    for name in spec.names {
      guard case .portName(let text) = elements[name.element] else { continue }
      let named = portLists[list]
      var (low, high) = (0, named.count)
      while low < high {
        let middle = (low + high) / 2
        if named[middle].name < text { low = middle + 1 } else { high = middle }
      }
      while low < named.count, named[low].name == text {
        let port = named[low]
        low += 1
        guard name.transport == PortSpec.anyTransport || name.transport == port.transport else { continue }
        resolved.spans.append(PortSpec.Span(transport: port.transport, first: port.port, last: port.port))
      }
    }
    resolved.normalise()
    return resolved
  }
}
