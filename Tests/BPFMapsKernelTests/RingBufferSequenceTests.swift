// SPDX-License-Identifier: Apache-2.0

import BPFMaps
import CAllocationCounter
import KernelTestSupport
import LinuxSystem
import Testing

extension BPFKernelTests {
  @Suite("Ring buffer sequences", .timeLimit(.minutes(5)))
  struct RingBufferSequenceTests {
    /// Records of several types in one ring.
    enum Event: Sendable, Equatable {
      case opened(UInt64)
      case data(from: UInt32, count: Int)
      case unknown(UInt32)
    }

    @Test func `records of several types are told apart by their header`() async throws {
      let fixture = try RingFixture()
      let ring = try fixture.object.map("events", as: BPFRingBuffer<RingHeader>.self)
      let records = try ring.records { (header, bytes) throws(BPFError) -> Event in
        switch header.kind {
        case 1: .opened(try RingOpen(record: bytes).number)
        case 2: .data(from: header.producer, count: bytes.byteCount - 16)
        default: .unknown(header.kind)
        }
      }
      try fixture.run("ring_emit_open", 1, 77)
      try fixture.run("ring_emit_data", 4, 9)
      try fixture.run("ring_emit_short")
      try fixture.run("ring_emit")
      var iterator = records.makeAsyncIterator()
      #expect(try await iterator.next() == .opened(77))
      #expect(try await iterator.next() == .data(from: 4, count: 9))
      await #expect { _ = try await iterator.next() } throws: { ($0 as? BPFError)?.code == .malformedRecord }
      #expect(try await iterator.next() == .unknown(0))
    }

    @Test func `an iterator that asks for nothing leaves everything in the ring, and the program counts the loss`()
      async throws
    {
      let fixture = try RingFixture()
      let counter = try BPFLossCounter(fixture.object.map("lost", as: BPFPerCPUArrayMap<UInt64>.self))
      let records = try fixture.events.records()
      var iterator = records.makeAsyncIterator()
      try fixture.run("ring_emit", times: 100)
      // 4096 bytes hold 56 records of 72, less the byte that tells full from empty.
      #expect(try counter.loss(of: records) == BPFRecordLoss(inProgram: 44, inBuffer: 0))
      for sequence in 0..<UInt64(56) { #expect(try await iterator.next()?.sequence == sequence) }
      // The iterator gave the space back: the program goes on where it was.
      try fixture.run("ring_emit", times: 10)
      for sequence in 56..<UInt64(66) { #expect(try await iterator.next()?.sequence == sequence) }
      #expect(try counter.loss(of: records).total == 44)
    }

    @Test func `a buffer takes what the ring cannot hold, and counts what it cannot`() async throws {
      let fixture = try RingFixture()
      let counter = try BPFLossCounter(fixture.object.map("lost", as: BPFPerCPUArrayMap<UInt64>.self))
      let records = try fixture.events.records(bufferingAtMost: 1000)
      var written: UInt64 = 0
      while records.droppedCount == 0 {
        if try fixture.run("ring_emit") { written += 1 } else { await Task.yield() }
      }
      records.finish()
      var received: UInt64 = 0
      for try await record in records {
        if received < 1000 { #expect(record.sequence == received) }
        received += 1
      }
      let loss = try counter.loss(of: records)
      #expect(received + loss.inBuffer == written)
      #expect(try loss.inProgram == fixture.lost())
    }

    @Test func `one iterator at a time, and the next goes on where it stopped`() async throws {
      let fixture = try RingFixture()
      let records = try fixture.events.records()
      for _ in 0..<6 { try fixture.run("ring_emit") }
      for try await record in records where record.sequence == 2 {
        var other = records.makeAsyncIterator()
        await #expect { _ = try await other.next() } throws: { ($0 as? BPFError)?.code == .busy }
        break
      }
      for try await record in records {
        #expect(record.sequence == 3)
        break
      }
      records.finish()
      var rest: [UInt64] = []
      for try await record in records { rest.append(record.sequence) }
      #expect(rest == [4, 5])
    }

    @Test func `records that gather arrive in order, and a cancelled task ends while they do`() async throws {
      let fixture = try RingFixture()
      let records = try fixture.events.records(gatheringFor: .milliseconds(1))
      let seen = Tally()
      let task = Task {
        for try await record in records {
          #expect(record.sequence == UInt64(seen.count))
          seen.add()
        }
      }
      for round in 1...50 {
        try fixture.run("ring_emit", times: 4)
        while seen.count < 4 * round { await Task.yield() }
      }
      task.cancel()
      try await task.value
    }

    @Test func `every record of a fast program arrives or is counted`() async throws {
      let fixture = try RingFixture(bytes: 1 << 20)
      let producer = try RingProducer(fixture.object.program("ring_emit"), rounds: 20, times: 5000)
      let records = try fixture.events.records()
      var iterator = records.makeAsyncIterator()
      producer.join()
      records.finish()
      var next: UInt64 = 0
      while let record = try await iterator.next() {
        #expect(record.sequence == next)
        next += 1
      }
      #expect(try next + fixture.lost() == 100_000)
    }

    @Test func `iterating takes no memory`() async throws {
      let fixture = try RingFixture(bytes: 1 << 20)
      var iterator = try fixture.events.records().makeAsyncIterator()
      let program = try fixture.object.program("ring_emit")
      var taken: UInt64 = 0
      for round in 0..<UInt64(10) {
        _ = try program.test(packet: packet, repeat: 10_000)
        let before = allocation_count()
        // Not a loop over a range, which takes memory itself in a debug build.
        var expected = round * 10_000
        while expected < (round + 1) * 10_000 {
          guard try await iterator.next()?.sequence == expected else {
            Issue.record("record \(expected) did not come next")
            return
          }
          expected += 1
        }
        taken += allocation_count() - before
      }
      // Other threads of the test run take some.
      #expect(taken < 100)
    }

    @Test func `a task reads several rings until it is cancelled`() async throws {
      let fixture = try RingFixture()
      let total = Tally()
      let other = try fixture.object.map("more_events", as: BPFRingBuffer<RingEvent>.self)
      try await withThrowingTaskGroup(of: Void.self) { tasks in
        let identifiers = [fixture.events.identifier, other.identifier]
        tasks.addTask {
          var group = try BPFRingGroup()
          for identifier in identifiers {
            let ring = try BPFRingBuffer<RingEvent>.open(identifier: identifier)
            try group.add(ring) { _ in total.add() }
          }
          try await group.run()
        }
        for round in 1...100 {
          try fixture.run(round.isMultiple(of: 2) ? "ring_emit" : "ring_emit_more")
          while total.count < round { try await Task.sleep(for: .milliseconds(1)) }
        }
        tasks.cancelAll()
        try await tasks.waitForAll()
      }
      #expect(total.count == 100)
    }
  }
}
