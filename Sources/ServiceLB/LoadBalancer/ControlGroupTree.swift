// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import LinuxSystem
internal import SystemPackage

/// Directories of control groups.
enum ControlGroupTree {
  /// The first group below another that is one of those wanted.
  ///
  /// - Parameters:
  ///   - directory: Where to begin; not looked at itself.
  ///   - groups: Inode numbers.
  /// - Returns: Its directory; nil: there is none. Groups that go away meanwhile are passed over.
  static func path(below directory: FilePath, ofAny groups: Set<UInt64>) -> FilePath? {
    var waiting = [directory]
    while let next = waiting.popLast() {
      for name in (try? FileSystem.entries(of: next)) ?? [] {
        let path = next.appending(name)
        var status = stat()
        guard unsafe path.withPlatformString({ unsafe lstat($0, &status) }) == 0, status.st_mode & S_IFMT == S_IFDIR
        else { continue }
        if groups.contains(UInt64(status.st_ino)) { return path }
        waiting.append(path)
      }
    }
    return nil
  }
}
