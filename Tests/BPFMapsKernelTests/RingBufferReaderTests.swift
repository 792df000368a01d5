// SPDX-License-Identifier: Apache-2.0

import BPFMaps
import CAllocationCounter
import KernelTestSupport
import LinuxSystem
import Testing

extension BPFKernelTests {
  @Suite("Ring buffer readers", .timeLimit(.minutes(5)))
  struct RingBufferReaderTests {
    @Test func `a reader hands out what waits, in order and once`() throws {
      let fixture = try RingFixture()
      var reader = try fixture.events.reader()
      #expect(try reader.drain { _ in Issue.record("nothing was written") } == 0)
      for _ in 0..<5 { try fixture.run("ring_emit", 3) }
      #expect(reader.waitingByteCount == 5 * 72)
      var seen: [UInt64] = []
      try reader.drain(atMost: 2) { event in
        seen.append(event.sequence)
        #expect(event.header.producer == 3)
      }
      #expect(try reader.drain { seen.append($0.sequence) } == 3)
      #expect(seen == [0, 1, 2, 3, 4])
      #expect(reader.waitingByteCount == 0)
    }

    @Test func `a record of another size is an error, and the next one comes`() throws {
      let fixture = try RingFixture()
      var reader = try fixture.events.reader()
      try fixture.run("ring_emit_short")
      try fixture.run("ring_emit", 1)
      do {
        try reader.drain { _ in Issue.record("a short record was accepted") }
        Issue.record("a short record is no error")
      } catch {
        #expect(error.code == .malformedRecord)
        #expect(error.message == "ring buffer \"events\": a record has 4 bytes, but ring_event has 64")
      }
      var producers: [UInt32] = []
      try reader.drain { producers.append($0.header.producer) }
      #expect(producers == [1])
    }

    @Test func `what the caller throws comes out, and the record counts as read`() throws {
      let fixture = try RingFixture()
      var reader = try fixture.events.reader()
      for _ in 0..<3 { try fixture.run("ring_emit") }
      #expect(throws: BPFError.self) {
        try reader.drain { (event) throws(BPFError) in throw BPFError(.interrupted, "enough") }
      }
      var seen: [UInt64] = []
      try reader.drain { seen.append($0.sequence) }
      #expect(seen == [1, 2])
    }

    @Test func `the longest record is read, a longer one is counted by the program, discarded ones are skipped`() throws
    {
      let fixture = try RingFixture()
      var reader = try fixture.events.reader()
      var sizes: [Int] = []
      #expect(try fixture.run("ring_emit_huge", 5))
      #expect(try fixture.run("ring_emit") == false)
      #expect(try fixture.lost() == 1)
      try reader.drainBytes { (bytes) throws(BPFError) in
        sizes.append(bytes.byteCount)
        let header = try RingHeader(beginningOf: bytes)
        #expect(header.kind == 99 && header.producer == 5)
      }
      #expect(sizes == [4080])
      #expect(try fixture.run("ring_emit_too_long") == false)
      let counter = try BPFLossCounter(fixture.object.map("lost_shared", as: BPFArrayMap<UInt64>.self), at: 1)
      #expect(try counter.count() == 1)
      try fixture.run("ring_discard")
      #expect(try reader.drainBytes { _ in Issue.record("a discarded record") } == 0)
      try fixture.run("ring_discard")
      try fixture.run("ring_emit")
      try fixture.run("ring_discard")
      #expect(try reader.drain { _ in } == 1)
      #expect(reader.waitingByteCount == 0)
    }

