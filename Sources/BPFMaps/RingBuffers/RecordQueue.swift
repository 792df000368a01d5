// SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// Where a ring's records wait between the queue that reads the ring and the task that iterates.
///
/// They change hands by the batch: one lock for many records.
@usableFromInline
final class RecordQueue<Record: Sendable>: RecordSink {
  @usableFromInline typealias Batch = [Result<Record, BPFError>]

  private struct State {
    var waiting: Batch = []
    var consumer: CheckedContinuation<Batch?, Never>?
    var dropped: UInt64 = 0
    var isFinished = false
    var isIterated = false
  }

  private let state = Mutex(State())
  private let limit: Int
  private let name: String
  private let decode: BPFRecords<Record>.Decoder

  init(name: String, limit: Int, _ decode: @escaping BPFRecords<Record>.Decoder) {
    self.name = name
    self.limit = max(1, limit)
    self.decode = decode
  }

  var droppedCount: UInt64 { state.withLock { $0.dropped } }

  /// Appends one record.
  func append(_ bytes: RawSpan) {
    let record: Result<Record, BPFError>
    do {
      record = .success(try decode(bytes))
    } catch {
      record = .failure(error.naming(ring: name))
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
    let ready: (CheckedContinuation<Batch?, Never>, Batch)? = state.withLock { state in
      guard !state.waiting.isEmpty, let consumer = state.consumer.take() else { return nil }
      defer { state.waiting = [] }
      return (consumer, state.waiting)
    }
    if let (consumer, batch) = ready { consumer.resume(returning: batch) }
  }

  func finish(_ reason: BPFError?) {
    let ready: (CheckedContinuation<Batch?, Never>, Batch?)? = state.withLock { state in
      state.isFinished = true
      if let reason { state.waiting.append(.failure(reason)) }
      guard let consumer = state.consumer.take() else { return nil }
      defer { state.waiting = [] }
      return (consumer, state.waiting.isEmpty ? nil : state.waiting)
    }
    if let (consumer, batch) = ready { consumer.resume(returning: batch) }
  }

  /// Who asks is not the one who iterates.
  var busy: BPFError {
    BPFError(.busy, "read ring buffer \"\(name)\": the sequence has an iterator; use that one")
  }

  /// Whether the caller is the one who iterates.
  func beginIteration() -> Bool {
    state.withLock { state in
      defer { state.isIterated = true }
      return !state.isIterated
    }
  }

  /// Another iterator may go on, with what this one took and did not hand out.
  func endIteration(_ rest: Batch.SubSequence) {
    state.withLock { state in
      state.waiting.insert(contentsOf: rest, at: 0)
      state.isIterated = false
    }
  }

  /// Everything that waits, as soon as something does; nil: finished.
  @usableFromInline
  func take() async -> Batch? {
    await withCheckedContinuation { continuation in
      let outcome: (batch: Batch?, isReady: Bool) = state.withLock { state in
        if !state.waiting.isEmpty {
          defer { state.waiting = [] }
          return (state.waiting, true)
        }
        if state.isFinished { return (nil, true) }
        guard state.consumer == nil else { return ([.failure(busy)], true) }
        state.consumer = continuation
        return (nil, false)
      }
      if outcome.isReady { continuation.resume(returning: outcome.batch) }
    }
  }
}

/// What the copies of an iterator share: what was taken out of a queue, and the place in it.
///
/// Iterators are not `Sendable`, so that one task at a time is here.
@usableFromInline
final class QueueIteration<Record: Sendable> {
  private let queue: RecordQueue<Record>
  private let pump: RingPump
  private let isRefused: Bool
  private var batch: RecordQueue<Record>.Batch = []
  private var position = 0

  init(_ queue: RecordQueue<Record>, _ pump: RingPump) {
    self.queue = queue
    self.pump = pump
    isRefused = !queue.beginIteration()
  }

  deinit {
    if !isRefused { queue.endIteration(batch[position...]) }
  }

  /// The next record; nil: the sequence has ended, or the task is cancelled.
  @usableFromInline
  func next() async throws(BPFError) -> Record? {
    let (queue, pump) = (queue, pump)
    guard !isRefused else { throw queue.busy }
    while position == batch.count, !Task.isCancelled {
      let taken = await withTaskCancellationHandler {
        await queue.take()
      } onCancel: {
        pump.cancel()
      }
      guard let taken else { return nil }
      batch = taken
      position = 0
    }
    guard !Task.isCancelled else {
      pump.cancel()
      (batch, position) = ([], 0)
      // The ring is free for the next reader when the queue has ended.
      while await queue.take() != nil { await Task.yield() }
      return nil
    }
    defer { position += 1 }
    return try batch[position].get()
  }
}
