// SPDX-License-Identifier: Apache-2.0

/// Reads a ring buffer on the calling thread: no task, no memory, no copy, and a system call only to wait.
///
/// ```swift
/// var reader = try events.reader()
/// while running {
///   try reader.drain { (record: flow_record) in … }
///   try reader.wait(for: .seconds(1))
/// }
/// ```
public struct BPFRingReader<Record: BPFValue & BitwiseCopyable>: ~Copyable, Sendable {
  @usableFromInline var cursor: RingCursor
  private let claim: RingClaim
  private let poll: RingPoll

  init(_ handle: borrowing BPFMapHandle) throws(BPFError) {
    let claim = try RingClaim(handle.info)
    let mapping = try RingMapping(handle)
    let poll = try RingPoll()
    try poll.add(mapping)
    self.claim = claim
    self.poll = poll
    cursor = RingCursor(mapping)
  }

  /// Hands out every record that waits.
  ///
  /// Ends with the last record that was there when it began, so that programs which never pause do not keep it. The space
  /// goes back to the programs by the piece, and at the end.
  ///
  /// - Parameters:
  ///   - limit: How many records at most.
  ///   - body: Gets one record. When it throws, the record counts as read.
  /// - Returns: How many records there were.
  /// - Throws: What `body` throws; `malformedRecord` for a record of another size than the type's; `busy` when another
  ///   process moved the ring's read position. After all but the last, call it again to go on with the next record.
  @inlinable @discardableResult
  public mutating func drain(
    atMost limit: Int = .max, _ body: (Record) throws(BPFError) -> Void
  ) throws(BPFError) -> Int {
    try drainBytes(atMost: limit) { (bytes) throws(BPFError) in try body(Record(record: bytes)) }
  }

  /// Hands out every record that waits, where it lies in the ring.
  ///
  /// For records of several types, or of no fixed size; see ``BPFValue/init(beginningOf:)``.
  ///
  /// - Parameters:
  ///   - limit: How many records at most.
  ///   - body: Gets one record's bytes. When it throws, the record counts as read.
  /// - Returns: How many records there were.
  /// - Throws: What `body` throws; `busy` when another process moved the ring's read position.
  @inlinable @discardableResult
  public mutating func drainBytes(
    atMost limit: Int = .max, _ body: (RawSpan) throws(BPFError) -> Void
  ) throws(BPFError) -> Int {
    var count = 0
    let end = cursor.end
    defer { cursor.publish() }
    while count < limit, cursor.isBefore(end), let bytes = unsafe cursor.next() {
      count += 1
      do {
        try body(unsafe bytes.bytes)
      } catch {
        throw cursor.naming(error)
      }
    }
    if count == 0 { try cursor.check() }
    return count
  }

  /// Blocks the calling thread until a record is complete.
  ///
  /// Never call it from a task: it occupies a thread of the cooperative pool. Records that a program submits with
  /// `BPF_RB_NO_WAKEUP` do not end it.
  ///
  /// - Parameter timeout: How long to wait; nil: without end.
  /// - Returns: Whether there is a record.
  /// - Throws: `busy` when another process moved the ring's read position.
  @discardableResult
  public mutating func wait(for timeout: Duration? = nil) throws(BPFError) -> Bool {
    if !cursor.settle() {
      let deadline = RingDeadline(timeout)
      repeat {
        guard let milliseconds = deadline.milliseconds else { return false }
        poll.wait(milliseconds: milliseconds)
      } while !cursor.settle()
    }
    try cursor.check()
    return true
  }

  /// How many bytes wait to be read, headers and unfinished records included.
  public var waitingByteCount: Int { cursor.waitingByteCount }
}
