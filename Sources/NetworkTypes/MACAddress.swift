// SPDX-License-Identifier: Apache-2.0

/// A 48-bit link-layer address.
public struct MACAddress: Hashable, Sendable, Comparable {
  /// The address as a number below 2^48, first byte highest.
  public let rawValue: UInt64

  /// Makes an address from six bytes; nil for any other count.
  public init?(bytes: some Collection<UInt8>) {
    guard bytes.count == 6 else { return nil }
    rawValue = bytes.reduce(0) { $0 << 8 | UInt64($1) }
  }

  /// Makes an address from the low 48 bits of `rawValue`.
  public init(truncating rawValue: UInt64) { self.rawValue = rawValue & 0xFFFF_FFFF_FFFF }

  /// Reads `00:16:3e:12:34:56` in either case; anything else is nil.
  public init?(_ text: some StringProtocol) {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count == 6 else { return nil }
    var value: UInt64 = 0
    for part in parts {
      guard part.utf8.count == 2, part.first != "+", part.first != "-", let byte = UInt8(part, radix: 16) else {
        return nil
      }
      value = value << 8 | UInt64(byte)
    }
    rawValue = value
  }

  /// The six bytes.
  public var bytes: [UInt8] { (0..<6).map { UInt8(truncatingIfNeeded: rawValue >> (40 - 8 * $0)) } }

  /// Orders addresses by their number.
  public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}

extension MACAddress: CustomStringConvertible {
  /// Lower-case hexadecimal with colons.
  public var description: String {
    bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined(separator: ":")
  }
}
