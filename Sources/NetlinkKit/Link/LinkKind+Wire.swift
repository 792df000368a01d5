// SPDX-License-Identifier: Apache-2.0

internal import CLibmnl
internal import NetworkTypes

extension LinkKind {
  /// Writes `IFLA_INFO_DATA`.
  ///
  /// - Parameters:
  ///   - writer: where to.
  ///   - asReply: as the kernel would, with what can only be read; else to create a link.
  func encodeData(into writer: MessageWriter, asReply: Bool = false) {
    switch self {
    case .veth(let peer): peer?.encode(Int(VETH_INFO_PEER), into: writer)
    case .vlan(_, let id, let tag, let settings):
      VLAN(id: id, tag: tag, settings: settings).encode(into: writer, asReply: asReply)
    case .netkit(let peer, let settings):
      settings.encode(into: writer, asReply: asReply)
      peer?.encode(NetkitSettings.Number.peerInfo, into: writer)
    case .tun(let settings): settings.encode(into: writer, asReply: asReply)
    default: settings?.encode(into: writer, asReply: asReply)
    }
  }

  /// Reads `IFLA_INFO_DATA`, which may be absent; what it does not understand goes into `rest`.
  static func decode(
    named name: String, parent: InterfaceIndex?, data: Attribute?, in datagram: RawSpan,
    rest: inout RawAttributes
  ) throws(WireError) -> LinkKind {
    switch (name, parent) {
    case ("ipvlan", let parent?):
      let ipvlan = try IPVLAN(data, in: datagram, rest: &rest)
      return .ipvlan(parent: parent, mode: ipvlan.mode ?? .l2, flag: ipvlan.flag ?? .bridge)
    case ("macvlan", let parent?):
      return .macvlan(parent: parent, try MACVLANSettings(data, in: datagram, rest: &rest))
    case ("vlan", let parent?):
      let vlan = try VLAN(data, in: datagram, rest: &rest)
      guard let id = vlan.id else { throw .invalidValue(type: UInt16(IFLA_VLAN_ID), reason: "a VLAN without an id") }
      return .vlan(parent: parent, id: id, protocol: vlan.tag ?? .dot1Q, vlan.settings)
    case ("vxlan", _): return .vxlan(try VXLANSettings(data, in: datagram, rest: &rest))
    case ("bridge", _): return .bridge(try BridgeSettings(data, in: datagram, rest: &rest))
    case ("bond", _): return .bond(try BondSettings(data, in: datagram, rest: &rest))
    case ("netkit", _): return .netkit(peer: nil, try NetkitSettings(data, in: datagram, rest: &rest))
    case ("tun", _): return .tun(try TunSettings(data, in: datagram, rest: &rest))
    default: break
    }
    if let data {
      var cursor = AttributeCursor(data.payload)
      while let attribute = try cursor.next(in: datagram) { try rest.append(attribute, from: datagram) }
    }
    switch name {
    case "veth": return .veth(peer: nil)
    case "dummy": return .dummy
    case "ifb": return .ifb
    default: return .other(name)
    }
  }
}
