// SPDX-License-Identifier: Apache-2.0

internal import LinuxSystem
internal import Synchronization

/// A ring buffer through which programs send records.
///
/// ```swift
/// let events = try object.map("flow_event", as: BPFRingBuffer<flow_record>.self)
/// for try await record in try events.records() { … }
/// ```
///
/// When user space is too slow the ring runs full, and the program's `bpf_ringbuf_reserve` fails: programs should
/// count that.
public struct BPFRingBuffer<Record: BPFValue & BitwiseCopyable>: ~Copyable, BPFMapProtocol {
  private let handle: BPFMapHandle
  /// The kernel has one read position for each ring.
  private let reader = ReaderSlot()

  /// A ring buffer of records.
  public static var shape: BPFMapShape { BPFMapShape(kinds: [.ringBuffer], record: Record.layout) }

  /// Wraps a checked map.
  public init(checked handle: consuming BPFMapHandle) { self.handle = handle }

  /// Lends the untyped map.
  public borrowing func withHandle<Result: ~Copyable, Failure: Error>(
    _ body: (borrowing BPFMapHandle) throws(Failure) -> Result
  ) throws(Failure) -> Result { try body(handle) }

  /// How many bytes it holds, record headers of 8 bytes included.
  public var capacity: UInt32 { handle.info.maximumEntryCount }

  /// The records that nobody has read yet, and those that come, in order, each copied out of the ring.
  ///
  /// The sequence reads on a thread that is not the cooperative pool's. Up to `limit` records wait for the iterator;
  /// then newer ones are dropped and counted (``BPFRecords/droppedCount``). It ends, and gives back memory and
  /// descriptors, when its task is cancelled or its last copy and iterator are gone.
  ///
  /// - Parameter limit: How many records wait at most.
  /// - Returns: A sequence for one iterator.
  /// - Throws: `busy` while another sequence of this value reads (the ring's other owners are not known here, and must not
  ///   read at the same time); `systemCall` without memory or descriptors.
  /// - Requires: Linux 5.8. mmap(2), epoll(7)
  public borrowing func records(bufferingAtMost limit: Int = 65_536) throws(BPFError) -> BPFRecords<Record> {
    guard reader.take() else {
      throw BPFError(.busy, "read ring buffer \"\(handle.info.name)\": another sequence reads it; end that one first")
    }
    let queue = RecordQueue<Record>(name: handle.info.name, limit: limit, slot: reader)
    do {
      let descriptor = try BPFError.duplicate(handle.descriptor.rawValue, of: "ring buffer \"\(handle.info.name)\"")
      return BPFRecords(queue: queue, source: try RingSource(descriptor, name: handle.info.name, queue))
    } catch {
      reader.give()
      throw error
    }
  }
}

/// Whether somebody reads.
final class ReaderSlot: Sendable {
  private let isTaken = Mutex(false)

  func take() -> Bool {
    isTaken.withLock { isTaken in
      defer { isTaken = true }
      return !isTaken
    }
  }

  func give() { isTaken.withLock { $0 = false } }
}
