// SPDX-License-Identifier: Apache-2.0

/// For each destination port the first rule that matches it, by number: equal ones have one number.
///
/// Rules are known by their *ranks*: neighbours with one verdict share a rank, and the lowest rank decides. What several
/// peers of one address come to is therefore the lower rank at each port, in whichever order they are joined, and what two
/// joined come to is computed once.
struct RankedPorts: Sendable {
  /// A port by protocol, or a name by its number in the rule set.
  ///
  /// Numbers of ports are those of the protocol times 65536 plus the port.
  enum Place {
    /// Protocols without ports.
    static let other: UInt32 = 3 << 16
    static let firstName: UInt32 = 4 << 16

    /// A port name, limited to a protocol or not (``PortSpec/anyTransport``).
    static func name(_ name: UInt32, _ transport: UInt8) -> UInt32 { firstName + 4 * name + UInt32(transport) }
  }

  /// The number of no rule at any port.
  static let nothing: UInt32 = 0
  /// The rank of no rule.
  static let none = UInt32.max

  /// Runs read so far.
  private(set) var steps = 0
  /// Runs kept.
  private(set) var size = 0
  /// Runs, as the place where each begins in the upper half, and its rank in the lower.
  ///
  /// The first begins at 0, and neighbours have different ranks.
  private var values: [[UInt64]] = [[UInt64(none)]]
  private var numbers: [[UInt64]: UInt32] = [[UInt64(none)]: nothing]
  private var joined: [UInt64: UInt32] = [:]
  private var lists: [[UInt32]: UInt32] = [:]

  init() {}

  subscript(number: UInt32) -> [UInt64] { values[Int(number)] }

  /// What comes of two.
  mutating func join(_ left: UInt32, _ right: UInt32) -> UInt32 {
    if left == right || right == Self.nothing { return left }
    if left == Self.nothing { return right }
    let key = CompilerState.key(min(left, right), max(left, right))
    if let known = joined[key] { return known }
    let number = number(of: lower(values[Int(left)], values[Int(right)]))
    joined[key] = number
    return number
  }

  /// What comes of a list.
  mutating func join(_ list: [UInt32]) -> UInt32 {
    if list.count < 3 { return list.count == 2 ? join(list[0], list[1]) : list.first ?? Self.nothing }
    if let known = lists[list] { return known }
    var parts = list.map { values[Int($0)] }
    while parts.count > 1 {
      var end = 0
      for position in stride(from: 0, to: parts.count, by: 2) {
        parts[end] = position + 1 < parts.count ? lower(parts[position], parts[position + 1]) : parts[position]
        end += 1
      }
      parts.removeLast(parts.count - end)
    }
    let number = number(of: parts[0])
    lists[list] = number
    return number
  }

  /// One rank at some places: sorted and disjoint ranges, both ends included.
  mutating func number(_ rank: UInt32, at ranges: [(first: UInt32, last: UInt32)]) -> UInt32 {
    var runs: [UInt64] = []
    for range in ranges {
      let start = runs.last.map { UInt32(truncatingIfNeeded: $0 >> 32) } ?? 0
      if runs.isEmpty, range.first > 0 { runs.append(UInt64(Self.none)) }
      if !runs.isEmpty, range.first == start {
        // Next to the range before: one with it.
        runs.removeLast()
      } else {
        runs.append(CompilerState.key(range.first, rank))
      }
      runs.append(CompilerState.key(range.last + 1, Self.none))
    }
    steps += runs.count
    return runs.isEmpty ? Self.nothing : number(of: runs)
  }

  /// The rank at a place.
  func rank(_ number: UInt32, at place: UInt32) -> UInt32 {
    let runs = values[Int(number)]
    var (low, high) = (1, runs.count)
    while low < high {
      let middle = (low + high) / 2
      if UInt32(truncatingIfNeeded: runs[middle] >> 32) <= place { low = middle + 1 } else { high = middle }
    }
    return UInt32(truncatingIfNeeded: runs[low - 1])
  }

  /// The number of some runs.
  mutating func number(of runs: [UInt64]) -> UInt32 {
    let next = UInt32(values.count)
    let number = Self.read(&numbers[runs, default: next])
    if number == next {
      values.append(runs)
      size += runs.count
    }
    return number
  }

  private static func read(_ number: inout UInt32) -> UInt32 { number }

  /// The lower rank at each place.
  mutating func lower(_ left: [UInt64], _ right: [UInt64]) -> [UInt64] {
    let empty = UInt64(Self.none)
    if right.count == 1, right[0] == empty { return left }
    if left.count == 1, left[0] == empty { return right }
    steps += left.count + right.count
    var runs: [UInt64] = []
    runs.reserveCapacity(left.count + right.count)
    var (first, second) = (0, 0)
    var last = UInt64.max
    while first < left.count || second < right.count {
      let start = min(
        first < left.count ? left[first] >> 32 : .max, second < right.count ? right[second] >> 32 : .max)
      if first < left.count, left[first] >> 32 == start { first += 1 }
      if second < right.count, right[second] >> 32 == start { second += 1 }
      // Both begin at 0.
      let rank = min(left[first - 1] & 0xFFFF_FFFF, right[second - 1] & 0xFFFF_FFFF)
      if rank == last { continue }
      last = rank
      runs.append(start << 32 | rank)
    }
    return runs.capacity > 2 * runs.count ? Array(runs[...]) : runs
  }
}
