// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes

/// The settings of a bridge: ``LinkKind/bridge(_:)``.
///
/// What is nil is the kernel's choice, or stays as it is. What a bridge says of itself besides is ``Link/bridgeStatus``.
public struct BridgeSettings: Sendable, Hashable {
  /// How long a port listens, and then learns, before it forwards, in hundredths of a second
  /// (`IFLA_BR_FORWARD_DELAY`).
  ///
  /// 200...3000 while the spanning tree protocol runs.
  public var forwardDelay: UInt32?
  /// How often the root announces itself, in hundredths of a second, 100...1000 (`IFLA_BR_HELLO_TIME`).
  public var helloTime: UInt32?
  /// After what silence the root is taken for gone, in hundredths of a second, 600...4000 (`IFLA_BR_MAX_AGE`).
  public var maximumAge: UInt32?
  /// After what silence an address is forgotten, in hundredths of a second; 0 to forget at once
  /// (`IFLA_BR_AGEING_TIME`).
  public var ageingTime: UInt32?
  /// Who runs the spanning tree protocol, if anybody (`IFLA_BR_STP_STATE`).
  public var spanningTree: BridgeSpanningTree?
  /// The lower, the sooner it becomes the root of the spanning tree (`IFLA_BR_PRIORITY`).
  public var priority: UInt16?
  /// Whether it looks at VLAN tags and keeps the VLANs apart (`IFLA_BR_VLAN_FILTERING`).
  public var isVLANFiltering: Bool?
  /// Which tags it looks at (`IFLA_BR_VLAN_PROTOCOL`).
  public var vlanProtocol: VLANProtocol?
  /// The VLAN that new ports and the bridge itself are put in, 1...4094; 0 for none
  /// (`IFLA_BR_VLAN_DEFAULT_PVID`).
  ///
  /// It changes only while ``isVLANFiltering`` is off.
  public var defaultVLAN: UInt16?
  /// Whether packets are counted for each VLAN (`IFLA_BR_VLAN_STATS_ENABLED`).
  public var countsVLANs: Bool?
  /// Whether packets are counted for each VLAN of each port; changes only while no port has a VLAN
  /// (`IFLA_BR_VLAN_STATS_PER_PORT`).
  public var countsVLANsPerPort: Bool?
  /// Which groups 01:80:c2:00:00:0X, meant for the next bridge alone, it forwards: bit X
  /// (`IFLA_BR_GROUP_FWD_MASK`).
  ///
  /// The bits 0, 1 and 2 are refused.
  public var groupForwardMask: UInt16?
  /// The address of its spanning tree messages, 01:80:c2:00:00:0X (`IFLA_BR_GROUP_ADDR`).
  public var groupAddress: MACAddress?
  /// Whether the bridge itself gets all multicast packets, as a router does (`IFLA_BR_MCAST_ROUTER`).
  public var multicastRouter: BridgeMulticastRouter?
  /// Whether it finds out by IGMP and MLD which ports want which groups (`IFLA_BR_MCAST_SNOOPING`).
  public var isMulticastSnooping: Bool?
  /// Whether its IGMP queries carry its own address instead of 0.0.0.0 (`IFLA_BR_MCAST_QUERY_USE_IFADDR`).
  public var queriesFromOwnAddress: Bool?
  /// Whether it sends queries itself (`IFLA_BR_MCAST_QUERIER`).
  public var isMulticastQuerier: Bool?
  /// How many groups it remembers at most (`IFLA_BR_MCAST_HASH_MAX`).
  public var maximumGroups: UInt32?
  /// How many queries go unanswered before a group that was left is dropped (`IFLA_BR_MCAST_LAST_MEMBER_CNT`).
  public var lastMemberQueryCount: UInt32?
  /// How many queries it sends to begin with (`IFLA_BR_MCAST_STARTUP_QUERY_CNT`).
  public var startupQueryCount: UInt32?
  /// Between the queries for a group that was left, in hundredths of a second
  /// (`IFLA_BR_MCAST_LAST_MEMBER_INTVL`).
  public var lastMemberInterval: UInt64?
  /// After what silence a port is taken out of a group, in hundredths of a second
  /// (`IFLA_BR_MCAST_MEMBERSHIP_INTVL`).
  public var membershipInterval: UInt64?
  /// After what silence another querier is taken for gone, in hundredths of a second
  /// (`IFLA_BR_MCAST_QUERIER_INTVL`).
  public var querierInterval: UInt64?
  /// Between queries, in hundredths of a second; at least 100 since Linux 5.16 (`IFLA_BR_MCAST_QUERY_INTVL`).
  public var queryInterval: UInt64?
  /// How long answers to a query may take, in hundredths of a second (`IFLA_BR_MCAST_QUERY_RESPONSE_INTVL`).
  public var queryResponseInterval: UInt64?
  /// Between queries to begin with, in hundredths of a second; at least 100 since Linux 5.16
  /// (`IFLA_BR_MCAST_STARTUP_QUERY_INTVL`).
  public var startupQueryInterval: UInt64?
  /// Whether IGMP and MLD messages are counted (`IFLA_BR_MCAST_STATS_ENABLED`).
  public var countsMulticast: Bool?
  /// Which IGMP it speaks, 2 or 3 (`IFLA_BR_MCAST_IGMP_VERSION`).
  public var igmpVersion: UInt8?
  /// Which MLD it speaks, 1 or 2 (`IFLA_BR_MCAST_MLD_VERSION`).
  public var mldVersion: UInt8?
  /// Whether bridged IPv4 packets pass iptables; works where the kernel has `br_netfilter`
  /// (`IFLA_BR_NF_CALL_IPTABLES`).
  public var callsIPTables: Bool?
  /// Whether bridged IPv6 packets pass ip6tables (`IFLA_BR_NF_CALL_IP6TABLES`).
  public var callsIP6Tables: Bool?
  /// Whether bridged ARP messages pass arptables (`IFLA_BR_NF_CALL_ARPTABLES`).
  public var callsARPTables: Bool?
  /// Further switches (`IFLA_BR_MULTI_BOOLOPT`).
  public var options = MaskedFlags<BridgeOptions>()
  /// How many addresses it learns at most; 0 for no limit (`IFLA_BR_FDB_MAX_LEARNED`).
  ///
  /// Linux 6.7; before, the kernel ignores it without a word and says nothing of it.
  public var maximumLearned: UInt32?

