// SPDX-License-Identifier: Apache-2.0

/// Whose turn it is, where weights differ.
///
/// The next turn is that of the backend whose (2 n + 1) / weight is least, n being the turns it had (Webster's method):
/// so shares follow the weights at every moment, not only at the end. Of equal ones the first is next, which makes it a
/// plain round where all weights are equal.
struct MaglevTurns {
  private let weights: [UInt64]
  private var turns: [UInt64]
  /// A binary heap of backends; the one that is next comes first.
  private var heap: [Int]

  /// Makes turns.
  ///
  /// - Parameter weights: the weights, each above 0; at least one.
  init(weights: [UInt16]) {
    self.weights = weights.map(UInt64.init)
    turns = Array(repeating: 0, count: weights.count)
    // Before the first turn the heaviest is next.
    heap = weights.indices.sorted { weights[$0] == weights[$1] ? $0 < $1 : weights[$0] > weights[$1] }
  }

  /// Gives the next turn.
  mutating func next() -> Int {
    let first = heap[0]
    turns[first] += 1
    var index = 0
    while true {
      var least = index
      for child in (2 * index + 1)...(2 * index + 2) where child < heap.count && precedes(heap[child], heap[least]) {
        least = child
      }
      if least == index { return first }
      heap.swapAt(index, least)
      index = least
    }
  }

  private func precedes(_ left: Int, _ right: Int) -> Bool {
    let leftValue = (2 * turns[left] + 1) * weights[right]
    let rightValue = (2 * turns[right] + 1) * weights[left]
    return leftValue == rightValue ? left < right : leftValue < rightValue
  }
}
