// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import Synchronization

/// Repeats work on a thread of its own while a test does something else.
///
/// A task would not do: where one processor is online all tasks share one thread, and a test that does not wait keeps it.
///
/// - Parameters:
///   - work: Called again and again, with 0, 1, 2 and so on.
///   - body: The test; it begins when the work was done once.
/// - Returns: What `body` returns, when the thread has ended.
/// - Throws: What `body` throws, else what the work threw, which ended it.
public func withThread<Result>(
  repeating work: @escaping @Sendable (UInt32) throws -> Void, _ body: () async throws -> Result
) async throws -> Result {
  let state = ThreadState()
  let thread = Thread {
    var round: UInt32 = 0
    do {
      while !state.isDone.load(ordering: .acquiring) {
        try work(round)
        round &+= 1
        state.hasBegun.store(true, ordering: .releasing)
      }
    } catch {
      state.failure.withLock { $0 = error }
    }
    state.hasEnded.store(true, ordering: .releasing)
  }
  thread.start()
  func wait(until isReached: () -> Bool) async {
    while !isReached() { try? await Task.sleep(for: .milliseconds(1)) }
  }
  await wait { state.hasBegun.load(ordering: .acquiring) || state.hasEnded.load(ordering: .acquiring) }
  func end() async {
    state.isDone.store(true, ordering: .releasing)
    await wait { state.hasEnded.load(ordering: .acquiring) }
  }
  let result: Result
  do {
    result = try await body()
  } catch {
    await end()
    throw error
  }
  await end()
  if let failure = state.failure.withLock({ $0 }) { throw failure }
  return result
}

private final class ThreadState: Sendable {
  let hasBegun = Atomic(false)
  let isDone = Atomic(false)
  let hasEnded = Atomic(false)
  let failure = Mutex<(any Error)?>(nil)
}
