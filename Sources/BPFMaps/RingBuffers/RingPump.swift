// SPDX-License-Identifier: Apache-2.0

internal import Dispatch
internal import LinuxSystem

/// Who takes a ring's records.
protocol RecordSink: AnyObject, Sendable {
  /// Copies one record.
  func append(_ bytes: RawSpan)
  /// A round is over.
  func flush()
  /// No record comes any more, for a reason or because nobody wants one.
  func finish(_ reason: BPFError?)
}

/// Moves a ring's records to a sink, on a dispatch queue of its own, until it is ended or gone.
@usableFromInline
final class RingPump: Sendable {
  // Dispatch sources may be cancelled from any thread; nothing else is done with it here.
  private nonisolated(unsafe) let source: any DispatchSourceRead
  private let queue: DispatchQueue
  private let worker: Worker

  init(_ handle: borrowing BPFMapHandle, _ sink: some RecordSink) throws(BPFError) {
    let claim = try RingClaim(handle.info)
    let mapping = try RingMapping(handle)
    let poll = try RingPoll()
    try poll.add(mapping)
    let queue = DispatchQueue(label: "bpfmaps.ring.\(mapping.name)")
    let source = DispatchSource.makeReadSource(fileDescriptor: poll.descriptor.rawValue, queue: queue)
    let worker = Worker(mapping, claim, sink, source)
    source.setEventHandler {
      poll.wait(milliseconds: 0)
      worker.work(on: queue)
    }
    // The poll's descriptor must stay open until Dispatch has let go of it.
    source.setCancelHandler { withExtendedLifetime(poll) { worker.close() } }
    unsafe self.source = source
    self.queue = queue
    self.worker = worker
    Courier.perform { source.activate() }
  }

  deinit { cancel() }

  /// Ends it where it is: what it has not taken stays in the ring.
  func cancel() {
    worker.end.setHere()
    Courier.perform { unsafe source.cancel() }
  }

  /// Ends it behind what programs have written so far, a record included that one of them has not finished.
  func finish() {
    worker.end.set(to: worker.mapping.producerPosition)
    Courier.perform { queue.async { [worker, queue] in worker.work(on: queue) } }
  }
}

/// Touched on its dispatch queue only, but for what never changes.
@safe private final class Worker: @unchecked Sendable {
  /// How many records a round takes.
  private static let roundLimit = 16_384

  let mapping: RingMapping
  let end = RingEnd()
  private var cursor: RingCursor
  private let claim: RingClaim
  private let sink: any RecordSink
  // nil: cancelled. The source's handlers hold this object until then.
  private var source: (any DispatchSourceRead)?
  private var isOver = false

  init(_ mapping: RingMapping, _ claim: RingClaim, _ sink: any RecordSink, _ source: any DispatchSourceRead) {
    self.mapping = mapping
    self.claim = claim
    self.sink = sink
    self.source = source
    cursor = RingCursor(mapping)
  }

  /// One round, and another one later if that was not all.
  ///
  /// It would go on for as long as programs keep up with it, and nothing else on the queue would get its turn, the end of
  /// the sequence included.
  func work(on queue: DispatchQueue) {
    guard !isOver else { return }
    round()
    do {
      try cursor.check()
    } catch {
      close(error)
      return
    }
    if end.isReached(at: cursor.position) {
      close()
    } else if cursor.settle() {
      queue.async { self.work(on: queue) }
    }
  }

  private func round() {
    for _ in 0..<Self.roundLimit {
      guard !end.isReached(at: cursor.position), let bytes = unsafe cursor.next() else { break }
      unsafe sink.append(bytes.bytes)
    }
    cursor.publish()
    sink.flush()
  }

  /// Lets others read the ring, and then tells the sink, which may be who reads next.
  func close(_ reason: BPFError? = nil) {
    source?.cancel()
    source = nil
    guard !isOver else { return }
    isOver = true
    cursor.publish()
    claim.release()
    sink.finish(reason)
  }
}
