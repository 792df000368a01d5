// SPDX-License-Identifier: Apache-2.0

internal import Dispatch
internal import LinuxSystem
internal import Synchronization

/// Lets one task wait for what ``RingPoll`` waits for, without a thread.
final class RingSignal: Sendable {
  private struct State {
    var waiter: CheckedContinuation<Void, Never>?
    /// Something came while nobody waited.
    var isSet = false
  }

  private let state: Box
  private let queue: DispatchQueue
  // Dispatch sources may be cancelled from any thread; nothing else is done with it.
  private nonisolated(unsafe) let source: any DispatchSourceRead

  /// Looks at the poll whenever there may be something; `look` is what it does then.
  init(_ poll: RingPoll, name: String, look: @escaping @Sendable (RingPoll) -> Bool = { $0.wait(milliseconds: 0) }) {
    let state = Box()
    self.state = state
    queue = DispatchQueue(label: "bpfmaps.ring.\(name)")
    unsafe source = DispatchSource.makeReadSource(fileDescriptor: poll.descriptor.rawValue, queue: queue)
    unsafe source.setEventHandler {
      if look(poll) { state.set() }
    }
    // The poll's descriptor must stay open until Dispatch has let go of it.
    unsafe source.setCancelHandler { withExtendedLifetime(poll) {} }
    Courier.perform { unsafe source.activate() }
  }

  deinit { Courier.perform { unsafe source.cancel() } }

  /// Ends the waiting for good.
  ///
  /// The poll tells of each event once. Afterwards it tells whoever waits for it next: a look that had begun is over.
  func cancel() {
    Courier.perform { unsafe source.cancel() }
    queue.sync {}
    state.set()
  }

  /// Wakes the task, or has its next ``wait()`` return at once.
  func set() { state.set() }

  /// Returns when something came; sometimes when nothing did.
  func wait() async {
    let state = state
    await withTaskCancellationHandler {
      await withCheckedContinuation { state.wait($0) }
    } onCancel: {
      state.set()
    }
  }

  private final class Box: Sendable {
    private let state = Mutex(State())

    func set() {
      let waiter = state.withLock { state in
        state.isSet = state.waiter == nil
        return state.waiter.take()
      }
      waiter?.resume()
    }

    func wait(_ continuation: CheckedContinuation<Void, Never>) {
      let ready = state.withLock { state -> CheckedContinuation<Void, Never>? in
        if state.isSet {
          state.isSet = false
          return continuation
        }
        // Whoever waits beside the one waiter looks again instead.
        guard state.waiter == nil else { return continuation }
        state.waiter = continuation
        return nil
      }
      ready?.resume()
    }
  }
}
