// SPDX-License-Identifier: Apache-2.0

/// Whether the outer IPv4 packet of a VXLAN link may be cut up (`VXLAN_DF_...`).
public struct VXLANFragmentation: RawRepresentable, Sendable, Hashable, CustomStringConvertible {
  /// The kernel's number.
  public let rawValue: UInt8

  /// Makes a value from the kernel's number.
  public init(rawValue: UInt8) { self.rawValue = rawValue }

  /// It may.
  public static let allowed = VXLANFragmentation(rawValue: 0)
  /// It may not.
  public static let forbidden = VXLANFragmentation(rawValue: 1)
  /// As the inner packet says.
  public static let inherited = VXLANFragmentation(rawValue: 2)

  /// The value in `ip link`'s words.
  public var description: String {
    switch rawValue {
    case 0: "unset"
    case 1: "set"
    case 2: "inherit"
    default: "\(rawValue)"
    }
  }
}

/// Where the outer IPv6 flow label of a VXLAN link comes from (`VXLAN_LABEL_...`).
public struct VXLANFlowLabelPolicy: RawRepresentable, Sendable, Hashable, CustomStringConvertible {
  /// The kernel's number.
  public let rawValue: UInt32

  /// Makes a value from the kernel's number.
  public init(rawValue: UInt32) { self.rawValue = rawValue }

  /// It is ``VXLANSettings/flowLabel``.
  public static let fixed = VXLANFlowLabelPolicy(rawValue: 0)
  /// It is the inner packet's.
  public static let inherited = VXLANFlowLabelPolicy(rawValue: 1)

  /// The value in `ip link`'s words.
  public var description: String {
    switch rawValue {
    case 0: "fixed"
    case 1: "inherit"
    default: "\(rawValue)"
    }
  }
}

/// UDP ports, from the lowest to the highest (`struct ifla_vxlan_port_range`).
public struct VXLANPortRange: Sendable, Hashable {
  /// The lowest.
  public var low: UInt16
  /// The highest.
  public var high: UInt16

  /// Describes a range.
  ///
  /// - Parameters:
  ///   - low: the lowest.
  ///   - high: the highest, no less than the lowest.
  public init(low: UInt16, high: UInt16) {
    self.low = low
    self.high = high
  }
}
