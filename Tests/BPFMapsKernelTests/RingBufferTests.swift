// SPDX-License-Identifier: Apache-2.0

import BPFMaps
import CDatapathABI
import DatapathPrograms
import Foundation
import KernelTestSupport
import LinuxSystem
import Synchronization
import Testing

extension BPFKernelTests {
  @Suite("Ring buffers", .timeLimit(.minutes(5)))
  struct RingBufferTests {
    @Test func `records arrive in order`() async throws {
      let object = try loadSamples()
      let program = try object.program("emits")
      let ring = try object.map("events", as: BPFRingBuffer<flow_record>.self)
      #expect(ring.capacity == 4096)
      let records = try ring.records()
      var iterator = records.makeAsyncIterator()
      for endpoint in 0..<UInt32(500) {
        let run = try program.test(packet: packet, context: SocketBufferContext(controlBlock: [endpoint]))
        #expect(run.returnValue == 0)
        let record = try #require(try await iterator.next())
        #expect(record.endpoint == endpoint && record.length == 60 && record.reason == 133)
      }
      #expect(records.droppedCount == 0)
    }

    @Test func `programs that never pause do not keep a sequence from ending`() async throws {
      let object = try loadSamples { (object) throws(BPFError) in try object.setMaxEntries(1 << 20, forMap: "events") }
      let program = try object.program("emits")
      let ring = try object.map("events", as: BPFRingBuffer<flow_record>.self)
      let records = try ring.records()
      let producer = Producer()
      for _ in 0..<4 { try producer.start(program) }
      defer { producer.stop() }
      var count = 0
      for try await _ in records {
        count += 1
        // More than a round takes, and not more than an emulated machine gets done in seconds.
        if count == 20_000 { records.finish() }
        if count == 500_000 { break }
      }
      #expect((20_000..<500_000).contains(count))
    }

    @Test func `more records than one round takes arrive once each`() async throws {
      let object = try loadSamples { (object) throws(BPFError) in try object.setMaxEntries(1 << 21, forMap: "events") }
      let program = try object.program("emits")
      _ = try program.test(packet: packet, repeat: 20_000)
      let records = try object.map("events", as: BPFRingBuffer<flow_record>.self).records()
      var count = 0
      for try await record in records {
        count += 1
        if record.endpoint == 9 { break }
        if count == 20_000 {
          _ = try program.test(packet: packet, context: SocketBufferContext(controlBlock: [9]))
        }
      }
      #expect(count == 20_001)
      #expect(records.droppedCount == 0)
    }

    @Test func `what nobody read yet comes first`() async throws {
      let object = try loadSamples()
      _ = try object.program("emits").test(packet: packet, context: SocketBufferContext(controlBlock: [8]))
      let ring = try object.map("events", as: BPFRingBuffer<flow_record>.self)
      var iterator = try ring.records().makeAsyncIterator()
      #expect(try await iterator.next()?.endpoint == 8)
    }

    @Test func `a slow iterator costs records, and the sequence counts them`() async throws {
      let object = try loadSamples()
      let program = try object.program("emits")
      let ring = try object.map("events", as: BPFRingBuffer<flow_record>.self)
      let records = try ring.records(bufferingAtMost: 10)
      var sent = 0
      for _ in 0..<50 {
        if try program.test(packet: packet).returnValue == 0 { sent += 1 }
        try await Task.sleep(for: .milliseconds(1))
      }
      records.finish()
      var received = 0
      for try await _ in records { received += 1 }
      // What the ring held at the end may come after the first ten were taken.
      #expect(received >= 10 && records.droppedCount > 0)
      #expect(UInt64(received) + records.droppedCount == UInt64(sent))
    }

    @Test func `a record of another size is an error, and the next one comes`() async throws {
      let object = try loadSamples()
      let ring = try object.map("events", as: BPFRingBuffer<flow_record>.self)
      var iterator = try ring.records().makeAsyncIterator()
      _ = try object.program("emits_short").test(packet: packet)
      _ = try object.program("emits").test(packet: packet, context: SocketBufferContext(controlBlock: [3]))
      do {
        _ = try await iterator.next()
        Issue.record("a short record was accepted")
      } catch {
        #expect(error.code == .malformedRecord)
        #expect(error.message == "ring buffer \"events\": a record has 8 bytes, but flow_record has 64")
      }
      #expect(try await iterator.next()?.endpoint == 3)
    }

    @Test func `cancellation ends the sequence, and the ring can be read again`() async throws {
      let object = try loadSamples()
      let ring = try object.map("events", as: BPFRingBuffer<flow_record>.self)
      let records = try ring.records()
      #expect {
        _ = try ring.records()
      } throws: { ($0 as? BPFError)?.code == .busy }
      let task = Task {
        var count = 0
        for try await _ in records { count += 1 }
        return count
      }
      try await Task.sleep(for: .milliseconds(20))
      task.cancel()
      #expect(try await task.value == 0)
      var again: BPFRecords<flow_record>?
      for _ in 0..<100 where again == nil {
        again = try? ring.records()
        try await Task.sleep(for: .milliseconds(5))
      }
      #expect(again != nil)
    }

    @Test func `a sequence that nobody iterates frees its descriptors`() async throws {
      let object = try loadSamples()
      try await expectNoDescriptorLeak {
        for _ in 0..<20 {
          let ring = try object.map("events", as: BPFRingBuffer<flow_record>.self)
          _ = try ring.records()
        }
      }
    }

    @Test func `a struct that differs from the object's is refused`() throws {
      struct Other: BPFValue, BitwiseCopyable {
        var timestamp: UInt64
        static let layout = StructLayout("flow_record", of: Self.self, fields: [.init("timestamp", \.timestamp)])
      }
      let object = try loadSamples()
      #expect {
        _ = try object.map("events", as: BPFRingBuffer<Other>.self)
      } throws: { ($0 as? BPFError)?.code == .layoutMismatch && "\($0)".contains("\"reason\"") }
    }
  }
}

/// Runs a program over and over, on a thread of its own.
private final class Producer: Sendable {
  private let isStopped = Atomic(false)

  func start(_ program: borrowing BPFProgram) throws {
    let program = try program.duplicate()
    let holder = Holder(program)
    Thread.detachNewThread { [self] in
      while !isStopped.load(ordering: .relaxed) { _ = try? holder.program.test(packet: packet, repeat: 100_000) }
    }
  }

  func stop() { isStopped.store(true, ordering: .relaxed) }

  private final class Holder: Sendable {
    let program: BPFProgram
    init(_ program: consuming BPFProgram) { self.program = program }
  }
}
