// SPDX-License-Identifier: Apache-2.0

internal import CLibmnl
internal import NetworkTypes

extension BondSettings: LinkData {
  /// Says nothing of any setting.
  public init() { self.init(mode: nil) }

  /// Attributes newer than the headers this is built with.
  private enum Newer {
    /// `IFLA_BOND_COUPLED_CONTROL`.
    static let isCoupledControl = 32
    /// `IFLA_BOND_BROADCAST_NEIGH`.
    static let broadcastsNeighbours = 33
  }

  mutating func read(_ attribute: Attribute, in datagram: RawSpan) throws(WireError) -> Bool {
    switch attribute.kind {
    case Int(IFLA_BOND_MODE): mode = BondMode(rawValue: try datagram.value(attribute))
    case Int(IFLA_BOND_ACTIVE_SLAVE): activePort = try datagram.linkIndex(attribute)
    case Int(IFLA_BOND_MIIMON): carrierInterval = try datagram.value(attribute)
    case Int(IFLA_BOND_UPDELAY): upDelay = try datagram.value(attribute)
    case Int(IFLA_BOND_DOWNDELAY): downDelay = try datagram.value(attribute)
    case Int(IFLA_BOND_USE_CARRIER): usesCarrier = try datagram.isOn(attribute)
    case Int(IFLA_BOND_PEER_NOTIF_DELAY): peerNotificationDelay = try datagram.value(attribute)
    case Int(IFLA_BOND_ARP_INTERVAL): arpInterval = try datagram.value(attribute)
    case Int(IFLA_BOND_ARP_VALIDATE): arpValidation = BondARPValidation(rawValue: try datagram.value(attribute))
    case Int(IFLA_BOND_MISSED_MAX): maximumMissed = try datagram.value(attribute)
    case Int(IFLA_BOND_PRIMARY): primary = try datagram.linkIndex(attribute)
    case Int(IFLA_BOND_PRIMARY_RESELECT):
      primaryReselection = BondPrimaryReselection(rawValue: try datagram.value(attribute))
    case Int(IFLA_BOND_FAIL_OVER_MAC): failOverAddress = BondFailOverAddress(rawValue: try datagram.value(attribute))
    case Int(IFLA_BOND_XMIT_HASH_POLICY): transmitHash = BondTransmitHash(rawValue: try datagram.value(attribute))
    case Int(IFLA_BOND_RESEND_IGMP): resentIGMPCount = try datagram.value(attribute)
    case Int(IFLA_BOND_NUM_PEER_NOTIF): peerNotificationCount = try datagram.value(attribute)
    case Int(IFLA_BOND_ALL_SLAVES_ACTIVE): acceptsOnAllPorts = try datagram.isOn(attribute)
    case Int(IFLA_BOND_MIN_LINKS): minimumLinks = try datagram.value(attribute)
    case Int(IFLA_BOND_LP_INTERVAL): learningInterval = try datagram.value(attribute)
    case Int(IFLA_BOND_PACKETS_PER_SLAVE): packetsPerPort = try datagram.value(attribute)
    case Int(IFLA_BOND_AD_LACP_RATE): lacpRate = BondLACPRate(rawValue: try datagram.value(attribute))
    case Int(IFLA_BOND_AD_LACP_ACTIVE): isLACPActive = try datagram.isOn(attribute)
    case Int(IFLA_BOND_AD_SELECT):
      aggregatorSelection = BondAggregatorSelection(rawValue: try datagram.value(attribute))
    case Int(IFLA_BOND_AD_ACTOR_SYS_PRIO): actorPriority = try datagram.value(attribute)
    case Int(IFLA_BOND_AD_ACTOR_SYSTEM): actorAddress = try datagram.macAddress(attribute)
    case Int(IFLA_BOND_AD_USER_PORT_KEY): userPortKey = try datagram.value(attribute)
    case Newer.isCoupledControl: isCoupledControl = try datagram.isOn(attribute)
    case Newer.broadcastsNeighbours: broadcastsNeighbours = try datagram.isOn(attribute)
    case Int(IFLA_BOND_TLB_DYNAMIC_LB): balancesDynamically = try datagram.isOn(attribute)
    case Int(IFLA_BOND_ARP_ALL_TARGETS):
      requiresAllTargets = try datagram.value(attribute, as: UInt32.self) != 0
    case Int(IFLA_BOND_ARP_IP_TARGET): arpTargets = try BondSettings.targets(attribute, in: datagram)
    case Int(IFLA_BOND_NS_IP6_TARGET): neighbourTargets = try BondSettings.targets6(attribute, in: datagram)
    default: return false
    }
    return true
  }

