// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes

/// A network device as the kernel describes it.
public struct Link: Sendable, Hashable {
  /// Its number in its namespace.
  public var index: InterfaceIndex
  /// Its name; `?` and its index when `InterfaceName` cannot hold the real one.
  ///
  /// The kernel allows control characters and bytes that are no text. ``otherAttributes`` then has the real name
  /// (`IFLA_IFNAME`, 3).
  public var name: InterfaceName
  /// What kind of virtual device it is, with its settings; nil for loopback and hardware.
  public var kind: LinkKind?
  /// The largest packet it carries, in bytes without the link-layer header.
  public var mtu: UInt32
  /// Its link-layer address; nil when it has none of six bytes.
  public var address: MACAddress?
  /// Everything that is switched on or true of it.
  public var flags: LinkFlags
  /// The text that an administrator attached to it (`ip link set alias`); nil when there is none.
  public var alias: String?
  /// The link it lies on or is paired with: an ipvlan's parent, a veth's peer (`IFLA_LINK`).
  ///
  /// When ``parentNamespaceID`` is not nil this is an index in that other namespace.
  public var parentIndex: InterfaceIndex?
  /// The number by which this namespace knows the one that ``parentIndex`` lies in; nil when that is this one.
  public var parentNamespaceID: Int32?
  /// The bridge or bond it is a port of.
  public var masterIndex: InterfaceIndex?
  /// Whether it can carry packets right now (RFC 2863).
  public var operationalState: OperationalState
  /// What passed through it; nil when the kernel sent no counters.
  public var statistics: LinkStatistics?
  /// The hardware type, such as 1 for Ethernet and 772 for loopback (`ARPHRD_...`).
  public var hardwareType: UInt16
  /// What the kernel sent about the kind's settings and ``kind`` does not say (`IFLA_INFO_DATA`).
  public var otherKindAttributes: RawAttributes
  /// What the kernel sent besides (`IFLA_...`).
  public var otherAttributes: RawAttributes

  /// Whether it is administratively up (`IFF_UP`).
  public var isUp: Bool { flags.contains(.up) }
  /// Whether it resolves neighbours by ARP: the opposite of `IFF_NOARP`.
  public var isARPEnabled: Bool { !flags.contains(.noARP) }
}
