// SPDX-License-Identifier: Apache-2.0

internal import CLibmnl
internal import NetworkTypes

/// Which macvlan links on one parent reach each other (`IFLA_MACVLAN_MODE`).
public struct MACVLANMode: RawRepresentable, Sendable, Hashable, CustomStringConvertible {
  /// The kernel's number.
  public let rawValue: UInt32

  /// Makes a mode from the kernel's number.
  public init(rawValue: UInt32) { self.rawValue = rawValue }

  /// None.
  public static let `private` = MACVLANMode(rawValue: 1)
  /// All, through a switch outside that sends frames back (802.1Qbg).
  public static let vepa = MACVLANMode(rawValue: 2)
  /// All, directly.
  public static let bridge = MACVLANMode(rawValue: 4)
  /// There is only one, and it has the parent to itself.
  public static let passthrough = MACVLANMode(rawValue: 8)
  /// All, from listed source addresses.
  public static let source = MACVLANMode(rawValue: 16)

  /// The mode in `ip link`'s words.
  public var description: String {
    switch rawValue {
    case 1: "private"
    case 2: "vepa"
    case 4: "bridge"
    case 8: "passthru"
    case 16: "source"
    default: "mode \(rawValue)"
    }
  }
}

/// The wire form of a macvlan link's settings.
enum MACVLAN {
  static func encode(_ mode: MACVLANMode, into writer: MessageWriter) {
    writer.put(Int(IFLA_MACVLAN_MODE), mode.rawValue)
  }

  static func decode(
    _ parent: InterfaceIndex, _ data: Attribute?, in datagram: RawSpan, rest: inout RawAttributes
  ) throws(WireError) -> LinkKind {
    var mode = MACVLANMode.vepa
    if let data {
      var cursor = AttributeCursor(data.payload)
      while let attribute = try cursor.next(in: datagram) {
        switch attribute.kind {
        case Int(IFLA_MACVLAN_MODE): mode = MACVLANMode(rawValue: try datagram.value(attribute))
        default: try rest.append(attribute, from: datagram)
        }
      }
    }
    return .macvlan(parent: parent, mode: mode)
  }
}
