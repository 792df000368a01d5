// SPDX-License-Identifier: Apache-2.0

import BPFMaps
import Foundation
import Glibc
import KernelTestSupport
import LinuxSystem
import Synchronization
import Testing

extension KernelFeature {
  /// One processor for a program that holds a record, and one to look at it meanwhile.
  fileprivate static let twoProcessors = KernelFeature("two processors") {
    let count = ProcessInfo.processInfo.activeProcessorCount
    return count > 1 ? .available : .missing(reason: "\(count) is there")
  }
}

extension BPFKernelTests {
  @Suite("Ring buffer safety", .timeLimit(.minutes(5)))
  struct RingBufferSafetyTests {
    @Test func `a ring has one reader, by whichever owner of the map`() throws {
      let fixture = try RingFixture()
      let twin = try fixture.events.duplicate()
      do {
        var reader = try fixture.events.reader()
        #expect { _ = try fixture.events.records() } throws: { ($0 as? BPFError)?.code == .busy }
        #expect { _ = try twin.records(bufferingAtMost: 1) } throws: { ($0 as? BPFError)?.code == .busy }
        #expect {
          _ = try twin.reader()
        } throws: {
          "\($0)" == "read ring buffer \"events\": another reader of this process has it; end that one first"
        }
        #expect {
          var group = try BPFRingGroup()
          try group.add(twin) { _ in }
        } throws: { ($0 as? BPFError)?.code == .busy }
        #expect(try reader.drain { _ in } == 0)
      }
      #expect(throws: Never.self) { _ = try twin.reader() }
    }

    @Test func `a reader stops when another process moves the position`() async throws {
      let fixture = try RingFixture()
      var reader = try fixture.events.reader()
      for _ in 0..<3 { try fixture.run("ring_emit") }
      try reader.drain(atMost: 1) { _ in }
      try movePosition(of: fixture.events, by: 72)
      #expect(try reader.drain { _ in } <= 2)
      #expect { try reader.wait() } throws: { ($0 as? BPFError)?.code == .busy && "\($0)".contains("another process") }
      #expect { try reader.drain { _ in } } throws: { ($0 as? BPFError)?.code == .busy }
    }

    @Test func `a sequence stops then too`() async throws {
      let fixture = try RingFixture()
      let records = try fixture.events.records()
      var iterator = records.makeAsyncIterator()
      for _ in 0..<2 { try fixture.run("ring_emit") }
      _ = try await iterator.next()
      try movePosition(of: fixture.events, by: 72)
      _ = try await iterator.next()
      do {
        _ = try await iterator.next()
        Issue.record("two processes read one ring")
      } catch {
        #expect(error.code == .busy)
      }
      #expect(try await iterator.next() == nil)
    }

    @Test(.requires(.twoProcessors)) func `a record that a program has not finished is waited for, without spinning`()
      throws
    {
      // The program gives up after a while. On a machine that is so busy that it does so first, the look was in vain.
      for _ in 0..<10 where try lookAtUnfinishedRecord() { return }
      Issue.record("the program always gave up before the reader had looked")
    }

    /// False: the program finished its record too early to say anything.
    private func lookAtUnfinishedRecord() throws -> Bool {
      let fixture = try RingFixture()
      var reader = try fixture.events.reader()
      let gate = try fixture.object.map("gate", as: BPFArrayMap<UInt64>.self)
      try fixture.run("ring_emit", 1)
      let producer = try RingProducer(fixture.object.program("ring_hold"), number: 2, rounds: 1, times: 1)
      while try gate.value(at: 0) == 0 { usleep(1000) }
      // It lies behind a finished one, and another one behind it.
      try fixture.run("ring_emit", 3)
      var seen: [UInt32] = []
      try reader.drain { seen.append($0.header.producer) }
      let before = processorTime()
      let isReady = try reader.wait(for: .milliseconds(200))
      let spent = processorTime() - before
      try reader.drain { seen.append($0.header.producer) }
      let early = seen
      let isHeld = try gate.value(at: 0) == 1
      try gate.setValue(1, at: 1)
      while seen.count < 3 {
        try reader.wait()
        try reader.drain { seen.append($0.header.producer) }
      }
      #expect(seen == [1, 2, 3])
      producer.join()
      guard isHeld else { return false }
      #expect(!isReady && early == [1])
      #expect(spent < 0.02)
      return true
    }

    @Test func `a sequence waits for such a record as well`() async throws {
      let fixture = try RingFixture()
      let gate = try fixture.object.map("gate", as: BPFArrayMap<UInt64>.self)
      var iterator = try fixture.events.records().makeAsyncIterator()
      let producer = try RingProducer(fixture.object.program("ring_hold"), number: 2, rounds: 1, times: 1)
      while try gate.value(at: 0) == 0 { usleep(1000) }
      try fixture.run("ring_emit", 3)
      let release = Task {
        try await Task.sleep(for: .milliseconds(20))
        try gate.setValue(1, at: 1)
      }
      #expect(try await iterator.next()?.header.producer == 2)
      #expect(try await iterator.next()?.header.producer == 3)
      try await release.value
      producer.join()
    }

    @Test func `the pages stay while somebody reads, whatever is closed`() async throws {
      func records() throws -> BPFRecords<RingEvent> {
        let fixture = try RingFixture()
        for _ in 0..<10 { try fixture.run("ring_emit") }
        return try fixture.events.records()
      }
      var iterator = try records().makeAsyncIterator()
      for sequence in 0..<UInt64(10) { #expect(try await iterator.next()?.sequence == sequence) }
    }
  }
}

/// What a reader in another process does.
private func movePosition(of ring: borrowing BPFRingBuffer<RingEvent>, by bytes: UInt) throws {
  try ring.withHandle { handle in
    let page = unsafe mmap(nil, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, handle.descriptor.rawValue, 0)
    let position = try unsafe #require(unsafe page)
    unsafe position.assumingMemoryBound(to: UInt.self).pointee += bytes
    unsafe munmap(position, 4096)
  }
}

/// Of the calling thread, in seconds.
private func processorTime() -> Double {
  var time = timespec()
  _ = unsafe clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
  return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
}
