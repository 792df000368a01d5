// SPDX-License-Identifier: Apache-2.0

/// Reads several ring buffers with one wait.
///
/// ```swift
/// var group = try BPFRingGroup()
/// try group.add(flows) { (record: flow_record) in … }
/// try group.add(drops) { (record: drop_record) in … }
/// while running { try group.poll(for: .seconds(1)) }
/// ```
///
/// It is the rings' only reader as long as it lives.
public struct BPFRingGroup: ~Copyable {
  /// Gets one record's bytes, where they lie in the ring.
  public typealias Handler = (RawSpan) throws(BPFError) -> Void

  private var members: [Member] = []
  private let pollSet: RingPoll

  /// A group without rings.
  ///
  /// - Throws: `systemCall` when the process has too many open descriptors. epoll(7)
  public init() throws(BPFError) { pollSet = try RingPoll() }

  /// Adds a ring whose records have one type.
  ///
  /// - Parameters:
  ///   - ring: The ring; it may be closed afterwards.
  ///   - handler: Gets each record.
  /// - Throws: `busy` while something else in this process reads the ring; `systemCall` without memory or descriptors.
  public mutating func add<Record: BPFValue & BitwiseCopyable>(
    _ ring: borrowing BPFRingBuffer<Record>, _ handler: @escaping (Record) throws(BPFError) -> Void
  ) throws(BPFError) {
    try addBytes(ring) { (bytes) throws(BPFError) in try handler(Record(record: bytes)) }
  }

  /// Adds a ring whose records have several types, or no fixed size.
  ///
  /// - Parameters:
  ///   - ring: The ring; it may be closed afterwards.
  ///   - handler: Gets each record's bytes; see ``BPFValue/init(beginningOf:)``.
  /// - Throws: As ``add(_:_:)``.
  public mutating func addBytes<Record: BPFValue & BitwiseCopyable>(
    _ ring: borrowing BPFRingBuffer<Record>, _ handler: @escaping Handler
  ) throws(BPFError) {
    let member = try ring.withHandle { (handle) throws(BPFError) in
      Member(try RingClaim(handle.info), RingCursor(try RingMapping(handle)), handler)
    }
    try pollSet.add(member.cursor.mapping)
    members.append(member)
  }

  /// Hands out every record that waits, ring by ring.
  ///
  /// - Returns: How many records there were.
  /// - Throws: What a handler throws, with `malformedRecord` for a record of another size than the type's: that record
  ///   counts as read, and a further call goes on. `busy` when another process moved a ring's read position.
  @discardableResult
  public mutating func drain() throws(BPFError) -> Int {
    var count = 0
    for member in members { count += try member.drain() }
    return count
  }

  /// Blocks the calling thread until a record is complete in one of the rings, then drains them all.
  ///
  /// Never call it from a task: use ``run()``.
  ///
  /// - Parameter timeout: How long to wait; nil: without end.
  /// - Returns: How many records there were.
  /// - Throws: As ``drain()``.
  @discardableResult
  public mutating func poll(for timeout: Duration? = nil) throws(BPFError) -> Int {
    let deadline = RingDeadline(timeout)
    while true {
      let count = try drain()
      if count > 0 { return count }
      if settle() { continue }
      guard let milliseconds = deadline.milliseconds else { return 0 }
      pollSet.wait(milliseconds: milliseconds)
    }
  }

  /// Drains the rings as records come, until the task is cancelled.
  ///
  /// Between two rounds the task gives others their turn; while nothing comes it occupies no thread.
  ///
  /// - Throws: As ``drain()``; a further call goes on.
  public mutating func run() async throws(BPFError) {
    let signal = RingSignal(pollSet, name: members.first?.cursor.mapping.name ?? "group")
    defer { signal.cancel() }
    while !Task.isCancelled {
      if try drain() > 0 {
        await Task.yield()
      } else if !settle() {
        await signal.wait()
      }
    }
  }

  /// Whether there is something to read; if not, the next record wakes.
  private func settle() -> Bool {
    var isReady = false
    for member in members where member.cursor.settle() { isReady = true }
    return isReady
  }

  private final class Member {
    let claim: RingClaim
    var cursor: RingCursor
    let handler: Handler

    init(_ claim: RingClaim, _ cursor: consuming RingCursor, _ handler: @escaping Handler) {
      self.claim = claim
      self.cursor = cursor
      self.handler = handler
    }

    func drain() throws(BPFError) -> Int {
      var count = 0
      let end = cursor.end
      defer { cursor.publish() }
      while cursor.isBefore(end), let bytes = unsafe cursor.next() {
        count += 1
        do {
          try handler(unsafe bytes.bytes)
        } catch {
          throw cursor.naming(error)
        }
      }
      if count == 0 { try cursor.check() }
      return count
    }
  }
}
