// SPDX-License-Identifier: Apache-2.0

/// What was hit, and by what if by one thing only.
struct Hits: Sendable {
  private(set) var list: [UInt32] = []
  private var round: UInt32 = 0
  private var rounds: ContiguousArray<UInt32> = []
  private var hitters: ContiguousArray<UInt32> = []

  init() {}

  /// Forgets all hits.
  mutating func start() {
    round += 1
    list.removeAll(keepingCapacity: true)
  }

  mutating func hit(_ number: UInt32, by hitter: UInt32) {
    let position = Int(number)
    while rounds.count <= position {
      rounds.append(0)
      hitters.append(0)
    }
    if rounds[position] == round {
      hitters[position] = noNumber
    } else {
      rounds[position] = round
      hitters[position] = hitter
      list.append(number)
    }
  }

  /// What hit, ``noNumber`` if it was more than one thing.
  func only(_ number: UInt32) -> UInt32 { hitters[Int(number)] }
}
