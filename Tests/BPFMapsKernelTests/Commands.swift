// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import LinuxSystem

/// A command that a test needs failed.
struct CommandFailure: Error {
  let command: String
  let output: String
}

extension NetworkNamespace {
  /// Runs a shell script inside the namespace and returns what it printed.
  @discardableResult
  func shell(_ script: String) async throws -> String {
    try await run {
      // Not Foundation's Process: it waits on a run loop, which hangs on a thread of another namespace.
      let output = "/tmp/bpfmaps-output-\(getpid())-\(UInt32.random(in: 0...UInt32.max))"
      defer { _ = unsafe unlink(output) }
      let command = "exec >\(output) 2>&1\nexport PATH=/usr/sbin:/sbin:$PATH\n\(script)"
      var child: pid_t = 0
      let words = ["/bin/bash", "-ec", command]
      var arguments: [UnsafeMutablePointer<CChar>?] = unsafe words.map { word in unsafe strdup(word) }
      unsafe arguments.append(nil)
      defer {
        for index in words.indices { unsafe free(arguments[index]) }
      }
      let failure = unsafe posix_spawn(&child, "/bin/bash", nil, nil, &arguments, environ)
      guard failure == 0 else { throw CommandFailure(command: script, output: "posix_spawn: \(failure)") }
      var status: CInt = 0
      while unsafe waitpid(child, &status, 0) < 0, errno == EINTR {}
      let text = (try? String(contentsOfFile: output, encoding: .utf8)) ?? ""
      guard status == 0 else { throw CommandFailure(command: script, output: text) }
      return text
    }
  }

  /// A veth pair `left`, `right`, both up, with a neighbour at 10.9.0.2 behind `left`; the index of `left`.
  func makePair() async throws -> UInt32 {
    try await shell(
      """
      ip link add left type veth peer name right
      ip link set left up
      ip link set right up
      ip address add 10.9.0.1/24 dev left
      ip neighbour add 10.9.0.2 lladdr 02:00:00:00:00:02 dev left
      """)
    return try await run { unsafe if_nametoindex("left") }
  }

  /// Sends datagrams out of `left`.
  func send(_ count: Int) async throws {
    try await shell("for i in $(seq \(count)); do echo x > /dev/udp/10.9.0.2/9; done")
  }
}
