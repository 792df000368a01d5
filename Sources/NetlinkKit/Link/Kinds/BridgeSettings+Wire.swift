// SPDX-License-Identifier: Apache-2.0

internal import CLibmnl
internal import NetworkTypes

extension BridgeSettings: LinkData {
  /// Says nothing of any setting.
  public init() { self.init(isVLANFiltering: nil) }

  /// Attributes newer than the headers this is built with.
  private enum Newer {
    /// `IFLA_BR_FDB_MAX_LEARNED`.
    static let maximumLearned = 49
  }

  mutating func read(_ attribute: Attribute, in datagram: RawSpan) throws(WireError) -> Bool {
    switch attribute.kind {
    case Int(IFLA_BR_FORWARD_DELAY): forwardDelay = try datagram.value(attribute)
    case Int(IFLA_BR_HELLO_TIME): helloTime = try datagram.value(attribute)
    case Int(IFLA_BR_MAX_AGE): maximumAge = try datagram.value(attribute)
    case Int(IFLA_BR_AGEING_TIME): ageingTime = try datagram.value(attribute)
    case Int(IFLA_BR_STP_STATE): spanningTree = BridgeSpanningTree(rawValue: try datagram.value(attribute))
    case Int(IFLA_BR_PRIORITY): priority = try datagram.value(attribute)
    case Int(IFLA_BR_VLAN_FILTERING): isVLANFiltering = try datagram.isOn(attribute)
    case Int(IFLA_BR_VLAN_PROTOCOL): vlanProtocol = VLANProtocol(rawValue: try datagram.networkValue(attribute))
    case Int(IFLA_BR_VLAN_DEFAULT_PVID): defaultVLAN = try datagram.value(attribute)
    case Int(IFLA_BR_VLAN_STATS_ENABLED): countsVLANs = try datagram.isOn(attribute)
    case Int(IFLA_BR_VLAN_STATS_PER_PORT): countsVLANsPerPort = try datagram.isOn(attribute)
    case Int(IFLA_BR_GROUP_FWD_MASK): groupForwardMask = try datagram.value(attribute)
    case Int(IFLA_BR_GROUP_ADDR): groupAddress = try datagram.macAddress(attribute)
    case Int(IFLA_BR_MCAST_ROUTER): multicastRouter = BridgeMulticastRouter(rawValue: try datagram.value(attribute))
    case Int(IFLA_BR_MCAST_SNOOPING): isMulticastSnooping = try datagram.isOn(attribute)
    case Int(IFLA_BR_MCAST_QUERY_USE_IFADDR): queriesFromOwnAddress = try datagram.isOn(attribute)
    case Int(IFLA_BR_MCAST_QUERIER): isMulticastQuerier = try datagram.isOn(attribute)
    case Int(IFLA_BR_MCAST_HASH_MAX): maximumGroups = try datagram.value(attribute)
    case Int(IFLA_BR_MCAST_LAST_MEMBER_CNT): lastMemberQueryCount = try datagram.value(attribute)
    case Int(IFLA_BR_MCAST_STARTUP_QUERY_CNT): startupQueryCount = try datagram.value(attribute)
    case Int(IFLA_BR_MCAST_LAST_MEMBER_INTVL): lastMemberInterval = try datagram.value(attribute)
    case Int(IFLA_BR_MCAST_MEMBERSHIP_INTVL): membershipInterval = try datagram.value(attribute)
    case Int(IFLA_BR_MCAST_QUERIER_INTVL): querierInterval = try datagram.value(attribute)
    case Int(IFLA_BR_MCAST_QUERY_INTVL): queryInterval = try datagram.value(attribute)
    case Int(IFLA_BR_MCAST_QUERY_RESPONSE_INTVL): queryResponseInterval = try datagram.value(attribute)
    case Int(IFLA_BR_MCAST_STARTUP_QUERY_INTVL): startupQueryInterval = try datagram.value(attribute)
    case Int(IFLA_BR_MCAST_STATS_ENABLED): countsMulticast = try datagram.isOn(attribute)
    case Int(IFLA_BR_MCAST_IGMP_VERSION): igmpVersion = try datagram.value(attribute)
    case Int(IFLA_BR_MCAST_MLD_VERSION): mldVersion = try datagram.value(attribute)
    case Int(IFLA_BR_NF_CALL_IPTABLES): callsIPTables = try datagram.isOn(attribute)
    case Int(IFLA_BR_NF_CALL_IP6TABLES): callsIP6Tables = try datagram.isOn(attribute)
    case Int(IFLA_BR_NF_CALL_ARPTABLES): callsARPTables = try datagram.isOn(attribute)
    case Newer.maximumLearned: maximumLearned = try datagram.value(attribute)
    case Int(IFLA_BR_MULTI_BOOLOPT): try options.read(attribute, in: datagram)
    default: return false
    }
    return true
  }

