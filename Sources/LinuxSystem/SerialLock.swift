// SPDX-License-Identifier: Apache-2.0

/// Runs operations that await one after the other, in the order they came.
///
/// An actor alone does not: while one of its methods awaits, another may begin. For the suite's own actors.
package final class SerialLock: Sendable {
  private let queue = LockQueue()

  /// Makes a free lock.
  package init() {}

  /// Runs `body` when everything before it has ended, however it ended.
  ///
  /// - Parameter body: The operation. It must not take the same lock.
  /// - Returns: What `body` returns.
  /// - Throws: What `body` throws. Waiting is not ended by cancellation.
  package nonisolated(nonsending) func locked<Result, Failure: Error>(
    _ body: () async throws(Failure) -> Result
  ) async throws(Failure) -> Result {
    await queue.acquire()
    do throws(Failure) {
      let result = try await body()
      await queue.release()
      return result
    } catch {
      await queue.release()
      throw error
    }
  }
}

/// Who waits for the lock.
private actor LockQueue {
  private var isHeld = false
  private var waiters: [CheckedContinuation<Void, Never>] = []
  private var next = 0

  func acquire() async {
    if !isHeld {
      isHeld = true
      return
    }
    await withCheckedContinuation { waiters.append($0) }
  }

  func release() {
    guard next < waiters.count else {
      waiters = []
      next = 0
      isHeld = false
      return
    }
    let waiter = waiters[next]
    next += 1
    // A lock that is never free must not remember everyone who ever waited.
    if next >= 64, next * 2 >= waiters.count {
      waiters.removeFirst(next)
      next = 0
    }
    waiter.resume()
  }
}
