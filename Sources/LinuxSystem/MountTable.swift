// SPDX-License-Identifier: Apache-2.0

public import SystemPackage

/// Where file systems are mounted, from `/proc/thread-self/mounts`.
public struct MountTable: Sendable {
  /// One mount.
  public struct Mount: Hashable, Sendable {
    /// The file system type, such as `cgroup2`.
    public let type: String
    /// Where it is mounted.
    public let path: FilePath
  }

  /// The mounts, in the kernel's order.
  public let mounts: [Mount]

  /// Reads lines as proc(5) describes them.
  ///
  /// Device, path, type, options. A line with fewer fields is left out.
  public init(parsing text: String) {
    mounts = text.split(separator: "\n").compactMap { line in
      let fields = line.split(separator: " ")
      guard fields.count >= 3 else { return nil }
      return Mount(type: String(fields[2]), path: FilePath(Self.unescape(fields[1])))
    }
  }

  /// The calling thread's mounts.
  ///
  /// - Throws: `notFound` when /proc is not mounted.
  public static func current() throws(SystemError) -> MountTable {
    MountTable(parsing: try FileSystem.text(of: "/proc/thread-self/mounts"))
  }

  /// Where a file system of the type is mounted first; nil when it is not.
  ///
  /// - Parameter type: Such as `bpf` or `cgroup2`.
  /// - Returns: The mount point.
  public func path(ofType type: String) -> FilePath? { mounts.first { $0.type == type }?.path }

  /// The kernel writes a blank as `\040`, and so on.
  private static func unescape(_ text: Substring) -> String {
    var bytes: [UInt8] = []
    var rest = text.utf8[...]
    while let byte = rest.popFirst() {
      if byte == UInt8(ascii: "\\"), let code = UInt8(String(Substring(rest.prefix(3))), radix: 8) {
        bytes.append(code)
        rest = rest.dropFirst(3)
      } else {
        bytes.append(byte)
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
