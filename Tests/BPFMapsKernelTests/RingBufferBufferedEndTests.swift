// SPDX-License-Identifier: Apache-2.0

import Dispatch
import Glibc
import KernelTestSupport
import LinuxSystem
import Synchronization
import Testing

@testable import BPFMaps

extension BPFKernelTests {
  // With a buffer a thread of the library's takes the records out. It is stopped in the middle of its first record, so
  // that what happens meanwhile is known.
  @Suite("Ends of buffered ring buffer sequences", .timeLimit(.minutes(5)))
  struct RingBufferBufferedEndTests {
    /// A sequence whose first record is taken out, and not yet decoded.
    private struct StoppedSequence {
      let records: BPFRecords<UInt64>
      let goOn: DispatchSemaphore

      init(_ fixture: borrowing RingFixture) throws {
        let began = DispatchSemaphore(value: 0)
        let goOn = DispatchSemaphore(value: 0)
        records = try fixture.events.records(bufferingAtMost: 1_000_000) { (event, _) throws(BPFError) -> UInt64 in
          if event.sequence == 0 {
            began.signal()
            goOn.wait()
          }
          return event.sequence
        }
        self.goOn = goOn
        try fixture.run("ring_emit")
        began.wait()
      }
    }

    @Test func `a task that is cancelled takes nothing more out of the ring`() async throws {
      let fixture = try RingFixture()
      let sequence = try StoppedSequence(fixture)
      try fixture.run("ring_emit", times: 10)
      let records = sequence.records
      // It waits for a record when this returns: one that is cancelled before would let the thread go on meanwhile.
      let task = Task.immediate {
        var count = 0
        for try await _ in records { count += 1 }
        return count
      }
      task.cancel()
      sequence.goOn.signal()
      #expect(try await task.value == 0)
      // The next reader has the ring at once, though the sequence is still there.
      var iterator = try fixture.events.records().makeAsyncIterator()
      try fixture.run("ring_emit")
      #expect(try await iterator.next()?.sequence == 1)
      _ = records.droppedCount
    }

    /// A sequence that has eleven records in memory, and none in the ring.
    private func buffered(_ fixture: borrowing RingFixture) async throws -> BPFRecords<UInt64> {
      let sequence = try StoppedSequence(fixture)
      try fixture.run("ring_emit", times: 10)
      sequence.goOn.signal()
      let mapping = try fixture.events.withHandle { (handle) throws(BPFError) in try RingMapping(handle) }
      while unsafe mapping.consumer.pointee.load(ordering: .acquiring) != mapping.producerPosition {
        await Task.yield()
      }
      return sequence.records
    }

    @Test func `one iterator at a time, and the next goes on where it stopped`() async throws {
      let fixture = try RingFixture()
      let records = try await buffered(fixture)
      for try await number in records {
        #expect(number == 0)
        var other = records.makeAsyncIterator()
        await #expect { _ = try await other.next() } throws: { ($0 as? BPFError)?.code == .busy }
        break
      }
      records.finish()
      var rest: [UInt64] = []
      for try await number in records { rest.append(number) }
      #expect(rest == Array(1...10))
      #expect(records.droppedCount == 0)
    }

    @Test func `a task that is cancelled gets nothing more of what waits in memory`() async throws {
      let fixture = try RingFixture()
      let records = try await buffered(fixture)
      let task = Task {
        var count = 0
        for try await _ in records {
          count += 1
          if count == 3 { unsafe withUnsafeCurrentTask { unsafe $0?.cancel() } }
        }
        return count
      }
      #expect(try await task.value == 3)
      // The ring is free.
      try fixture.run("ring_emit")
      var iterator = try fixture.events.records().makeAsyncIterator()
      #expect(try await iterator.next()?.sequence == 11)
    }

    @Test func `a sequence that is dropped takes nothing more out of the ring`() async throws {
      let fixture = try RingFixture()
      try Self.drop(fixture).signal()
      // No loop around a `do` with `catch` here: the 6.3 compiler crashes over it (MandatoryAllocBoxToStack).
      var found = Self.firstRecord(fixture)
      while case .failure(let error) = found, error.code == .busy {
        await Task.yield()
        found = Self.firstRecord(fixture)
      }
      #expect(try found.get() == 1)
    }

