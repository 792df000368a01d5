// SPDX-License-Identifier: Apache-2.0

/// What is on of many things that are turned on and off, joined: a tree whose leaves are those that say the same.
struct Slots: Sendable {
  private var numbers: [UInt32] = []
  private var known: [UInt32: UInt32] = [:]
  private var counts: [UInt32] = []
  /// The runs of ``RankedPorts``, without numbers: they are many, and each is soon another.
  private var tree: [[UInt64]] = []
  private var width = 1
  private var root = RankedPorts.nothing
  /// Leaves that are different now, perhaps.
  private var turned: [UInt32] = []

  /// The slot of things that come to this.
  mutating func slot(for number: UInt32) -> UInt32 {
    if let slot = known[number] { return slot }
    let next = UInt32(numbers.count)
    known[number] = next
    numbers.append(number)
    return next
  }

  /// After the last slot, before the first turn.
  mutating func finish() {
    counts = Array(repeating: 0, count: numbers.count)
    while width < numbers.count { width *= 2 }
    tree = Array(repeating: [UInt64(RankedPorts.none)], count: 2 * width)
  }

  mutating func turn(_ slot: UInt32, on isOn: Bool) {
    let before = counts[Int(slot)]
    counts[Int(slot)] = isOn ? before + 1 : before - 1
    if before == 0 || counts[Int(slot)] == 0 { turned.append(slot) }
  }

  /// All that is on, joined.
  ///
  /// What was turned since the last time is joined level by level, so that many at once are no more than the whole tree.
  mutating func joined(_ ranks: inout RankedPorts) -> UInt32 {
    for slot in turned {
      tree[width + Int(slot)] = ranks[counts[Int(slot)] > 0 ? numbers[Int(slot)] : RankedPorts.nothing]
    }
    var level = turned.map { (UInt32(width) + $0) / 2 }
    turned.removeAll(keepingCapacity: true)
    if level.isEmpty { return root }
    while let first = level.first, first > 0 {
      level.unique()
      var above: [UInt32] = []
      for position in level.map({ Int($0) }) {
        let joined = ranks.lower(tree[2 * position], tree[2 * position + 1])
        if joined == tree[position] { continue }
        tree[position] = joined
        above.append(UInt32(position / 2))
      }
      level = above
    }
    root = ranks.number(of: tree[1])
    return root
  }
}
