// SPDX-License-Identifier: Apache-2.0

import Glibc
import LinuxSystem
import SystemPackage

/// Keeps others that would change what is pinned in a directory out, until it goes or the process ends.
///
/// Who changes the maps reads them first, hands out indices that are free there, and writes; two at a time would hand out the
/// same ones. A lock on the directory leaves nothing behind when its holder is killed.
final class PinLock: Sendable {
  private let descriptor: OwnedFileDescriptor

  /// Waits for its turn.
  ///
  /// - Parameter directory: The directory of pins, which is there.
  /// - Throws: `Failure` where the directory cannot be opened.
  init(_ directory: FilePath) throws {
    do throws(Errno) {
      descriptor = try .open(directory, flags: O_RDONLY)
    } catch {
      throw Failure(
        error == .permissionDenied ? .permission : .system,
        "cannot lock \(directory): \(error)\(error == .permissionDenied ? "; run it as root" : "")")
    }
    guard flock(descriptor.rawValue, LOCK_EX | LOCK_NB) != 0 else { return }
    if errno == EWOULDBLOCK { warn("waits for another svclb that changes what is pinned in \(directory)") }
    while flock(descriptor.rawValue, LOCK_EX) != 0 {
      guard errno == EINTR else { throw Failure(.system, "cannot lock \(directory): \(Errno(rawValue: errno))") }
    }
  }
}
