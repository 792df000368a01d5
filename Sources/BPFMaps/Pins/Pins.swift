// SPDX-License-Identifier: Apache-2.0

internal import CLibbpf
internal import Glibc
internal import LinuxSystem
internal import SystemPackage

/// Files of the bpf file system that keep maps, programs and attachments alive.
enum Pins {
  static func pin(_ descriptor: CInt, _ object: String, at path: FilePath) throws(BPFError) {
    try requireBPFFileSystem(path.removingLastComponent(), "pin \(object) at \"\(path)\"")
    LibbpfMessages.silence()
    let status = unsafe path.withPlatformString { unsafe bpf_obj_pin(descriptor, $0) }
    if status == -EEXIST {
      throw BPFError(
        .pinExists,
        "pin \(object) at \"\(path)\": a file is there already, and was left as it is; choose another path, or remove it",
        errno: .fileExists)
    }
    if status != 0 { throw BPFError.kernel("pin \(object) at \"\(path)\"", status: status) }
  }

  static func open(_ path: FilePath, _ object: String) throws(BPFError) -> OwnedFileDescriptor {
    LibbpfMessages.silence()
    let result = unsafe path.withPlatformString { unsafe bpf_obj_get($0) }
    if result >= 0 { return OwnedFileDescriptor(taking: result) }
    if result == -ENOENT {
      throw BPFError(.notFound, "open \(object) \"\(path)\": nothing is pinned there", errno: .noSuchFileOrDirectory)
    }
    if BPFFileSystem.isBPFFileSystem(path) == false {
      throw BPFError(
        .notBPFFileSystem, "open \(object) \"\(path)\": the file is not on a bpf file system",
        errno: Errno(rawValue: -result))
    }
    throw BPFError.kernel("open \(object) \"\(path)\"", status: result)
  }

  /// - Returns: Whether something is there, of whatever type.
  static func exists(_ path: FilePath) -> Bool {
    unsafe path.withPlatformString { unsafe access($0, F_OK) } == 0
  }

  static func requireBPFFileSystem(_ directory: FilePath, _ operation: String) throws(BPFError) {
    switch BPFFileSystem.isBPFFileSystem(directory) {
    case true?: return
    case false?:
      throw BPFError(
        .notBPFFileSystem,
        "\(operation): \"\(directory)\" is not on a bpf file system; mount one (mount -t bpf bpf /sys/fs/bpf) and pin below it"
      )
    case nil:
      throw BPFError(.notFound, "\(operation): there is no directory \"\(directory)\"", errno: .noSuchFileOrDirectory)
    }
  }
}
