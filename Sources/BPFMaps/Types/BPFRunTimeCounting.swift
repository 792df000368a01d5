// SPDX-License-Identifier: Apache-2.0

internal import CLibbpf
internal import LinuxSystem

/// Makes the kernel count how often and how long each program runs, while this value lives.
///
/// Counting costs two readings of the clock at each run, of every program of the system. Others may have turned it on
/// too; it ends with the last.
public struct BPFRunTimeCounting: ~Copyable, Sendable {
  private let descriptor: OwnedFileDescriptor

  /// Starts counting.
  ///
  /// - Throws: `permissionDenied`; `notSupported` before Linux 5.8.
  /// - Requires: CAP_SYS_ADMIN, Linux 5.8. `BPF_ENABLE_STATS`
  public init() throws(BPFError) {
    let result = bpf_enable_stats(BPF_STATS_RUN_TIME)
    guard result >= 0 else {
      let error = BPFError.kernel("count the run times of programs", status: result)
      if error.code == .permissionDenied {
        throw BPFError(
          .permissionDenied, "count the run times of programs: needs CAP_SYS_ADMIN, or root", errno: error.errno)
      }
      throw error
    }
    descriptor = OwnedFileDescriptor(taking: result)
  }
}
