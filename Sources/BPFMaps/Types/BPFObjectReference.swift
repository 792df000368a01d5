// SPDX-License-Identifier: Apache-2.0

internal import CLibbpf
internal import Glibc
internal import LinuxSystem
public import SystemPackage

/// A map, program or link of the system, by the kernel's identifier.
public struct BPFObjectReference: Sendable, Hashable {
  /// What has identifiers of its own.
  public enum Kind: Sendable, Hashable {
    /// A map.
    case map
    /// A program.
    case program
    /// A link.
    case link
  }

  /// What it is.
  public let kind: Kind
  /// The kernel's identifier, unique among those of its kind.
  public let identifier: UInt32

  /// Refers to an object.
  public init(_ kind: Kind, _ identifier: UInt32) {
    self.kind = kind
    self.identifier = identifier
  }

  /// Where objects are pinned, on every bpf file system that this process sees.
  ///
  /// - Returns: The pins of each object, sorted. What cannot be opened is left out.
  /// - Requires: Read and write access to the pins. `BPF_OBJ_GET`
  public static func pins() -> [BPFObjectReference: [FilePath]] {
    var result: [BPFObjectReference: Set<String>] = [:]
    var remaining = 100_000
    for mount in (try? MountTable.current())?.mounts ?? [] where mount.type == "bpf" {
      collectPins(in: mount.path, depth: 0, &remaining, into: &result)
    }
    return result.mapValues { $0.sorted().map { FilePath($0) } }
  }

  private static func collectPins(
    in directory: FilePath, depth: Int, _ remaining: inout Int, into result: inout [BPFObjectReference: Set<String>]
  ) {
    // Only what the file system itself holds: another one may be mounted below, or above.
    guard depth < 64, BPFFileSystem.isBPFFileSystem(directory) == true else { return }
    for name in (try? FileSystem.entries(of: directory)) ?? [] {
      remaining -= 1
      guard remaining > 0 else { return }
      let path = directory.appending(name)
      var status = stat()
      guard unsafe path.withPlatformString({ unsafe lstat($0, &status) }) == 0 else { continue }
      if status.st_mode & S_IFMT == S_IFDIR {
        collectPins(in: path, depth: depth + 1, &remaining, into: &result)
      } else if status.st_mode & S_IFMT == S_IFREG {
        LibbpfMessages.silence()
        let descriptor = unsafe path.withPlatformString { unsafe bpf_obj_get($0) }
        guard descriptor >= 0 else { continue }
        let owned = OwnedFileDescriptor(taking: descriptor)
        guard let reference = KernelObjectFields(of: owned.rawValue)?.reference else { continue }
        result[reference, default: []].insert(path.string)
      }
    }
  }
}

/// A process that has an object open.
public struct BPFObjectHolder: Sendable, Hashable {
  /// The process.
  public let process: Int32
  /// The process's name, up to 15 bytes.
  public let name: String

  /// The processes that have objects open, as far as this process may look.
  ///
  /// A link that holds a program, or a program that holds a map, is no process.
  ///
  /// - Returns: The holders of each object, by process.
  /// - Requires: CAP_SYS_PTRACE for the processes of others. `/proc/PID/fd`
  public static func all() -> [BPFObjectReference: [BPFObjectHolder]] {
    var result: [BPFObjectReference: Set<BPFObjectHolder>] = [:]
    for process in (try? FileSystem.entries(of: "/proc")) ?? [] {
      guard let number = Int32(process) else { continue }
      let folder = FilePath("/proc").appending(process)
      var holder: BPFObjectHolder?
      for descriptor in (try? FileSystem.entries(of: folder.appending("fd"))) ?? [] {
        guard isBPF(folder.appending("fd").appending(descriptor)),
          let reference = KernelObjectFields(at: folder.appending("fdinfo").appending(descriptor))?.reference
        else { continue }
        if holder == nil {
          let name = (try? FileSystem.text(of: folder.appending("comm"))) ?? ""
          holder = BPFObjectHolder(process: number, name: String(name.prefix { $0 != "\n" }))
        }
        if let holder { result[reference, default: []].insert(holder) }
      }
    }
    return result.mapValues { $0.sorted { $0.process < $1.process } }
  }

  /// `anon_inode:bpf-map`, `bpf-prog`, `bpf_link`, `bpf-link`: reading the link is cheaper than what it leads to.
  private static func isBPF(_ path: FilePath) -> Bool {
    unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: 32) { target in
      guard let start = target.baseAddress else { return false }
      let count = unsafe path.withPlatformString { unsafe readlink($0, start, target.count) }
      let bytes = (0..<max(count, 0)).map { unsafe UInt8(bitPattern: target[$0]) }
      return String(decoding: bytes, as: UTF8.self).hasPrefix("anon_inode:bpf")
    }
  }
}
