// SPDX-License-Identifier: Apache-2.0

public import Foundation
internal import Glibc

extension Process {
  /// Starts the child with no signal blocked.
  ///
  /// A child inherits the signal mask of the thread that starts it, `Process.run()` does not reset it, and threads of
  /// Dispatch and of Swift's pool block nearly everything: a child so started can't be interrupted, and its own children
  /// neither.
  ///
  /// - Throws: What `run()` throws.
  public func runUnblocked() throws {
    var none = sigset_t()
    var old = sigset_t()
    unsafe sigemptyset(&none)
    unsafe pthread_sigmask(SIG_SETMASK, &none, &old)
    defer { unsafe pthread_sigmask(SIG_SETMASK, &old, nil) }
    try run()
  }
}
