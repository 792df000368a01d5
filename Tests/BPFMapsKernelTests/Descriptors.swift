// SPDX-License-Identifier: Apache-2.0

import BPFMaps
import Glibc
import LinuxSystem
import SystemPackage

/// While it lives, the process can open few descriptors more, or none.
///
/// For tests that run alone: others would fail for it.
final class DescriptorScarcity {
  private var taken: [CInt] = []
  private var before = rlimit()

  /// Leaves `free` descriptors to open.
  init(leaving free: Int) throws {
    guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &before) == 0 else {
      throw Errno(rawValue: errno)
    }
    let numbers = try FileSystem.entries(of: "/proc/self/fd").compactMap { CInt($0) }
    var limit = before
    limit.rlim_cur = rlim_t((numbers.max() ?? 2) + 2) + rlim_t(free)
    guard unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else {
      throw Errno(rawValue: errno)
    }
    while case let number = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0), number >= 0 { taken.append(number) }
    for _ in 0..<free { close(taken.removeLast()) }
  }

  deinit { end() }

  /// Gives back what it took.
  func end() {
    for number in taken { close(number) }
    taken = []
    _ = unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &before)
  }
}

/// Why an attachment could not be detached.
func failureOfDetaching(_ attachment: consuming Attachment) async -> BPFError? {
  do throws(BPFError) {
    try await attachment.detach()
    return nil
  } catch {
    return error
  }
}
