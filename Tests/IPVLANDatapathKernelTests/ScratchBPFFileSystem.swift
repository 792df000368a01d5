// SPDX-License-Identifier: Apache-2.0

import BPFMaps
import Foundation
import Glibc
import SystemPackage
import Testing

/// A BPF file system of the test's own, unmounted at the end.
func withBPFFileSystem(_ body: (FilePath) async throws -> Void) async throws {
  let directory = FilePath("/tmp/twk-test-\(getpid())")
  try FileManager.default.createDirectory(atPath: directory.string, withIntermediateDirectories: true)
  _ = try BPFFileSystem.ensureMounted(at: directory)
  let result: Result<Void, any Error>
  do { result = .success(try await body(directory)) } catch { result = .failure(error) }
  let unmounted = unsafe umount2(directory.string, CInt(MNT_DETACH))
  #expect(unmounted == 0)
  try FileManager.default.removeItem(atPath: directory.string)
  try result.get()
}