  func encode(into writer: MessageWriter, asReply: Bool) {
    writer.put(Int(IFLA_BR_FORWARD_DELAY), ifSet: forwardDelay)
    writer.put(Int(IFLA_BR_HELLO_TIME), ifSet: helloTime)
    writer.put(Int(IFLA_BR_MAX_AGE), ifSet: maximumAge)
    writer.put(Int(IFLA_BR_AGEING_TIME), ifSet: ageingTime)
    writer.put(Int(IFLA_BR_STP_STATE), ifSet: spanningTree?.rawValue)
    writer.put(Int(IFLA_BR_PRIORITY), ifSet: priority)
    writer.put(Int(IFLA_BR_VLAN_FILTERING), ifSet: isVLANFiltering)
    writer.put(Int(IFLA_BR_VLAN_PROTOCOL), ifSet: vlanProtocol?.rawValue.bigEndian)
    writer.put(Int(IFLA_BR_VLAN_DEFAULT_PVID), ifSet: defaultVLAN)
    writer.put(Int(IFLA_BR_VLAN_STATS_ENABLED), ifSet: countsVLANs)
    writer.put(Int(IFLA_BR_VLAN_STATS_PER_PORT), ifSet: countsVLANsPerPort)
    writer.put(Int(IFLA_BR_GROUP_FWD_MASK), ifSet: groupForwardMask)
    writer.put(Int(IFLA_BR_GROUP_ADDR), ifSet: groupAddress)
    writer.put(Int(IFLA_BR_MCAST_ROUTER), ifSet: multicastRouter?.rawValue)
    writer.put(Int(IFLA_BR_MCAST_SNOOPING), ifSet: isMulticastSnooping)
    writer.put(Int(IFLA_BR_MCAST_QUERY_USE_IFADDR), ifSet: queriesFromOwnAddress)
    writer.put(Int(IFLA_BR_MCAST_QUERIER), ifSet: isMulticastQuerier)
    writer.put(Int(IFLA_BR_MCAST_HASH_MAX), ifSet: maximumGroups)
    writer.put(Int(IFLA_BR_MCAST_LAST_MEMBER_CNT), ifSet: lastMemberQueryCount)
    writer.put(Int(IFLA_BR_MCAST_STARTUP_QUERY_CNT), ifSet: startupQueryCount)
    writer.put(Int(IFLA_BR_MCAST_LAST_MEMBER_INTVL), ifSet: lastMemberInterval)
    writer.put(Int(IFLA_BR_MCAST_MEMBERSHIP_INTVL), ifSet: membershipInterval)
    writer.put(Int(IFLA_BR_MCAST_QUERIER_INTVL), ifSet: querierInterval)
    writer.put(Int(IFLA_BR_MCAST_QUERY_INTVL), ifSet: queryInterval)
    writer.put(Int(IFLA_BR_MCAST_QUERY_RESPONSE_INTVL), ifSet: queryResponseInterval)
    writer.put(Int(IFLA_BR_MCAST_STARTUP_QUERY_INTVL), ifSet: startupQueryInterval)
    writer.put(Int(IFLA_BR_MCAST_STATS_ENABLED), ifSet: countsMulticast)
    writer.put(Int(IFLA_BR_MCAST_IGMP_VERSION), ifSet: igmpVersion)
    writer.put(Int(IFLA_BR_MCAST_MLD_VERSION), ifSet: mldVersion)
    writer.put(Int(IFLA_BR_NF_CALL_IPTABLES), ifSet: callsIPTables)
    writer.put(Int(IFLA_BR_NF_CALL_IP6TABLES), ifSet: callsIP6Tables)
    writer.put(Int(IFLA_BR_NF_CALL_ARPTABLES), ifSet: callsARPTables)
    writer.put(Newer.maximumLearned, ifSet: maximumLearned)
    options.encode(Int(IFLA_BR_MULTI_BOOLOPT), known: asReply ? nil : .known, into: writer)
  }

  /// Whether something is said that only a kernel with VLANs in its bridges (`CONFIG_BRIDGE_VLAN_FILTERING`) takes.
  var namesVLANs: Bool {
    isVLANFiltering != nil || vlanProtocol != nil || defaultVLAN != nil || countsVLANs != nil
      || countsVLANsPerPort != nil || !options.mask.isDisjoint(with: BridgeOptions.ofVLANs)
  }
}
