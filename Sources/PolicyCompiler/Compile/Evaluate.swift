// SPDX-License-Identifier: Apache-2.0

internal import KubernetesModel

/// The peer that rules are asked about: marks that make each question one look.
struct PeerPointer: Sendable {
  private var round: UInt32 = 0
  private var elements: ContiguousArray<UInt32> = []
  private var meanings: ContiguousArray<UInt32> = []
  private var blocks: ContiguousArray<UInt32> = []

  init() {}

  /// Points at a peer.
  mutating func point(at items: [UInt64], cover: [UInt32], elements count: Int, blocks blockCount: Int) {
    while elements.count < count {
      elements.append(0)
      meanings.append(0)
    }
    while blocks.count < blockCount { blocks.append(0) }
    round += 1
    for item in items {
      let element = Int(item >> 32)
      elements[element] = round
      meanings[element] = UInt32(truncatingIfNeeded: item)
    }
    for block in cover { blocks[Int(block)] = round }
  }

  func has(element: UInt32) -> Bool { Int(element) < elements.count && elements[Int(element)] == round }
  func has(block: UInt32) -> Bool { Int(block) < blocks.count && blocks[Int(block)] == round }
  func meaning(of name: UInt32) -> UInt32 { has(element: name) ? meanings[Int(name)] : 0 }
}

extension CompilerState {
  private func matches(_ numbers: [UInt32]) -> Bool {
    for number in numbers where matches(number) { return true }
    return false
  }

  private func matches(_ number: UInt32) -> Bool {
    switch peers[number] {
    case .any: return true
    case .element(let element): return pointer.has(element: element)
    case .block(let block, let except):
      guard pointer.has(block: block) else { return false }
      for hole in except where pointer.has(block: hole) { return false }
      return true
    }
  }

  /// What is left of a set's rules for the peer pointed at: equal keys mean equal ports.
  private func matching(_ content: SetContent) -> [UInt32] {
    var key = [UInt32(content.stage.rawValue)]
    if content.stage == .policy {
      for position in stride(from: 0, to: content.rules.count, by: 2) where matches(content.rules[position]) {
        if add(content.rules[position + 1], .allow, to: &key) { break }
      }
    } else {
      for number in content.rules {
        let rule = rules[number]
        guard matches(rule.peers) else { continue }
        if add(rule.ports, rule.action.verdict(in: content.stage), to: &key) { break }
      }
    }
    return key
  }

  /// What is left of the rules of a set for addresses of a core or of none.
  mutating func matching(_ set: SetRecord, items: [UInt64], cover: [UInt32]) -> [UInt32] {
    pointer.point(at: items, cover: cover, elements: elements.end, blocks: blocks.end)
    return matching(set.content)
  }

  /// - Returns: whether these are all ports.
  private func add(_ number: UInt32, _ verdict: PolicyVerdict, to key: inout [UInt32]) -> Bool {
    let spec = ports[number]
    if !spec.names.isEmpty {
      let meanings = spec.names.map { pointer.meaning(of: $0.element) }
      if spec.spans.isEmpty, meanings.allSatisfy({ $0 == 0 }) { return false }
      key.append(UInt32(verdict.rawValue))
      key.append(number)
      key += meanings
    } else {
      key.append(UInt32(verdict.rawValue))
      key.append(number)
    }
    return spec.isAll
  }

  /// The port table for what is left of rules, not held.
  mutating func table(for key: [UInt32]) -> PortTableID {
    if let known = tableMemo[key] { return known }
    var tiers = TierPorts(PolicyStage(rawValue: UInt8(truncatingIfNeeded: key[0])) ?? .policy)
    var position = 1
    while position < key.count {
      let verdict = PolicyVerdict(rawValue: UInt8(truncatingIfNeeded: key[position])) ?? .noMatch
      var spec = ports[key[position + 1]]
      position += 2
      for name in spec.names {
        let number = key[position]
        position += 1
        if number == 0 { continue }
        for port in meanings[number].ports {
          let transport = UInt8(truncatingIfNeeded: port >> 16)
          guard name.transport == PortSpec.anyTransport || name.transport == transport else { continue }
          let number = UInt16(truncatingIfNeeded: port)
          spec.spans.append(PortSpec.Span(transport: transport, first: number, last: number))
        }
      }
      spec.names = []
      spec.normalise()
      tiers.add(verdict, spec)
    }
    let table = portTable(tiers.resolved())
    tableMemo[key] = table
    return table
  }
}

extension ClusterPolicy.Action {
  /// What a rule with it says in a tier.
  func verdict(in stage: PolicyStage) -> PolicyVerdict {
    switch self {
    case .accept: .allow
    case .deny: .deny
    // After the baseline tier nothing comes.
    case .pass: stage == .admin ? .pass : .allow
    }
  }
}
