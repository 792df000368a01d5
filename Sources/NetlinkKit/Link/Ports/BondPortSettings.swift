// SPDX-License-Identifier: Apache-2.0

internal import CLibmnl
public import NetworkTypes

/// The settings of a bond's port, and what it says of itself: ``LinkPort/bond(_:)``.
///
/// What is nil stays as it is.
public struct BondPortSettings: Sendable, Hashable {
  /// The bond's sending queue that leaves by this port; 0 for none (`IFLA_BOND_SLAVE_QUEUE_ID`).
  public var queue: UInt16?
  /// The higher, the sooner it is chosen to work (`IFLA_BOND_SLAVE_PRIO`).
  ///
  /// Linux 6.0.
  public var priority: Int32?
  /// Its priority as a port of an aggregate (`IFLA_BOND_SLAVE_ACTOR_PORT_PRIO`).
  ///
  /// Linux 6.18; before, the kernel ignores it without a word and says nothing of it.
  public var actorPriority: UInt16?
  /// Whether it works, and is not held in reserve; only read (`IFLA_BOND_SLAVE_STATE`).
  public internal(set) var isActive: Bool?
  /// What the bond makes of its carrier; only read (`IFLA_BOND_SLAVE_MII_STATUS`).
  public internal(set) var carrier: BondPortCarrier?
  /// How often it lost its carrier; only read (`IFLA_BOND_SLAVE_LINK_FAILURE_COUNT`).
  public internal(set) var failureCount: UInt32?
  /// Its own link-layer address, while it carries the bond's; only read (`IFLA_BOND_SLAVE_PERM_HWADDR`).
  public internal(set) var permanentAddress: MACAddress?
  /// The aggregate it is in, in ``BondMode/lacp``; only read (`IFLA_BOND_SLAVE_AD_AGGREGATOR_ID`).
  public internal(set) var aggregator: UInt16?
  /// Its state bits in LACP; only read (`IFLA_BOND_SLAVE_AD_ACTOR_OPER_PORT_STATE`).
  public internal(set) var actorState: UInt8?
  /// Its partner's state bits in LACP; only read (`IFLA_BOND_SLAVE_AD_PARTNER_OPER_PORT_STATE`).
  public internal(set) var partnerState: UInt16?

  /// Describes settings.
  ///
  /// - Parameters:
  ///   - queue: the bond's sending queue that leaves by this port; 0 for none.
  ///   - priority: the higher, the sooner it is chosen to work.
  ///   - actorPriority: its priority as a port of an aggregate.
  public init(
    queue: UInt16? = nil, priority: Int32? = nil, actorPriority: UInt16? = nil
  ) {
    self.queue = queue
    self.priority = priority
    self.actorPriority = actorPriority
  }
}

extension BondPortSettings: LinkData {
  /// Says nothing of any setting.
  public init() { self.init(queue: nil) }

  /// Attributes newer than the headers this is built with.
  private enum Newer {
    /// `IFLA_BOND_SLAVE_ACTOR_PORT_PRIO`.
    static let actorPriority = 10
  }

  mutating func read(_ attribute: Attribute, in datagram: RawSpan) throws(WireError) -> Bool {
    switch attribute.kind {
    case Int(IFLA_BOND_SLAVE_QUEUE_ID): queue = try datagram.value(attribute)
    case Int(IFLA_BOND_SLAVE_PRIO): priority = try datagram.value(attribute)
    case Newer.actorPriority: actorPriority = try datagram.value(attribute)
    case Int(IFLA_BOND_SLAVE_MII_STATUS): carrier = BondPortCarrier(rawValue: try datagram.value(attribute))
    case Int(IFLA_BOND_SLAVE_LINK_FAILURE_COUNT): failureCount = try datagram.value(attribute)
    case Int(IFLA_BOND_SLAVE_AD_AGGREGATOR_ID): aggregator = try datagram.value(attribute)
    case Int(IFLA_BOND_SLAVE_AD_ACTOR_OPER_PORT_STATE): actorState = try datagram.value(attribute)
    case Int(IFLA_BOND_SLAVE_AD_PARTNER_OPER_PORT_STATE): partnerState = try datagram.value(attribute)
    case Int(IFLA_BOND_SLAVE_STATE): isActive = try datagram.value(attribute, as: UInt8.self) == 0
    case Int(IFLA_BOND_SLAVE_PERM_HWADDR) where attribute.payload.count == 6:
      permanentAddress = try datagram.macAddress(attribute)
    default: return false
    }
    return true
  }

  func encode(into writer: MessageWriter, asReply: Bool) {
    writer.put(Int(IFLA_BOND_SLAVE_QUEUE_ID), ifSet: queue)
    writer.put(Int(IFLA_BOND_SLAVE_PRIO), ifSet: priority)
    writer.put(Newer.actorPriority, ifSet: actorPriority)
    if asReply { writer.put(Int(IFLA_BOND_SLAVE_MII_STATUS), ifSet: carrier?.rawValue) }
    if asReply { writer.put(Int(IFLA_BOND_SLAVE_LINK_FAILURE_COUNT), ifSet: failureCount) }
    if asReply { writer.put(Int(IFLA_BOND_SLAVE_AD_AGGREGATOR_ID), ifSet: aggregator) }
    if asReply { writer.put(Int(IFLA_BOND_SLAVE_AD_ACTOR_OPER_PORT_STATE), ifSet: actorState) }
    if asReply { writer.put(Int(IFLA_BOND_SLAVE_AD_PARTNER_OPER_PORT_STATE), ifSet: partnerState) }
    guard asReply else { return }
    writer.put(Int(IFLA_BOND_SLAVE_STATE), ifSet: isActive.map { !$0 })
    writer.put(Int(IFLA_BOND_SLAVE_PERM_HWADDR), ifSet: permanentAddress)
  }
}
