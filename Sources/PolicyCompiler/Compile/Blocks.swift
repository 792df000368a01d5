// SPDX-License-Identifier: Apache-2.0

internal import NetworkTypes

/// The addresses that a list of blocks tells apart.
///
/// Blocks nest or are disjoint, so that they are trees, and one number says which blocks cover an address: the position of
/// the innermost. What is stored grows with the number of blocks, however deep they nest.
struct BlockTree: Sendable {
  /// A block, after those that it is in and before those in it.
  struct Node: Sendable {
    /// The number of the block.
    var number: UInt32
    /// The position of the next block that it is in, ``noNumber`` for none.
    var parent: UInt32
  }

  /// The addresses of one family, cut where blocks begin and end.
  struct Cells: Sendable {
    /// The first address of each cell; the next cell begins where it ends, and the last one ends where the family does.
    fileprivate(set) var starts: [UInt128] = []
    /// The position of the innermost block around each cell, ``noNumber`` for none.
    fileprivate(set) var inner: [UInt32] = []

    /// The innermost block around an address.
    fileprivate func inner(_ address: UInt128) -> UInt32 {
      var (low, high) = (0, starts.count)
      while low < high {
        let middle = (low + high) / 2
        if starts[middle] <= address { low = middle + 1 } else { high = middle }
      }
      return low == 0 ? noNumber : inner[low - 1]
    }

    fileprivate mutating func cut(at address: UInt128, _ position: UInt32) {
      if starts.last == address {
        inner[inner.count - 1] = position
      } else {
        starts.append(address)
        inner.append(position)
      }
    }
  }

  private(set) var nodes: [Node] = []
  private(set) var ipv4 = Cells()
  private(set) var ipv6 = Cells()

  /// Makes a tree of different blocks.
  init(_ blocks: [(number: UInt32, block: IPCIDR)]) {
    nodes.reserveCapacity(blocks.count)
    for family in [AddressFamily.ipv4, .ipv6] {
      var intervals: [Interval] = []
      for (number, block) in blocks where block.family == family { intervals.append(Interval(number: number, block)) }
      intervals.sort { left, right in left.first == right.first ? left.last > right.last : left.first < right.first }
      let cells = add(intervals)
      if family == .ipv4 { ipv4 = cells } else { ipv6 = cells }
    }
  }

  /// The position of the innermost block around an address, ``noNumber`` for none.
  func inner(_ address: IPAddress) -> UInt32 {
    address.family == .ipv4 ? ipv4.inner(address.number) : ipv6.inner(address.number)
  }

  /// The blocks that cover an address, sorted.
  func cover(_ address: IPAddress) -> [UInt32] { cover(inner(address)) }

  /// A block by its position and those that it is in, sorted by number.
  func cover(_ inner: UInt32) -> [UInt32] {
    var cover: [UInt32] = []
    var position = inner
    while position != noNumber {
      cover.append(nodes[Int(position)].number)
      position = nodes[Int(position)].parent
    }
    return cover.sorted()
  }

  /// Whether a block covers an address of a range.
  func touches(_ first: IPAddress, _ last: IPAddress) -> Bool {
    let cells = first.family == .ipv4 ? ipv4 : ipv6
    if inner(first) != noNumber { return true }
    let next = cells.starts.partitioningIndex { $0 > first.number }
    // Behind a gap comes a block.
    return next < cells.starts.count && cells.starts[next] <= last.number
  }

  private struct Interval {
    var number: UInt32
    var first: UInt128
    var last: UInt128

    init(number: UInt32, _ block: IPCIDR) {
      self.number = number
      first = block.masked.address.number
      let free = block.family.bitWidth - block.prefixLength
      last = first + (free == 128 ? UInt128.max : (UInt128(1) << UInt128(free)) - 1)
    }
  }

  /// Adds the blocks of one family; a stack holds those that are open.
  private mutating func add(_ intervals: [Interval]) -> Cells {
    var cells = Cells()
    var open: [(position: UInt32, last: UInt128)] = []
    func close(before first: UInt128?) {
      while let inner = open.last, first.map({ inner.last < $0 }) ?? true {
        open.removeLast()
        if inner.last < UInt128.max { cells.cut(at: inner.last + 1, open.last?.position ?? noNumber) }
      }
    }
    for interval in intervals {
      close(before: interval.first)
      let position = UInt32(nodes.count)
      nodes.append(Node(number: interval.number, parent: open.last?.position ?? noNumber))
      cells.cut(at: interval.first, position)
      open.append((position, interval.last))
    }
    close(before: nil)
    return cells
  }
}

extension Array {
  /// The first position whose element, like all after it, satisfies a condition.
  fileprivate func partitioningIndex(where isAfter: (Element) -> Bool) -> Int {
    var (low, high) = (0, count)
    while low < high {
      let middle = (low + high) / 2
      if isAfter(self[middle]) { high = middle } else { low = middle + 1 }
    }
    return low
  }
}

extension IPAddress {
  /// The address as a number.
  var number: UInt128 {
    switch self {
    case .v4(let address): UInt128(address.rawValue)
    case .v6(let address): UInt128(address.high) << 64 | UInt128(address.low)
    }
  }

  /// An address of a family by its number.
  init(_ family: AddressFamily, _ number: UInt128) {
    switch family {
    case .ipv4: self = .v4(IPv4Address(rawValue: UInt32(truncatingIfNeeded: number)))
    case .ipv6:
      self = .v6(
        IPv6Address(high: UInt64(truncatingIfNeeded: number >> 64), low: UInt64(truncatingIfNeeded: number)))
    }
  }
}

/// Orders blocks by family, address and length: a block comes before those inside of it.
func precedes(_ left: IPCIDR, _ right: IPCIDR) -> Bool {
  if left.family != right.family { return left.family == .ipv4 }
  if left.address != right.address { return left.address < right.address }
  return left.prefixLength < right.prefixLength
}
