// SPDX-License-Identifier: Apache-2.0

/// What judging one rule set may cost, in proportion to what the set says.
struct WorkLimit {
  /// Runs of ports read and kept.
  var steps: Int
  var size: Int
  /// Port ranges that come of it.
  var portRanges: Int

  /// The limit for a rule set that says so much.
  init(size: Int) {
    steps = (1 << 26) + 1024 * size
    self.size = (1 << 22) + 64 * size
    portRanges = (1 << 18) + 64 * size
  }

  /// No limit: for what was within its limit before.
  static let none = WorkLimit(steps: .max, size: .max, portRanges: .max)

  private init(steps: Int, size: Int, portRanges: Int) {
    self.steps = steps
    self.size = size
    self.portRanges = portRanges
  }

  func allows(_ ranks: RankedPorts) -> Bool { ranks.steps <= steps && ranks.size <= size }
}
