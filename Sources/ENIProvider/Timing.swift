// SPDX-License-Identifier: Apache-2.0

/// Time and chance, as the module sees them; tests put their own in.
public struct Timing: Sendable {
  /// The wall clock, for signatures.
  public var wallClock: @Sendable () -> APITimestamp

  /// Time since an arbitrary instant, never going back, for deadlines.
  public var elapsed: @Sendable () -> Duration

  /// Waits; throws when the task is cancelled.
  public var sleep: @Sendable (Duration) async throws -> Void

  /// A number in 0..<1, for jitter.
  public var fraction: @Sendable () -> Double

  /// A text never given before, for signatures.
  public var nonce: @Sendable () -> String

  /// Takes every source.
  public init(
    wallClock: @escaping @Sendable () -> APITimestamp, elapsed: @escaping @Sendable () -> Duration,
    sleep: @escaping @Sendable (Duration) async throws -> Void, fraction: @escaping @Sendable () -> Double,
    nonce: @escaping @Sendable () -> String
  ) {
    self.wallClock = wallClock
    self.elapsed = elapsed
    self.sleep = sleep
    self.fraction = fraction
    self.nonce = nonce
  }

  /// The machine's clocks and generator.
  public static let system: Timing = {
    let start = ContinuousClock.now
    return Timing(
      wallClock: { .now() },
      elapsed: { ContinuousClock.now - start },
      sleep: { try await Task.sleep(for: $0) },
      fraction: { Double.random(in: 0..<1) },
      nonce: { ClientToken.random().rawValue })
  }()
}
