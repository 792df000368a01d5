// SPDX-License-Identifier: Apache-2.0

import Glibc

/// A process that does nothing but hold descriptors.
final class HoldingProcess {
  let identifier: pid_t
  private var isRunning = true

  /// Starts `sleep`, with a copy of the descriptor as its number 9.
  init(holding descriptor: CInt) throws {
    var actions = unsafe posix_spawn_file_actions_t()
    unsafe posix_spawn_file_actions_init(&actions)
    defer { unsafe posix_spawn_file_actions_destroy(&actions) }
    unsafe posix_spawn_file_actions_adddup2(&actions, descriptor, 9)
    var child: pid_t = 0
    let words = ["sleep", "600"]
    var arguments: [UnsafeMutablePointer<CChar>?] = unsafe words.map { word in unsafe strdup(word) }
    unsafe arguments.append(nil)
    defer {
      for index in words.indices { unsafe free(arguments[index]) }
    }
    let failure = unsafe posix_spawn(&child, "/bin/sleep", &actions, nil, &arguments, environ)
    guard failure == 0 else { throw SocketFailure(call: "posix_spawn", errno: failure) }
    identifier = child
  }

  /// Kills it and waits for its end: its descriptors are closed then.
  func kill() {
    guard isRunning else { return }
    isRunning = false
    _ = Glibc.kill(identifier, SIGKILL)
    var status: CInt = 0
    while unsafe waitpid(identifier, &status, 0) < 0, errno == EINTR {}
  }

  deinit { kill() }
}
