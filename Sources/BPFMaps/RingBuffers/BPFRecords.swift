// SPDX-License-Identifier: Apache-2.0

/// The records of a ring buffer, as they come.
///
/// See ``BPFRingBuffer/records(bufferingAtMost:gatheringFor:)``. Records are read in place: an iterator that finds one costs neither a
/// system call nor memory.
public struct BPFRecords<Record: Sendable>: AsyncSequence, Sendable {
  /// A record, copied or decoded out of the ring.
  public typealias Element = Record
  /// A record of another size than the type's.
  public typealias Failure = BPFError
  /// Makes an element of a record's bytes, which lie in the ring.
  public typealias Decoder = @Sendable (RawSpan) throws(BPFError) -> Record

  private enum Source {
    case ring(RingStream)
    case queue(RecordQueue<Record>, RingPump)
  }

  private let source: Source
  private let decode: Decoder

  init(_ handle: borrowing BPFMapHandle, limit: Int?, interval: Duration, _ decode: @escaping Decoder) throws(BPFError)
  {
    self.decode = decode
    if let limit {
      let queue = RecordQueue<Record>(name: handle.info.name, limit: limit, decode)
      source = .queue(queue, try RingPump(handle, queue))
    } else {
      source = .ring(try RingStream(handle, interval: interval))
    }
  }

  /// How many records were dropped because the iterator was too slow for the buffer that was asked for.
  ///
  /// Without a buffer: none; what the ring cannot hold is lost in the program, which counts it (``BPFLossCounter``).
  public var droppedCount: UInt64 {
    switch source {
    case .ring: 0
    case .queue(let queue, _): queue.droppedCount
    }
  }

  /// Ends the sequence: its iterator gets what programs have written so far, then `nil`.
  public func finish() {
    switch source {
    case .ring(let stream): stream.finish()
    case .queue(_, let pump): pump.finish()
    }
  }

  /// The iterator.
  ///
  /// There is one stream of records. An iterator goes on where the one before it stopped; while that one is there, another
  /// one's ``Iterator/next()`` throws `busy`.
  public func makeAsyncIterator() -> Iterator {
    switch source {
    case .ring(let stream): Iterator(.ring(RingIteration(stream)), decode)
    case .queue(let queue, let pump): Iterator(.queue(QueueIteration(queue, pump)), decode)
    }
  }

  /// Gives records one by one.
  ///
  /// Copies share their position.
  public struct Iterator: AsyncIteratorProtocol {
    @usableFromInline
    enum Source {
      case ring(RingIteration)
      case queue(QueueIteration<Record>)
    }

    @usableFromInline let source: Source
    @usableFromInline let decode: Decoder

    init(_ source: Source, _ decode: @escaping Decoder) {
      self.source = source
      self.decode = decode
    }

    /// The next record; nil: the sequence has ended, or the task is cancelled.
    ///
    /// - Throws: `malformedRecord` for a record that the type or decoder refuses; the iterator goes on with the next one.
    ///   `busy` while another iterator, or another process, reads.
    @inlinable
    public mutating func next() async throws(BPFError) -> Record? {
      try await next(isolation: #isolation)
    }

    /// The next record; nil: the sequence has ended, or the task is cancelled.
    ///
    /// - Throws: As ``next()``.
    @inlinable
    public mutating func next(isolation actor: isolated (any Actor)?) async throws(BPFError) -> Record? {
      switch source {
      case .ring(let iteration):
        while true {
          if let bytes = unsafe iteration.take() {
            do {
              return try decode(unsafe bytes.bytes)
            } catch {
              throw iteration.naming(error)
            }
          }
          guard try await iteration.more() else { return nil }
        }
      case .queue(let iteration): return try await iteration.next()
      }
    }
  }
}
