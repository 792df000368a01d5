// SPDX-License-Identifier: Apache-2.0

/// Hands out runs of consecutive indexes, lowest first, and joins what is given back.
///
/// Used for extents of slots, and with runs of one for service and backend numbers. Deterministic: the same calls give
/// the same runs.
public struct SlotAllocator: Hashable, Sendable {
  /// All indexes there are.
  public let bounds: Range<UInt32>
  /// Free runs in ascending order; no two touch.
  private var free: [Range<UInt32>]

  /// Makes an allocator for which every index in `bounds` is free.
  public init(bounds: Range<UInt32>) {
    self.bounds = bounds
    free = bounds.isEmpty ? [] : [bounds]
  }

  /// The number of free indexes.
  public var freeCount: Int { free.reduce(0) { $0 + $1.count } }

  /// Takes the lowest run of `count` free indexes; nil when no run is long enough.
  public mutating func allocate(_ count: Int) -> Range<UInt32>? {
    guard count > 0, let length = UInt32(exactly: count), let index = free.firstIndex(where: { $0.count >= count })
    else { return nil }
    let run = free[index]
    let taken = run.lowerBound..<(run.lowerBound + length)
    if taken == run {
      free.remove(at: index)
    } else {
      free[index] = taken.upperBound..<run.upperBound
    }
    return taken
  }

  /// Takes a given run, as read back from a map; false, and nothing changes, when any of it is taken or outside.
  public mutating func reserve(_ run: Range<UInt32>) -> Bool {
    guard !run.isEmpty else { return true }
    let index = firstFree(from: run.lowerBound)
    guard index < free.count, free[index].lowerBound <= run.lowerBound, free[index].upperBound >= run.upperBound else {
      return false
    }
    let hole = free[index]
    let rest = [hole.lowerBound..<run.lowerBound, run.upperBound..<hole.upperBound].filter { !$0.isEmpty }
    free.replaceSubrange(index...index, with: rest)
    return true
  }

  /// Gives a run back; what of it is free already, or outside the bounds, is ignored.
  public mutating func release(_ run: Range<UInt32>) {
    var merged = run.clamped(to: bounds)
    guard !merged.isEmpty else { return }
    let first = merged.lowerBound > 0 ? firstFree(from: merged.lowerBound - 1) : 0
    var end = first
    while end < free.count, free[end].lowerBound <= merged.upperBound {
      merged =
        min(merged.lowerBound, free[end].lowerBound)..<max(merged.upperBound, free[end].upperBound)
      end += 1
    }
    free.replaceSubrange(first..<end, with: [merged])
  }

  /// The first free run that ends after `index`.
  private func firstFree(from index: UInt32) -> Int {
    var low = 0
    var high = free.count
    while low < high {
      let middle = (low + high) / 2
      if free[middle].upperBound <= index { low = middle + 1 } else { high = middle }
    }
    return low
  }
}
