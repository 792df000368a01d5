// SPDX-License-Identifier: Apache-2.0

/// Hands out runs of consecutive slots, in pairs of slots, and joins what is given back with its free neighbours.
///
/// Free runs lie in bins by size, in the manner of a two-level segregated fit: exact bins for short runs, eight to each
/// power of two for long ones. A run of a fitting bin is found with a few bit operations, however many there are; an
/// allocation fails only if no free run is long enough. Memory goes with the number of free runs. Deterministic.
package struct SlotAllocator: Sendable {
  private struct Run {
    var length: UInt32
    var previous: UInt32
    var next: UInt32
  }

  private static let none = UInt32.max
  private static let exactBins: UInt32 = 32
  private static let binCount = 256
  /// How many runs of a bin are looked at before a larger bin is taken.
  private static let patience = 8

  // All in pairs of slots.
  private var runs: [UInt32: Run] = [:]
  private var startsByEnd: [UInt32: UInt32] = [:]
  private var heads = [UInt32](repeating: none, count: binCount)
  private var occupied: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
  private var freePairs = 0

  /// Makes an allocator for which all slots below `count` are free; an odd one at the end is not used.
  package init(count: UInt32) {
    if count >= 2 { insert(0, length: count / 2) }
  }

  /// Makes an allocator that has nothing yet: free slots are given to it by ``release(_:)``.
  package init() {}

  /// How many slots are free.
  package var freeCount: Int { freePairs * 2 }

  /// The longest free run, in slots.
  package var longestFree: Int {
    guard let bin = firstOccupied(from: 0, last: true) else { return 0 }
    var longest: UInt32 = 0
    var start = heads[bin]
    while start != Self.none, let run = runs[start] {
      longest = max(longest, run.length)
      start = run.next
    }
    return Int(longest) * 2
  }

  /// How many slots a run of `count` takes: pairs.
  package static func space(for count: Int) -> Int { (count + 1) / 2 * 2 }

  /// Takes a run of `count` slots; nil: no free run is long enough.
  ///
  /// - Returns: The first slot, which is even. ``release(_:)`` takes the run, rounded to pairs or not.
  package mutating func allocate(_ count: Int) -> UInt32? {
    guard count > 0, let length = UInt32(exactly: (count + 1) / 2), let start = find(length), let run = runs[start]
    else { return nil }
    remove(start, run)
    if run.length > length { insert(start + length, length: run.length - length) }
    return start * 2
  }

  /// Gives back slots: all pairs that the range touches.
  ///
  /// They must be taken.
  package mutating func release(_ slots: Range<UInt32>) {
    guard !slots.isEmpty else { return }
    var start = slots.lowerBound / 2
    var length = (slots.upperBound - 1) / 2 + 1 - start
    if let before = startsByEnd[start], let run = runs[before] {
      remove(before, run)
      start = before
      length += run.length
    }
    if let run = runs[start + length] {
      remove(start + length, run)
      length += run.length
    }
    insert(start, length: length)
  }

  private mutating func find(_ length: UInt32) -> UInt32? {
    let bin = Self.bin(of: length)
    if let start = fit(in: bin, length, patience: Self.patience) { return start }
    if let larger = firstOccupied(from: bin + 1, last: false) { return heads[larger] }
    return fit(in: bin, length, patience: .max)
  }

  private func fit(in bin: Int, _ length: UInt32, patience: Int) -> UInt32? {
    var start = heads[bin]
    var left = patience
    while start != Self.none, left > 0, let run = runs[start] {
      if run.length >= length { return start }
      start = run.next
      left -= 1
    }
    return nil
  }

  private static func bin(of length: UInt32) -> Int {
    if length < exactBins { return Int(length) }
    let exponent = 31 - length.leadingZeroBitCount
    return Int(exactBins) + (exponent - 5) * 8 + Int(length >> UInt32(exponent - 3) & 7)
  }

  private mutating func insert(_ start: UInt32, length: UInt32) {
    let bin = Self.bin(of: length)
    let next = heads[bin]
    runs[start] = Run(length: length, previous: Self.none, next: next)
    if next != Self.none { runs[next]?.previous = start }
    startsByEnd[start + length] = start
    heads[bin] = start
    setOccupied(bin, true)
    freePairs += Int(length)
  }

  private mutating func remove(_ start: UInt32, _ run: Run) {
    let bin = Self.bin(of: run.length)
    if run.previous == Self.none { heads[bin] = run.next } else { runs[run.previous]?.next = run.next }
    if run.next != Self.none { runs[run.next]?.previous = run.previous }
    if heads[bin] == Self.none { setOccupied(bin, false) }
    runs[start] = nil
    startsByEnd[start + run.length] = nil
    freePairs -= Int(run.length)
  }

  private mutating func setOccupied(_ bin: Int, _ isOccupied: Bool) {
    let bit = UInt64(1) << UInt64(bin % 64)
    func set(_ word: inout UInt64) { if isOccupied { word |= bit } else { word &= ~bit } }
    switch bin / 64 {
    case 0: set(&occupied.0)
    case 1: set(&occupied.1)
    case 2: set(&occupied.2)
    default: set(&occupied.3)
    }
  }

  private func word(_ index: Int) -> UInt64 {
    switch index {
    case 0: occupied.0
    case 1: occupied.1
    case 2: occupied.2
    default: occupied.3
    }
  }

  /// The first bin with runs from `bin` on, or the last of them.
  private func firstOccupied(from bin: Int, last: Bool) -> Int? {
    if last {
      for index in (0..<4).reversed() where word(index) != 0 {
        return index * 64 + 63 - word(index).leadingZeroBitCount
      }
      return nil
    }
    guard bin < Self.binCount else { return nil }
    for index in (bin / 64)..<4 {
      let bits = index == bin / 64 ? word(index) & (~0 << UInt64(bin % 64)) : word(index)
      if bits != 0 { return index * 64 + bits.trailingZeroBitCount }
    }
    return nil
  }
}
