// SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// The right to read a ring, which the kernel gives one read position only.
///
/// Rings are told apart by the kernel's identifier, so that a second owner of the same map is refused too.
final class RingClaim: Sendable {
  private static let claimed = Mutex<Set<UInt32>>([])

  private let identifier: UInt32
  private let isHeld = Atomic(false)

  init(_ info: BPFMapInfo) throws(BPFError) {
    identifier = info.identifier
    guard Self.claimed.withLock({ $0.insert(info.identifier).inserted }) else {
      throw BPFError(
        .busy, "read ring buffer \"\(info.name)\": another reader of this process has it; end that one first")
    }
    // Not before: an initializer that throws ends with `deinit`.
    isHeld.store(true, ordering: .relaxed)
  }

  deinit { release() }

  /// Lets others read; the second time: nothing.
  func release() {
    guard isHeld.exchange(false, ordering: .relaxed) else { return }
    Self.claimed.withLock { _ = $0.remove(identifier) }
  }
}