  /// Describes the settings most asked for; the others are properties.
  ///
  /// - Parameters:
  ///   - forwardDelay: how long a port listens, and then learns, in hundredths of a second.
  ///   - ageingTime: after what silence an address is forgotten, in hundredths of a second.
  ///   - spanningTree: who runs the spanning tree protocol, if anybody.
  ///   - priority: the lower, the sooner it becomes the root of the spanning tree.
  ///   - isVLANFiltering: whether it keeps VLANs apart.
  ///   - vlanProtocol: which tags it looks at.
  ///   - defaultVLAN: the VLAN that new ports are put in; 0 for none.
  ///   - groupForwardMask: which groups 01:80:c2:00:00:0X it forwards: bit X.
  ///   - isMulticastSnooping: whether it finds out which ports want which groups.
  ///   - isMulticastQuerier: whether it sends queries itself.
  ///   - options: further switches.
  ///   - maximumLearned: how many addresses it learns at most.
  public init(
    forwardDelay: UInt32? = nil, ageingTime: UInt32? = nil, spanningTree: BridgeSpanningTree? = nil,
    priority:
      UInt16? = nil, isVLANFiltering: Bool? = nil, vlanProtocol: VLANProtocol? = nil, defaultVLAN: UInt16? = nil,
    groupForwardMask: UInt16? = nil, isMulticastSnooping: Bool? = nil, isMulticastQuerier: Bool? = nil,
    options:
      MaskedFlags<BridgeOptions> = MaskedFlags(), maximumLearned: UInt32? = nil
  ) {
    self.forwardDelay = forwardDelay
    self.ageingTime = ageingTime
    self.spanningTree = spanningTree
    self.priority = priority
    self.isVLANFiltering = isVLANFiltering
    self.vlanProtocol = vlanProtocol
    self.defaultVLAN = defaultVLAN
    self.groupForwardMask = groupForwardMask
    self.isMulticastSnooping = isMulticastSnooping
    self.isMulticastQuerier = isMulticastQuerier
    self.options = options
    self.maximumLearned = maximumLearned
  }
}
