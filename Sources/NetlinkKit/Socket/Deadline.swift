// SPDX-License-Identifier: Apache-2.0

/// When a request must be through: so long after the first time that anybody asks.
///
/// Most requests are answered before `send` returns and never ask, so they do not read the clock. It is a number and not
/// a `ContinuousClock.Instant`, because that type's layout is not known at compile time and every copy is a call.
struct Deadline {
  private let timeout: Int64
  /// Nanoseconds on the clock; 0 until somebody asks.
  private var fixed: Int64 = 0

  /// - Parameter timeout: how long, in nanoseconds.
  init(after timeout: Int64) { self.timeout = timeout }

  /// The point in time.
  var instant: ContinuousClock.Instant {
    mutating get { .now + .nanoseconds(left) }
  }

  /// Whether it is too late.
  var hasPassed: Bool {
    mutating get { left <= 0 }
  }

  private var left: Int64 {
    mutating get {
      let now = Clock.now
      if fixed == 0 {
        let (sum, overflow) = now.addingReportingOverflow(timeout)
        fixed = overflow ? .max : sum
      }
      return fixed - now
    }
  }
}
