// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes

/// The settings of a bridge's port: ``LinkPort/bridge(_:)``.
///
/// What is nil stays as it is. What a port says of itself besides is ``Link/bridgePortStatus``.
public struct BridgePortSettings: Sendable, Hashable {
  /// What it does with packets (`IFLA_BRPORT_STATE`).
  ///
  /// The kernel decides where it runs the spanning tree protocol, and refuses it.
  public var state: BridgePortState?
  /// The lower, the sooner it is chosen among equals, 0...63 (`IFLA_BRPORT_PRIORITY`).
  public var priority: UInt16?
  /// What a path through it costs in the spanning tree, 1...65535 (`IFLA_BRPORT_COST`).
  public var cost: UInt32?
  /// Whether packets may leave by the port that they came in by (`IFLA_BRPORT_MODE`).
  public var isHairpin: Bool?
  /// Whether it goes out of service when it hears another bridge (BPDU guard, `IFLA_BRPORT_GUARD`).
  public var isGuarded: Bool?
  /// Whether it can never lead to the root of the spanning tree (`IFLA_BRPORT_PROTECT`).
  public var isRootBlocked: Bool?
  /// Whether one leave message takes it out of a multicast group (`IFLA_BRPORT_FAST_LEAVE`).
  public var leavesFast: Bool?
  /// Whether the bridge learns the addresses behind it (`IFLA_BRPORT_LEARNING`).
  public var isLearning: Bool?
  /// Whether it gets packets for addresses that were not learned (`IFLA_BRPORT_UNICAST_FLOOD`).
  public var floodsUnicast: Bool?
  /// Whether it gets multicast packets that nobody asked for (`IFLA_BRPORT_MCAST_FLOOD`).
  public var floodsMulticast: Bool?
  /// Whether it gets broadcasts (`IFLA_BRPORT_BCAST_FLOOD`).
  public var floodsBroadcast: Bool?
  /// Whether it reaches no other isolated port (`IFLA_BRPORT_ISOLATED`).
  public var isIsolated: Bool?
  /// Whether the bridge answers ARP on it for those that it knows (`IFLA_BRPORT_PROXYARP`).
  public var proxiesARP: Bool?
  /// The same as IEEE 802.11 wants it of an access point (`IFLA_BRPORT_PROXYARP_WIFI`).
  public var proxiesARPForWireless: Bool?
  /// Whether ARP and neighbour discovery are answered by the bridge and not sent out by it
  /// (`IFLA_BRPORT_NEIGH_SUPPRESS`).
  public var suppressesNeighbours: Bool?
  /// Whether each VLAN says for itself what ``suppressesNeighbours`` says (`IFLA_BRPORT_NEIGH_VLAN_SUPPRESS`).
  ///
  /// Linux 6.4; before, the kernel ignores it without a word and says nothing of it.
  public var suppressesNeighboursPerVLAN: Bool?
  /// Whether VLANs and tunnel numbers are mapped to each other on it (`IFLA_BRPORT_VLAN_TUNNEL`).
  public var hasVLANTunnel: Bool?
  /// Whether a router is behind it, which gets all multicast packets (`IFLA_BRPORT_MULTICAST_ROUTER`).
  public var multicastRouter: BridgeMulticastRouter?
  /// Whether multicast packets go to each member by its own address (`IFLA_BRPORT_MCAST_TO_UCAST`).
  public var sendsMulticastAsUnicast: Bool?
  /// How many members of multicast groups it keeps track of at most, not 0 (`IFLA_BRPORT_MCAST_EHT_HOSTS_LIMIT`).
  public var maximumTrackedHosts: UInt32?
  /// How many multicast groups it can be in; 0 for no limit (`IFLA_BRPORT_MCAST_MAX_GROUPS`).
  ///
  /// Linux 6.3; before, the kernel ignores it without a word and says nothing of it.
  public var maximumGroups: UInt32?
  /// As ``BridgeSettings/groupForwardMask``, for this port (`IFLA_BRPORT_GROUP_FWD_MASK`).
  public var groupForwardMask: UInt16?
  /// The port that takes over its packets when it has no carrier; `.some(nil)` for none
  /// (`IFLA_BRPORT_BACKUP_PORT`).
  public var backupPort: InterfaceIndex??
  /// The next hop that packets to ``backupPort`` take; 0 for none (`IFLA_BRPORT_BACKUP_NHID`).
  ///
  /// Linux 6.6; before, the kernel ignores it without a word.
  public var backupNextHop: UInt32?
  /// Whether only addresses that were entered for it may send (802.1X, `IFLA_BRPORT_LOCKED`).
  ///
  /// Linux 5.18.
  public var isLocked: Bool?
  /// Whether the unknown addresses that a locked port refuses are shown in the bridge's table
  /// (`IFLA_BRPORT_MAB`).
  ///
  /// Linux 6.2; before, the kernel ignores it without a word and says nothing of it.
  public var authenticatesAddresses: Bool?

  /// Describes the settings most asked for; the others are properties.
  ///
  /// - Parameters:
  ///   - state: what it does with packets.
  ///   - priority: the lower, the sooner it is chosen among equals, 0...63.
  ///   - cost: what a path through it costs in the spanning tree, 1...65535.
  ///   - isHairpin: whether packets may leave by the port that they came in by.
  ///   - isGuarded: whether it goes out of service when it hears another bridge.
  ///   - isLearning: whether the bridge learns the addresses behind it.
  ///   - floodsUnicast: whether it gets packets for addresses that were not learned.
  ///   - floodsMulticast: whether it gets multicast packets that nobody asked for.
  ///   - floodsBroadcast: whether it gets broadcasts.
  ///   - isIsolated: whether it reaches no other isolated port.
  ///   - proxiesARP: whether the bridge answers ARP on it for those that it knows.
  ///   - suppressesNeighbours: whether ARP and neighbour discovery are not sent out by it.
  ///   - hasVLANTunnel: whether VLANs and tunnel numbers are mapped to each other on it.
  ///   - isLocked: whether only addresses that were entered for it may send.
  public init(
    state: BridgePortState? = nil, priority: UInt16? = nil, cost: UInt32? = nil, isHairpin: Bool? = nil,
    isGuarded: Bool? = nil, isLearning: Bool? = nil, floodsUnicast: Bool? = nil, floodsMulticast: Bool? = nil,
    floodsBroadcast: Bool? = nil, isIsolated: Bool? = nil, proxiesARP: Bool? = nil, suppressesNeighbours: Bool? = nil,
    hasVLANTunnel: Bool? = nil, isLocked: Bool? = nil
  ) {
    self.state = state
    self.priority = priority
    self.cost = cost
    self.isHairpin = isHairpin
    self.isGuarded = isGuarded
    self.isLearning = isLearning
    self.floodsUnicast = floodsUnicast
    self.floodsMulticast = floodsMulticast
    self.floodsBroadcast = floodsBroadcast
    self.isIsolated = isIsolated
    self.proxiesARP = proxiesARP
    self.suppressesNeighbours = suppressesNeighbours
    self.hasVLANTunnel = hasVLANTunnel
    self.isLocked = isLocked
  }
}
