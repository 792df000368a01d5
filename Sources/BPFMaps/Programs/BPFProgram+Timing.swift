// SPDX-License-Identifier: Apache-2.0

internal import CLibbpf
internal import Glibc

/// How long a program takes for a packet, over many batches of runs.
///
/// In nanoseconds per run, by the clock around each batch: one system call per batch is in it, about 0.1 ns at 10,000 runs.
public struct TestRunTiming: Sendable, Hashable {
  /// How many runs a batch has.
  public var runsPerBatch: Int32
  /// How many batches there were.
  public var batchCount: Int
  /// The fastest batch.
  public var minimum: Double
  /// The middle batch: what to compare.
  public var median: Double
  /// Nineteen of twenty batches are at most this.
  public var percentile95: Double
  /// All batches together.
  public var mean: Double
  /// The kernel's own time of the middle batch, in whole nanoseconds; without the system call.
  public var kernelMedian: UInt32
}

extension BPFProgram {
  /// Measures the program's time for a packet.
  ///
  /// - Parameters:
  ///   - packet: From the Ethernet header on, at least 14 bytes.
  ///   - context: What surrounds it, for traffic control programs.
  ///   - count: Runs per batch.
  ///   - batches: How many batches; the median is the result.
  /// - Returns: Nanoseconds per run: the median over batches of each batch's mean.
  /// - Throws: As ``time(packet:context:repeat:batches:allowsRewriting:)``. Blocks the calling thread: call it from a
  ///   thread of your own.
  public borrowing func measure(
    packet: [UInt8], context: SocketBufferContext? = nil, repeat count: Int32 = 10_000, batches: Int = 9
  ) throws(BPFError) -> Double {
    try time(packet: packet, context: context, repeat: count, batches: batches).median
  }

  /// Measures the program's time for a packet, with its spread.
  ///
  /// The kernel does not restore the packet between the runs of a batch. A program that rewrites it would be timed on its
  /// own output, such as a translation on packets that are translated already, so it is refused unless `allowsRewriting`
  /// says that this does not matter. Whether it rewrites is seen on one run before, and after the last.
  ///
  /// Nothing is allocated while runs are timed.
  ///
  /// - Parameters:
  ///   - packet: From the Ethernet header on, at least 14 bytes.
  ///   - context: What surrounds it, for traffic control programs.
  ///   - count: Runs per batch. With 1, each run gets the packet anew, but a system call is in each time.
  ///   - batches: How many batches.
  ///   - allowsRewriting: Whether a program that changes the packet may be timed with more than one run per batch.
  /// - Returns: Times per run.
  /// - Throws: `invalidArgument` as ``test(packet:context:repeat:)``, and for a program that rewrites; `notSupported`;
  ///   `permissionDenied`. Blocks the calling thread: call it from a thread of your own.
  public borrowing func time(
    packet: [UInt8], context: SocketBufferContext? = nil, repeat count: Int32 = 10_000, batches: Int = 25,
    allowsRewriting: Bool = false
  ) throws(BPFError) -> TestRunTiming {
    let operation = "measure program \"\(name)\" on \(packet.count) bytes"
    guard batches > 0 else { throw BPFError(.invalidArgument, "\(operation): \(batches) batches; use at least 1") }
    guard count > 0 else { throw BPFError(.invalidArgument, "\(operation): \(count) runs; use at least 1") }
    let call = try makeCall(packet, context, operation)
    let mustKeep = count > 1 && !allowsRewriting
    let first = call.run(descriptor, repeat: 1)
    try check(first.status, operation)
    if mustKeep { try refuseRewriting(call.keptPacket(first), operation) }
    var times = [Double](repeating: 0, count: batches)
    var kernelTimes = [UInt32](repeating: 0, count: batches)
    let last = Self.loop(call, descriptor, count, &times, &kernelTimes)
    try check(last.status, operation)
    if mustKeep { try refuseRewriting(call.keptPacket(last), operation) }
    let sum = times.reduce(0, +)
    times.sort()
    kernelTimes.sort()
    return TestRunTiming(
      runsPerBatch: count, batchCount: batches, minimum: times[0], median: Self.median(times),
      percentile95: times[min(batches - 1, batches * 95 / 100)], mean: sum / Double(batches),
      kernelMedian: kernelTimes[batches / 2])
  }

  /// The timed loop, which allocates nothing and ends early at a failure.
  static func loop(
    _ call: borrowing TestRunCall, _ program: CInt, _ count: Int32, _ times: inout [Double],
    _ kernelTimes: inout [UInt32]
  ) -> TestRunCall.Outcome {
    var outcome = TestRunCall.Outcome(status: 0, returnValue: 0, duration: 0, packetSize: 0)
    for batch in times.indices {
      let start = now()
      outcome = call.run(program, repeat: count)
      times[batch] = (now() - start) / Double(count)
      kernelTimes[batch] = outcome.duration
      guard outcome.status == 0 else { break }
    }
    return outcome
  }

  private func refuseRewriting(_ isKept: Bool, _ operation: String) throws(BPFError) {
    guard !isKept else { return }
    throw BPFError(
      .invalidArgument,
      "\(operation): the program rewrites the packet, so all runs of a batch but the first would get its own output; use repeat: 1, or allowsRewriting: true where the output is as good an input"
    )
  }

  private static func median(_ sorted: [Double]) -> Double {
    let middle = sorted.count / 2
    return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
  }

  private static func now() -> Double {
    var time = timespec()
    _ = unsafe clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) * 1e9 + Double(time.tv_nsec)
  }
}
