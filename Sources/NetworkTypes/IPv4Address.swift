// SPDX-License-Identifier: Apache-2.0

/// An IPv4 address.
public struct IPv4Address: Hashable, Sendable, Comparable {
  /// The address as a number: 10.0.0.1 is `0x0A000001`.
  public let rawValue: UInt32

  /// Makes an address from its number: `0x0A000001` is 10.0.0.1.
  public init(rawValue: UInt32) { self.rawValue = rawValue }

  /// Makes an address from its four parts, left to right.
  public init(_ first: UInt8, _ second: UInt8, _ third: UInt8, _ fourth: UInt8) {
    rawValue = UInt32(first) << 24 | UInt32(second) << 16 | UInt32(third) << 8 | UInt32(fourth)
  }

  /// Makes an address from a C `__be32` field, whose bytes lie in memory in network order.
  public init(networkOrder: UInt32) { rawValue = UInt32(bigEndian: networkOrder) }

  /// The value to store in a C `__be32` field.
  public var networkOrder: UInt32 { rawValue.bigEndian }

  /// The four bytes in network order.
  public var bytes: [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: rawValue >> (24 - 8 * $0)) } }

  /// Reads dotted-quad notation, four decimal parts without leading zeros; anything else is nil.
  public init?(_ text: some StringProtocol) { self.init(parsing: text) }

  /// Reads dotted-quad notation, as the generic initializer does; this one is compiled for strings alone.
  public init?(_ text: String) { self.init(parsing: text) }

  private init?(parsing text: some StringProtocol) {
    var value: UInt32 = 0
    var parts = 0
    var part: UInt32?
    var partHasLeadingZero = false
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "0")...UInt8(ascii: "9"):
        if partHasLeadingZero { return nil }
        let next = (part ?? 0) * 10 + UInt32(byte - UInt8(ascii: "0"))
        guard next <= 255 else { return nil }
        partHasLeadingZero = part == nil && next == 0
        part = next
      case UInt8(ascii: "."):
        guard let finished = part, parts < 3 else { return nil }
        value = value << 8 | finished
        parts += 1
        part = nil
        partHasLeadingZero = false
      default:
        return nil
      }
    }
    guard let last = part, parts == 3 else { return nil }
    rawValue = value << 8 | last
  }

  /// Orders addresses by their number.
  public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}

extension IPv4Address: CustomStringConvertible {
  /// Dotted-quad notation.
  public var description: String {
    "\(rawValue >> 24).\(rawValue >> 16 & 255).\(rawValue >> 8 & 255).\(rawValue & 255)"
  }
}
