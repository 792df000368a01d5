// SPDX-License-Identifier: Apache-2.0

import BPFMaps
import ExampleSupport
import Foundation
import Glibc
import LinuxSystem
import SystemPackage

/// The only things of a demo that outlive its process, by its process id: cgroups, and pins where they are asked for.
///
/// Namespaces, links, maps, programs and attachments are held by descriptors alone.
struct Workspace: Sendable {
  private static let prefix = "terway-demo-"
  private static let pods = "pods"
  let cgroup: FilePath
  /// Where maps and programs are pinned; nil for nowhere.
  let pins: FilePath?

  /// Makes this process's cgroup, and removes what demos left that were killed.
  static func make(pinsIn directory: FilePath?, _ progress: Progress) throws -> Workspace {
    guard let root = try MountTable.current().path(ofType: "cgroup2") else {
      throw ExampleError(
        "cgroup2 is not mounted, and service addresses are translated there; mount -t cgroup2 none /sys/fs/cgroup")
    }
    let left = try FileSystem.entries(of: root) + (directory.map(FileSystem.entries) ?? [])
    for name in Set(left) where name.hasPrefix(prefix) {
      guard let owner = Int32(name.dropFirst(prefix.count)), kill(owner, 0) != 0, errno == ESRCH else { continue }
      progress.say("removing what an earlier demo (process \(owner)) left behind")
      Workspace(cgroup: root.appending(name), pins: directory?.appending(name)).remove()
    }
    let name = prefix + "\(getpid())"
    let workspace = Workspace(cgroup: root.appending(name), pins: directory?.appending(name))
    if let pins = workspace.pins { try BPFFileSystem.makeDirectory(pins) }
    try makeDirectory(workspace.cgroup)
    return workspace
  }

  /// A cgroup for the processes of one node.
  func makeCgroup(of node: String) throws -> FilePath {
    let path = cgroup.appending(node)
    try Self.makeDirectory(path)
    return path
  }

  /// A cgroup for the processes of a node's pods: what is guarded there is not guarded for the node itself.
  func makePodCgroup(in node: FilePath) throws -> FilePath {
    let path = node.appending(Self.pods)
    try Self.makeDirectory(path)
    return path
  }

  /// Removes everything.
  ///
  /// The processes have ended; the kernel may take a moment to notice.
  func remove() {
    for name in (try? FileSystem.entries(of: cgroup)) ?? [] {
      Self.removeDirectory(cgroup.appending(name).appending(Self.pods))
      Self.removeDirectory(cgroup.appending(name))
    }
    Self.removeDirectory(cgroup)
    if let pins { Self.removePins(below: pins) }
  }

  private static func removePins(below directory: FilePath) {
    for name in (try? FileSystem.entries(of: directory)) ?? [] {
      let path = directory.appending(name)
      // What is no pin is a directory.
      if (try? BPFFileSystem.removePin(at: path)) != true { removePins(below: path) }
    }
    removeDirectory(directory)
  }

  private static func removeDirectory(_ path: FilePath) {
    for _ in 0..<100 where unsafe path.withPlatformString({ unsafe rmdir($0) }) != 0 && errno == EBUSY {
      usleep(20_000)
    }
  }

  private static func makeDirectory(_ path: FilePath) throws {
    guard unsafe path.withPlatformString({ unsafe mkdir($0, 0o755) }) == 0 || errno == EEXIST else {
      throw ExampleError("cannot make the cgroup \(path): \(Errno(rawValue: errno)); run as root")
    }
  }
}
