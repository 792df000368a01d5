// SPDX-License-Identifier: Apache-2.0

import BPFMaps
import KernelTestSupport
import LinuxSystem
import Testing

extension BPFKernelTests {
  @Suite("Ends of ring buffer sequences", .timeLimit(.minutes(5)))
  struct RingBufferEndTests {
    @Test func `what a cancelled task did not get stays in the ring`() async throws {
      let fixture = try RingFixture()
      for _ in 0..<10 { try fixture.run("ring_emit") }
      let records = try fixture.events.records()
      let task = Task {
        var count = 0
        for try await _ in records {
          count += 1
          if count == 4 { unsafe withUnsafeCurrentTask { unsafe $0?.cancel() } }
        }
        return count
      }
      #expect(try await task.value == 4)
      var iterator = try fixture.events.records().makeAsyncIterator()
      #expect(try await iterator.next()?.sequence == 4)
    }

    @Test func `a task that is cancelled before it asks gets nothing`() async throws {
      let fixture = try RingFixture()
      try fixture.run("ring_emit")
      let records = try fixture.events.records()
      let task = Task {
        while !Task.isCancelled { await Task.yield() }
        var iterator = records.makeAsyncIterator()
        return try await iterator.next()?.sequence
      }
      task.cancel()
      #expect(try await task.value == nil)
      var iterator = try fixture.events.records().makeAsyncIterator()
      #expect(try await iterator.next()?.sequence == 0)
    }

    @Test func `a task that is cancelled while it waits ends, again and again`() async throws {
      let fixture = try RingFixture()
      for _ in 0..<100 {
        let records = try fixture.events.records()
        let begun = Tally()
        try await withThrowingTaskGroup(of: Void.self) { group in
          group.addTask {
            var iterator = records.makeAsyncIterator()
            begun.add()
            let record = try await iterator.next()
            #expect(record == nil)
          }
          while begun.count == 0 { await Task.yield() }
          group.cancelAll()
          try await group.waitForAll()
        }
      }
    }

    @Test func `ending a sequence wakes the iterator that waits`() async throws {
      let fixture = try RingFixture()
      for round in 0..<20 {
        let records = try fixture.events.records()
        let begun = Tally()
        let task = Task {
          begun.add()
          for try await _ in records {}
        }
        while begun.count == 0 { await Task.yield() }
        // Mostly it waits by then.
        if round.isMultiple(of: 2) { try await Task.sleep(for: .milliseconds(2)) }
        records.finish()
        try await task.value
      }
    }
  }
}
