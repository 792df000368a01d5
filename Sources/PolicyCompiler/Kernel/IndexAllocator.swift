// SPDX-License-Identifier: Apache-2.0

/// Numbers of a map's entries: which are in use.
///
/// A number that was never used comes before one that was freed, and of those the one that was freed first, so that what
/// once had a number is remembered for as long as possible.
struct IndexAllocator: Sendable {
  let limit: UInt32
  private var next: UInt32
  private var freed: [UInt32] = []
  private var head = 0

  /// Numbers from `first` on, below `limit`.
  init(first: UInt32, limit: UInt32) {
    self.limit = max(first, limit)
    next = first
  }

  /// The same where some are in use already.
  init(first: UInt32, limit: UInt32, inUse: some Sequence<UInt32>) {
    self.init(first: first, limit: limit)
    for index in Set(inUse).sorted() where index >= first && index < limit {
      freed.append(contentsOf: next..<index)
      next = index + 1
    }
  }

  /// How many are left.
  var available: Int { Int(limit - next) + freed.count - head }

  /// Takes a number; nil: none is left.
  ///
  /// - Returns: The number, and whether it was in use before.
  mutating func allocate() -> (index: UInt32, isUsed: Bool)? {
    if next < limit {
      next += 1
      return (next - 1, false)
    }
    guard head < freed.count else { return nil }
    head += 1
    let index = freed[head - 1]
    if head >= 64, head * 2 >= freed.count {
      freed.removeFirst(head)
      head = 0
    }
    return (index, true)
  }

  mutating func free(_ index: UInt32) { freed.append(index) }
}

/// Runs of entries in an array.
struct ExtentAllocator: Sendable {
  /// A run of entries.
  struct Extent: Hashable, Sendable {
    var first: UInt32
    var count: UInt32
    var end: UInt32 { first + count }
    static let empty = Extent(first: 0, count: 0)
  }

  /// Sorted, disjoint, none beside another.
  private var free: [Extent]

  init(limit: UInt32) {
    free = limit > 0 ? [Extent(first: 0, count: limit)] : []
  }

  /// The same where some runs are in use already.
  init(limit: UInt32, inUse: some Sequence<Extent>) {
    free = []
    var next: UInt32 = 0
    for extent in inUse.filter({ $0.count > 0 }).sorted(by: { $0.first < $1.first }) {
      if extent.first > next { free.append(Extent(first: next, count: extent.first - next)) }
      next = max(next, extent.end)
    }
    if next < limit { free.append(Extent(first: next, count: limit - next)) }
  }

  /// How many entries are left, in runs of whatever length.
  var available: Int { free.reduce(0) { $0 + Int($1.count) } }

  /// Takes a run of entries; nil: there is none of that length.
  mutating func allocate(_ count: Int) -> Extent? {
    if count == 0 { return .empty }
    guard let position = free.firstIndex(where: { Int($0.count) >= count }) else { return nil }
    let extent = Extent(first: free[position].first, count: UInt32(count))
    if free[position].count == extent.count {
      free.remove(at: position)
    } else {
      free[position] = Extent(first: extent.end, count: free[position].count - extent.count)
    }
    return extent
  }

  mutating func release(_ extent: Extent) {
    guard extent.count > 0 else { return }
    var position = free.startIndex
    var end = free.endIndex
    while position < end {
      let middle = (position + end) / 2
      if free[middle].first < extent.first { position = middle + 1 } else { end = middle }
    }
    var extent = extent
    if position < free.endIndex, free[position].first == extent.end {
      extent.count += free[position].count
      free.remove(at: position)
    }
    if position > 0, free[position - 1].end == extent.first {
      free[position - 1].count += extent.count
    } else {
      free.insert(extent, at: position)
    }
  }
}
