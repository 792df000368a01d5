// SPDX-License-Identifier: Apache-2.0

/// The settings of one kind of link that change while it exists: ``LinkChanges/settings``.
///
/// What is nil stays as it is. ``LinkKind/settings`` gives those of a kind.
public enum LinkSettings: Sendable, Hashable {
  /// Of an ipvlan link, and with it of all on the same parent.
  case ipvlan(mode: IPVLANMode? = nil, flag: IPVLANFlag? = nil)
  /// Of a macvlan link.
  indirect case macvlan(MACVLANSettings)
  /// Of a VLAN link.
  indirect case vlan(VLANSettings)
  /// Of a VXLAN link.
  ///
  /// The kernel changes few, and refuses (`notSupported`) the others even where they are what they were.
  indirect case vxlan(VXLANSettings)
  /// Of a bridge.
  indirect case bridge(BridgeSettings)
  /// Of a bond.
  indirect case bond(BondSettings)
  /// Of a netkit pair, on its primary end: the policies.
  indirect case netkit(NetkitSettings)

  /// The kernel's name of the kind (`IFLA_INFO_KIND`).
  var kindName: String {
    switch self {
    case .ipvlan: "ipvlan"
    case .macvlan: "macvlan"
    case .vlan: "vlan"
    case .vxlan: "vxlan"
    case .bridge: "bridge"
    case .bond: "bond"
    case .netkit: "netkit"
    }
  }

  /// Writes what is in `IFLA_INFO_DATA`.
  func encode(into writer: MessageWriter, asReply: Bool) {
    switch self {
    case .ipvlan(let mode, let flag): IPVLAN(mode: mode, flag: flag).encode(into: writer, asReply: asReply)
    case .macvlan(let settings): settings.encode(into: writer, asReply: asReply)
    case .vlan(let settings): VLAN(settings: settings).encode(into: writer, asReply: asReply)
    case .vxlan(let settings): settings.encode(into: writer, asReply: asReply)
    case .bridge(let settings): settings.encode(into: writer, asReply: asReply)
    case .bond(let settings): settings.encode(into: writer, asReply: asReply)
    case .netkit(let settings): settings.encode(into: writer, asReply: asReply)
    }
  }
}
