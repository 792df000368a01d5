// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import Synchronization
internal import SystemPackage

/// A map of 8-byte values, mapped into this process: each value is read and written whole, without a system call.
///
/// The module's one door to memory that the kernel shares.
@safe struct MappedWords: ~Copyable, @unchecked Sendable {
  /// The number of values.
  let count: Int
  private let words: UnsafeMutablePointer<Atomic<UInt64>>

  /// Maps an array map.
  ///
  /// - Parameters:
  ///   - descriptor: the map's; it may be closed afterwards.
  ///   - count: how many values the map has.
  ///   - name: the map's, for errors.
  /// - Throws: `kernelRefused`: the map was made without `BPF_F_MMAPABLE`, or there is no memory.
  init(descriptor: CInt, count: Int, name: String) throws(ServiceError) {
    let length = count * MemoryLayout<UInt64>.stride
    let address = unsafe mmap(nil, length, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0)
    guard let address = unsafe address, unsafe address != MAP_FAILED else {
      throw ServiceError(
        code: .kernelRefused,
        message: """
          map \(name) of \(count) values cannot be mapped (mmap: \(Errno(rawValue: errno))): remove pins of \
          another version, or lower the limit
          """)
    }
    self.count = count
    unsafe words = address.bindMemory(to: Atomic<UInt64>.self, capacity: count)
  }

  deinit { _ = unsafe munmap(words, count * MemoryLayout<UInt64>.stride) }

  /// The value at an index, 0..<``count``.
  subscript(index: Int) -> UInt64 {
    precondition(index >= 0 && index < count, "index \(index) of \(count)")
    return unsafe words[index].load(ordering: .acquiring)
  }

  /// Replaces a value in one store, after all writes before it.
  func store(_ value: UInt64, at index: Int) {
    precondition(index >= 0 && index < count, "index \(index) of \(count)")
    unsafe words[index].store(value, ordering: .releasing)
  }
}
