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

  private nonisolated(unsafe) let consumerPage: UnsafeMutableRawPointer
  private nonisolated(unsafe) let producerPages: UnsafeMutableRawPointer
  private let pageSize: Int

  /// Maps the pages of a ring buffer.
  init(_ handle: borrowing BPFMapHandle) throws(BPFError) {
    name = handle.info.name
    capacity = UInt(handle.info.maximumEntryCount)
    descriptor = try BPFError.duplicate(handle.descriptor.rawValue, of: "ring buffer \"\(handle.info.name)\"")
    pageSize = sysconf(CInt(_SC_PAGESIZE))
    unsafe consumerPage = try Self.map(descriptor.rawValue, name, pageSize, at: 0, PROT_READ | PROT_WRITE)
    do {
      unsafe producerPages = try Self.map(
        descriptor.rawValue, name, pageSize + 2 * Int(capacity), at: pageSize, PROT_READ)
    } catch {
      unsafe munmap(consumerPage, pageSize)
      throw error
    }
    unsafe consumer = consumerPage.assumingMemoryBound(to: Atomic<UInt>.self)
    unsafe producer = producerPages.assumingMemoryBound(to: Atomic<UInt>.self)
    unsafe data = producerPages + pageSize
  }

  deinit {
    unsafe munmap(producerPages, pageSize + 2 * Int(capacity))
    unsafe munmap(consumerPage, pageSize)
  }

  /// Up to where programs have reserved space.
  var producerPosition: UInt { unsafe producer.pointee.load(ordering: .acquiring) }

  private static func map(
    _ descriptor: CInt, _ name: String, _ length: Int, at offset: Int, _ protection: CInt
  ) throws(BPFError) -> UnsafeMutableRawPointer {
    guard let pages = unsafe mmap(nil, length, protection, MAP_SHARED, descriptor, offset),
      unsafe pages != UnsafeMutableRawPointer(bitPattern: -1)
    else { throw BPFError.kernel("map the pages of ring buffer \"\(name)\"", status: -errno) }
    return unsafe pages
  }
}