    @Test func `records of every length lie where they should, round after round`() throws {
      let fixture = try RingFixture()
      let ring = try fixture.object.map("events", as: BPFRingBuffer<RingHeader>.self)
      var reader = try ring.reader()
      for round in 0..<UInt32(400) {
        try fixture.run("ring_emit_data", round, round)
        try fixture.run("ring_emit_open", round, round)
        var lengths: [Int] = []
        try reader.drainBytes { (bytes) throws(BPFError) in
          lengths.append(bytes.byteCount)
          let header = try RingHeader(beginningOf: bytes)
          #expect(header.producer == round && header.kind == (lengths.count == 1 ? 2 : 1))
          if header.kind == 2 { for place in 16..<bytes.byteCount { #expect(byte(bytes, place) == 7) } }
        }
        #expect(lengths == [16 + Int(round & 31), 16])
      }
    }

    @Test func `waiting ends with a record, or with the time`() throws {
      let fixture = try RingFixture()
      var reader = try fixture.events.reader()
      #expect(try reader.wait(for: .zero) == false)
      #expect(try reader.wait(for: .milliseconds(5)) == false)
      for _ in 0..<200 {
        let producer = try RingProducer(fixture.object.program("ring_emit"), rounds: 1, times: 1)
        #expect(try reader.wait())
        #expect(try reader.drain { _ in } == 1)
        producer.join()
      }
      try fixture.run("ring_emit")
      #expect(try reader.wait() && reader.wait(for: .zero))
    }

    @Test func `what many programs write arrives, in order for each of them`() throws {
      let fixture = try RingFixture(bytes: 1 << 20)
      var reader = try fixture.events.reader()
      let producers = try (0..<UInt32(4)).map {
        try RingProducer(fixture.object.program("ring_emit"), number: $0, rounds: 5, times: 2000)
      }
      var next = [UInt64](repeating: 0, count: 4)
      var count: UInt64 = 0
      while try count + fixture.lost() < 40_000 {
        try reader.wait(for: .milliseconds(10))
        try reader.drain { event in
          let producer = Int(event.header.producer)
          #expect(event.sequence == next[producer])
          next[producer] += 1
          count += 1
        }
      }
      for producer in producers { producer.join() }
      #expect(try count + fixture.lost() == 40_000)
    }

    @Test func `reading takes no memory`() throws {
      let fixture = try RingFixture(bytes: 1 << 20)
      var reader = try fixture.events.reader()
      let program = try fixture.object.program("ring_emit")
      var sum: UInt64 = 0
      var taken: UInt64 = 0
      for _ in 0..<10 {
        _ = try program.test(packet: packet, repeat: 10_000)
        let before = allocation_count()
        try reader.drain { sum &+= $0.sequence }
        try reader.wait(for: .milliseconds(1))
        taken += allocation_count() - before
      }
      #expect(sum == 99_999 * 50_000)
      // Other threads of the test run take some.
      #expect(taken < 100)
    }

    @Test func `several rings are read with one wait`() throws {
      let fixture = try RingFixture()
      var group = try BPFRingGroup()
      var events: [UInt32] = []
      var more: [UInt32] = []
      do {
        let other = try fixture.object.map("more_events", as: BPFRingBuffer<RingEvent>.self)
        try group.add(fixture.events) { events.append($0.header.producer) }
        try group.addBytes(other) { (bytes) throws(BPFError) in
          more.append(try RingHeader(beginningOf: bytes).producer)
        }
      }
      #expect(try group.poll(for: .milliseconds(1)) == 0)
      try fixture.run("ring_emit_more", 1)
      #expect(try group.poll() == 1)
      try fixture.run("ring_emit", 2)
      try fixture.run("ring_emit_more", 3)
      #expect(try group.drain() == 2)
      #expect(events == [2] && more == [1, 3])
      try fixture.run("ring_emit_short")
      try fixture.run("ring_emit", 4)
      #expect(throws: BPFError.self) { try group.drain() }
      #expect(try group.drain() == 1)
      #expect(events == [2, 4])
    }

    @Test func `readers and groups leave no descriptor behind`() async throws {
      let fixture = try RingFixture()
      try await expectNoDescriptorLeak {
        for _ in 0..<20 {
          do { _ = try fixture.events.reader() }
          var group = try BPFRingGroup()
          try group.add(fixture.events) { _ in }
        }
      }
    }
  }
}

/// One byte of a record.
private func byte(_ bytes: RawSpan, _ place: Int) -> UInt8 {
  unsafe bytes.unsafeLoad(fromByteOffset: place, as: UInt8.self)
}
