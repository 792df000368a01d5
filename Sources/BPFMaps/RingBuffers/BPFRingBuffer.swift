// SPDX-License-Identifier: Apache-2.0

internal import LinuxSystem

/// A ring buffer through which programs send records.
///
/// ```swift
/// let events = try object.map("flow_event", as: BPFRingBuffer<flow_record>.self)
/// for try await record in try events.records() { … }
/// ```
///
/// A ring has one reader at a time, and any number of programs on any number of CPUs that write. When the reader is too
/// slow the ring runs full, and the programs' `bpf_ringbuf_reserve` fails: let them count that, and read the count by
/// ``BPFLossCounter``. <doc:RingBuffers> has the choices, and what they cost.
public struct BPFRingBuffer<Record: BPFValue & BitwiseCopyable>: ~Copyable, BPFMapProtocol {
  private let handle: BPFMapHandle

  /// A ring buffer of records.
  public static var shape: BPFMapShape { BPFMapShape(kinds: [.ringBuffer], record: Record.layout) }

  /// Wraps a checked map.
  public init(checked handle: consuming BPFMapHandle) { self.handle = handle }

  /// Lends the untyped map.
  public borrowing func withHandle<Result: ~Copyable, Failure: Error>(
    _ body: (borrowing BPFMapHandle) throws(Failure) -> Result
  ) throws(Failure) -> Result { try body(handle) }

  /// How many bytes it holds, record headers of 8 bytes included.
  public var capacity: UInt32 { handle.info.maximumEntryCount }

  /// The records that nobody has read yet, and those that come, in order, each copied out of the ring.
  ///
  /// Records stay in the ring until the iterator asks for them: one that is slow loses none until the ring is full, and
  /// what is lost then is lost in the program, which counts it. The space of records that were read goes back to the
  /// programs by the sixteenth of the ring, and whenever the iterator waits. With `limit` a thread takes them out at
  /// once, for bursts that the ring is too small for: up to so many wait in memory, and then newer ones are dropped and
  /// counted (``BPFRecords/droppedCount``).
  ///
  /// The sequence ends when its task is cancelled, or by ``BPFRecords/finish()``; its memory and descriptors go with its last
  /// copy and iterator. What was not asked for stays in the ring for the next reader. What a limit's thread had taken out
  /// by then is gone with a cancelled task.
  ///
  /// - Parameters:
  ///   - limit: How many records wait in memory at most; nil: they wait in the ring.
  ///   - interval: How long the iterator lets records gather when it has read all, where they come faster than that. A
  ///     task that is faster than the programs is woken for each record otherwise, which costs more than the record, and
  ///     the programs wait for it. A record after a pause is never delayed. Not used with a limit.
  /// - Returns: A sequence for one iterator at a time.
  /// - Throws: `busy` while something else in this process reads the ring; `systemCall` without memory or descriptors.
  ///   Of another process's reader the iterator tells, by `busy`, when it moves the ring's read position.
  /// - Requires: Linux 5.8. mmap(2), epoll(7)
  @inlinable
  public borrowing func records(
    bufferingAtMost limit: Int? = nil, gatheringFor interval: Duration = .microseconds(250)
  ) throws(BPFError) -> BPFRecords<Record> {
    try records(limit, interval) { (bytes) throws(BPFError) in try Record(record: bytes) }
  }

  /// The same, for records of several types, of which each begins with `Record`.
  ///
  /// ```swift
  /// let events = try object.map("event", as: BPFRingBuffer<event_header>.self)
  /// let sequence = try events.records { (header, bytes) throws(BPFError) -> Event in
  ///   switch header.kind {
  ///   case EVENT_OPEN: .opened(try event_open(record: bytes))
  ///   case EVENT_DATA: .data(try event_data(beginningOf: bytes), count: bytes.byteCount)
  ///   default: .unknown(header.kind)
  ///   }
  /// }
  /// ```
  ///
  /// - Parameters:
  ///   - limit: How many records wait in memory at most; nil: they wait in the ring.
  ///   - interval: How long the iterator lets records gather when it has read all, where they come faster than that.
  ///   - decode: Makes an element of a record's beginning and all its bytes (the beginning included), which lie in the
  ///     ring. What it throws, the iterator throws, and goes on with the next record.
  /// - Returns: A sequence for one iterator at a time.
  /// - Throws: As ``records(bufferingAtMost:gatheringFor:)``. A record that is shorter than `Record` is `malformedRecord`.
  public borrowing func records<Event: Sendable>(
    bufferingAtMost limit: Int? = nil, gatheringFor interval: Duration = .microseconds(250),
    decoding decode: @escaping @Sendable (Record, RawSpan) throws(BPFError) -> Event
  ) throws(BPFError) -> BPFRecords<Event> {
    try records(limit, interval) { (bytes) throws(BPFError) in try decode(Record(beginningOf: bytes), bytes) }
  }

  /// A reader for a thread of the caller's: no task, no memory, no copy.
  ///
  /// - Returns: The ring's only reader, as long as it lives.
  /// - Throws: As ``records(bufferingAtMost:gatheringFor:)``.
  public borrowing func reader() throws(BPFError) -> BPFRingReader<Record> { try BPFRingReader(handle) }

  @usableFromInline
  borrowing func records<Element: Sendable>(
    _ limit: Int?, _ interval: Duration, _ decode: @escaping BPFRecords<Element>.Decoder
  ) throws(BPFError) -> BPFRecords<Element> {
    try BPFRecords(handle, limit: limit, interval: interval, decode)
  }
}
