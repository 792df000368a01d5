// SPDX-License-Identifier: Apache-2.0

internal import Dispatch
internal import LinuxSystem

/// Waits until every program that is running has ended.
///
/// A program that finds an entry of a map goes on reading it after the entry was removed, and the kernel gives its memory to
/// the next entry at once. Between the two belongs a grace period, and so does one between the store that turns programs
/// away from something and its being used for something else.
///
/// ```swift
/// let gracePeriod = try BPFGracePeriod()
/// try words.removeValue(forKey: old)
/// try await gracePeriod.wait()
/// try words.updateValue(value, forKey: new)
/// ```
///
/// Sleepable programs are not waited for. See <doc:GracePeriods>.
public final class BPFGracePeriod: Sendable {
  private let slot: BPFArrayOfMaps<BPFArrayMap<UInt32>>
  private let map: BPFArrayMap<UInt32>
  private let queue = DispatchQueue(label: "terwaykit.grace-period")

  /// Makes what it takes: two maps of one entry.
  ///
  /// - Throws: `permissionDenied`.
  /// - Requires: CAP_BPF, Linux 4.20. `BPF_MAP_CREATE`
  public init() throws(BPFError) {
    map = try BPFArrayMap<UInt32>.create(name: "grace_period", maximumEntryCount: 1)
    slot = try BPFArrayOfMaps<BPFArrayMap<UInt32>>.create(
      name: "grace_periods", maximumEntryCount: 1, prototype: map)
  }

  /// Blocks the thread until every program that was running when it was called has ended: some milliseconds.
  ///
  /// - Throws: `systemCall`. `BPF_MAP_UPDATE_ELEM`
  public func waitBlocking() throws(BPFError) {
    // The kernel waits itself before it returns from this (maybe_wait_bpf_programs), whatever was in the slot.
    try slot.setMap(map, at: 0)
  }

  /// Returns when every program that was running when it was called has ended.
  ///
  /// Neither a thread of the cooperative pool is blocked, nor does cancellation end the wait.
  ///
  /// - Throws: `systemCall`.
  public func wait() async throws(BPFError) {
    let result: Result<Void, BPFError> = await withCheckedContinuation { continuation in
      Courier.perform {
        queue.async {
          continuation.resume(returning: Result { () throws(BPFError) in try self.waitBlocking() })
        }
      }
    }
    try result.get()
  }
}
