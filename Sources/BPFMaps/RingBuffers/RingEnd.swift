// SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// Where the reading of a ring ends; set by any thread, and looked at before each record.
struct RingEnd: ~Copyable, Sendable {
  private let end = Atomic<UInt>(.max)

  /// Whether a position is that of the end, or behind it.
  func isReached(at position: UInt) -> Bool { position >= end.load(ordering: .relaxed) }

  /// Ends the reading at a position, unless its end is known already.
  func set(to position: UInt) {
    _ = end.compareExchange(expected: .max, desired: position, ordering: .sequentiallyConsistent)
  }

  /// Ends the reading wherever it is.
  func setHere() { end.store(0, ordering: .sequentiallyConsistent) }
}
