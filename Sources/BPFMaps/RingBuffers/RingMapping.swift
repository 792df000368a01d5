// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import LinuxSystem
internal import Synchronization

/// A ring's pages in this process: a page with the reader's position, a page with the programs' position, and the data
/// twice in a row, so that no record wraps.
///
/// The pages stay while this value lives, whatever happens to the map's other owners.
@safe final class RingMapping: Sendable {
  /// The map's name, for messages.
  let name: String
  /// Bytes of data; a power of two.
  let capacity: UInt
  /// The kernel polls it.
  let descriptor: OwnedFileDescriptor

  nonisolated(unsafe) let consumer: UnsafeMutablePointer<Atomic<UInt>>
  nonisolated(unsafe) let producer: UnsafeMutablePointer<Atomic<UInt>>
  nonisolated(unsafe) let data: UnsafeMutableRawPointer

  private let consumerPage: SharedMemory
  private let producerPages: SharedMemory

  /// Maps the pages of a ring buffer.
  init(_ handle: borrowing BPFMapHandle) throws(BPFError) {
    let name = handle.info.name
    self.name = name
    capacity = UInt(handle.info.maximumEntryCount)
    descriptor = try BPFError.duplicate(handle.descriptor.rawValue, of: "ring buffer \"\(name)\"")
    let page = sysconf(CInt(_SC_PAGESIZE))
    consumerPage = try SharedMemory(
      of: descriptor.rawValue, length: page, isWritable: true, "the read position of ring buffer \"\(name)\"")
    producerPages = try SharedMemory(
      of: descriptor.rawValue, length: page + 2 * Int(capacity), at: page, isWritable: false,
      "the records of ring buffer \"\(name)\"")
    unsafe consumer = consumerPage.start.assumingMemoryBound(to: Atomic<UInt>.self)
    unsafe producer = producerPages.start.assumingMemoryBound(to: Atomic<UInt>.self)
    unsafe data = producerPages.start + page
  }

  /// Up to where programs have reserved space.
  var producerPosition: UInt { unsafe producer.pointee.load(ordering: .acquiring) }
}
