// SPDX-License-Identifier: Apache-2.0

import CDatapathABI

/// How many packets a policy decision judged, on all processors together.
///
/// Further packets of an allowed flow are not judged, and not counted.
public struct DecisionCount: Hashable, Sendable {
  /// Packets that passed.
  public var allowed: UInt64
  /// Packets that were dropped.
  public var dropped: UInt64

  /// Makes a count.
  ///
  /// - Parameters:
  ///   - allowed: Packets that passed.
  ///   - dropped: Packets that were dropped.
  public init(allowed: UInt64 = 0, dropped: UInt64 = 0) {
    self.allowed = allowed
    self.dropped = dropped
  }

  /// Adds up what each processor counted.
  init(summing counters: some Sequence<decision_counter>) {
    self.init()
    for counter in counters {
      allowed &+= counter.allowed
      dropped &+= counter.dropped
    }
  }
}
