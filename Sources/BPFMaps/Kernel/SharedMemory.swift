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
  init(of handle: borrowing BPFMapHandle, length: Int, isWritable: Bool) throws(BPFError) {
    let page = Int(sysconf(CInt(_SC_PAGESIZE)))
    self.length = (length + page - 1) / page * page
    let protection = isWritable ? PROT_READ | PROT_WRITE : PROT_READ
    let address = unsafe mmap(nil, self.length, protection, MAP_SHARED, handle.descriptor.rawValue, 0)
    guard let address = unsafe address, unsafe address != MAP_FAILED else {
      let failure = Errno(rawValue: errno)
      throw BPFError.kernel("map \"\(handle.info.name)\" into memory (\(self.length) bytes)", status: -failure.rawValue)
    }
    unsafe start = address
  }

  deinit { _ = unsafe munmap(start, length) }
}
