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
  ///
  /// Rules that are known to match are not asked.
  func matching(_ content: SetContent, areKnown: Bool = false) -> [UInt32] {
    var key: [UInt32] = []
    if add(content.admin, areKnown, to: &key) { return key }
    if content.isIsolated {
      key.append(Self.isolated)
      for position in stride(from: 0, to: content.allow.count, by: 2)
      where areKnown || matches(content.allow[position]) {
        if add(content.allow[position + 1], Self.accept, to: &key) { break }
      }
    } else {
      key.append(Self.baseline)
      _ = add(content.baseline, areKnown, to: &key)
    }
    return key
  }

  /// What is left of the rules of a set, with its index if it has one, for addresses of a core or of none.
  mutating func matching(_ set: SetRecord, _ index: SetIndex?, items: [UInt64], cover: [UInt32]) -> [UInt32] {
    pointer.point(at: items, cover: cover, elements: elements.end, blocks: blocks.end)
    guard let index else { return matching(set.content) }
    return matching(index.matching(set.content, items: items, cover: cover), areKnown: true)
  }

  private static let accept: UInt32 = 1
  private static let deny: UInt32 = 2
  private static let pass: UInt32 = 3
  private static let isolated: UInt32 = 4
  private static let baseline: UInt32 = 5

  /// - Returns: whether nothing after these rules is ever asked.
  private func add(_ list: [UInt32], _ areKnown: Bool, to key: inout [UInt32]) -> Bool {
    var hasPassed = false
    for number in list {
      let rule = rules[number]
      guard areKnown || matches(rule.peers) else { continue }
      let action = rule.action == .accept ? Self.accept : rule.action == .deny ? Self.deny : Self.pass
      if add(rule.ports, action, to: &key) { return rule.action != .pass && !hasPassed }
      hasPassed = hasPassed || rule.action == .pass
    }
    return false
  }

  /// - Returns: whether these are all ports.
  private func add(_ number: UInt32, _ action: UInt32, to key: inout [UInt32]) -> Bool {
    let spec = ports[number]
    if !spec.names.isEmpty {
      let meanings = spec.names.map { pointer.meaning(of: $0.element) }
      if spec.spans.isEmpty, meanings.allSatisfy({ $0 == 0 }) { return false }
      key.append(action)
      key.append(number)
      key += meanings
    } else {
      key.append(action)
      key.append(number)
    }
    return spec.isAll
  }

  /// The port table for what is left of rules, not held.
  mutating func table(for key: [UInt32]) -> PortTableID {
    if let known = tableMemo[key] { return known }
    var tiers = TierPorts()
    var position = 0
    while position < key.count {
      let action = key[position]
      position += 1
      switch action {
      case Self.isolated: tiers.isIsolated = true
      case Self.baseline: tiers.isBaseline = true
      default:
        var spec = ports[key[position]]
        position += 1
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
        tiers.add(action == Self.accept ? .accept : action == Self.deny ? .deny : .pass, spec)
      }
    }
    let table = portTable(tiers.resolved())
    tableMemo[key] = table
    return table
  }
}