  func encode(into writer: MessageWriter, asReply: Bool) {
    writer.put(Int(IFLA_BOND_MODE), ifSet: mode?.rawValue)
    writer.put(Int(IFLA_BOND_ACTIVE_SLAVE), ifSet: activePort)
    writer.put(Int(IFLA_BOND_MIIMON), ifSet: carrierInterval)
    writer.put(Int(IFLA_BOND_UPDELAY), ifSet: upDelay)
    writer.put(Int(IFLA_BOND_DOWNDELAY), ifSet: downDelay)
    writer.put(Int(IFLA_BOND_USE_CARRIER), ifSet: usesCarrier)
    writer.put(Int(IFLA_BOND_PEER_NOTIF_DELAY), ifSet: peerNotificationDelay)
    writer.put(Int(IFLA_BOND_ARP_INTERVAL), ifSet: arpInterval)
    writer.put(Int(IFLA_BOND_ARP_VALIDATE), ifSet: arpValidation?.rawValue)
    writer.put(Int(IFLA_BOND_MISSED_MAX), ifSet: maximumMissed)
    writer.put(Int(IFLA_BOND_PRIMARY), ifSet: primary)
    writer.put(Int(IFLA_BOND_PRIMARY_RESELECT), ifSet: primaryReselection?.rawValue)
    writer.put(Int(IFLA_BOND_FAIL_OVER_MAC), ifSet: failOverAddress?.rawValue)
    writer.put(Int(IFLA_BOND_XMIT_HASH_POLICY), ifSet: transmitHash?.rawValue)
    writer.put(Int(IFLA_BOND_RESEND_IGMP), ifSet: resentIGMPCount)
    writer.put(Int(IFLA_BOND_NUM_PEER_NOTIF), ifSet: peerNotificationCount)
    writer.put(Int(IFLA_BOND_ALL_SLAVES_ACTIVE), ifSet: acceptsOnAllPorts)
    writer.put(Int(IFLA_BOND_MIN_LINKS), ifSet: minimumLinks)
    writer.put(Int(IFLA_BOND_LP_INTERVAL), ifSet: learningInterval)
    writer.put(Int(IFLA_BOND_PACKETS_PER_SLAVE), ifSet: packetsPerPort)
    writer.put(Int(IFLA_BOND_AD_LACP_RATE), ifSet: lacpRate?.rawValue)
    writer.put(Int(IFLA_BOND_AD_LACP_ACTIVE), ifSet: isLACPActive)
    writer.put(Int(IFLA_BOND_AD_SELECT), ifSet: aggregatorSelection?.rawValue)
    writer.put(Int(IFLA_BOND_AD_ACTOR_SYS_PRIO), ifSet: actorPriority)
    writer.put(Int(IFLA_BOND_AD_ACTOR_SYSTEM), ifSet: actorAddress)
    writer.put(Int(IFLA_BOND_AD_USER_PORT_KEY), ifSet: userPortKey)
    writer.put(Newer.isCoupledControl, ifSet: isCoupledControl)
    writer.put(Newer.broadcastsNeighbours, ifSet: broadcastsNeighbours)
    writer.put(Int(IFLA_BOND_TLB_DYNAMIC_LB), ifSet: balancesDynamically)
    writer.put(Int(IFLA_BOND_ARP_ALL_TARGETS), ifSet: requiresAllTargets.map { UInt32($0 ? 1 : 0) })
    if let arpTargets {
      writer.nested(Int(IFLA_BOND_ARP_IP_TARGET)) { writer in
        for (place, target) in arpTargets.enumerated() { writer.put(place, IPAddress.v4(target)) }
      }
    }
    if let neighbourTargets {
      writer.nested(Int(IFLA_BOND_NS_IP6_TARGET)) { writer in
        for (place, target) in neighbourTargets.enumerated() { writer.put(place, IPAddress.v6(target)) }
      }
    }
  }
  private static func targets(_ list: Attribute, in datagram: RawSpan) throws(WireError) -> [IPv4Address] {
    var targets: [IPv4Address] = []
    var cursor = AttributeCursor(list.payload)
    while let attribute = try cursor.next(in: datagram) {
      targets.append(IPv4Address(networkOrder: try datagram.value(attribute)))
    }
    return targets
  }

  private static func targets6(_ list: Attribute, in datagram: RawSpan) throws(WireError) -> [IPv6Address] {
    var targets: [IPv6Address] = []
    var cursor = AttributeCursor(list.payload)
    while let attribute = try cursor.next(in: datagram) {
      if case .v6(let target) = try datagram.address(attribute, family: .ipv6) { targets.append(target) }
    }
    return targets
  }
}
