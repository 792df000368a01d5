// SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// The line in front of a socket: one task at a time has the turn, the others wait in the order they came.
///
/// Taking a turn that is free, and leaving when nobody waits, is one atomic exchange each.
final class RequestLine: Sendable {
  private struct Queue {
    var waiting: [(ticket: UInt64, continuation: CheckedContinuation<Bool, Never>)] = []
    var tickets: UInt64 = 0
  }

  private static let free: UInt8 = 0
  private static let taken: UInt8 = 1
  /// Whoever leaves must look into the queue.
  private static let awaited: UInt8 = 2

  /// It becomes `free` only when nobody is in the queue.
  private let turn = Atomic<UInt8>(RequestLine.free)
  private let queue = Mutex(Queue())

  /// Takes the turn if nobody has it, and so nobody waits for it.
  @inline(__always)
  func tryEnter() -> Bool { exchange(RequestLine.free, RequestLine.taken) }

  /// Waits for the turn; false when the task was cancelled before it came.
  func enter() async -> Bool {
    if Task.isCancelled { return false }
    if tryEnter() { return true }
    let ticket = queue.withLock { queue in
      queue.tickets += 1
      return queue.tickets
    }
    return await withTaskCancellationHandler {
      await withCheckedContinuation { wait(ticket, $0) }
    } onCancel: {
      giveUp(ticket)
    }
  }

  /// Hands the turn to the one who waited longest.
  @inline(__always)
  func leave() {
    if !exchange(RequestLine.taken, RequestLine.free) { handOver() }
  }

  private func handOver() {
    let next: CheckedContinuation<Bool, Never>? = queue.withLock { queue in
      guard queue.waiting.isEmpty else { return queue.waiting.removeFirst().continuation }
      turn.store(RequestLine.free, ordering: .sequentiallyConsistent)
      return nil
    }
    next?.resume(returning: true)
  }

  private func wait(_ ticket: UInt64, _ continuation: CheckedContinuation<Bool, Never>) {
    let hasTurn: Bool? = queue.withLock { queue in
      // A cancellation sets the flag before it asks for the lock in `giveUp`, so one of the two sees the other.
      if Task.isCancelled { return false }
      // The turn may be left at any moment until it is marked as awaited, but never again without this lock.
      while !exchange(RequestLine.taken, RequestLine.awaited) {
        if tryEnter() { return true }
        if turn.load(ordering: .sequentiallyConsistent) == RequestLine.awaited { break }
      }
      queue.waiting.append((ticket, continuation))
      return nil
    }
    if let hasTurn { continuation.resume(returning: hasTurn) }
  }

  /// Lets the holder of `ticket` go without a turn, unless it has it already.
  private func giveUp(_ ticket: UInt64) {
    let waiter: CheckedContinuation<Bool, Never>? = queue.withLock { queue in
      guard let place = queue.waiting.firstIndex(where: { $0.ticket == ticket }) else { return nil }
      return queue.waiting.remove(at: place).continuation
    }
    waiter?.resume(returning: false)
  }

  @inline(__always)
  private func exchange(_ expected: UInt8, _ desired: UInt8) -> Bool {
    turn.compareExchange(expected: expected, desired: desired, ordering: .sequentiallyConsistent).exchanged
  }
}
