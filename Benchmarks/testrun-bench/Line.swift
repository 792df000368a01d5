// SPDX-License-Identifier: Apache-2.0

import CAllocationCounter
import Glibc

/// One line of output.
struct Line {
  var op: String
  var value: Double
  var minimum: Double
  var percentile95: Double
  var mean: Double
  /// By the kernel's own clock.
  var kernel: UInt32
  var count: Int
  var cpu: Double
  var allocations: Double

  func print() {
    Swift.print(
      #"{"op":"\#(op)","value":\#(text(value)),"unit":"ns/op","n":\#(count),"cpu":\#(text(cpu)),"mean":\#(text(mean)),"#
        + #""min":\#(text(minimum)),"p95":\#(text(percentile95)),"kernel":\#(kernel),"allocs":\#(text(allocations))}"#)
    fflush(nil)
  }

  /// The most memory that this process ever had.
  static func printPeakMemory() {
    var usage = rusage()
    _ = unsafe getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    Swift.print(#"{"op":"peak_rss","value":\#(usage.ru_maxrss),"unit":"KiB"}"#)
  }

  /// The process's time on processors so far, in nanoseconds.
  static func processorTime() -> Double {
    var time = timespec()
    _ = unsafe clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return Double(time.tv_sec) * 1e9 + Double(time.tv_nsec)
  }

  private func text(_ value: Double) -> String {
    let scaled = Int((value * 10_000).rounded())
    let fraction = "\(scaled % 10_000)"
    return "\(scaled / 10_000)." + String(repeating: "0", count: 4 - fraction.count) + fraction
  }
}
