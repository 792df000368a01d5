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
        guard let reference = try? BPFObjectReference(of: owned.rawValue, "list pins") else { continue }
        result[reference, default: []].insert(path.string)
      }
    }
  }
}
