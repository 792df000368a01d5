// SPDX-License-Identifier: Apache-2.0

internal import CLibbpf
internal import Glibc
internal import LinuxSystem
internal import SystemPackage

/// Files of the bpf file system that keep maps, programs and attachments alive.
enum Pins {
  static func pin(_ descriptor: CInt, _ object: String, at path: FilePath) throws(BPFError) {
    let operation = "pin \(object) at \"\(path)\""
    try check(path, operation)
    LibbpfMessages.silence()
    let status = unsafe path.withPlatformString { unsafe bpf_obj_pin(descriptor, $0) }
    if status == -EEXIST {
      throw BPFError(
        .pinExists,
        "\(operation): a \(isDirectory(path) ? "directory" : "file") is there already, and was left as it is; choose another path, or remove it",
        errno: .fileExists)
    }
    if status != 0 { throw BPFError.kernel(operation, status: status) }
  }

  static func open(_ path: FilePath, _ object: String) throws(BPFError) -> OwnedFileDescriptor {
    let operation = "open \(object) \"\(path)\""
    try checkForm(path, operation)
    LibbpfMessages.silence()
    let result = unsafe path.withPlatformString { unsafe bpf_obj_get($0) }
    if result >= 0 { return OwnedFileDescriptor(taking: result) }
    if result == -ENOENT {
      // A directory below an unmounted file system looks like one in which nothing was pinned.
      if BPFFileSystem.isBPFFileSystem(path.removingLastComponent()) == false {
        try requireBPFFileSystem(path.removingLastComponent(), operation)
      }
      throw BPFError(.notFound, "\(operation): nothing is pinned there", errno: .noSuchFileOrDirectory)
    }
    if BPFFileSystem.isBPFFileSystem(path) == false {
      throw BPFError(
        .notBPFFileSystem, "\(operation): the file is not on a bpf file system",
        errno: Errno(rawValue: -result))
    }
    if isDirectory(path) {
      throw BPFError(.invalidArgument, "\(operation): it is a directory of pins; name the pin in it")
    }
    throw BPFError.kernel(operation, status: result)
  }

  /// - Returns: Whether something is there, of whatever type.
  static func exists(_ path: FilePath) -> Bool {
    unsafe path.withPlatformString { unsafe access($0, F_OK) } == 0
  }

  static func isDirectory(_ path: FilePath) -> Bool {
    var status = stat()
    return unsafe path.withPlatformString { unsafe stat($0, &status) } == 0 && status.st_mode & S_IFMT == S_IFDIR
  }

  /// Whether a pin can be made at a path.
  ///
  /// - Throws: `invalidArgument`; `notFound` for a missing directory; `notBPFFileSystem`.
  static func check(_ path: FilePath, _ operation: String) throws(BPFError) {
    try checkForm(path, operation)
    guard path.lastComponent?.string.contains(".") == false else {
      throw BPFError(
        .invalidArgument, "\(operation): names on a bpf file system have no dots; the kernel keeps those for itself")
    }
    try requireBPFFileSystem(path.removingLastComponent(), operation)
  }

  /// A relative path means another file when somebody changes the working directory, which threads share.
  static func checkForm(_ path: FilePath, _ operation: String) throws(BPFError) {
    guard path.isAbsolute else {
      throw BPFError(.invalidArgument, "\(operation): the path is not absolute; begin it with the mount point")
    }
    guard path.lastComponent != nil else {
      throw BPFError(.invalidArgument, "\(operation): the path names no file")
    }
  }

  static func requireBPFFileSystem(_ directory: FilePath, _ operation: String) throws(BPFError) {
    switch BPFFileSystem.isBPFFileSystem(directory) {
    case true?: return
    case false?:
      let mounted = BPFFileSystem.mountPoint.map { "one is mounted at \"\($0)\"" } ?? "none is mounted"
      throw BPFError(
        .notBPFFileSystem,
        "\(operation): \"\(directory)\" is not on a bpf file system (\(mounted)); mount one (mount -t bpf bpf /sys/fs/bpf) and pin below it"
      )
    case nil:
      throw BPFError(.notFound, "\(operation): there is no directory \"\(directory)\"", errno: .noSuchFileOrDirectory)
    }
  }
}
