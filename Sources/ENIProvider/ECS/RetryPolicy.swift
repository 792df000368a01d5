// SPDX-License-Identifier: Apache-2.0

/// When a transient failure is tried again: exponential backoff with jitter.
public struct RetryPolicy: Sendable, Hashable {
  /// How often one call is sent at most, 1 or more.
  public var maximumAttempts: Int

  /// The delay before the second attempt, before jitter.
  public var initialDelay: Duration

  /// No delay is longer.
  public var maximumDelay: Duration

  /// Makes a policy.
  ///
  /// - Parameters:
  ///   - maximumAttempts: 1 or more; 1 never retries.
  ///   - initialDelay: doubled for each further attempt.
  ///   - maximumDelay: the largest delay.
  public init(
    maximumAttempts: Int = 6, initialDelay: Duration = .milliseconds(500), maximumDelay: Duration = .seconds(20)
  ) {
    self.maximumAttempts = max(1, maximumAttempts)
    self.initialDelay = initialDelay
    self.maximumDelay = maximumDelay
  }

  /// One attempt only.
  public static let never = RetryPolicy(maximumAttempts: 1)

  /// The delay after a failed attempt: between half of the exponential delay and all of it.
  ///
  /// - Parameters:
  ///   - attempt: the number of the attempt that failed, from 1.
  ///   - fraction: chance, 0..<1, so that many clients do not come back at once.
  /// - Returns: the delay.
  public func delay(afterAttempt attempt: Int, fraction: Double) -> Duration {
    let doubled = initialDelay * (1 << min(max(attempt, 1) - 1, 20))
    return min(doubled, maximumDelay) * (0.5 + fraction / 2)
  }
}
