// SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// What the copies of a sequence share: a ring, its pages, and the right to read it.
final class RingStream: Sendable {
  let mapping: RingMapping
  let signal: RingSignal
  /// How long to let records gather where they come faster than that.
  let interval: Duration
  private let claim: RingClaim
  private let end = RingEnd()
  private let isIterated = Atomic(false)

  init(_ handle: borrowing BPFMapHandle, interval: Duration) throws(BPFError) {
    self.interval = interval
    claim = try RingClaim(handle.info)
    mapping = try RingMapping(handle)
    let poll = try RingPoll()
    try poll.add(mapping)
    signal = RingSignal(poll, name: mapping.name)
  }

  /// Whether a position is that of the end, or behind it.
  func isAtEnd(_ position: UInt) -> Bool { end.isReached(at: position) }

  /// Lets the sequence end behind what programs have written so far.
  func finish() {
    end.set(to: mapping.producerPosition)
    signal.set()
  }

  /// Whether the caller is the one who iterates.
  func beginIteration() -> Bool { !isIterated.exchange(true, ordering: .acquiringAndReleasing) }

  /// Another iterator may go on.
  func endIteration() { isIterated.store(false, ordering: .releasing) }

  /// Ends the sequence; the ring can be read by others.
  func close() {
    end.setHere()
    signal.cancel()
    claim.release()
  }
}

/// What the copies of an iterator share: the place in the ring.
///
/// Iterators are not `Sendable`, so that one task at a time is here, and nothing here calls out: the compiler need not check
/// that once more for each record.
@usableFromInline
final class RingIteration {
  private enum State { case reading, refused, over }

  private let stream: RingStream
  private var state: State
  /// Where it was when it last waited.
  private var lastWait: UInt = .max
  /// Whether records come faster than it is worth being woken for each.
  private var isBusy = false
  @exclusivity(unchecked) private var cursor: RingCursor

  init(_ stream: RingStream) {
    self.stream = stream
    state = stream.beginIteration() ? .reading : .refused
    unsafe cursor = RingCursor(stream.mapping)
  }

  deinit {
    guard state != .refused else { return }
    if state == .reading { unsafe cursor.publish() }
    stream.endIteration()
  }

  /// The next record where it lies, valid until the next call; nil: ask ``more()``.
  @usableFromInline
  func take() -> UnsafeRawBufferPointer? {
    guard state == .reading, unsafe !stream.isAtEnd(cursor.position), !Task.isCancelled else { return nil }
    return unsafe cursor.next()
  }

  /// Waits until ``take()`` is worth a call; false: the sequence has ended.
  @usableFromInline
  func more() async throws(BPFError) -> Bool {
    switch state {
    case .over: return false
    case .refused:
      throw BPFError(.busy, "read ring buffer \"\(stream.mapping.name)\": the sequence has an iterator; use that one")
    case .reading: break
    }
    guard !Task.isCancelled, unsafe !stream.isAtEnd(cursor.position) else {
      finish()
      return false
    }
    if unsafe cursor.settle() {
      do {
        try unsafe cursor.check()
      } catch {
        finish()
        throw error
      }
      return true
    }
    let position = unsafe cursor.position
    if isBusy, position != lastWait {
      // A task that is cancelled meanwhile finds out when it looks again.
      try? await Task.sleep(for: stream.interval)
    } else {
      let began = ContinuousClock.now
      await stream.signal.wait()
      isBusy = ContinuousClock.now - began < stream.interval
    }
    lastWait = position
    return true
  }

  /// Names the ring in what a decoder says of a record.
  @usableFromInline @inline(never)
  func naming(_ error: BPFError) -> BPFError { error.naming(ring: stream.mapping.name) }

  private func finish() {
    unsafe cursor.publish()
    state = .over
    stream.close()
  }
}
