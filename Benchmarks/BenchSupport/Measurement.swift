// SPDX-License-Identifier: Apache-2.0

public import CAllocationCounter
public import Glibc

/// Collects the time of chunks of one operation, and prints its line.
public struct Measurement {
  private let op: String
  private let unit: Unit
  @usableFromInline var chunks: [Double] = []
  @usableFromInline var objects = 0
  @usableFromInline var cpu = 0.0
  @usableFromInline var wall = 0.0
  @usableFromInline var allocations: UInt64 = 0
  private var countsAllocations = true

  /// What a figure is in.
  public enum Unit: String, Sendable {
    /// Nanoseconds for each operation.
    case nanosecondsPerOperation = "ns/op"
    /// Microseconds for each object.
    case microsecondsPerObject = "us/obj"
    /// Milliseconds for each operation.
    case milliseconds = "ms"

    /// How many of them a microsecond has.
    var perMicrosecond: Double {
      switch self {
      case .nanosecondsPerOperation: 1000
      case .microsecondsPerObject: 1
      case .milliseconds: 0.001
      }
    }
  }

  /// Begins one.
  ///
  /// - Parameters:
  ///   - op: The operation's name.
  ///   - unit: What the figures are in.
  ///   - count: How many chunks to make room for.
  public init(_ op: String, unit: Unit = .microsecondsPerObject, chunks count: Int) {
    self.op = op
    self.unit = unit
    chunks.reserveCapacity(count)
  }

  /// Times `body`, which handles some objects and says how many.
  ///
  /// - Parameter body: The chunk.
  /// - Throws: What `body` throws.
  public mutating func chunk(_ body: () async throws -> Int) async throws {
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

  /// Times operations that take well under a microsecond, by the chunk; processor time is read around them all.
  ///
  /// - Parameters:
  ///   - count: How many operations; chunks of it that are not full are left out of the median.
  ///   - size: How many operations a chunk has.
  ///   - body: One operation, by its place below `count`.
  /// - Throws: What `body` throws.
  @inlinable
  public mutating func loop<Failure: Error>(
    _ count: Int, chunk size: Int, _ body: (Int) throws(Failure) -> Void
  ) throws(Failure) {
    let allocationsBefore = allocation_count()
    let cpuBefore = Measurement.now(CLOCK_PROCESS_CPUTIME_ID)
    let wallBefore = Measurement.now(CLOCK_MONOTONIC)
    var place = 0
    while place < count {
      let before = Measurement.now(CLOCK_MONOTONIC)
      let end = min(place + size, count)
      let done = end - place
      while place < end {
        try body(place)
        place += 1
      }
      if done == size || count < size { chunks.append((Measurement.now(CLOCK_MONOTONIC) - before) / Double(done)) }
    }
    wall += Measurement.now(CLOCK_MONOTONIC) - wallBefore
    cpu += Measurement.now(CLOCK_PROCESS_CPUTIME_ID) - cpuBefore
    allocations += allocation_count() - allocationsBefore
    objects += count
  }

  /// Times one call that handles many objects.
  ///
  /// - Parameter body: Says how many it handled.
  /// - Throws: What `body` throws.
  @inlinable
  public mutating func call<Failure: Error>(_ body: () throws(Failure) -> Int) throws(Failure) {
    let allocationsBefore = allocation_count()
    let cpuBefore = Measurement.now(CLOCK_PROCESS_CPUTIME_ID)
    let before = Measurement.now(CLOCK_MONOTONIC)
    let count = try body()
    let took = Measurement.now(CLOCK_MONOTONIC) - before
    cpu += Measurement.now(CLOCK_PROCESS_CPUTIME_ID) - cpuBefore
    allocations += allocation_count() - allocationsBefore
    wall += took
    chunks.append(took / Double(count))
    objects += count
  }

  /// Takes over what was measured elsewhere, in microseconds; the line then says nothing of the heap.
  ///
  /// - Parameters:
  ///   - count: How many operations.
  ///   - cpuTime: Processor time of them all.
  ///   - wallTime: Time by the clock of them all.
  public mutating func add(_ count: Int, cpu cpuTime: Double, wall wallTime: Double) {
    cpu += cpuTime
    wall += wallTime
    objects += count
    chunks.append(wallTime / Double(max(count, 1)))
    countsAllocations = false
  }

  /// Prints the line.
  ///
  /// - Parameter more: Further members, from the comma on.
  public func report(_ more: String = "") {
    func text(_ value: Double) -> String { Measurement.text(value * unit.perMicrosecond) }
    let median = chunks.isEmpty ? 0 : chunks.sorted()[chunks.count / 2]
    let count = Double(max(objects, 1))
    let blocks = countsAllocations ? #","allocs":\#(Measurement.text(Double(allocations) / count))"# : ""
    print(
      #"{"op":"\#(op)","value":\#(text(median)),"unit":"\#(unit.rawValue)","n":\#(objects),"cpu":\#(text(cpu / count)),"#
        + #""mean":\#(text(wall / count))\#(blocks)\#(more)}"#)
    fflush(nil)
  }

  /// Prints the last line.
  public static func reportPeakMemory() {
    print(#"{"op":"peak_rss","value":\#(peakMemory),"unit":"KiB"}"#)
    fflush(nil)
  }

  /// The most memory that this process ever had, in KiB.
  public static var peakMemory: Int {
    var usage = rusage()
    _ = unsafe getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    return usage.ru_maxrss
  }

  /// A clock in microseconds.
  ///
  /// - Parameter clock: `CLOCK_MONOTONIC`, or one of processor time.
  /// - Returns: Its time.
  @inlinable
  public static func now(_ clock: clockid_t) -> Double {
    var time = timespec()
    _ = unsafe clock_gettime(clock, &time)
    return Double(time.tv_sec) * 1e6 + Double(time.tv_nsec) / 1e3
  }

  private static func text(_ value: Double) -> String {
    let scaled = Int((value * 10_000).rounded())
    let fraction = "\(scaled % 10_000)"
    return "\(scaled / 10_000)." + String(repeating: "0", count: 4 - fraction.count) + fraction
  }
}
