// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import SystemPackage

/// Kernel settings below `/proc/sys`.
///
/// Those below `net/` belong to a network namespace: which one a file means is decided by the thread that opens it.
public enum Sysctl {
  /// Reads a setting.
  ///
  /// - Parameters:
  ///   - path: Relative to `/proc/sys`, such as `net/ipv4/ip_forward`.
  ///   - namespace: Whose setting.
  /// - Returns: The value without the newline at its end; several numbers are separated as the kernel prints them.
  /// - Throws: `notFound` for a setting this kernel lacks; `invalidArgument` for a path that leaves `/proc/sys`.
  public static func read(_ path: String, in namespace: NetworkNamespace) async throws(SystemError) -> String {
    let file = try file(path)
    return try await onFreshThread(named: "sysctl") { () throws(SystemError) in
      try namespace.enterCallingThread()
      return try value(of: file)
    }
  }

  /// Writes a setting, and reads it back: some files accept a value and keep another.
  ///
  /// - Parameters:
  ///   - value: The value, without a newline.
  ///   - path: Relative to `/proc/sys`, such as `net/ipv4/ip_forward`. Link names in it may contain dots, not slashes.
  ///   - namespace: Whose setting.
  /// - Throws: `notFound` for a setting this kernel lacks; `permissionDenied`; `invalidArgument` for a path that
  ///   leaves `/proc/sys`, and a value that the kernel refuses; `notKept` when the kernel kept another one.
  /// - Requires: Root. `/proc/sys` mounted writable.
  public static func write(_ value: String, to path: String, in namespace: NetworkNamespace) async throws(SystemError) {
    let file = try file(path)
    try await onFreshThread(named: "sysctl") { () throws(SystemError) in
      try namespace.enterCallingThread()
      do throws(Errno) {
        let descriptor = try OwnedFileDescriptor.open(file, flags: O_WRONLY)
        var bytes = Array((value + "\n").utf8)
        let count = unsafe bytes.withUnsafeMutableBytes { buffer in
          unsafe Glibc.write(descriptor.rawValue, buffer.baseAddress, buffer.count)
        }
        if count < 0 { throw Errno(rawValue: errno) }
      } catch {
        throw SystemError("set \"\(path)\" to \"\(value)\"", systemCall: "write", errno: error)
      }
      let kept = try Self.value(of: file)
      guard words(kept) == words(value) else {
        throw SystemError(
          code: .notKept, message: "set \"\(path)\" to \"\(value)\": the kernel kept \"\(kept)\"")
      }
    }
  }

  private static func file(_ path: String) throws(SystemError) -> FilePath {
    let parts = path.split(separator: "/", omittingEmptySubsequences: false)
    guard !path.utf8.contains(0), !parts.contains(where: { $0.isEmpty || $0 == "." || $0 == ".." }) else {
      throw SystemError(
        code: .invalidArgument,
        message: "\"\(path)\" is not a setting: use a path below /proc/sys, such as net/ipv4/ip_forward")
    }
    return FilePath("/proc/sys/\(path)")
  }

  private static func value(of file: FilePath) throws(SystemError) -> String {
    var text = try FileSystem.text(of: file)
    while text.hasSuffix("\n") { text.removeLast() }
    return text
  }

  private static func words(_ text: String) -> [Substring] { text.split { $0 == " " || $0 == "\t" || $0 == "\n" } }
}
