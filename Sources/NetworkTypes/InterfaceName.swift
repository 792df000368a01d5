// SPDX-License-Identifier: Apache-2.0

/// The name of a link: 1...15 bytes without `/`, `:`, white space or control characters, and neither `.` nor `..`.
///
/// The kernel's rule: `dev_valid_name`, with `IFNAMSIZ` 16.
public struct InterfaceName: Hashable, Sendable, Comparable {
  /// The name.
  public let rawValue: String

  /// Makes a name; nil when the kernel would refuse it.
  public init?(_ text: some StringProtocol) {
    guard (1...15).contains(text.utf8.count), text != ".", text != "..",
      !text.utf8.contains(where: { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: ":") || $0 <= 32 || $0 == 127 })
    else { return nil }
    rawValue = String(text)
  }

  /// Orders names as text.
  public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}

extension InterfaceName: ExpressibleByStringLiteral, CustomStringConvertible {
  /// Makes a name from a literal.
  ///
  /// A literal that the kernel would refuse is a programming error and traps.
  public init(stringLiteral value: StaticString) {
    guard let name = InterfaceName(value.description) else {
      preconditionFailure("\"\(value)\" is no link name: 1...15 bytes without '/', ':' and white space")
    }
    self = name
  }

  /// The name.
  public var description: String { rawValue }
}

/// The number of a link in its network namespace; never 0.
public struct InterfaceIndex: Hashable, Sendable, Comparable {
  /// The number.
  public let rawValue: UInt32

  /// Makes an index; nil for 0.
  public init?(rawValue: UInt32) {
    guard rawValue > 0 else { return nil }
    self.rawValue = rawValue
  }

  /// The loopback link's index: 1 in every namespace.
  public static let loopback = InterfaceIndex(unchecked: 1)

  private init(unchecked: UInt32) { rawValue = unchecked }

  /// Orders indexes by number.
  public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}

extension InterfaceIndex: CustomStringConvertible {
  /// The number.
  public var description: String { "\(rawValue)" }
}
