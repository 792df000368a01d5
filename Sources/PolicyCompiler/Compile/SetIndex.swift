// SPDX-License-Identifier: Apache-2.0

/// The rules of a large rule set by what a peer can have, so that a peer meets only the rules that match it.
struct SetIndex: Sendable {
  /// Positions of rules for every peer.
  private var always: [UInt32] = []
  private var byElement: [UInt32: [UInt32]] = [:]
  private var byBlock: [UInt32: [(position: UInt32, holes: [UInt32])]] = [:]

  /// Files the rules of a content.
  init(_ content: SetContent, rules: Interner<RuleForm>, peers: Interner<PeerForm>) {
    func add(_ numbers: [UInt32], at position: Int, _ index: inout SetIndex) {
      let position = UInt32(position)
      for number in numbers {
        switch peers[number] {
        case .any: index.always.append(position)
        case .element(let element): index.byElement[element, default: []].append(position)
        case .block(let block, let except): index.byBlock[block, default: []].append((position, except))
        }
      }
    }
    if content.stage == .policy {
      for position in stride(from: 0, to: content.rules.count, by: 2) {
        add([content.rules[position]], at: position, &self)
      }
    } else {
      for (position, rule) in content.rules.enumerated() { add(rules[rule].peers, at: position, &self) }
    }
  }

  /// The rules of the content that match a peer.
  func matching(_ content: SetContent, items: [UInt64], cover: [UInt32]) -> SetContent {
    var positions = always
    for item in items { positions += byElement[UInt32(truncatingIfNeeded: item >> 32)] ?? [] }
    for block in cover {
      for (position, holes) in byBlock[block] ?? [] where !cover.contains(where: { holes.hasSorted($0) }) {
        positions.append(position)
      }
    }
    positions.unique()
    var matching = SetContent(stage: content.stage)
    for position in positions.map({ Int($0) }) {
      matching.rules += content.rules[position...(content.stage == .policy ? position + 1 : position)]
    }
    return matching
  }
}

extension Array where Element == UInt32 {
  /// Whether a sorted list has a number.
  func hasSorted(_ number: UInt32) -> Bool {
    var (low, high) = (0, count)
    while low < high {
      let middle = (low + high) / 2
      if self[middle] < number { low = middle + 1 } else { high = middle }
    }
    return low < count && self[low] == number
  }
}
