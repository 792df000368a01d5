// SPDX-License-Identifier: Apache-2.0

internal import CLibmnl
internal import NetworkTypes

extension BridgePortSettings: LinkData {
  /// Says nothing of any setting.
  public init() { self.init(state: nil) }

  /// Attributes newer than the headers this is built with.
  private enum Newer {
    /// `IFLA_BRPORT_NEIGH_VLAN_SUPPRESS`.
    static let suppressesNeighboursPerVLAN = 43
    /// `IFLA_BRPORT_MCAST_MAX_GROUPS`.
    static let maximumGroups = 42
    /// `IFLA_BRPORT_BACKUP_NHID`.
    static let backupNextHop = 44
    /// `IFLA_BRPORT_MAB`.
    static let authenticatesAddresses = 40
  }

  mutating func read(_ attribute: Attribute, in datagram: RawSpan) throws(WireError) -> Bool {
    switch attribute.kind {
    case Int(IFLA_BRPORT_STATE): state = BridgePortState(rawValue: try datagram.value(attribute))
    case Int(IFLA_BRPORT_PRIORITY): priority = try datagram.value(attribute)
    case Int(IFLA_BRPORT_COST): cost = try datagram.value(attribute)
    case Int(IFLA_BRPORT_MODE): isHairpin = try datagram.isOn(attribute)
    case Int(IFLA_BRPORT_GUARD): isGuarded = try datagram.isOn(attribute)
    case Int(IFLA_BRPORT_PROTECT): isRootBlocked = try datagram.isOn(attribute)
    case Int(IFLA_BRPORT_FAST_LEAVE): leavesFast = try datagram.isOn(attribute)
    case Int(IFLA_BRPORT_LEARNING): isLearning = try datagram.isOn(attribute)
    case Int(IFLA_BRPORT_UNICAST_FLOOD): floodsUnicast = try datagram.isOn(attribute)
    case Int(IFLA_BRPORT_MCAST_FLOOD): floodsMulticast = try datagram.isOn(attribute)
    case Int(IFLA_BRPORT_BCAST_FLOOD): floodsBroadcast = try datagram.isOn(attribute)
    case Int(IFLA_BRPORT_ISOLATED): isIsolated = try datagram.isOn(attribute)
    case Int(IFLA_BRPORT_PROXYARP): proxiesARP = try datagram.isOn(attribute)
    case Int(IFLA_BRPORT_PROXYARP_WIFI): proxiesARPForWireless = try datagram.isOn(attribute)
    case Int(IFLA_BRPORT_NEIGH_SUPPRESS): suppressesNeighbours = try datagram.isOn(attribute)
    case Newer.suppressesNeighboursPerVLAN: suppressesNeighboursPerVLAN = try datagram.isOn(attribute)
    case Int(IFLA_BRPORT_VLAN_TUNNEL): hasVLANTunnel = try datagram.isOn(attribute)
    case Int(IFLA_BRPORT_MULTICAST_ROUTER):
      multicastRouter = BridgeMulticastRouter(rawValue: try datagram.value(attribute))
    case Int(IFLA_BRPORT_MCAST_TO_UCAST): sendsMulticastAsUnicast = try datagram.isOn(attribute)
    case Int(IFLA_BRPORT_MCAST_EHT_HOSTS_LIMIT): maximumTrackedHosts = try datagram.value(attribute)
    case Newer.maximumGroups: maximumGroups = try datagram.value(attribute)
    case Int(IFLA_BRPORT_GROUP_FWD_MASK): groupForwardMask = try datagram.value(attribute)
    case Int(IFLA_BRPORT_BACKUP_PORT): backupPort = try datagram.linkIndex(attribute)
    case Newer.backupNextHop: backupNextHop = try datagram.value(attribute)
    case Int(IFLA_BRPORT_LOCKED): isLocked = try datagram.isOn(attribute)
    case Newer.authenticatesAddresses: authenticatesAddresses = try datagram.isOn(attribute)
    default: return false
    }
    return true
  }

  func encode(into writer: MessageWriter, asReply: Bool) {
    writer.put(Int(IFLA_BRPORT_STATE), ifSet: state?.rawValue)
    writer.put(Int(IFLA_BRPORT_PRIORITY), ifSet: priority)
    writer.put(Int(IFLA_BRPORT_COST), ifSet: cost)
    writer.put(Int(IFLA_BRPORT_MODE), ifSet: isHairpin)
    writer.put(Int(IFLA_BRPORT_GUARD), ifSet: isGuarded)
    writer.put(Int(IFLA_BRPORT_PROTECT), ifSet: isRootBlocked)
    writer.put(Int(IFLA_BRPORT_FAST_LEAVE), ifSet: leavesFast)
    writer.put(Int(IFLA_BRPORT_LEARNING), ifSet: isLearning)
    writer.put(Int(IFLA_BRPORT_UNICAST_FLOOD), ifSet: floodsUnicast)
    writer.put(Int(IFLA_BRPORT_MCAST_FLOOD), ifSet: floodsMulticast)
    writer.put(Int(IFLA_BRPORT_BCAST_FLOOD), ifSet: floodsBroadcast)
    writer.put(Int(IFLA_BRPORT_ISOLATED), ifSet: isIsolated)
    writer.put(Int(IFLA_BRPORT_PROXYARP), ifSet: proxiesARP)
    writer.put(Int(IFLA_BRPORT_PROXYARP_WIFI), ifSet: proxiesARPForWireless)
    writer.put(Int(IFLA_BRPORT_NEIGH_SUPPRESS), ifSet: suppressesNeighbours)
    writer.put(Newer.suppressesNeighboursPerVLAN, ifSet: suppressesNeighboursPerVLAN)
    writer.put(Int(IFLA_BRPORT_VLAN_TUNNEL), ifSet: hasVLANTunnel)
    writer.put(Int(IFLA_BRPORT_MULTICAST_ROUTER), ifSet: multicastRouter?.rawValue)
    writer.put(Int(IFLA_BRPORT_MCAST_TO_UCAST), ifSet: sendsMulticastAsUnicast)
    writer.put(Int(IFLA_BRPORT_MCAST_EHT_HOSTS_LIMIT), ifSet: maximumTrackedHosts)
    writer.put(Newer.maximumGroups, ifSet: maximumGroups)
    writer.put(Int(IFLA_BRPORT_GROUP_FWD_MASK), ifSet: groupForwardMask)
    writer.put(Int(IFLA_BRPORT_BACKUP_PORT), ifSet: backupPort)
    writer.put(Newer.backupNextHop, ifSet: backupNextHop)
    writer.put(Int(IFLA_BRPORT_LOCKED), ifSet: isLocked)
    writer.put(Newer.authenticatesAddresses, ifSet: authenticatesAddresses)
  }
}
