// SPDX-License-Identifier: Apache-2.0

internal import LinuxSystem

/// Records that were lost, by where.
public struct BPFRecordLoss: Sendable, Hashable {
  /// Those that a program could not write because the ring was full.
  public var inProgram: UInt64
  /// Those that were taken out of the ring, and dropped because the iterator's buffer was full.
  public var inBuffer: UInt64

  /// All of them, wrapping around: what programs wrote may be any number.
  public var total: UInt64 { inProgram &+ inBuffer }

  /// Makes a count.
  public init(inProgram: UInt64, inBuffer: UInt64) {
    self.inProgram = inProgram
    self.inBuffer = inBuffer
  }
}

/// Where programs count the records for which a ring had no space: by convention a 64-bit number in an array.
///
/// The kernel does not count them; `bpf_ringbuf_reserve` returns NULL, and what the program does then is all there is:
///
/// ```c
/// struct event *event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
/// if (!event) {
///   __u64 *lost = bpf_map_lookup_elem(&events_lost, &(__u32){0});
///   if (lost)
///     *lost += 1;
///   return TC_ACT_OK;
/// }
/// ```
///
/// ```swift
/// let counter = try BPFLossCounter(object.map("events_lost", as: BPFPerCPUArrayMap<UInt64>.self))
/// print(try counter.loss(of: records).total)
/// ```
public struct BPFLossCounter: ~Copyable, Sendable {
  private let handle: BPFMapHandle
  private let index: UInt32
  private let slots: Int

  /// A number for each CPU, which programs need not add to atomically.
  ///
  /// - Parameters:
  ///   - map: The array.
  ///   - index: Which of its numbers.
  /// - Throws: `invalidArgument` for an index that the array does not have; `notSupported` where /sys does not say how many
  ///   CPUs there are.
  public init(_ map: borrowing BPFPerCPUArrayMap<UInt64>, at index: UInt32 = 0) throws(BPFError) {
    let handle = try map.withHandle { (handle) throws(BPFError) in try handle.duplicate() }
    let slots = handle.slotCount
    guard slots > 0 else { throw handle.slotFailure() }
    try self.init(handle, index, slots)
  }

  /// One number, which programs add to by `__sync_fetch_and_add`.
  ///
  /// - Parameters:
  ///   - map: The array.
  ///   - index: Which of its numbers.
  /// - Throws: `invalidArgument` for an index that the array does not have.
  public init(_ map: borrowing BPFArrayMap<UInt64>, at index: UInt32 = 0) throws(BPFError) {
    try self.init(try map.withHandle { (handle) throws(BPFError) in try handle.duplicate() }, index, 1)
  }

  private init(_ handle: consuming BPFMapHandle, _ index: UInt32, _ slots: Int) throws(BPFError) {
    guard index < handle.info.maximumEntryCount else {
      throw BPFError(
        .invalidArgument,
        "count lost records by map \"\(handle.info.name)\": it has no index \(index), only \(handle.info.maximumEntryCount) entries"
      )
    }
    self.handle = handle
    self.index = index
    self.slots = slots
  }

  /// How many records programs could not write, so far.
  ///
  /// - Returns: The number, or the sum over all CPUs. One system call, no memory.
  /// - Throws: `systemCall`. `BPF_MAP_LOOKUP_ELEM`
  public borrowing func count() throws(BPFError) -> UInt64 {
    var status: CInt = 0
    let sum = unsafe withUnsafeTemporaryAllocation(of: UInt64.self, capacity: slots) { numbers in
      unsafe status = withUnsafeBytes(of: index) { index in
        unsafe mapLookUp(handle.descriptor.rawValue, index.baseAddress, UnsafeMutableRawPointer(numbers.baseAddress))
      }
      return status == 0 ? unsafe numbers.reduce(0, &+) : 0
    }
    guard status == 0 else { throw handle.failure("look up a key in", status) }
    return sum
  }

  /// What a sequence's ring and buffer lost together, so far.
  ///
  /// - Parameter records: The sequence.
  /// - Returns: Both counts.
  /// - Throws: As ``count()``.
  public borrowing func loss<Record>(of records: BPFRecords<Record>) throws(BPFError) -> BPFRecordLoss {
    BPFRecordLoss(inProgram: try count(), inBuffer: records.droppedCount)
  }
}
