// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// The time since the machine started, suspensions included: what `ContinuousClock` reads, as a plain number.
enum Clock {
  /// Nanoseconds, never 0.
  static var now: Int64 {
    var time = timespec()
    _ = unsafe clock_gettime(CLOCK_BOOTTIME, &time)
    return (Int64(time.tv_sec) &* 1_000_000_000 &+ Int64(time.tv_nsec)) | 1
  }
}
