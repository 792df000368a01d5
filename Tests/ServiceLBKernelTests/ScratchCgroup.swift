// SPDX-License-Identifier: Apache-2.0

import Glibc
import LinuxSystem
import SystemPackage

/// Runs `body` with this process in a cgroup of its own, and puts it back.
///
/// Sockets belong to the cgroup that their maker is in; so the process itself has to move.
func withScratchCgroup<Result>(_ body: (FilePath) async throws -> Result) async throws -> Result {
  guard let root = try MountTable.current().path(ofType: "cgroup2") else { throw Errno.noSuchFileOrDirectory }
  let home =
    try FileSystem.text(of: "/proc/self/cgroup").split(separator: "\n")
    .first { $0.hasPrefix("0::") }.map { String($0.dropFirst(3)) } ?? "/"
  let cgroup = root.appending("terwaykit-service-\(getpid())")
  if unsafe mkdir(cgroup.string, 0o755) < 0, errno != EEXIST { throw Errno(rawValue: errno) }
  try moveSelf(to: cgroup)
  do {
    let result = try await body(cgroup)
    try moveSelf(to: root.appending(home.split(separator: "/").map { FilePath.Component(String($0)) ?? "." }))
    unsafe rmdir(cgroup.string)
    return result
  } catch {
    try moveSelf(to: root.appending(home.split(separator: "/").map { FilePath.Component(String($0)) ?? "." }))
    unsafe rmdir(cgroup.string)
    throw error
  }
}

private func moveSelf(to cgroup: FilePath) throws {
  let file = try OwnedFileDescriptor.open(cgroup.appending("cgroup.procs"), flags: O_WRONLY)
  let text = Array("\(getpid())".utf8)
  if unsafe write(file.rawValue, text, text.count) < 0 { throw Errno(rawValue: errno) }
}
