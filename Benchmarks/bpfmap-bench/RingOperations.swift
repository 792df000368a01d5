// SPDX-License-Identifier: Apache-2.0

import BPFMaps
import BenchSupport
import ExampleSupport
import Foundation
import Glibc
import Synchronization

/// What is measured on a ring buffer of 4 MiB with records of 64 bytes.
struct RingOperations: ~Copyable {
  private static let recordLimit = 50_000

  private let ring: BPFRingBuffer<Record>
  private let writer: Writer

  init(_ object: borrowing LoadedObject) throws {
    let writer = try Writer(object)
    ring = try object.map("ring", as: BPFRingBuffer<Record>.self)
    self.writer = writer
  }

  /// Each operation once by a reader on a thread, and once by a task that iterates.
  func run() async throws {
    try consumption()
    try await asyncConsumption()
    for way in Way.allCases { try await sustained(way) }
    for way in Way.allCases { try await limit(way) }
  }

  // MARK: A full ring, emptied

  private func consumption() throws {
    var reader = try ring.reader()
    var sum: UInt64 = 0
    var measurement = Measurement("ring.consume", unit: .nanosecondsPerOperation, chunks: 20)
    for _ in 0..<20 {
      try writer.fill(Self.recordLimit)
      try measurement.call { () throws(BPFError) in try reader.drain { sum &+= $0.sequence } }
    }
    measurement.report()
    try check(sum)
  }

  private func asyncConsumption() async throws {
    var iterator = try ring.records().makeAsyncIterator()
    var sum: UInt64 = 0
    var measurement = Measurement("ring.consume_async", unit: .nanosecondsPerOperation, chunks: 20)
    for _ in 0..<20 {
      try writer.fill(Self.recordLimit)
      try await measurement.chunk {
        for _ in 0..<Self.recordLimit { if let record = try await iterator.next() { sum &+= record.sequence } }
        return Self.recordLimit
      }
    }
    measurement.report()
    try check(sum)
  }

  private func check(_ sum: UInt64) throws {
    let expected = 20 * UInt64(Self.recordLimit) * UInt64(Self.recordLimit - 1) / 2
    guard sum == expected else { throw ExampleError("ring: records are missing") }
  }

  // MARK: A writer that does not wait

  /// How the records are read.
  private enum Way: String, CaseIterable {
    /// By a reader that drains and waits.
    case reader = ""
    /// By a task that iterates.
    case sequence = "_async"
    /// The same, gathering for four times as long.
    case gathering = "_gather"
  }

  private struct Outcome {
    var written: UInt64
    var lost: UInt64
    var received: Int
    /// Both in microseconds; of everything but the writer.
    var cpu: Double
    var wall: Double

    /// In records for each microsecond.
    var rate: Double { Double(written) / wall }
  }

  private func sustain(_ recordsPerSecond: UInt64, for duration: Duration, _ way: Way) async throws -> Outcome {
    try writer.reset(recordsPerSecond)
    let (cpu, before) = (Measurement.now(CLOCK_PROCESS_CPUTIME_ID), Measurement.now(CLOCK_MONOTONIC))
    let received = try await way == .reader ? drain(for: duration) : iterate(for: duration, way)
    let spent = Measurement.now(CLOCK_PROCESS_CPUTIME_ID) - cpu - writer.cpu
    return Outcome(
      written: try writer.written(), lost: try writer.lost(), received: received, cpu: spent,
      wall: max(writer.stoppedAt - before, 1))
  }

  private func drain(for duration: Duration) throws -> Int {
    var reader = try ring.reader()
    var received = 0
    var sum: UInt64 = 0
    writer.start()
    let deadline = ContinuousClock.now + duration
    while ContinuousClock.now < deadline {
      received += try reader.drain { sum &+= $0.sequence }
      try reader.wait(for: .milliseconds(10))
    }
    writer.askToStop()
    while !writer.hasStopped { received += try reader.drain { sum &+= $0.sequence } }
    received += try reader.drain { sum &+= $0.sequence }
    return received
  }

  private func iterate(for duration: Duration, _ way: Way) async throws -> Int {
    let records = try ring.records(gatheringFor: way == .gathering ? .milliseconds(1) : .microseconds(250))
    writer.start()
    let writer = writer
    let stop = Task {
      try await Task.sleep(for: duration)
      writer.askToStop()
      while !writer.hasStopped { try await Task.sleep(for: .milliseconds(1)) }
      records.finish()
    }
    var received = 0
    var sum: UInt64 = 0
    for try await record in records {
      received += 1
      sum &+= record.sequence
    }
    try await stop.value
    return received
  }

  private func sustained(_ way: Way) async throws {
    let op = "ring.sustain\(way.rawValue)"
    var measurement = Measurement(op, unit: .nanosecondsPerOperation, chunks: 1)
    let outcome = try await sustain(1_000_000, for: .seconds(1), way)
    guard outcome.received == Int(outcome.written) else {
      throw ExampleError("\(op): \(outcome.received) of \(outcome.written) records arrived")
    }
    measurement.add(outcome.received, cpu: outcome.cpu, wall: outcome.wall)
    measurement.report(#","lost":\#(outcome.lost)"#)
  }

  /// The highest rate that was held without loss in one of three tries, found by halving; 0 asks the program to write as
  /// fast as it can.
  private func limit(_ way: Way) async throws {
    var (low, high) = (0.0, 0.0)
    for _ in 0..<3 {
      let outcome = try await sustain(0, for: .milliseconds(200), way)
      high = max(high, outcome.rate)
      if outcome.lost == 0 { low = max(low, outcome.rate) }
    }
    let isWriters = low > 0
    for _ in 0..<(isWriters ? 0 : 6) {
      let middle = (low + high) / 2
      if try await isHeld(middle, way) { low = middle } else { high = middle }
    }
    print(
      #"{"op":"ring.limit\#(way.rawValue)","value":\#(Int(low * 1e6)),"unit":"records/s","#
        + #""limited_by":"\#(isWriters ? "program" : "loss")"}"#)
    fflush(nil)
  }

  private func isHeld(_ recordsPerMicrosecond: Double, _ way: Way) async throws -> Bool {
    for _ in 0..<3 {
      let outcome = try await sustain(
        UInt64(recordsPerMicrosecond * 1e6), for: .milliseconds(200), way)
      if outcome.lost == 0, outcome.rate > recordsPerMicrosecond * 0.9 { return true }
    }
    return false
  }
}
