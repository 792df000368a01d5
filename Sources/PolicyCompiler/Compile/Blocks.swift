// SPDX-License-Identifier: Apache-2.0

internal import NetworkTypes

/// The addresses that a list of blocks tells apart: disjoint intervals, each with the blocks that cover it.
struct BlockCells: Sendable {
  /// An interval of addresses of one family, both ends included.
  struct Cell: Sendable {
    var first: UInt128
    var last: UInt128
    /// The numbers of the blocks that cover it, sorted.
    var cover: [UInt32]
  }

  private(set) var ipv4: [Cell] = []
  private(set) var ipv6: [Cell] = []

  init(_ blocks: [(number: UInt32, block: IPCIDR)]) {
    for family in [AddressFamily.ipv4, .ipv6] {
      var intervals: [Interval] = []
      for (number, block) in blocks where block.family == family { intervals.append(Interval(number: number, block)) }
      intervals.sort { left, right in left.first == right.first ? left.last > right.last : left.first < right.first }
      let cells = Self.cells(intervals)
      if family == .ipv4 { ipv4 = cells } else { ipv6 = cells }
    }
  }

  /// The blocks that cover an address.
  func cover(_ address: IPAddress) -> [UInt32] {
    let cells = address.family == .ipv4 ? ipv4 : ipv6
    let value = address.number
    var (low, high) = (0, cells.count)
    while low < high {
      let middle = (low + high) / 2
      if value < cells[middle].first {
        high = middle
      } else if value > cells[middle].last {
        low = middle + 1
      } else {
        return cells[middle].cover
      }
    }
    return []
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

  /// Blocks nest or are disjoint, so that a stack holds those that are open.
  private static func cells(_ intervals: [Interval]) -> [Cell] {
    var cells: [Cell] = []
    var open: [Interval] = []
    var next: UInt128 = 0
    func close(upTo end: UInt128) {
      guard next <= end, !open.isEmpty else { return }
      cells.append(Cell(first: next, last: end, cover: open.map(\.number).sorted()))
    }
    for interval in intervals {
      while let inner = open.last, inner.last < interval.first {
        close(upTo: inner.last)
        next = inner.last + 1
        open.removeLast()
      }
      if interval.first > 0, interval.first > next { close(upTo: interval.first - 1) }
      next = interval.first
      open.append(interval)
    }
    while let inner = open.popLast() {
      guard next <= inner.last else { continue }
      open.append(inner)
      close(upTo: inner.last)
      open.removeLast()
      if inner.last == UInt128.max { break }
      next = inner.last + 1
    }
    return cells
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
