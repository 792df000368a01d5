// SPDX-License-Identifier: Apache-2.0

internal import KubernetesModel

/// The effective rules of a pod in one direction; pods with equal ones share a rule set.
struct SetContent: Hashable, Sendable {
  /// The rules of the admin tier, in order.
  var admin: [UInt32] = []
  /// Whether NetworkPolicies decide where the admin tier does not.
  var isIsolated = false
  /// What they allow: pairs of a peer and its ports, one for each peer, sorted.
  var allow: [UInt32] = []
  /// The rules of the baseline tier, in order; asked only where nothing isolates.
  var baseline: [UInt32] = []

  var isUnrestricted: Bool { !isIsolated && admin.isEmpty && baseline.isEmpty }
}

/// What is known of a rule set.
struct SetRecord: Sendable {
  var content = SetContent()
  var id = RuleSetID.unrestricted
  /// Its elements, sorted.
  var elements: [UInt32] = []
  /// Its list of blocks.
  var blocks: UInt32 = 0
  /// The set that judges the own node's addresses; may be this one or ``unrestrictedSet``.
  var ownNode = noNumber
}

/// The number that stands for the rule set that allows everything.
let unrestrictedSet = UInt32.max - 1

extension CompilerState {
  /// The rule set, held once more, of pods that these policies select; the list is used up.
  mutating func holdSet(_ policies: inout [UInt32], _ direction: PolicyDirection, ports list: UInt32) -> UInt32 {
    if policies.isEmpty { return unrestrictedSet }
    policies.sort()
    let count = policies.count
    let needsNames = direction == .ingress && policies.contains { policyTraits[Int($0)].hasIngressNames }
    policies.append(needsNames ? list : noNumber)
    policies.append(UInt32(direction.rawValue))
    if let known = setMemo[policies] {
      if known != unrestrictedSet { sets.hold(number: known) }
      return known
    }
    let number = holdSet(content(Array(policies[..<count]), direction, ports: list))
    setMemo[policies] = number
    return number
  }

  /// Takes over the holds of a content.
  private mutating func holdSet(_ content: SetContent) -> UInt32 {
    if content.isUnrestricted { return unrestrictedSet }
    let (number, isNew) = sets.hold(content)
    guard isNew else {
      release(content)
      return number
    }
    nextSet += 1
    var record = SetRecord(content: content, id: RuleSetID(rawValue: nextSet))
    record.ownNode = number
    set(&setRecords, number, record)
    enter(number)
    if content.isIsolated, options.allowsOwnNode {
      var companion = SetContent()
      companion.admin = content.admin
      for rule in companion.admin { rules.hold(number: rule) }
      setRecords[Int(number)].ownNode = holdSet(companion)
    }
    newSets.insert(number)
    return number
  }

  mutating func release(_ content: SetContent) {
    for rule in content.admin { releaseRule(rule) }
    for rule in content.baseline { releaseRule(rule) }
    for position in stride(from: 0, to: content.allow.count, by: 2) {
      releasePeer(content.allow[position])
      releasePorts(content.allow[position + 1])
    }
  }

  private mutating func content(
    _ policies: [UInt32], _ direction: PolicyDirection, ports list: UInt32
  ) -> SetContent {
    var content = SetContent()
    let records = policies.compactMap { policyRecords[Int($0)] }
    let ordered = records.filter { $0.tier != nil }.sorted {
      $0.priority == $1.priority ? $0.reference < $1.reference : $0.priority < $1.priority
    }
    content.admin = tier(ordered.filter { $0.tier == .admin }, direction, ports: list)
    while let last = content.admin.last, rules[last].action == .pass {
      content.admin.removeLast()
      releaseRule(last)
    }
    if let last = content.admin.last, isCatchAll(rules[last]),
      !content.admin.contains(where: { rules[$0].action == .pass })
    {
      return content
    }
    let isolating = records.filter { $0.tier == nil }
    if isolating.isEmpty {
      content.baseline = tier(ordered.filter { $0.tier == .baseline }, direction, ports: list)
      while let last = content.baseline.last, rules[last].action != .deny {
        content.baseline.removeLast()
        releaseRule(last)
      }
      return content
    }
    guard let allow = allowed(isolating, direction, ports: list) else { return content }
    content.isIsolated = true
    content.allow = allow
    return content
  }

  /// Rules in order, without those that can never decide.
  private mutating func tier(
    _ policies: [PolicyRecord], _ direction: PolicyDirection, ports list: UInt32
  ) -> [UInt32] {
    var numbers: [UInt32] = []
    var seen: Set<UInt32> = []
    for policy in policies {
      for rule in policy.rules(direction) ?? [] {
        guard !rule.peers.isEmpty, let resolved = holdPorts(rule.ports, direction, list) else { continue }
        let form = RuleForm(action: rule.action, peers: rule.peers, ports: resolved)
        let number = hold(form)
        releasePorts(resolved)
        guard seen.insert(number).inserted else {
          releaseRule(number)
          continue
        }
        numbers.append(number)
        if isCatchAll(form) { return numbers }
      }
    }
    return numbers
  }

  private func isCatchAll(_ rule: RuleForm) -> Bool {
    ports[rule.ports].isAll && rule.peers.contains { peers[$0] == .any }
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
  private mutating func holdPorts(_ number: UInt32, _ direction: PolicyDirection, _ list: UInt32) -> UInt32? {
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
