// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import LinuxSystem
internal import SystemPackage

/// Memory that a map and this process share, unmapped once. `mmap`
@safe @usableFromInline
struct SharedMemory: ~Copyable, @unchecked Sendable {
  @usableFromInline let start: UnsafeMutableRawPointer
  private let length: Int

  /// Maps `length` bytes of a map, rounded up to whole pages.
  ///
  /// `map` is what the map is called in messages.
  init(
    of descriptor: CInt, length: Int, at offset: Int = 0, isWritable: Bool, _ map: @autoclosure () -> String
  ) throws(BPFError) {
    let page = sysconf(CInt(_SC_PAGESIZE))
    self.length = (max(length, 1) + page - 1) / page * page
    let protection = isWritable ? PROT_READ | PROT_WRITE : PROT_READ
    let address = unsafe mmap(nil, self.length, protection, MAP_SHARED, descriptor, offset)
    guard let address = unsafe address, unsafe address != MAP_FAILED else {
      let failure = errno
      throw BPFError.kernel("map \(map()) into memory (\(self.length) bytes)", status: -failure)
    }
    unsafe start = address
  }

  deinit { _ = unsafe munmap(start, length) }
}
