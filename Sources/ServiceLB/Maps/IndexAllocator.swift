// SPDX-License-Identifier: Apache-2.0

/// Hands out indices of an array map, each with an epoch that tells its uses apart.
///
/// What was never used comes first, then what has been free for longest: so that whoever remembers a freed index finds
/// what it remembers for as long as possible. Constant time.
package struct IndexAllocator: Sendable {
  /// Indices are below it.
  package let limit: UInt32
  private let epochMask: UInt32
  /// No index from here on has been used.
  private var next: UInt32
  private var free = Ring<UInt32>()
  /// The epochs of all indices below `next`; empty for indices without.
  private var epochs: [UInt32] = []

  /// Makes an allocator that has never handed out an index.
  ///
  /// - Parameters:
  ///   - range: All indices there are.
  ///   - epochBits: How many bits an epoch has, at most 32; 0: there are no epochs.
  package init(_ range: Range<UInt32>, epochBits: Int) {
    limit = range.upperBound
    next = range.lowerBound
    epochMask = epochBits == 0 ? 0 : UInt32.max >> UInt32(32 - epochBits)
    if epochMask != 0 { epochs = Array(repeating: 0, count: Int(next)) }
  }

  /// Makes an allocator from what a map holds.
  ///
  /// - Parameters:
  ///   - range: All indices there are.
  ///   - epochBits: As above.
  ///   - count: Indices below it may have been used before.
  ///   - isTaken: Whether an index is in use, and the epoch of its last use.
  package init(
    _ range: Range<UInt32>, epochBits: Int, usedBelow count: Int, _ isTaken: (UInt32) -> (isTaken: Bool, epoch: UInt32)
  ) {
    self.init(range, epochBits: epochBits)
    let end = max(range.lowerBound, min(UInt32(clamping: count), limit))
    for index in range.lowerBound..<end {
      let (isTaken, epoch) = isTaken(index)
      if epochMask != 0 { epochs.append(epoch & epochMask) }
      if !isTaken { free.append(index) }
    }
    next = end
  }

  /// How many indices can be had.
  package var available: Int { free.count + Int(limit - next) }

  /// Takes an index; nil where there is none.
  ///
  /// `isNew`: it has never been used.
  package mutating func allocate() -> (index: UInt32, epoch: UInt32, isNew: Bool)? {
    if next < limit {
      let index = next
      next += 1
      if epochMask != 0 { epochs.append(1) }
      return (index, epochMask == 0 ? 0 : 1, true)
    }
    guard let index = free.popFirst() else { return nil }
    guard epochMask != 0 else { return (index, 0, false) }
    var epoch = (epochs[Int(index)] &+ 1) & epochMask
    if epoch == 0 { epoch = 1 }
    epochs[Int(index)] = epoch
    return (index, epoch, false)
  }

  /// Gives an index back, that was taken.
  package mutating func release(_ index: UInt32) { free.append(index) }
}
