// SPDX-License-Identifier: Apache-2.0

internal import NetlinkKit
internal import Synchronization

/// What waits for a socket to look, in order.
final class Mailbox: Sendable {
  struct Item: Sendable {
    let arrival: FakeKernel.Arrival
    let time: ContinuousClock.Instant?

    init(_ arrival: FakeKernel.Arrival, after delay: Duration? = nil) {
      self.arrival = arrival
      time = delay.map { .now + $0 }
    }

    var isHeld: Bool { if case .held = arrival { true } else { false } }
  }

  private struct State {
    /// From here on in `items`; so taking one is cheap.
    var first = 0
    var items: [Item] = []
    /// Counts whatever may end a wait.
    var changes = 0
    var waiting: [Int: CheckedContinuation<Void, Never>] = [:]
    var tickets = 0
  }

  private let state = Mutex(State())

  /// New answers go in front of what was not taken of the old ones, as if those came late.
  func deliver(_ items: [Item]) {
    change { state in
      let old = state.items[state.first...]
      state.items = old.contains(where: \.isHeld) ? items + old : old + items
      state.first = 0
    }
  }

  func release() { change { $0.items.removeAll(where: \.isHeld) } }

  /// The next arrival, if its time has come.
  func take() -> FakeKernel.Arrival? {
    state.withLock { state in
      guard state.first < state.items.count else { return nil }
      let item = state.items[state.first]
      if item.isHeld { return nil }
      if let time = item.time, time > .now { return nil }
      state.first += 1
      return item.arrival
    }
  }

  private func change(_ body: (inout State) -> Void) {
    let woken = state.withLock { state in
      body(&state)
      state.changes += 1
      defer { state.waiting = [:] }
      return Array(state.waiting.values)
    }
    for continuation in woken { continuation.resume() }
  }

  func wait(until deadline: ContinuousClock.Instant) async -> Readiness {
    while true {
      if Task.isCancelled { return .cancelled }
      let now = ContinuousClock.now
      let (changes, time) = state.withLock { state -> (Int, ContinuousClock.Instant?) in
        guard state.first < state.items.count, !state.items[state.first].isHeld else { return (state.changes, nil) }
        return (state.changes, state.items[state.first].time ?? now)
      }
      if let time, time <= now { return .readable }
      guard deadline > now else { return .timedOut }
      await sleep(until: min(time ?? deadline, deadline), unless: changes)
    }
  }

  /// Until then, or the task is cancelled, or something changes; not at all when that is no longer the newest change.
  private func sleep(until time: ContinuousClock.Instant, unless changes: Int) async {
    let ticket = state.withLock { state in
      state.tickets += 1
      return state.tickets
    }
    let timer = Task {
      try? await Task.sleep(until: time, clock: .continuous)
      wake(ticket)
    }
    await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let isOver = state.withLock { state in
          // A cancellation sets the flag before it asks for the lock in `wake`, so one of the two sees the other.
          if state.changes != changes || Task.isCancelled || time <= .now { return true }
          state.waiting[ticket] = continuation
          return false
        }
        if isOver { continuation.resume() }
      }
    } onCancel: {
      wake(ticket)
    }
    timer.cancel()
  }

  private func wake(_ ticket: Int) {
    let continuation = state.withLock { $0.waiting.removeValue(forKey: ticket) }
    continuation?.resume()
  }
}
