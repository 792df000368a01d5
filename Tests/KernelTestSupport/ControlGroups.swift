// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import Glibc
public import SystemPackage
internal import Testing

/// Lends a cgroup2 mount of its own, with an empty child group.
///
/// - Parameter body: Gets the group's directory.
/// - Throws: What `body` throws.
public func withControlGroup(_ body: (FilePath) async throws -> Void) async throws {
  let mountPoint = FilePath("/tmp/terwaykit-cgroup-\(getpid())-\(UInt32.random(in: 0...UInt32.max))")
  try FileManager.default.createDirectory(atPath: mountPoint.string, withIntermediateDirectories: true)
  defer { _ = unsafe rmdir(mountPoint.string) }
  try #require(unsafe mount("none", mountPoint.string, "cgroup2", 0, nil) == 0)
  defer { _ = unsafe umount2(mountPoint.string, CInt(MNT_DETACH)) }
  let group = mountPoint.appending("terwaykit-\(getpid())-\(UInt32.random(in: 0...UInt32.max))")
  try #require(unsafe mkdir(group.string, 0o755) == 0)
  defer { _ = unsafe rmdir(group.string) }
  try await body(group)
}

/// Runs `body` with this process in a group; sockets that it makes belong to the group.
///
/// The process goes back to where it was.
///
/// - Parameters:
///   - group: From ``withControlGroup(_:)``.
///   - body: What to do there.
/// - Returns: What `body` returns.
/// - Throws: What `body` throws, and where the process cannot be moved.
public func inControlGroup<Result>(_ group: FilePath, _ body: () async throws -> Result) async throws -> Result {
  let before = try String(contentsOfFile: "/proc/self/cgroup", encoding: .utf8).split(separator: "\n")
    .first { $0.hasPrefix("0::") }.map { String($0.dropFirst(3)) }
  let home = group.removingLastComponent().string + (before ?? "/")
  try "\(getpid())".write(toFile: group.appending("cgroup.procs").string, atomically: false, encoding: .utf8)
  defer { try? "\(getpid())".write(toFile: home + "/cgroup.procs", atomically: false, encoding: .utf8) }
  return try await body()
}
