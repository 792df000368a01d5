// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import ExampleSupport

/// How often something is looked at again.
struct Rounds: ParsableArguments {
  @Option(help: "Seconds between two looks.")
  var interval = 1.0

  @Option(help: "End after so many looks; without it on SIGINT or SIGTERM.")
  var count: Int?

  func validate() throws {
    guard interval >= 0.01, interval <= 86_400 else {
      throw ValidationError("--interval \(interval): write seconds from 0.01 to 86400.")
    }
    if let count, count < 1 { throw ValidationError("--count \(count): write a number from 1.") }
  }
}

/// Runs `body`, which a request to end cuts short; that is a good end.
func endingOnInterrupt(_ body: @escaping @Sendable () async throws -> Void) async throws {
  do {
    try await cancellingOnInterrupt {
      do {
        try await body()
      } catch is CancellationError {}
    }
  } catch let error as ExampleError where error.description.hasPrefix("interrupted") {}
}
