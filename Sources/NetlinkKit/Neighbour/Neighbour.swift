// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes

/// What is known about the link-layer address of an address next to us: an ARP or NDP entry.
public struct Neighbour: Sendable, Hashable {
  /// The link it is on.
  public var interface: InterfaceIndex
  /// Its address.
  public var address: IPAddress
  /// Its link-layer address; nil while it is not known, and for a proxy entry.
  public var linkLayerAddress: MACAddress?
  /// How well it is known.
  public var state: NeighbourState
  /// Whether this machine answers for it (`NTF_PROXY`).
  public var isProxy: Bool
  /// Who put it there (`NDA_PROTOCOL`); nil when that is not said.
  public var `protocol`: RouteProtocol?
  /// What the kernel sent besides (`NDA_...`).
  ///
  /// Not sent.
  public var otherAttributes = RawAttributes()

  /// Describes a neighbour.
  ///
  /// - Parameters:
  ///   - interface: the link it is on.
  ///   - address: its address.
  ///   - linkLayerAddress: its link-layer address; nil for a proxy entry.
  ///   - state: how well it is known.
  ///   - isProxy: whether this machine is to answer for it.
  public init(
    interface: InterfaceIndex, address: IPAddress, linkLayerAddress: MACAddress? = nil,
    state: NeighbourState = .permanent, isProxy: Bool = false
  ) {
    self.interface = interface
    self.address = address
    self.linkLayerAddress = linkLayerAddress
    self.state = state
    self.isProxy = isProxy
  }
}

/// How well a neighbour is known (`NUD_...`).
public struct NeighbourState: OptionSet, Sendable, Hashable {
  /// The state as the kernel numbers it.
  public let rawValue: UInt16

  /// Makes a state from the kernel's number.
  public init(rawValue: UInt16) { self.rawValue = rawValue }

  /// Being asked for.
  public static let incomplete = NeighbourState(rawValue: 0x01)
  /// Known, and heard from lately.
  public static let reachable = NeighbourState(rawValue: 0x02)
  /// Known, but perhaps no longer true.
  public static let stale = NeighbourState(rawValue: 0x04)
  /// Known, and about to be asked for again.
  public static let delay = NeighbourState(rawValue: 0x08)
  /// Known, and being asked for again.
  public static let probe = NeighbourState(rawValue: 0x10)
  /// Did not answer.
  public static let failed = NeighbourState(rawValue: 0x20)
  /// Needs no asking.
  public static let noARP = NeighbourState(rawValue: 0x40)
  /// Set by an administrator, and never asked for.
  public static let permanent = NeighbourState(rawValue: 0x80)
}
