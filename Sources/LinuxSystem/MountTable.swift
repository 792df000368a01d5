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
  /// Device, path, type, options. A line with fewer fields, or with a path that no file can have, is left out.
  public init(parsing text: String) {
    mounts = text.split(separator: "\n").compactMap { line in
      let fields = line.split(separator: " ")
      guard fields.count >= 3 else { return nil }
      let path = Self.unescape(fields[1])
      return path.utf8.contains(0) ? nil : Mount(type: String(fields[2]), path: FilePath(path))
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

  /// The kernel writes a blank as `\040`, and so on: always three octal digits.
  private static func unescape(_ text: Substring) -> String {
    var bytes: [UInt8] = []
    var rest = text.utf8[...]
    while let byte = rest.popFirst() {
      let digits = rest.prefix(3)
      if byte == UInt8(ascii: "\\"), digits.count == 3, digits.allSatisfy({ (0x30...0x37).contains($0) }),
        let code = UInt8(String(Substring(digits)), radix: 8)
      {
        bytes.append(code)
        rest = rest.dropFirst(3)
      } else {
        bytes.append(byte)
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
