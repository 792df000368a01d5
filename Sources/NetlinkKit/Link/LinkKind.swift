// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes

/// What kind of virtual device a link is, with the settings of that kind: to create one, and as read back.
public enum LinkKind: Sendable, Hashable {
  /// One end of a pair. Read back without the peer, which the kernel names only by ``Link/parentIndex``.
  case veth(peer: VethPeer? = nil)
  /// A link that shares its parent's link-layer address.
  ///
  /// Mode and flag belong to the parent: creating a second one with others changes the first one too.
  /// - Requires: a kernel with the `ipvlan` module; see ``NetlinkFeature/supportsIPVLAN()``.
  case ipvlan(parent: InterfaceIndex, mode: IPVLANMode = .l2, flag: IPVLANFlag = .bridge)
  /// A link with a link-layer address of its own on a parent.
  case macvlan(parent: InterfaceIndex, mode: MACVLANMode = .bridge)
  /// A software switch.
  case bridge
  /// A link that drops what it is given.
  /// - Requires: a kernel with the `dummy` module.
  case dummy
  /// A kind that this module has no settings for, by the kernel's name for it, such as `ifb`.
  case other(String)

  /// The kernel's name of the kind (`IFLA_INFO_KIND`).
  public var name: String {
    switch self {
    case .veth: "veth"
    case .ipvlan: "ipvlan"
    case .macvlan: "macvlan"
    case .bridge: "bridge"
    case .dummy: "dummy"
    case .other(let name): name
    }
  }

  /// The link it is created on.
  var parent: InterfaceIndex? {
    switch self {
    case .ipvlan(let parent, _, _), .macvlan(let parent, _): parent
    case .veth, .bridge, .dummy, .other: nil
    }
  }

  /// The same kind on another link.
  func on(_ parent: InterfaceIndex) -> LinkKind {
    switch self {
    case .ipvlan(_, let mode, let flag): .ipvlan(parent: parent, mode: mode, flag: flag)
    case .macvlan(_, let mode): .macvlan(parent: parent, mode: mode)
    case .veth, .bridge, .dummy, .other: self
    }
  }

  /// Writes `IFLA_INFO_DATA`.
  func encodeData(into writer: MessageWriter) {
    switch self {
    case .veth(let peer): Veth.encode(peer, into: writer)
    case .ipvlan(_, let mode, let flag): IPVLAN.encode(mode, flag, into: writer)
    case .macvlan(_, let mode): MACVLAN.encode(mode, into: writer)
    case .bridge, .dummy, .other: break
    }
  }

  /// Reads `IFLA_INFO_DATA`, which may be absent; what it does not understand goes into `rest`.
  static func decode(
    named name: String, parent: InterfaceIndex?, data: Attribute?, in datagram: RawSpan,
    rest: inout RawAttributes
  ) throws(WireError) -> LinkKind {
    switch (name, parent) {
    case ("ipvlan", let parent?): return try IPVLAN.decode(parent, data, in: datagram, rest: &rest)
    case ("macvlan", let parent?): return try MACVLAN.decode(parent, data, in: datagram, rest: &rest)
    default: break
    }
    if let data {
      var cursor = AttributeCursor(data.payload)
      while let attribute = try cursor.next(in: datagram) { try rest.append(attribute, from: datagram) }
    }
    switch name {
    case "veth": return .veth(peer: nil)
    case "bridge": return .bridge
    case "dummy": return .dummy
    default: return .other(name)
    }
  }
}
