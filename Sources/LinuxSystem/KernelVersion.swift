// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// A kernel's version: the first three numbers of its release.
public struct KernelVersion: Hashable, Sendable, Comparable {
  /// The first number.
  public let major: Int
  /// The second number.
  public let minor: Int
  /// The third number.
  public let patch: Int

  /// Makes a version.
  public init(_ major: Int, _ minor: Int, _ patch: Int = 0) {
    self.major = major
    self.minor = minor
    self.patch = patch
  }

  /// Reads a release as uname(2) gives it, such as `6.1.0-53-amd64`; nil when it does not begin with two numbers.
  public init?(release: String) {
    let numbers = release.split(separator: ".", maxSplits: 3).prefix(3).map { part in
      Int(part.prefix { $0.isASCII && $0.isNumber })
    }
    guard numbers.count >= 2, let major = numbers[0], let minor = numbers[1] else { return nil }
    self.init(major, minor, numbers.count > 2 ? numbers[2] ?? 0 : 0)
  }

  /// The running kernel's release, as `uname -r` prints it.
  public static var runningRelease: String {
    var name = utsname()
    guard unsafe uname(&name) == 0 else { return "unknown" }
    return unsafe withUnsafeBytes(of: &name.release) { bytes in
      unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }
  }

  /// The running kernel.
  ///
  /// An unreadable release counts as 0.0.0.
  public static var running: KernelVersion { KernelVersion(release: runningRelease) ?? KernelVersion(0, 0) }

  /// Orders versions, oldest first.
  public static func < (left: Self, right: Self) -> Bool {
    (left.major, left.minor, left.patch) < (right.major, right.minor, right.patch)
  }
}

extension KernelVersion: CustomStringConvertible {
  /// `6.1.0`.
  public var description: String { "\(major).\(minor).\(patch)" }
}
