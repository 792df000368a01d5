// SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// Where a ring's records wait between the thread that reads the ring and the task that iterates.
///
/// They change hands by the batch: one lock for many records.
final class RecordQueue<Record: BPFValue & BitwiseCopyable>: RecordSink {
  private struct State {
    var waiting: [Result<Record, BPFError>] = []
    var consumer: CheckedContinuation<[Result<Record, BPFError>]?, Never>?
    var dropped: UInt64 = 0
    var isFinished = false
  }

  private let state = Mutex(State())
  private let name: String
  private let limit: Int
  private let slot: ReaderSlot

  init(name: String, limit: Int, slot: ReaderSlot) {
    self.name = name
    self.limit = max(1, limit)
    self.slot = slot
  }

  var droppedCount: UInt64 { state.withLock { $0.dropped } }

  /// Appends a copy of one record's bytes.
  func append(_ bytes: UnsafeRawBufferPointer) {
    // The kernel hands over exactly what the program reserved.
    let record: Result<Record, BPFError>
    if bytes.count == MemoryLayout<Record>.size {
      record = .success(unsafe bytes.loadUnaligned(as: Record.self))
    } else {
      record = .failure(
        BPFError(
          .malformedRecord,
          "ring buffer \"\(name)\": a record has \(bytes.count) bytes, but \(Record.layout.name) has \(MemoryLayout<Record>.size)"
        ))
    }
    let isMany = state.withLock { state in
      if state.waiting.count < limit {
        state.waiting.append(record)
      } else {
        state.dropped += 1
      }
      return state.waiting.count >= 256 && state.consumer != nil
    }
    // A round lasts as long as programs keep up with it: do not let the iterator wait for its end.
    if isMany { flush() }
  }

  /// Wakes the iterator after a round of ``append(_:)``.
  func flush() {
    let ready: (CheckedContinuation<[Result<Record, BPFError>]?, Never>, [Result<Record, BPFError>])? = state.withLock {
      state in
      guard let consumer = state.consumer, !state.waiting.isEmpty else { return nil }
      state.consumer = nil
      let batch = state.waiting
      state.waiting = []
      return (consumer, batch)
    }
    if let (consumer, batch) = ready { consumer.resume(returning: batch) }
  }

  func finish() {
    let consumer = state.withLock { state in
      state.isFinished = true
      defer { state.consumer = nil }
      return state.consumer
    }
    slot.give()
    consumer?.resume(returning: nil)
  }

  /// Everything that waits, as soon as something does; nil: finished.
  func take() async -> [Result<Record, BPFError>]? {
    await withCheckedContinuation { continuation in
      let outcome: (batch: [Result<Record, BPFError>]?, isReady: Bool) = state.withLock { state in
        if !state.waiting.isEmpty {
          defer { state.waiting = [] }
          return (state.waiting, true)
        }
        if state.isFinished || state.consumer != nil { return (nil, true) }
        state.consumer = continuation
        return (nil, false)
      }
      if outcome.isReady { continuation.resume(returning: outcome.batch) }
    }
  }
}
