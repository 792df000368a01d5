// SPDX-License-Identifier: Apache-2.0

internal import CLibbpf
internal import Glibc
internal import LinuxSystem

/// Waits for records of some rings. epoll(7)
///
/// Edge-triggered: a ring with a record that a program has not finished is readable all the time, which would make a
/// reader spin until the program goes on. What wakes instead is each completion of a record that the reader waits for.
final class RingPoll: Sendable {
  let descriptor: OwnedFileDescriptor

  init() throws(BPFError) {
    let descriptor = epoll_create1(CInt(EPOLL_CLOEXEC))
    guard descriptor >= 0 else { throw BPFError.kernel("wait for ring buffers", status: -errno) }
    self.descriptor = OwnedFileDescriptor(taking: descriptor)
  }

  /// Waits for a ring too.
  func add(_ mapping: RingMapping) throws(BPFError) {
    var event = unsafe epoll_event()
    unsafe event.events = EPOLLIN.rawValue | EPOLLET.rawValue
    guard unsafe epoll_ctl(descriptor.rawValue, EPOLL_CTL_ADD, mapping.descriptor.rawValue, &event) == 0 else {
      throw BPFError.kernel("wait for ring buffer \"\(mapping.name)\"", status: -errno)
    }
  }

  /// Whether something was completed within some time, or since the last call.
  ///
  /// - Parameter milliseconds: 0: only look; -1: wait without end.
  /// - Returns: Whether to look at the rings.
  @discardableResult
  func wait(milliseconds: CInt) -> Bool {
    unsafe withUnsafeTemporaryAllocation(of: epoll_event.self, capacity: 8) { events in
      unsafe epoll_wait(descriptor.rawValue, events.baseAddress, 8, milliseconds) > 0
    }
  }
}

/// When a wait ends.
struct RingDeadline {
  private let end: ContinuousClock.Instant?

  init(_ timeout: Duration?) { end = timeout.map { ContinuousClock.now + min($0, .seconds(1_000_000)) } }

  /// How long to wait, for epoll_wait(2): -1: without end; nil: no longer.
  var milliseconds: CInt? {
    guard let end else { return -1 }
    let left = ContinuousClock.now.duration(to: end)
    return left > .zero ? CInt(left / .milliseconds(1)) + 1 : nil
  }
}
