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

/// Moves a ring's records to a sink, on a dispatch queue of its own, until cancelled or gone.
@usableFromInline
final class RingPump: Sendable {
  // Dispatch sources may be cancelled from any thread; nothing else is done with it here.
  private nonisolated(unsafe) let source: any DispatchSourceRead

  init(_ handle: borrowing BPFMapHandle, _ sink: some RecordSink) throws(BPFError) {
    let claim = try RingClaim(handle.info)
    let mapping = try RingMapping(handle)
    let poll = try RingPoll()
    try poll.add(mapping)
    let queue = DispatchQueue(label: "bpfmaps.ring.\(mapping.name)")
    let worker = Worker(RingCursor(mapping), sink)
    unsafe source = DispatchSource.makeReadSource(fileDescriptor: poll.descriptor.rawValue, queue: queue)
    unsafe source.setEventHandler {
      poll.wait(milliseconds: 0)
      worker.work(on: queue)
    }
    unsafe source.setCancelHandler {
      withExtendedLifetime(poll) { worker.close() }
      claim.release()
    }
    unsafe source.activate()
  }

  deinit { unsafe source.cancel() }

  func cancel() { unsafe source.cancel() }
}

/// Touched on its dispatch queue only.
@safe private final class Worker: @unchecked Sendable {
  /// How many records a round takes.
  private static let roundLimit = 16_384

  private var cursor: RingCursor
  private let sink: any RecordSink
  private var isOver = false

  init(_ cursor: consuming RingCursor, _ sink: any RecordSink) {
    self.cursor = cursor
    self.sink = sink
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
      end(error)
      return
    }
    if cursor.settle() { queue.async { self.work(on: queue) } }
  }

  func close() {
    guard !isOver else { return }
    round()
    end(nil)
  }

  private func round() {
    for _ in 0..<Self.roundLimit {
      guard let bytes = unsafe cursor.next() else { break }
      unsafe sink.append(bytes.bytes)
    }
    cursor.publish()
    sink.flush()
  }

  private func end(_ reason: BPFError?) {
    isOver = true
    sink.finish(reason)
  }
}
