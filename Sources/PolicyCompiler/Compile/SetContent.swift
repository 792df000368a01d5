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
    let number = allowed(records, direction, ports: list).map { holdSet(SetContent(stage: .policy, rules: $0)) }
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
  ) -> [UInt32]? {
    var specs: [UInt32: PortSpec] = [:]
    for policy in policies {
      for rule in policy.rules(direction) ?? [] where !rule.peers.isEmpty {
        let spec = resolved(ports[rule.ports], direction, list)
        if spec.isEmpty { continue }
        for peer in rule.peers { specs[peer, default: PortSpec()].add(spec) }
      }
    }
    for peer in Array(specs.keys) { specs[peer]?.normalise() }
    if let any = peers.number(of: .any), let free = specs[any] {
      if free.isAll { return nil }
      specs = specs.filter { $0.key == any || !$0.value.isCovered(by: free) }
    }
    var allow: [UInt32] = []
    allow.reserveCapacity(2 * specs.count)
    for (peer, spec) in specs.sorted(by: { $0.key < $1.key }) {
      peers.hold(number: peer)
      for name in spec.names { elements.hold(number: name.element) }
      allow.append(peer)
      allow.append(hold(spec))
    }
    return allow
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
      for port in portLists[list]
      where port.name == text && (name.transport == PortSpec.anyTransport || name.transport == port.transport) {
        resolved.spans.append(PortSpec.Span(transport: port.transport, first: port.port, last: port.port))
      }
    }
    resolved.normalise()
    return resolved
  }
}