    /// The ring's first record.
    private static func firstRecord(_ fixture: borrowing RingFixture) -> Result<UInt64?, BPFError> {
      do throws(BPFError) {
        var first: UInt64?
        var reader = try fixture.events.reader()
        try reader.drain(atMost: 1) { first = $0.sequence }
        return .success(first)
      } catch {
        return .failure(error)
      }
    }

    private static func drop(_ fixture: borrowing RingFixture) throws -> DispatchSemaphore {
      let sequence = try StoppedSequence(fixture)
      try fixture.run("ring_emit", times: 10)
      return sequence.goOn
    }

    @Test func `ending a sequence hands out all that was in the ring, and nothing that came later`() async throws {
      let fixture = try RingFixture(bytes: 4 << 20)
      let sequence = try StoppedSequence(fixture)
      // More than three rounds of the thread.
      try fixture.run("ring_emit", times: 50_000)
      sequence.records.finish()
      try fixture.run("ring_emit", times: 10)
      sequence.goOn.signal()
      var next: UInt64 = 0
      for try await number in sequence.records {
        #expect(number == next)
        next += 1
      }
      #expect(next == 50_001)
      var iterator = try fixture.events.records().makeAsyncIterator()
      #expect(try await iterator.next()?.sequence == 50_001)
      #expect(try fixture.lost() == 0)
    }

    @Test func `ending a sequence waits for a record that a program has not finished`() async throws {
      let fixture = try RingFixture()
      let gate = try fixture.object.map("gate", as: BPFArrayMap<UInt64>.self)
      let records = try fixture.events.records(bufferingAtMost: 100)
      let producer = try RingProducer(fixture.object.program("ring_hold"), number: 2, rounds: 1, times: 1)
      while try gate.value(at: 0) == 0 { usleep(1000) }
      try fixture.run("ring_emit", 3)
      records.finish()
      try fixture.run("ring_emit", 4)
      let task = Task {
        var seen: [UInt32] = []
        for try await record in records { seen.append(record.header.producer) }
        return seen
      }
      try gate.setValue(1, at: 1)
      #expect(try await task.value == [2, 3])
      producer.join()
    }

    @Test func `ending an empty sequence wakes its iterator, and again is no error`() async throws {
      let fixture = try RingFixture()
      for _ in 0..<20 {
        let records = try fixture.events.records(bufferingAtMost: 10)
        let task = Task {
          for try await _ in records {}
        }
        records.finish()
        records.finish()
        try await task.value
      }
    }
  }

  @Suite("Waiting for ring buffers", .timeLimit(.minutes(1)))
  struct RingSignalTests {
    private final class Flags: Sendable {
      let isCancelled = Atomic(false)
      let wasCancelledMeanwhile = Atomic(false)
    }

    @Test func `a signal that is cancelled no longer looks: the next one's event is its own`() throws {
      let fixture = try RingFixture()
      let poll = try RingPoll()
      try fixture.events.withHandle { (handle) throws(BPFError) in try poll.add(RingMapping(handle)) }
      let began = DispatchSemaphore(value: 0)
      let flags = Flags()
      let signal = RingSignal(poll, name: "test") { poll in
        began.signal()
        // Long enough for a `cancel()` that does not wait to return.
        for _ in 0..<300 where !flags.isCancelled.load(ordering: .acquiring) { usleep(1000) }
        flags.wasCancelledMeanwhile.store(flags.isCancelled.load(ordering: .acquiring), ordering: .releasing)
        return poll.wait(milliseconds: 0)
      }
      try fixture.run("ring_emit")
      began.wait()
      signal.cancel()
      flags.isCancelled.store(true, ordering: .releasing)
      // What it may have found is settled; this one's event comes only now.
      var reader = try fixture.events.reader()
      try reader.drain { _ in }
      try fixture.run("ring_emit")
      #expect(poll.wait(milliseconds: 10_000))
      let wasWaitedFor = !flags.wasCancelledMeanwhile.load(ordering: .acquiring)
      #expect(wasWaitedFor)
    }
  }
}
