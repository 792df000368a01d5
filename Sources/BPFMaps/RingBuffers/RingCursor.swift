// SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// Walks over a ring's records where they lie. `Documentation/bpf/ringbuf.rst`
///
/// Each record has a header of 8 bytes, which begins with its length and two flags. Programs get space back when the
/// reader's position is published; that is done by the piece, not by the record, because the programs read it too.
@usableFromInline @safe
struct RingCursor: ~Copyable, @unchecked Sendable {
  /// Why the ring cannot be read on.
  enum Fault { case otherReader, malformed }

  let mapping: RingMapping
  private(set) var fault: Fault?
  /// Where the next record begins, in bytes since the ring was made.
  private(set) var position: UInt
  /// The position that programs see.
  private var published: UInt
  /// The programs' position when it was last read.
  private var known: UInt
  private let data: UnsafeMutableRawPointer
  private let mask: UInt
  private let publishLimit: UInt

  private static let isBusy: UInt32 = 1 << 31
  private static let isDiscarded: UInt32 = 1 << 30
  private static let headerSize: UInt = 8

  /// Goes on where the ring was last read.
  init(_ mapping: RingMapping) {
    self.mapping = mapping
    unsafe position = mapping.consumer.pointee.load(ordering: .acquiring)
    published = position
    known = position
    unsafe data = mapping.data
    mask = mapping.capacity - 1
    publishLimit = max(mapping.capacity / 16, 1)
  }

  /// The next record's bytes, valid until the next call or ``publish()``; nil: none is complete.
  @usableFromInline
  mutating func next() -> UnsafeRawBufferPointer? {
    if position &- published >= publishLimit { publish() }
    while fault == nil {
      if position == known {
        known = mapping.producerPosition
        if position == known { break }
        guard known &- position <= mapping.capacity else { return unsafe fail(.otherReader) }
      }
      let header = unsafe data + Int(position & mask)
      let length = unsafe header.assumingMemoryBound(to: Atomic<UInt32>.self).pointee.load(ordering: .acquiring)
      if length & Self.isBusy != 0 { break }
      let size = UInt(length & ~Self.isDiscarded)
      let step = (size + Self.headerSize + 7) & ~7
      guard step <= known &- position else { return unsafe fail(.malformed) }
      position &+= step
      if length & Self.isDiscarded == 0 {
        return unsafe UnsafeRawBufferPointer(start: header + Int(Self.headerSize), count: Int(size))
      }
    }
    return nil
  }

  /// Up to where programs have written, or are writing.
  @usableFromInline var end: UInt { mapping.producerPosition }

  /// Whether the next record begins before a position.
  @usableFromInline
  func isBefore(_ end: UInt) -> Bool { position < end }

  /// How many bytes wait, headers and unfinished records included.
  var waitingByteCount: Int { Int(min(mapping.producerPosition &- position, mapping.capacity)) }

  /// Gives the space of what was read back to the programs.
  @usableFromInline
  mutating func publish() {
    guard position != published, fault == nil else { return }
    guard unsafe mapping.consumer.pointee.load(ordering: .relaxed) == published else {
      fault = .otherReader
      return
    }
    unsafe mapping.consumer.pointee.store(position, ordering: .releasing)
    published = position
  }

  /// Publishes, and says whether there is something to read all the same.
  ///
  /// False is a promise: the kernel wakes the reader when the next record is complete. It does so for the record at the
  /// reader's position, which it must therefore see before this looks for the record once more.
  mutating func settle() -> Bool {
    publish()
    guard fault == nil else { return true }
    atomicMemoryFence(ordering: .sequentiallyConsistent)
    known = mapping.producerPosition
    guard position != known else { return false }
    guard known &- position <= mapping.capacity else {
      fault = .otherReader
      return true
    }
    let header = unsafe data + Int(position & mask)
    return unsafe header.assumingMemoryBound(to: Atomic<UInt32>.self).pointee.load(ordering: .acquiring) & Self.isBusy
      == 0
  }

  /// Refuses to go on where that is not safe.
  @usableFromInline
  func check() throws(BPFError) {
    guard let fault else { return }
    switch fault {
    case .otherReader:
      throw BPFError(
        .busy,
        "read ring buffer \"\(mapping.name)\": another process moved its read position; a ring has one reader at a time"
      )
    case .malformed:
      throw BPFError(
        .malformedRecord, "read ring buffer \"\(mapping.name)\": a record is longer than what programs have written")
    }
  }

  /// Names the ring in what a decoder says of a record.
  @usableFromInline @inline(never)
  func naming(_ error: BPFError) -> BPFError { error.naming(ring: mapping.name) }

  private mutating func fail(_ fault: Fault) -> UnsafeRawBufferPointer? {
    self.fault = fault
    return nil
  }
}

extension BPFError {
  /// Names the ring in what a decoder says of a record.
  func naming(ring: String) -> BPFError {
    code == .malformedRecord ? BPFError(code, "ring buffer \"\(ring)\": \(message)", errno: errno) : self
  }
}
