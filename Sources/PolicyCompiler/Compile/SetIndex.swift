// SPDX-License-Identifier: Apache-2.0

/// The rules of a large rule set by what a peer can have, so that a peer meets only the rules that match it.
struct SetIndex: Sendable {
  /// Positions of rules for every peer.
  private var always: [UInt32] = []
  private var byElement: [UInt32: [UInt32]] = [:]
  private var byBlock: [UInt32: [(position: UInt32, holes: [UInt32])]] = [:]

  /// Files the rules of a content; a rule's position counts through admin tier, NetworkPolicies and baseline tier.
  init(_ content: SetContent, rules: Interner<RuleForm>, peers: Interner<PeerForm>) {
    var position: UInt32 = 0
    func add(_ numbers: [UInt32], _ index: inout SetIndex) {
      for number in numbers {
        switch peers[number] {
        case .any: index.always.append(position)
        case .element(let element): index.byElement[element, default: []].append(position)
        case .block(let block, let except): index.byBlock[block, default: []].append((position, except))
        }
      }
      position += 1
    }
    for rule in content.admin { add(rules[rule].peers, &self) }
    for pair in stride(from: 0, to: content.allow.count, by: 2) { add([content.allow[pair]], &self) }
    for rule in content.baseline { add(rules[rule].peers, &self) }
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
    var matching = SetContent(isIsolated: content.isIsolated)
    let pairs = content.allow.count / 2
    for position in positions.map({ Int($0) }) {
      if position < content.admin.count {
        matching.admin.append(content.admin[position])
      } else if position < content.admin.count + pairs {
        let pair = 2 * (position - content.admin.count)
        matching.allow += content.allow[pair...pair + 1]
      } else {
        matching.baseline.append(content.baseline[position - content.admin.count - pairs])
      }
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
