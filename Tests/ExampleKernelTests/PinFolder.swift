// SPDX-License-Identifier: Apache-2.0

import BPFMaps
import Foundation
import Glibc
import SystemPackage

/// Lends a folder for files, and a place for pins on a bpf file system of its own, which is not made yet.
///
/// - Parameter body: Gets both.
/// - Throws: What `body` throws, and where the kernel refuses the mount.
func withPinFolder(_ body: (_ folder: FilePath, _ pins: FilePath) async throws -> Void) async throws {
  let folder = FilePath("/tmp/svclb-test-\(getpid())-\(UInt32.random(in: 0...UInt32.max))")
  try FileManager.default.createDirectory(atPath: folder.string, withIntermediateDirectories: true)
  let mount = folder.appending("bpf")
  defer {
    _ = unsafe umount2(mount.string, CInt(MNT_DETACH))
    try? FileManager.default.removeItem(atPath: folder.string)
  }
  try BPFFileSystem.ensureMounted(at: mount)
  try await body(folder, mount.appending("services"))
}
