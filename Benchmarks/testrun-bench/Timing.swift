// SPDX-License-Identifier: Apache-2.0

import BPFMaps
import BPFTesting
import CAllocationCounter
import ExampleSupport

/// Times one path and prints its line.
struct Timing {
  var runs: Int32
  var batches: Int

  /// Checks that the program answers as the path's name says: a path that is not the one meant is not timed.
  func check(_ name: String, _ program: borrowing BPFProgram, _ packet: Packet, answers verdict: Int32) throws {
    let run = try program.test(packet)
    guard run.returnValue == verdict else {
      throw ExampleError("\(name): the program answered \(run.returnValue), not \(verdict)")
    }
  }

  /// Batches of runs on one packet.
  func measure(_ name: String, _ program: borrowing BPFProgram, _ packet: Packet) throws {
    let bytes = packet.bytes
    _ = try program.time(packet: bytes, repeat: runs, batches: 3)
    let (allocations, processor) = (allocation_count(), Line.processorTime())
    let timing = try program.time(packet: bytes, repeat: runs, batches: batches)
    let count = Double(runs) * Double(batches)
    Line(
      op: name, value: timing.median, minimum: timing.minimum, percentile95: timing.percentile95, mean: timing.mean,
      kernel: timing.kernelMedian,
      count: Int(count), cpu: (Line.processorTime() - processor) / count,
      allocations: Double(allocation_count() - allocations) / count
    ).print()
  }

  /// One run per call, by the kernel's clock, with something done in between.
  func measureSingle(
    _ name: String, _ program: borrowing BPFProgram, _ packet: Packet, _ prepare: () throws -> Void = {}
  ) throws {
    let bytes = packet.bytes
    var times: [UInt32] = []
    let calls = batches * 20
    times.reserveCapacity(calls)
    var (allocations, processor): (UInt64, Double) = (0, 0)
    for _ in 0..<calls {
      try prepare()
      let before = (allocation_count(), Line.processorTime())
      times.append(try program.test(packet: bytes).duration)
      allocations += allocation_count() - before.0
      processor += Line.processorTime() - before.1
    }
    times.sort()
    let count = Double(calls)
    Line(
      op: name, value: Double(times[calls / 2]), minimum: Double(times[0]),
      percentile95: Double(times[calls * 95 / 100]), mean: Double(times.reduce(0) { $0 + UInt64($1) }) / count,
      kernel: times[calls / 2], count: calls, cpu: processor / count, allocations: Double(allocations) / count
    ).print()
  }
}
