// SPDX-License-Identifier: Apache-2.0

internal import CLinuxSystem
internal import Glibc
public import SystemPackage

/// A file descriptor with one owner, closed exactly once and never inherited by a child.
public struct OwnedFileDescriptor: ~Copyable, Sendable {
  /// The descriptor's number, valid while this value lives.
  ///
  /// Pass it to a call; never store it.
  public let rawValue: CInt

  /// Takes over an open descriptor.
  ///
  /// The caller gives up closing it.
  ///
  /// - Parameter rawValue: An open descriptor that was made close-on-exec. A negative number is a bug and traps.
  public init(taking rawValue: CInt) {
    precondition(rawValue >= 0, "\(rawValue) is not a descriptor")
    self.rawValue = rawValue
  }

  deinit { _ = Glibc.close(rawValue) }

  /// Closes the descriptor and reports what `deinit` has to swallow.
  ///
  /// - Throws: What close(2) reports, such as `EIO`. The descriptor is closed all the same.
  public consuming func close() throws(Errno) {
    let result = Glibc.close(rawValue)
    let failure = Errno(rawValue: errno)
    discard self
    if result != 0 { throw failure }
  }

  /// Gives the descriptor away: the caller closes it.
  public consuming func release() -> CInt {
    let number = rawValue
    discard self
    return number
  }

  /// Makes a second descriptor for the same open file, close-on-exec.
  ///
  /// - Throws: `EMFILE` when the process has too many descriptors open.
  public borrowing func duplicate() throws(Errno) -> OwnedFileDescriptor {
    try OwnedFileDescriptor.duplicating(rawValue)
  }

  /// Duplicates a borrowed descriptor, close-on-exec.
  ///
  /// - Parameter rawValue: A descriptor that stays open during the call.
  /// - Returns: The new descriptor.
  /// - Throws: `EMFILE` when the process has too many descriptors open, `EBADF` when `rawValue` is not open.
  public static func duplicating(_ rawValue: CInt) throws(Errno) -> OwnedFileDescriptor {
    OwnedFileDescriptor(taking: try check(clinuxsystem_duplicate(rawValue)))
  }

  /// Opens a file, close-on-exec.
  ///
  /// - Parameters:
  ///   - path: The file.
  ///   - flags: open(2)'s flags, such as `O_RDONLY`; `O_CLOEXEC` is added.
  ///   - mode: Permission bits of a file that is created.
  /// - Returns: The descriptor.
  /// - Throws: What open(2) reports, such as `ENOENT`.
  public static func open(_ path: FilePath, flags: CInt, mode: CUnsignedInt = 0) throws(Errno) -> OwnedFileDescriptor {
    let result = unsafe path.withPlatformString { unsafe clinuxsystem_open($0, flags, mode) }
    return OwnedFileDescriptor(taking: try check(result))
  }
}

/// Turns a shim's "value, or negative errno" into a value or an error.
func check(_ result: CInt) throws(Errno) -> CInt {
  guard result >= 0 else { throw Errno(rawValue: -result) }
  return result
}
