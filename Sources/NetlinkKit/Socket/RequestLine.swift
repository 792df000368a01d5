// SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// The line in front of a socket: one task at a time has the turn, the others wait in the order they came.
///
/// Taking a turn that is free is one uncontended lock; no task is suspended for it.
final class RequestLine: Sendable {
  private struct State {
    var isTaken = false
    var waiting: [(ticket: UInt64, continuation: CheckedContinuation<Bool, Never>)] = []
    var tickets: UInt64 = 0
  }

  private let state = Mutex(State())

  /// Takes the turn if nobody has it, and so nobody waits for it.
  func tryEnter() -> Bool {
    state.withLock { state in
      guard !state.isTaken else { return false }
      state.isTaken = true
      return true
    }
  }

  /// Waits for the turn; false when the task was cancelled before it came.
  func enter() async -> Bool {
    if Task.isCancelled { return false }
    let ticket: UInt64? = state.withLock { state in
      guard state.isTaken else {
        state.isTaken = true
        return nil
      }
      state.tickets += 1
      return state.tickets
    }
    guard let ticket else { return true }
    return await withTaskCancellationHandler {
      await withCheckedContinuation { wait(ticket, $0) }
    } onCancel: {
      giveUp(ticket)
    }
  }

  /// Hands the turn to the one who waited longest.
  func leave() {
    let next: CheckedContinuation<Bool, Never>? = state.withLock { state in
      guard state.waiting.isEmpty else { return state.waiting.removeFirst().continuation }
      state.isTaken = false
      return nil
    }
    next?.resume(returning: true)
  }

  private func wait(_ ticket: UInt64, _ continuation: CheckedContinuation<Bool, Never>) {
    let hasTurn: Bool? = state.withLock { state in
      // A cancellation sets the flag before it asks for the lock in `giveUp`, so one of the two sees the other.
      if Task.isCancelled { return false }
      guard state.isTaken else {
        state.isTaken = true
        return true
      }
      state.waiting.append((ticket, continuation))
      return nil
    }
    if let hasTurn { continuation.resume(returning: hasTurn) }
  }

  /// Lets the holder of `ticket` go without a turn, unless it has it already.
  private func giveUp(_ ticket: UInt64) {
    let waiter: CheckedContinuation<Bool, Never>? = state.withLock { state in
      guard let place = state.waiting.firstIndex(where: { $0.ticket == ticket }) else { return nil }
      return state.waiting.remove(at: place).continuation
    }
    waiter?.resume(returning: false)
  }
}
