// SPDX-License-Identifier: Apache-2.0

internal import Dispatch
internal import Glibc

/// Runs `body` and cancels it when the process is asked to end (SIGINT, SIGTERM), so that its scopes clean up.
///
/// - Parameter body: The work.
/// - Returns: What `body` returns.
/// - Throws: `ExampleError` when the work was interrupted; else what `body` throws.
public func cancellingOnInterrupt<Result: Sendable>(
  _ body: @escaping @Sendable () async throws -> Result
) async throws -> Result {
  let task = Task { try await body() }
  let sources = [SIGINT, SIGTERM].map { number in
    signal(number, SIG_IGN)
    let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
    source.setEventHandler { task.cancel() }
    source.resume()
    return source
  }
  defer { for source in sources { source.cancel() } }
  do {
    return try await task.value
  } catch  where task.isCancelled {
    throw ExampleError("interrupted; everything that was made has been removed")
  }
}
