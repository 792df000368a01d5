// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import KubernetesModel

/// The time of day.
enum WallClock {
  static func now() -> Timestamp {
    var time = timespec()
    unsafe clock_gettime(CLOCK_REALTIME, &time)
    return Timestamp(seconds: Int64(time.tv_sec), nanoseconds: UInt32(time.tv_nsec))
  }
}
