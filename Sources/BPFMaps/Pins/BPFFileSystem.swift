// SPDX-License-Identifier: Apache-2.0

internal import CLibbpf
internal import Glibc
internal import LinuxSystem
public import SystemPackage

/// The file system whose files are pinned maps, programs and attachments.
public enum BPFFileSystem {
  /// Where one is mounted; nil: nowhere.
  public static var mountPoint: FilePath? {
    (try? MountTable.current())?.path(ofType: "bpf")
  }

  /// Makes a directory if need be, and mounts a bpf file system there unless it is on one already.
  ///
  /// Nothing in this module mounts anything unasked.
  ///
  /// - Parameter directory: Where; parents must exist.
  /// - Returns: Whether it was mounted now.
  /// - Throws: `permissionDenied`; `notFound` for a missing parent; `notSupported` on a kernel without it.
  /// - Requires: CAP_SYS_ADMIN. mount(2)
  @discardableResult
  public static func ensureMounted(at directory: FilePath) throws(BPFError) -> Bool {
    if isBPFFileSystem(directory) == true { return false }
    let operation = "mount a bpf file system at \"\(directory)\""
    if isBPFFileSystem(directory) == nil {
      try makeDirectory(directory, operation)
      if isBPFFileSystem(directory) == true { return false }
    }
    let status = unsafe directory.withPlatformString {
      unsafe mount("bpf", $0, "bpf", 0, "mode=0700") == 0 ? 0 : -errno
    }
    guard status == 0 else {
      if status == -ENODEV {
        throw BPFError(.notSupported, "\(operation): this kernel has none", errno: Errno(rawValue: ENODEV))
      }
      if status == -EPERM {
        throw BPFError(.permissionDenied, "\(operation): needs CAP_SYS_ADMIN or root", errno: .notPermitted)
      }
      throw BPFError.kernel(operation, status: status)
    }
    return true
  }

  /// Makes a directory of pins, and its missing parents.
  ///
  /// - Parameter directory: An absolute path on a bpf file system.
  /// - Throws: `notBPFFileSystem`, before anything is made; `invalidArgument` for a path that is not absolute, and for
  ///   names with dots; `permissionDenied`; `alreadyExists` where a pin has a directory's name.
  public static func makeDirectory(_ directory: FilePath) throws(BPFError) {
    _ = try makeDirectories(directory)
  }

  /// - Returns: Those that were made, the outermost first.
  static func makeDirectories(_ directory: FilePath) throws(BPFError) -> [FilePath] {
    let operation = "make \"\(directory)\""
    try Pins.checkForm(directory, operation)
    var missing: [FilePath] = []
    var current = directory
    while isBPFFileSystem(current) == nil, !current.components.isEmpty {
      missing.append(current)
      current.removeLastComponent()
    }
    try Pins.requireBPFFileSystem(current, operation)
    guard Pins.isDirectory(current) else {
      throw BPFError(.alreadyExists, "\(operation): \"\(current)\" is a pin, not a directory, and was left as it is")
    }
    for path in missing {
      guard path.lastComponent?.string.contains(".") == false else {
        throw BPFError(
          .invalidArgument, "\(operation): names on a bpf file system have no dots; the kernel keeps those for itself")
      }
    }
    var made: [FilePath] = []
    for path in missing.reversed() {
      do throws(BPFError) {
        if try makeDirectory(path, "make \"\(path)\"") { made.append(path) }
      } catch {
        for path in made.reversed() { removeDirectoryIfEmpty(path) }
        throw error
      }
    }
    return made
  }

  /// Removes an empty directory of pins; one that is gone is no error.
  ///
  /// - Parameter directory: A path on a bpf file system.
  /// - Throws: `notBPFFileSystem`: a directory elsewhere is not touched; `busy` for one that has something in it;
  ///   `permissionDenied`. rmdir(2)
  public static func removeDirectory(_ directory: FilePath) throws(BPFError) {
    let operation = "remove \"\(directory)\""
    guard let isOurs = isBPFFileSystem(directory) else { return }
    guard isOurs else {
      throw BPFError(.notBPFFileSystem, "\(operation): it is not on a bpf file system, and was left as it is")
    }
    let status = unsafe directory.withPlatformString { unsafe rmdir($0) == 0 ? 0 : -errno }
    if status == 0 || status == -ENOENT { return }
    if status == -ENOTEMPTY {
      throw BPFError(.busy, "\(operation): something is in it", errno: Errno(rawValue: ENOTEMPTY))
    }
    throw BPFError.kernel(operation, status: status)
  }

  /// Removes a directory; one that is gone or has something in it is left.
  static func removeDirectoryIfEmpty(_ directory: FilePath) {
    _ = unsafe directory.withPlatformString { unsafe rmdir($0) }
  }

  /// Removes a pin, whatever is pinned; false: nothing was there.
  ///
  /// ``BPFPin/remove()`` removes it only if it still is what the caller knows.
  ///
  /// - Parameter path: A pinned map, program or attachment.
  /// - Returns: Whether there was a pin.
  /// - Throws: `notBPFFileSystem`: a file elsewhere is not touched, nor a symbolic link to a pin; `permissionDenied`.
  @discardableResult
  public static func removePin(at path: FilePath) throws(BPFError) -> Bool {
    let operation = "remove pin \"\(path)\""
    try Pins.checkForm(path, operation)
    guard let isPin = isBPFFileSystem(path) else { return false }
    guard isPin else {
      throw BPFError(.notBPFFileSystem, "\(operation): it is not on a bpf file system, and was left as it is")
    }
    guard !Pins.isDirectory(path) else {
      throw BPFError(.invalidArgument, "\(operation): it is a directory, and was left as it is; name the pin in it")
    }
    // What is removed is the name, in its directory.
    guard isBPFFileSystem(path.removingLastComponent()) == true else {
      throw BPFError(.notBPFFileSystem, "\(operation): it is a symbolic link elsewhere, and was left as it is")
    }
    let status = unsafe path.withPlatformString { unsafe unlink($0) == 0 ? 0 : -errno }
    if status == -ENOENT { return false }
    if status != 0 { throw BPFError.kernel(operation, status: status) }
    return true
  }

  /// Whether a path is on a bpf file system; nil: there is no such path.
  static func isBPFFileSystem(_ path: FilePath) -> Bool? {
    FileSystemMagic(of: path).map { $0 == .bpf }
  }

  @discardableResult
  private static func makeDirectory(_ path: FilePath, _ operation: String) throws(BPFError) -> Bool {
    let status = unsafe path.withPlatformString { unsafe mkdir($0, 0o700) == 0 ? 0 : -errno }
    if status != 0, status != -EEXIST { throw BPFError.kernel(operation, status: status) }
    return status == 0
  }
}

/// What statfs(2) says of a path's file system.
struct FileSystemMagic: Equatable {
  let number: UInt32

  static let bpf = FileSystemMagic(number: 0xcafe_4a11)
  static let cgroup2 = FileSystemMagic(number: 0x6367_7270)

  init(number: UInt32) { self.number = number }

  /// nil: there is no such path.
  init?(of path: FilePath) {
    var status = statfs()
    guard unsafe path.withPlatformString({ unsafe statfs($0, &status) }) == 0 else { return nil }
    number = UInt32(truncatingIfNeeded: status.f_type)
  }
}
