// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes

/// An elastic network interface as it appears on the node: the NIC that pods share.
public struct ENIAttachment: Hashable, Sendable, Codable {
  /// The NIC's name in the node's namespace.
  public var link: InterfaceName
  /// The NIC's index in the node's namespace.
  ///
  /// It changes when the ENI is attached again.
  public var index: InterfaceIndex
  /// The NIC's MAC address, which all ipvlan slaves on it share.
  public var mac: MACAddress
  /// The ENI's primary private address.
  ///
  /// No pod uses it.
  public var address: IPv4Address
  /// The gateway of the ENI's vSwitch.
  public var gateway: IPv4Address
  /// The prefix length of the vSwitch, 1...32.
  public var prefixLength: Int
  /// A number of this ENI on this node that stays the same when it is attached again, 0...999.
  ///
  /// It chooses the ENI's routing table (``routeTable``), where an index would leave tables of vanished NICs behind.
  public var number: UInt32

  /// Describes an attached ENI.
  public init(
    link: InterfaceName, index: InterfaceIndex, mac: MACAddress, address: IPv4Address, gateway: IPv4Address,
    prefixLength: Int, number: UInt32
  ) {
    self.link = link
    self.index = index
    self.mac = mac
    self.address = address
    self.gateway = gateway
    self.prefixLength = prefixLength
    self.number = number
  }

  /// The routing table of pods on this ENI in veth mode: 1000 + ``number``.
  public var routeTable: UInt32 { 1000 &+ number }

  /// The number that ipvlan pods on this ENI have in common in the map of the node's pods: 1 + ``number``, as 0 says
  /// that a pod has no siblings.
  var siblings: UInt32 { 1 &+ number }
}
