// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes

/// A network device as the kernel describes it.
///
/// What is optional may be absent: the kernel leaves out what a device does not have and what an older kernel does not
/// know, and says very little in its news about bridge ports (see ``family``).
public struct Link: Sendable, Hashable {
  /// Its number in its namespace.
  public var index: InterfaceIndex
  /// Its name; `?` and its index when `InterfaceName` cannot hold the real one.
  ///
  /// The kernel allows control characters and bytes that are no text. ``otherAttributes`` then has the real name
  /// (`IFLA_IFNAME`, 3).
  public var name: InterfaceName
  /// Further names it can be found by, up to 127 bytes each (`IFLA_ALT_IFNAME`).
  public var alternativeNames: [String] = []
  /// What kind of virtual device it is, with its settings; nil for loopback and hardware.
  public var kind: LinkKind?
  /// The largest packet it carries, in bytes without the link-layer header.
  public var mtu: UInt32
  /// The smallest MTU that it can be given, in bytes.
  public var minimumMTU: UInt32?
  /// The largest MTU that it can be given, in bytes; 0 for no limit.
  public var maximumMTU: UInt32?
  /// Its link-layer address; nil when it has none of six bytes.
  ///
  /// Addresses of other lengths are in ``otherAttributes`` (`IFLA_ADDRESS`, 1).
  public var address: MACAddress?
  /// The link-layer address that reaches everybody on it; nil when it has none of six bytes.
  public var broadcastAddress: MACAddress?
  /// The address that the hardware was made with; nil when it has none of six bytes (`IFLA_PERM_ADDRESS`).
  public var permanentAddress: MACAddress?
  /// Everything that is switched on or true of it.
  public var flags: LinkFlags
  /// Which of ``flags`` have just changed, in news about the link; empty when it was asked for.
  public var changedFlags: LinkFlags = []
  /// The text that an administrator attached to it (`ip link set alias`); nil when there is none.
  public var alias: String?
  /// The group it is in.
  public var group: LinkGroup?
  /// The link it lies on or is paired with: an ipvlan's parent, a veth's peer (`IFLA_LINK`).
  ///
  /// When ``parentNamespaceID`` is not nil this is an index in that other namespace.
  public var parentIndex: InterfaceIndex?
  /// The id of the namespace that ``parentIndex`` lies in; nil when that is the link's own.
  ///
  /// The id is one of the socket's namespace, also for a link that was found in another.
  public var parentNamespaceID: NamespaceID?
  /// The bridge or bond it is a port of.
  public var masterIndex: InterfaceIndex?
  /// What it is as a port of that bridge or bond, with its settings; nil when it is none.
  public var port: LinkPort?
  /// Whether it can carry packets right now (RFC 2863).
  public var operationalState: OperationalState
  /// Who decides about ``operationalState``.
  public var mode: LinkMode?
  /// How many have asked it to take packets for every address; 0 when nobody has.
  ///
  /// It counts capturing programs and bridges too, which ``LinkFlags/promiscuous`` does not tell of.
  public var promiscuity: UInt32?
  /// How many have asked it to take all multicast packets; 0 when nobody has.
  public var allMulticastCount: UInt32?
  /// How many queues it has for sending.
  public var transmitQueueCount: UInt32?
  /// How many queues it has for receiving.
  public var receiveQueueCount: UInt32?
  /// How many packets a queue for sending holds where the queueing discipline does not say (`txqlen`).
  public var transmitQueueLength: UInt32?
  /// How large packets may be before they are cut up, and become when they are put together.
  public var segmentation = SegmentationLimits()
  /// The largest packet that the device can cut up itself, in bytes (`IFLA_TSO_MAX_SIZE`).
  public var tsoMaximumSize: UInt32?
  /// The most packets that the device can cut one up into (`IFLA_TSO_MAX_SEGS`).
  public var tsoMaximumSegments: UInt32?
  /// Whether it has a carrier: the cable is in, the other end is up.
  public var hasCarrier: Bool?
  /// How often the carrier came or went.
  public var carrierChanges: UInt32?
  /// How often the carrier came.
  public var carrierUpCount: UInt32?
  /// How often the carrier went.
  public var carrierDownCount: UInt32?
  /// Whether a protocol holds it down (`ip link set protodown on`).
  public var isProtocolDown: Bool?
  /// Why a protocol holds it down, one bit for each reason; nil when none is given.
  public var protocolDownReasons: UInt32?
  /// Whether it can never be moved to another namespace; nil before Linux 6.17, where the kernel does not say.
  public var isNamespaceImmutable: Bool?
  /// The name of its root queueing discipline, such as `noqueue`.
  public var qdisc: String?
  /// The name of the device on a hardware bus that it belongs to, such as `0000:00:05.0`; nil for virtual links.
  public var parentDeviceName: String?
  /// The bus of ``parentDeviceName``, such as `pci`.
  public var parentDeviceBus: String?
  /// What passed through it; nil when the kernel sent no counters.
  public var statistics: LinkStatistics?
  /// Why the kernel announces it; nil when it was asked for, or the kernel does not say.
  public var event: LinkEvent?
  /// In the news that it left for another namespace: the id of that, where it has one.
  public var newNamespaceID: NamespaceID?
  /// In the news that it left for another namespace: its index there.
  public var newIndex: InterfaceIndex?
  /// The id of the namespace it lies in, when it was looked for in another than the socket's; else nil.
  public var namespaceID: NamespaceID?
  /// The hardware type, such as 1 for Ethernet and 772 for loopback (`ARPHRD_...`).
  public var hardwareType: UInt16
  /// 0 for a link; 7 (`AF_BRIDGE`) in news about the link as a port of a bridge.
  ///
  /// The removal of such a one says that the link is no port any longer, not that it is gone; a ``NetlinkMonitor`` leaves
  /// them out.
  public var family: UInt8 = 0
  /// What the kernel sent about the kind's settings and ``kind`` does not say (`IFLA_INFO_DATA`).
  public var otherKindAttributes: RawAttributes
  /// What the kernel sent about the port's settings and ``port`` does not say (`IFLA_INFO_SLAVE_DATA`).
  public var otherPortAttributes = RawAttributes()
  /// What the kernel sent besides about kind and port (`IFLA_INFO_...`).
  public var otherInformationAttributes = RawAttributes()
  /// What the kernel sent besides (`IFLA_...`).
  public var otherAttributes: RawAttributes

  /// Whether it is administratively up (`IFF_UP`).
  public var isUp: Bool { flags.contains(.up) }
  /// Whether it resolves neighbours by ARP: the opposite of `IFF_NOARP`.
  public var isARPEnabled: Bool { !flags.contains(.noARP) }
}
