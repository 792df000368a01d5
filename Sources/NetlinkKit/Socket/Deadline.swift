// SPDX-License-Identifier: Apache-2.0

/// When a request must be through: so long after the first time that anybody asks.
///
/// Most requests are answered before `send` returns and never ask, so they do not read the clock.
struct Deadline {
  private let timeout: Duration
  private var fixed: ContinuousClock.Instant?

  init(after timeout: Duration) { self.timeout = timeout }

  /// The point in time.
  var instant: ContinuousClock.Instant {
    mutating get {
      if let fixed { return fixed }
      let instant = ContinuousClock.now + timeout
      fixed = instant
      return instant
    }
  }

  /// Whether it is too late.
  var hasPassed: Bool {
    mutating get { ContinuousClock.now >= instant }
  }
}
