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
  /// What is true of it.
  public var flags: NeighbourFlags
  /// Who put it there (`NDA_PROTOCOL`); nil when nobody said.
  public var `protocol`: RouteProtocol?
  /// What kind of address it is, as a route to it would say (`ndm_type`).
  ///
  /// Not sent.
  public var type = RouteType(rawValue: 0)
  /// How often it has been asked for since it last answered (`NDA_PROBES`); nil when the kernel did not say.
  ///
  /// Not sent.
  public var probes: UInt32?
  /// When it was used and confirmed (`NDA_CACHEINFO`); nil when the kernel did not say.
  ///
  /// Not sent.
  public var usage: NeighbourUsage?
  /// What the kernel sent besides (`NDA_...`), a link-layer address of other than six bytes among it.
  ///
  /// Not sent.
  public var otherAttributes = RawAttributes()

  /// Describes a neighbour.
  ///
  /// - Parameters:
  ///   - interface: the link it is on.
  ///   - address: its address.
  ///   - linkLayerAddress: its link-layer address; nil for a proxy entry, and for one that the kernel is to find.
  ///   - state: how well it is known; empty for an entry that the kernel is to find.
  ///   - isProxy: whether this machine is to answer for it.
  ///   - flags: what else is true of it.
  ///   - protocol: who puts it there; nil to leave it open.
  public init(
    interface: InterfaceIndex, address: IPAddress, linkLayerAddress: MACAddress? = nil,
    state: NeighbourState = .permanent, isProxy: Bool = false, flags: NeighbourFlags = [],
    protocol: RouteProtocol? = nil
  ) {
    self.interface = interface
    self.address = address
    self.linkLayerAddress = linkLayerAddress
    self.state = state
    self.flags = isProxy ? flags.union(.proxy) : flags
    self.protocol = `protocol`
  }

  /// Whether this machine answers for it (`NTF_PROXY`).
  public var isProxy: Bool {
    get { flags.contains(.proxy) }
    set { if newValue { flags.insert(.proxy) } else { flags.remove(.proxy) } }
  }
}

/// When an entry was used, in hundredths of a second ago (`struct nda_cacheinfo`).
public struct NeighbourUsage: Sendable, Hashable {
  /// When it was last confirmed.
  public var confirmed: UInt32
  /// When it was last used.
  public var used: UInt32
  /// When its state or link-layer address last changed.
  public var updated: UInt32
  /// How many in the kernel hold on to it.
  public var referenceCount: UInt32
}
