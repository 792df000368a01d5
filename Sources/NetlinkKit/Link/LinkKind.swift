// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes

/// What kind of virtual device a link is, with the settings of that kind: to create one, and as read back.
///
/// A setting that is nil is left to the kernel when a link is created; read back, it is nil when the kernel does not say.
/// <doc:LinkKinds> has a table of them all.
public enum LinkKind: Sendable, Hashable {
  /// One end of a pair. Read back without the peer, which the kernel names only by ``Link/parentIndex``.
  case veth(peer: VethPeer? = nil)
  /// A link that shares its parent's link-layer address.
  ///
  /// Mode and flag belong to the parent: creating a second one with others changes the first one too.
  /// - Requires: a kernel with the `ipvlan` module; see ``NetlinkFeature/supportsIPVLAN()``.
  case ipvlan(parent: InterfaceIndex, mode: IPVLANMode = .l2, flag: IPVLANFlag = .bridge)
  /// A link with a link-layer address of its own on a parent.
  indirect case macvlan(parent: InterfaceIndex, MACVLANSettings)
  /// What passes through a parent with a VLAN's tag, the tag taken off.
  ///
  /// The id is 0...4094. Id and protocol are fixed when it is created.
  /// - Requires: a kernel with the `8021q` module.
  indirect case vlan(parent: InterfaceIndex, id: UInt16, protocol: VLANProtocol = .dot1Q, VLANSettings = VLANSettings())
  /// A tunnel for Ethernet over UDP (RFC 7348).
  indirect case vxlan(VXLANSettings)
  /// A software switch.
  indirect case bridge(BridgeSettings)
  /// Links that are used as one.
  /// - Requires: a kernel with the `bonding` module.
  indirect case bond(BondSettings)
  /// A pair as veth, whose programs run on the sending end.
  ///
  /// The peer is only to create one. An end in ``NetkitMode/l3`` takes no link-layer address.
  /// - Requires: Linux 6.7, configured with netkit.
  indirect case netkit(peer: VethPeer? = nil, NetkitSettings = NetkitSettings())
  /// A link that drops what it is given.
  /// - Requires: a kernel with the `dummy` module.
  case dummy
  /// A link that sends what it is given back in, for queueing disciplines on what is received.
  case ifb
  /// A link whose other end is a program.
  ///
  /// It is only read here: the program makes it, with a ``TunDevice``.
  indirect case tun(TunSettings)
  /// A kind that this module has no settings for, by the kernel's name for it, such as `vrf`.
  case other(String)

  /// A software switch with the kernel's choice of settings.
  public static var bridge: LinkKind { .bridge(BridgeSettings()) }

  /// A link with a link-layer address of its own on a parent, in this mode.
  public static func macvlan(parent: InterfaceIndex, mode: MACVLANMode = .bridge) -> LinkKind {
    .macvlan(parent: parent, MACVLANSettings(mode: mode))
  }

  /// The kernel's name of the kind (`IFLA_INFO_KIND`).
  public var name: String {
    switch self {
    case .veth: "veth"
    case .ipvlan: "ipvlan"
    case .macvlan: "macvlan"
    case .vlan: "vlan"
    case .vxlan: "vxlan"
    case .bridge: "bridge"
    case .bond: "bond"
    case .netkit: "netkit"
    case .dummy: "dummy"
    case .ifb: "ifb"
    case .tun: "tun"
    case .other(let name): name
    }
  }

  /// The settings that a link of this kind can be given while it exists; nil when there are none.
  ///
  /// So what a link was to be created with is what an existing one is told: ``LinkChanges/settings``.
  public var settings: LinkSettings? {
    switch self {
    case .ipvlan(_, let mode, let flag): .ipvlan(mode: mode, flag: flag)
    case .macvlan(_, let settings): .macvlan(settings)
    case .vlan(_, _, _, let settings): .vlan(settings)
    case .vxlan(let settings): .vxlan(settings)
    case .bridge(let settings): .bridge(settings)
    case .bond(let settings): .bond(settings)
    case .netkit(_, let settings): .netkit(settings)
    case .veth, .dummy, .ifb, .tun, .other: nil
    }
  }

  /// The link it is created on (`IFLA_LINK`).
  var parent: InterfaceIndex? {
    switch self {
    case .ipvlan(let parent, _, _), .macvlan(let parent, _), .vlan(let parent, _, _, _): parent
    case .veth, .vxlan, .bridge, .bond, .netkit, .dummy, .ifb, .tun, .other: nil
    }
  }

  /// The same kind on another link.
  func on(_ parent: InterfaceIndex) -> LinkKind {
    switch self {
    case .ipvlan(_, let mode, let flag): return .ipvlan(parent: parent, mode: mode, flag: flag)
    case .macvlan(_, let settings): return .macvlan(parent: parent, settings)
    case .vlan(_, let id, let tag, let settings): return .vlan(parent: parent, id: id, protocol: tag, settings)
    case .vxlan(var settings):
      settings.parent = parent
      return .vxlan(settings)
    case .veth, .bridge, .bond, .netkit, .dummy, .ifb, .tun, .other: return self
    }
  }

  /// The link that its packets leave by, wherever the request names it.
  var carrier: InterfaceIndex? { if case .vxlan(let settings) = self { settings.parent } else { parent } }

  /// The other end that is created with it.
  var peer: VethPeer? {
    switch self {
    case .veth(let peer), .netkit(let peer, _): peer
    default: nil
    }
  }
}
