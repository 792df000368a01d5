// SPDX-License-Identifier: Apache-2.0

internal import CLinuxSystem

/// The thread that gives work to thread pools in the place of threads that are in other namespaces.
///
/// A thread is born into the namespaces, and with the capabilities, of the thread that starts it. Swift's pool of threads and
/// Dispatch's start one from whichever thread brings them work when none is idle; brought by a thread that is in a pod's
/// namespace, the new one would run anybody's tasks there for as long as it lives. What tasks do is seen to by the
/// runtime's hooks; calls of Dispatch are made through ``perform(_:)``.
package enum Courier {
  /// Starts the courier, once in a process.
  static func start() throws(SystemError) {
    let failure = clinuxsystem_start_courier()
    guard failure == 0 else { throw SystemError(threadFailure: failure, name: "netns:courier") }
  }

  /// Calls `body` here, or, when this is one of our threads, on the courier's, and waits for it.
  ///
  /// - Parameter body: What may start a thread of a pool, such as activating a source of Dispatch. It may not wait for the
  ///   caller.
  package static func perform(_ body: () -> Void) {
    withoutActuallyEscaping(body) { body in
      let call = Call(body)
      unsafe clinuxsystem_perform_by_courier(
        { argument in
          guard let argument = unsafe argument else { return }
          unsafe Unmanaged<Call>.fromOpaque(argument).takeUnretainedValue().body()
        },
        Unmanaged.passUnretained(call).toOpaque())
      withExtendedLifetime(call) {}
    }
  }

  private final class Call {
    let body: () -> Void
    init(_ body: @escaping () -> Void) { self.body = body }
  }
}
