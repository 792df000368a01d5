// SPDX-License-Identifier: Apache-2.0

internal import CLinuxSystem
internal import Glibc
public import SystemPackage

extension NetworkNamespace {
  /// Where named namespaces live, as for `ip netns`.
  public static let directory: FilePath = "/run/netns"

  /// Opens a named namespace.
  ///
  /// - Parameter name: As `ip netns list` shows it.
  /// - Returns: A handle on the namespace.
  /// - Throws: `notFound`; `invalidArgument` for a name with `/` or a zero byte.
  public static func open(named name: String) throws(SystemError) -> NetworkNamespace {
    try open(path: path(of: name))
  }

  /// Makes a named namespace that `ip netns` sees too.
  ///
  /// It lives until ``removeNamed(_:)``, also past the process.
  ///
  /// - Parameter name: 1...255 bytes without `/` and zero bytes.
  /// - Returns: A handle on the namespace.
  /// - Throws: `exists`; `invalidArgument`; `permissionDenied`.
  /// - Requires: CAP_SYS_ADMIN. unshare(2), mount(2).
  public static func makeNamed(_ name: String) async throws(SystemError) -> NetworkNamespace {
    let path = try path(of: name)
    return try await onFreshThread(named: "netns:new") { () throws(SystemError) in
      try prepareDirectory()
      do throws(Errno) {
        try OwnedFileDescriptor.open(path, flags: O_RDONLY | O_CREAT | O_EXCL).close()
      } catch {
        throw SystemError("make namespace \"\(name)\"", systemCall: "open", errno: error)
      }
      do throws(SystemError) {
        do throws(Errno) {
          _ = try check(clinuxsystem_unshare_network())
        } catch {
          throw SystemError("make namespace \"\(name)\"", systemCall: "unshare", errno: error)
        }
        try mountFile(
          "/proc/thread-self/ns/net", on: path, flags: UInt(MS_BIND), operation: "make namespace \"\(name)\"")
        return try open(path: path)
      } catch {
        unsafe path.withPlatformString {
          // The name may be mounted already, and a mount point cannot be unlinked.
          _ = unsafe umount2($0, CInt(MNT_DETACH))
          _ = unsafe unlink($0)
        }
        throw error
      }
    }
  }

  /// Removes a name.
  ///
  /// The namespace itself ends when nothing else holds it. A name that is not there is not an error.
  ///
  /// - Parameter name: As given to ``makeNamed(_:)``.
  /// - Throws: `permissionDenied`; `invalidArgument` for a name with `/` or a zero byte.
  /// - Requires: CAP_SYS_ADMIN. umount2(2), `MNT_DETACH`.
  public static func removeNamed(_ name: String) throws(SystemError) {
    let path = try path(of: name)
    let failure = unsafe path.withPlatformString { text -> (String, CInt)? in
      if unsafe umount2(text, CInt(MNT_DETACH)) != 0, errno != EINVAL, errno != ENOENT { return ("umount2", errno) }
      if unsafe unlink(text) != 0, errno != ENOENT { return ("unlink", errno) }
      return nil
    }
    if let (call, number) = failure {
      throw SystemError("remove namespace \"\(name)\"", systemCall: call, errno: Errno(rawValue: number))
    }
  }

  /// The names in ``directory``, sorted.
  ///
  /// No directory means no names.
  ///
  /// - Throws: `permissionDenied`.
  public static func names() throws(SystemError) -> [String] {
    try FileSystem.entries(of: directory)
  }

  private static func path(of name: String) throws(SystemError) -> FilePath {
    // A path ends at its first zero byte: "a\0b" would be "a".
    guard (1...255).contains(name.utf8.count), !name.utf8.contains(where: { $0 == UInt8(ascii: "/") || $0 == 0 }),
      name != ".", name != ".."
    else {
      throw SystemError(
        code: .invalidArgument,
        message: "\(name.debugDescription) is not a namespace name: use 1...255 bytes without '/' and zero bytes")
    }
    return directory.appending(name)
  }

  /// The directory must be a shared mount, so that an unmount here reaches other mount namespaces (as iproute2 does).
  private static func prepareDirectory() throws(SystemError) {
    let made = unsafe directory.withPlatformString { unsafe mkdir($0, 0o755) }
    if made != 0, errno != EEXIST {
      throw SystemError("make \"\(directory)\"", systemCall: "mkdir", errno: Errno(rawValue: errno))
    }
    let shared = unsafe directory.withPlatformString { unsafe mount("", $0, "none", UInt(MS_SHARED | MS_REC), nil) }
    if shared == 0 { return }
    try mountFile(directory, on: directory, flags: UInt(MS_BIND | MS_REC), operation: "mount \"\(directory)\"")
    try mountFile("", on: directory, flags: UInt(MS_SHARED | MS_REC), operation: "share \"\(directory)\"")
  }

  private static func mountFile(
    _ source: FilePath, on target: FilePath, flags: UInt, operation: String
  ) throws(SystemError) {
    let number = unsafe source.withPlatformString { source in
      unsafe target.withPlatformString { unsafe mount(source, $0, "none", flags, nil) == 0 ? 0 : errno }
    }
    if number != 0 { throw SystemError(operation, systemCall: "mount", errno: Errno(rawValue: number)) }
  }
}
