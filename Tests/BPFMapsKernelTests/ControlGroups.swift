// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import SystemPackage
import Testing

/// Lends a cgroup2 mount of its own, with an empty child group.
func withControlGroup(_ body: (FilePath) async throws -> Void) async throws {
  let mountPoint = FilePath("/tmp/bpfmaps-cgroup-\(getpid())-\(UInt32.random(in: 0...UInt32.max))")
  try FileManager.default.createDirectory(atPath: mountPoint.string, withIntermediateDirectories: true)
  defer { _ = unsafe rmdir(mountPoint.string) }
  try #require(unsafe mount("none", mountPoint.string, "cgroup2", 0, nil) == 0)
  defer { _ = unsafe umount2(mountPoint.string, CInt(MNT_DETACH)) }
  let group = mountPoint.appending("bpfmaps-\(getpid())-\(UInt32.random(in: 0...UInt32.max))")
  try #require(unsafe mkdir(group.string, 0o755) == 0)
  defer { _ = unsafe rmdir(group.string) }
  try await body(group)
}

/// Runs `body` with this process in a group; sockets that it makes belong to the group.
///
/// The process goes back to where it was.
func inControlGroup<Result>(_ group: FilePath, _ body: () async throws -> Result) async throws -> Result {
  let before = try String(contentsOfFile: "/proc/self/cgroup", encoding: .utf8).split(separator: "\n")
    .first { $0.hasPrefix("0::") }.map { String($0.dropFirst(3)) }
  let home = group.removingLastComponent().string + (before ?? "/")
  try "\(getpid())".write(toFile: group.appending("cgroup.procs").string, atomically: false, encoding: .utf8)
  defer { try? "\(getpid())".write(toFile: home + "/cgroup.procs", atomically: false, encoding: .utf8) }
  return try await body()
}

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
