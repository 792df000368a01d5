// SPDX-License-Identifier: Apache-2.0

/// The records of a ring buffer, as they come.
///
/// See ``BPFRingBuffer/records(bufferingAtMost:)``.
public struct BPFRecords<Record: BPFValue & BitwiseCopyable>: AsyncSequence, Sendable {
  /// A record, copied out of the ring.
  public typealias Element = Record
  /// A record of another size than the type's.
  public typealias Failure = BPFError

  let queue: RecordQueue<Record>
  let source: RingSource

  /// How many records were dropped because the iterator was too slow.
  public var droppedCount: UInt64 { queue.droppedCount }

  /// Ends the sequence: its iterator gets what waits already, then `nil`.
  public func finish() { source.cancel() }

  /// The iterator.
  ///
  /// There is one stream of records, however many iterators ask for them.
  public func makeAsyncIterator() -> Iterator { Iterator(queue: queue, source: source) }

  /// Gives records one by one.
  public struct Iterator: AsyncIteratorProtocol {
    let queue: RecordQueue<Record>
    let source: RingSource
    private var batch: [Result<Record, BPFError>] = []
    private var position = 0

    init(queue: RecordQueue<Record>, source: RingSource) {
      self.queue = queue
      self.source = source
    }

    /// The next record; nil: the sequence has ended, or the task is cancelled.
    ///
    /// - Throws: `malformedRecord` for a record of another size than the type's. The iterator goes on with the next
    ///   one.
    public mutating func next() async throws(BPFError) -> Record? {
      try await next(isolation: nil)
    }

    /// The next record; nil: the sequence has ended, or the task is cancelled.
    ///
    /// - Throws: `malformedRecord` for a record of another size than the type's. The iterator goes on with the next
    ///   one.
    public mutating func next(isolation actor: isolated (any Actor)?) async throws(BPFError) -> Record? {
      while position == batch.count {
        let queue = queue
        let source = source
        let taken = await withTaskCancellationHandler {
          await queue.take()
        } onCancel: {
          source.cancel()
        }
        guard let taken, !Task.isCancelled else { return nil }
        batch = taken
        position = 0
      }
      defer { position += 1 }
      return try batch[position].get()
    }
  }
}
