// SPDX-License-Identifier: Apache-2.0

internal import CLibmnl

/// What a link is as a port of another one, its master: ``Link/port``, and to change it ``LinkChanges/port``.
public enum LinkPort: Sendable, Hashable {
  /// A port of a bridge.
  indirect case bridge(BridgePortSettings)
  /// A port of a bond.
  indirect case bond(BondPortSettings)
  /// A port of something that this module has no settings for, by the kernel's name for it, such as `vrf`.
  case other(String)

  /// The kernel's name of the master's kind (`IFLA_INFO_SLAVE_KIND`).
  public var name: String {
    switch self {
    case .bridge: "bridge"
    case .bond: "bond"
    case .other(let name): name
    }
  }

  /// Writes `IFLA_INFO_SLAVE_DATA`'s attributes.
  func encodeData(into writer: MessageWriter, asReply: Bool) {
    switch self {
    case .bridge(let settings): settings.encode(into: writer, asReply: asReply)
    case .bond(let settings): settings.encode(into: writer, asReply: asReply)
    case .other: break
    }
  }

  /// Reads `IFLA_INFO_SLAVE_DATA`, which may be absent; what it does not understand goes into `rest`.
  static func decode(
    named name: String, data: Attribute?, in datagram: RawSpan, rest: inout RawAttributes
  ) throws(WireError) -> LinkPort {
    switch name {
    case "bridge": return .bridge(try BridgePortSettings(data, in: datagram, rest: &rest))
    case "bond": return .bond(try BondPortSettings(data, in: datagram, rest: &rest))
    default:
      if let data {
        var cursor = AttributeCursor(data.payload)
        while let attribute = try cursor.next(in: datagram) { try rest.append(attribute, from: datagram) }
      }
      return .other(name)
    }
  }
}
