// SPDX-License-Identifier: Apache-2.0

import CAllocationCounter
import Glibc

/// Collects the time of chunks of one operation, and prints its line.
struct Measurement {
  private let op: String
  private var chunks: [Double] = []
  private var objects = 0
  private var cpu = 0.0
  private var wall = 0.0
  private var allocations: UInt64 = 0

  init(_ op: String, chunks count: Int) {
    self.op = op
    chunks.reserveCapacity(count)
  }

  /// Times `body`, which handles some objects and says how many.
  mutating func chunk(_ body: () async throws -> Int) async throws {
    let (allocationsBefore, cpuBefore) = (allocation_count(), Measurement.now(CLOCK_PROCESS_CPUTIME_ID))
    let before = Measurement.now(CLOCK_MONOTONIC)
    let count = try await body()
    let took = Measurement.now(CLOCK_MONOTONIC) - before
    cpu += Measurement.now(CLOCK_PROCESS_CPUTIME_ID) - cpuBefore
    allocations += allocation_count() - allocationsBefore
    wall += took
    chunks.append(took / Double(count))
    objects += count
  }

  /// The line.
  func report(_ more: String = "") {
    func text(_ value: Double) -> String {
      let scaled = Int((value * 10_000).rounded())
      let fraction = "\(scaled % 10_000)"
      return "\(scaled / 10_000)." + String(repeating: "0", count: 4 - fraction.count) + fraction
    }
    let median = chunks.sorted()[chunks.count / 2]
    let count = Double(objects)
    print(
      #"{"op":"\#(op)","value":\#(text(median)),"unit":"us/obj","n":\#(objects),"cpu":\#(text(cpu / count)),"#
        + #""mean":\#(text(wall / count)),"allocs":\#(text(Double(allocations) / count))\#(more)}"#)
    fflush(nil)
  }

  /// The most memory that this process ever had, in KiB.
  static var peakMemory: Int {
    var usage = rusage()
    _ = unsafe getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    return usage.ru_maxrss
  }

  /// The clock in microseconds.
  static func now(_ clock: clockid_t) -> Double {
    var time = timespec()
    _ = unsafe clock_gettime(clock, &time)
    return Double(time.tv_sec) * 1e6 + Double(time.tv_nsec) / 1e3
  }
}
