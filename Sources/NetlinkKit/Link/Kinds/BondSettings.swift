// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes

/// The settings of a bond: ``LinkKind/bond(_:)``.
///
/// What is nil is the kernel's choice, or stays as it is. What a bond says of itself besides is
/// ``Link/bondAggregation``. Many settings depend on ``mode``, and on whether the bond is down or without ports; the
/// kernel says so when it refuses one. A change says only what is to be different.
public struct BondSettings: Sendable, Hashable {
  /// How the ports share the work (`IFLA_BOND_MODE`).
  ///
  /// It changes only while the bond is down and has no ports.
  public var mode: BondMode?
  /// The port that works, where only one does; `.some(nil)` for the kernel's choice (`IFLA_BOND_ACTIVE_SLAVE`).
  public var activePort: InterfaceIndex??
  /// How often each port's carrier is looked at, in milliseconds; 0 for never (`IFLA_BOND_MIIMON`).
  public var carrierInterval: UInt32?
  /// How long a carrier must be there before its port is used, in milliseconds (`IFLA_BOND_UPDELAY`).
  ///
  /// Rounded to a multiple of ``carrierInterval``.
  public var upDelay: UInt32?
  /// How long a carrier must be away before its port is given up, in milliseconds; as ``upDelay``
  /// (`IFLA_BOND_DOWNDELAY`).
  public var downDelay: UInt32?
  /// Whether the carrier is asked for in the new way, not by MII registers (`IFLA_BOND_USE_CARRIER`).
  public var usesCarrier: Bool?
  /// Between announcements after a failover, in milliseconds (`IFLA_BOND_PEER_NOTIF_DELAY`).
  public var peerNotificationDelay: UInt32?
  /// How often ``arpTargets`` are asked, in milliseconds; 0 for never (`IFLA_BOND_ARP_INTERVAL`).
  ///
  /// Either this or ``carrierInterval``.
  public var arpInterval: UInt32?
  /// Whom to ask by ARP whether a port works, up to 16 (`IFLA_BOND_ARP_IP_TARGET`).
  ///
  /// The kernel never says that there are none: nil.
  public var arpTargets: [IPv4Address]?
  /// Whom to ask by IPv6 neighbour discovery, up to 16; as ``arpTargets`` (`IFLA_BOND_NS_IP6_TARGET`).
  ///
  /// Linux 5.19.
  public var neighbourTargets: [IPv6Address]?
  /// Which ports' answers are looked at closely (`IFLA_BOND_ARP_VALIDATE`).
  public var arpValidation: BondARPValidation?
  /// Whether a port works only when all targets answer, not just one (`IFLA_BOND_ARP_ALL_TARGETS`).
  public var requiresAllTargets: Bool?
  /// After how many unanswered questions a port is given up, 1...255 (`IFLA_BOND_MISSED_MAX`).
  public var maximumMissed: UInt8?
  /// The port that works whenever it can, where only one does; `.some(nil)` for none (`IFLA_BOND_PRIMARY`).
  public var primary: InterfaceIndex??
  /// When ``primary`` takes over again (`IFLA_BOND_PRIMARY_RESELECT`).
  public var primaryReselection: BondPrimaryReselection?
  /// Whose link-layer address the bond has; changes only while it has no ports (`IFLA_BOND_FAIL_OVER_MAC`).
  public var failOverAddress: BondFailOverAddress?
  /// What decides which port a packet leaves by (`IFLA_BOND_XMIT_HASH_POLICY`).
  public var transmitHash: BondTransmitHash?
  /// How many membership reports follow a failover, 0...255 (`IFLA_BOND_RESEND_IGMP`).
  public var resentIGMPCount: UInt32?
  /// How many announcements of its addresses follow a failover (`IFLA_BOND_NUM_PEER_NOTIF`).
  public var peerNotificationCount: UInt8?
  /// Whether packets that came by ports which do not work are taken (`IFLA_BOND_ALL_SLAVES_ACTIVE`).
  public var acceptsOnAllPorts: Bool?
  /// How many ports must work for the bond to have a carrier (`IFLA_BOND_MIN_LINKS`).
  public var minimumLinks: UInt32?
  /// How often switches are taught where its addresses are, in seconds, not 0 (`IFLA_BOND_LP_INTERVAL`).
  public var learningInterval: UInt32?
  /// How many packets leave by a port before the next one's turn; 0 for at random
  /// (`IFLA_BOND_PACKETS_PER_SLAVE`).
  ///
  /// Refused but in ``BondMode/roundRobin``.
  public var packetsPerPort: UInt32?
  /// How often the partner is to say that it is there (`IFLA_BOND_AD_LACP_RATE`).
  ///
  /// Refused but in ``BondMode/lacp``.
  public var lacpRate: BondLACPRate?
  /// Whether it speaks first (`IFLA_BOND_AD_LACP_ACTIVE`).
  public var isLACPActive: Bool?
  /// Which aggregate of ports is used (`IFLA_BOND_AD_SELECT`).
  public var aggregatorSelection: BondAggregatorSelection?
  /// Its priority as a system, 1...65535 (`IFLA_BOND_AD_ACTOR_SYS_PRIO`).
  public var actorPriority: UInt16?
  /// Its address as a system (`IFLA_BOND_AD_ACTOR_SYSTEM`).
  public var actorAddress: MACAddress?
  /// The upper bits of its ports' keys, 0...1023 (`IFLA_BOND_AD_USER_PORT_KEY`).
  public var userPortKey: UInt16?
  /// Whether ports collect and distribute together (`IFLA_BOND_COUPLED_CONTROL`).
  ///
  /// Linux 6.9.
  public var isCoupledControl: Bool?
  /// Whether ARP and neighbour discovery leave by all ports (`IFLA_BOND_BROADCAST_NEIGH`).
  ///
  /// Linux 6.17.
  public var broadcastsNeighbours: Bool?
  /// Whether flows move between ports by load, in ``BondMode/transmitBalance`` (`IFLA_BOND_TLB_DYNAMIC_LB`).
  public var balancesDynamically: Bool?

  /// Describes the settings most asked for; the others are properties.
  ///
  /// - Parameters:
  ///   - mode: how the ports share the work.
  ///   - carrierInterval: how often each port's carrier is looked at, in milliseconds; 0 for never.
  ///   - upDelay: how long a carrier must be there before its port is used, in milliseconds.
  ///   - downDelay: how long a carrier must be away before its port is given up, in milliseconds.
  ///   - arpInterval: how often the targets are asked by ARP, in milliseconds.
  ///   - arpTargets: whom to ask by ARP, up to 16.
  ///   - primary: the port that works whenever it can.
  ///   - transmitHash: what decides which port a packet leaves by.
  ///   - minimumLinks: how many ports must work for the bond to have a carrier.
  ///   - lacpRate: how often the partner is to say that it is there.
  public init(
    mode: BondMode? = nil, carrierInterval: UInt32? = nil, upDelay: UInt32? = nil, downDelay: UInt32? = nil,
    arpInterval: UInt32? = nil, arpTargets: [IPv4Address]? = nil, primary: InterfaceIndex?? = nil,
    transmitHash:
      BondTransmitHash? = nil, minimumLinks: UInt32? = nil, lacpRate: BondLACPRate? = nil
  ) {
    self.mode = mode
    self.carrierInterval = carrierInterval
    self.upDelay = upDelay
    self.downDelay = downDelay
    self.arpInterval = arpInterval
    self.arpTargets = arpTargets
    self.primary = primary
    self.transmitHash = transmitHash
    self.minimumLinks = minimumLinks
    self.lacpRate = lacpRate
  }
}
