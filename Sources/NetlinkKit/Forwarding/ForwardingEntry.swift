// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes

/// Where a bridge or a tunnel sends frames to a link-layer address: an entry of a forwarding database (`bridge fdb`).
///
/// A bridge has entries for its ports (flag `master`), of which it learns most by itself. A link has entries of its own
/// (flag `self`): a VXLAN tunnel for the machines behind it, an Ethernet card for what it takes in besides its own address.
public struct ForwardingEntry: Sendable, Hashable {
  /// The bridge's port, or the link whose own entry it is.
  public var interface: InterfaceIndex
  /// The link-layer address; all zeros for where a VXLAN tunnel sends what is for nobody in particular.
  public var address: MACAddress
  /// The VLAN, 1...4094 (`NDA_VLAN`); nil for none, and in a request to a bridge with VLANs, for all of the port.
  public var vlan: UInt16?
  /// The machine to tunnel to (`NDA_DST`); nil for none.
  public var destination: IPAddress?
  /// The UDP port to tunnel to, if it is not the tunnel's own (`NDA_PORT`).
  public var port: UInt16?
  /// The network identifier to tunnel with, if it is not the tunnel's own (`NDA_VNI`).
  public var vni: UInt32?
  /// The network identifier that it is for, of a tunnel that carries several (`NDA_SRC_VNI`).
  public var sourceVNI: UInt32?
  /// The link to tunnel through (`NDA_IFINDEX`); nil to let the routes decide.
  public var outputInterface: InterfaceIndex?
  /// A group of machines to tunnel to (`NDA_NH_ID`), instead of ``destination``.
  public var nextHopID: NextHopID?
  /// How long it stays.
  ///
  /// `permanent` with `noARP` is what a tunnel's entries have. To a bridge `permanent` means that the address is the
  /// port's own, `noARP` that it does not age (`static`), and `reachable` alone that it does (`dynamic`).
  public var state: NeighbourState
  /// Whose entry it is, and how it came to be.
  public var flags: NeighbourFlags
  /// Who put it there (`NDA_PROTOCOL`); nil when nobody said.
  public var `protocol`: RouteProtocol?
  /// The bridge (`NDA_MASTER`); nil for an entry of the link itself.
  ///
  /// Not sent.
  public var bridge: InterfaceIndex?
  /// What kind of address it is (`ndm_type`).
  ///
  /// Not sent.
  public var type = RouteType(rawValue: 0)
  /// When it was used (`NDA_CACHEINFO`); nil when the kernel did not say.
  ///
  /// Not sent.
  public var usage: NeighbourUsage?
  /// What the kernel sent besides (`NDA_...`).
  ///
  /// Not sent.
  public var otherAttributes = RawAttributes()

  /// Describes an entry.
  ///
  /// - Parameters:
  ///   - interface: the bridge's port, or the link whose own entry it is.
  ///   - address: the link-layer address; all zeros for where a VXLAN tunnel sends what is for nobody in particular.
  ///   - flags: `self` for an entry of the link itself, `master` for one of its bridge.
  ///   - state: how long it stays.
  ///   - vlan: the VLAN, 1...4094; nil for none.
  ///   - destination: the machine to tunnel to.
  ///   - vni: the network identifier to tunnel with, if it is not the tunnel's own.
  ///   - port: the UDP port to tunnel to, if it is not the tunnel's own.
  ///   - protocol: who puts it there; nil to leave it open.
  public init(
    interface: InterfaceIndex, address: MACAddress, flags: NeighbourFlags,
    state: NeighbourState = [.permanent, .noARP], vlan: UInt16? = nil, destination: IPAddress? = nil,
    vni: UInt32? = nil, port: UInt16? = nil, protocol: RouteProtocol? = nil
  ) {
    self.interface = interface
    self.address = address
    self.flags = flags
    self.state = state
    self.vlan = vlan
    self.destination = destination
    self.vni = vni
    self.port = port
    self.protocol = `protocol`
  }
}
