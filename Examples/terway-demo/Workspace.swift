// SPDX-License-Identifier: Apache-2.0

import ExampleSupport
import Foundation
import Glibc
import LinuxSystem
import SystemPackage

/// The only things of a demo that outlive its process: cgroups, by its process id.
///
/// Namespaces, links, maps, programs and
/// attachments are held by descriptors alone.
struct Workspace: Sendable {
  private static let prefix = "terway-demo-"
  let cgroup: FilePath

  /// Makes this process's cgroup, and removes those of demos that were killed.
  static func make(_ progress: Progress) throws -> Workspace {
    guard let root = try MountTable.current().path(ofType: "cgroup2") else {
      throw ExampleError(
        "cgroup2 is not mounted, and service addresses are translated there; mount -t cgroup2 none /sys/fs/cgroup")
    }
    for name in try FileSystem.entries(of: root) where name.hasPrefix(prefix) {
      guard let owner = Int32(name.dropFirst(prefix.count)), kill(owner, 0) != 0, errno == ESRCH else { continue }
      progress.say("removing what an earlier demo (process \(owner)) left behind")
      Workspace(cgroup: root.appending(name)).remove()
    }
    let cgroup = root.appending(prefix + "\(getpid())")
    try makeDirectory(cgroup)
    return Workspace(cgroup: cgroup)
  }

  /// A cgroup for the processes of one node.
  func makeCgroup(of node: String) throws -> FilePath {
    let path = cgroup.appending(node)
    try Self.makeDirectory(path)
    return path
  }

  /// Removes the cgroups.
  ///
  /// Their processes have ended; the kernel may take a moment to notice.
  func remove() {
    let children = ((try? FileSystem.entries(of: cgroup)) ?? []).map { cgroup.appending($0) }
    for path in children + [cgroup] {
      for _ in 0..<100 where unsafe path.withPlatformString({ unsafe rmdir($0) }) != 0 && errno == EBUSY {
        usleep(20_000)
      }
    }
  }

  private static func makeDirectory(_ path: FilePath) throws {
    guard unsafe path.withPlatformString({ unsafe mkdir($0, 0o755) }) == 0 || errno == EEXIST else {
      throw ExampleError("cannot make the cgroup \(path): \(Errno(rawValue: errno)); run as root")
    }
  }
}
