// SPDX-License-Identifier: Apache-2.0

internal import Dispatch
internal import LinuxSystem
internal import Synchronization

/// A one-shot wait for a readable descriptor that also ends at a deadline or when its task is cancelled.
///
/// No thread waits: the event source and the timer live on a dispatch queue. The continuation is resumed only after
/// the source let go of the descriptor, so the descriptor may be closed as soon as the wait returned.
final class ReadableEvent: Sendable {
  private enum State {
    case idle
    case waiting(any DispatchSourceRead, any DispatchSourceTimer)
    case ended(Readiness)
  }

  private let descriptor: CInt
  private let state = Mutex<State>(.idle)
  private static let queue = DispatchQueue(label: "NetlinkKit.ReadableEvent")

  init(_ descriptor: CInt) { self.descriptor = descriptor }

  func wait(until deadline: ContinuousClock.Instant) async -> Readiness {
    await withTaskCancellationHandler {
      await withCheckedContinuation { start($0, until: deadline) }
    } onCancel: {
      end(.cancelled)
    }
  }

  private func start(_ continuation: CheckedContinuation<Readiness, Never>, until deadline: ContinuousClock.Instant) {
    let left = deadline - .now
    guard left > .zero else {
      continuation.resume(returning: .timedOut)
      return
    }
    let cancelled = state.withLock { state in
      guard case .idle = state else { return true }
      let source = DispatchSource.makeReadSource(fileDescriptor: descriptor, queue: ReadableEvent.queue)
      let timer = DispatchSource.makeTimerSource(queue: ReadableEvent.queue)
      source.setEventHandler { [self] in end(.readable) }
      timer.setEventHandler { [self] in end(.timedOut) }
      source.setCancelHandler { [self] in
        // Reading the outcome here, after the descriptor was let go of, also breaks the reference cycles.
        continuation.resume(returning: outcome)
      }
      timer.schedule(deadline: .now() + .nanoseconds(Int(clamping: left.wholeNanoseconds)))
      state = .waiting(source, timer)
      Courier.perform {
        source.activate()
        timer.activate()
      }
      return false
    }
    if cancelled { continuation.resume(returning: .cancelled) }
  }

  private var outcome: Readiness {
    state.withLock { if case .ended(let readiness) = $0 { readiness } else { .cancelled } }
  }

  private func end(_ readiness: Readiness) {
    state.withLock { state in
      switch state {
      case .idle: state = .ended(readiness)
      case .waiting(let source, let timer):
        state = .ended(readiness)
        Courier.perform {
          source.cancel()
          timer.cancel()
        }
      case .ended: break
      }
    }
  }
}

extension Duration {
  /// The duration in nanoseconds, clamped to what fits.
  var wholeNanoseconds: Int64 {
    let (seconds, attoseconds) = components
    let (scaled, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
    return overflow ? .max : scaled.addingReportingOverflow(attoseconds / 1_000_000_000).partialValue
  }
}
