// SPDX-License-Identifier: Apache-2.0

/// An IP protocol number.
public struct IPProtocol: RawRepresentable, Hashable, Sendable, Comparable {
  /// The number in the IP header.
  public let rawValue: UInt8

  /// Makes a protocol from its number.
  public init(rawValue: UInt8) { self.rawValue = rawValue }

  /// ICMP for IPv4, 1.
  public static let icmp = IPProtocol(rawValue: 1)
  /// TCP, 6.
  public static let tcp = IPProtocol(rawValue: 6)
  /// UDP, 17.
  public static let udp = IPProtocol(rawValue: 17)
  /// ICMP for IPv6, 58.
  public static let icmpv6 = IPProtocol(rawValue: 58)
  /// SCTP, 132.
  public static let sctp = IPProtocol(rawValue: 132)

  /// Orders protocols by number.
  public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}

extension IPProtocol: CustomStringConvertible {
  /// `TCP`, `UDP`, … or `protocol 47`.
  public var description: String {
    switch self {
    case .icmp: "ICMP"
    case .tcp: "TCP"
    case .udp: "UDP"
    case .icmpv6: "ICMPv6"
    case .sctp: "SCTP"
    default: "protocol \(rawValue)"
    }
  }
}

/// A transport port, 1...65535.
public struct Port: Hashable, Sendable, Comparable {
  /// The number.
  public let rawValue: UInt16

  /// Makes a port; nil for 0.
  public init?(rawValue: UInt16) {
    guard rawValue > 0 else { return nil }
    self.rawValue = rawValue
  }

  /// Makes a port; nil outside 1...65535.
  public init?(_ number: Int) {
    guard let number = UInt16(exactly: number) else { return nil }
    self.init(rawValue: number)
  }

  /// The value to store in a C `__be16` field.
  public var networkOrder: UInt16 { rawValue.bigEndian }

  /// Orders ports by number.
  public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}

extension Port: CustomStringConvertible {
  /// The number.
  public var description: String { "\(rawValue)" }
}

/// A number whose bytes lie in memory in network order, as C's `__be16` and `__be32`.
public struct NetworkOrder<Value: FixedWidthInteger & Sendable>: Hashable, Sendable {
  /// The bytes as they lie in memory.
  public let stored: Value

  /// Turns a number of this machine's order into network order.
  public init(_ value: Value) { stored = value.bigEndian }

  /// Takes bytes that are in network order already.
  public init(stored: Value) { self.stored = stored }

  /// The number in this machine's order.
  public var value: Value { Value(bigEndian: stored) }
}
