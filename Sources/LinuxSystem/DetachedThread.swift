// SPDX-License-Identifier: Apache-2.0

internal import CLinuxSystem
internal import Glibc

/// An OS thread of our own, for work that must not run on the cooperative pool: blocking calls, and anything that
/// changes a thread's network namespace.
///
/// What its work gives to the cooperative pool goes by way of ``Courier``.
enum DetachedThread {
  private final class Job {
    let name: String
    let body: @Sendable () -> Void
    init(name: String, body: @escaping @Sendable () -> Void) {
      self.name = name
      self.body = body
    }
  }

  /// Starts a thread that runs `body` and exits.
  ///
  /// - Parameters:
  ///   - name: What `ps -L` shows; at most 15 bytes are kept.
  ///   - body: The work.
  /// - Throws: `threadFailed` when the process may not start another thread.
  static func start(named name: String, _ body: @escaping @Sendable () -> Void) throws(SystemError) {
    try Courier.start()
    let job = unsafe Unmanaged.passRetained(Job(name: name, body: body))
    // Allocated, not `pthread_attr_t()`: two C modules define that initializer, and only one can be imported here.
    let failure = unsafe withUnsafeTemporaryAllocation(of: pthread_attr_t.self, capacity: 1) { buffer -> CInt in
      guard let attributes = buffer.baseAddress else { return EAGAIN }
      unsafe pthread_attr_init(attributes)
      defer { unsafe pthread_attr_destroy(attributes) }
      unsafe pthread_attr_setdetachstate(attributes, CInt(PTHREAD_CREATE_DETACHED))
      unsafe pthread_attr_setstacksize(attributes, 512 << 10)
      var thread = pthread_t()
      return unsafe pthread_create(
        &thread, attributes,
        { argument in
          guard let argument = unsafe argument else { return nil }
          let job = unsafe Unmanaged<Job>.fromOpaque(argument).takeRetainedValue()
          _ = unsafe clinuxsystem_name_thread(job.name)
          clinuxsystem_send_jobs_by_courier()
          job.body()
          return nil
        }, job.toOpaque())
    }
    guard failure == 0 else {
      unsafe job.release()
      throw SystemError(threadFailure: failure, name: name)
    }
  }
}
