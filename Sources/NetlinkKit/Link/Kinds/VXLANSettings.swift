// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes

/// The settings of a VXLAN link: ``LinkKind/vxlan(_:)``.
///
/// What is nil is the kernel's choice, or stays as it is. Of a link that exists the kernel changes few, and refuses
/// (`notSupported`) the others even where they are what they were: a change says only what is to be different.
public struct VXLANSettings: Sendable, Hashable {
  /// The network's number (VNI), 0...16777215; fixed when it is created (`IFLA_VXLAN_ID`).
  ///
  /// Where ``isExternal`` none is given, and 0 read back.
  public var id: UInt32?
  /// Where packets go whose receiver's place is not known: a multicast group or another host (`IFLA_VXLAN_GROUP`,
  /// `IFLA_VXLAN_GROUP6`).
  public var remote: IPAddress?
  /// The link that packets leave by; needed for a multicast group (`IFLA_VXLAN_LINK`).
  public var parent: InterfaceIndex?
  /// The address that packets come from, of the same family as ``remote`` (`IFLA_VXLAN_LOCAL`,
  /// `IFLA_VXLAN_LOCAL6`).
  public var local: IPAddress?
  /// The UDP port packets go to and are expected at (`IFLA_VXLAN_PORT`).
  ///
  /// The kernel's choice is 8472, which is not the 4789 that IANA assigned.
  public var port: UInt16?
  /// The UDP ports that packets come from (`IFLA_VXLAN_PORT_RANGE`).
  ///
  /// One is picked for each flow; 0...0 is the kernel's choice.
  public var sourcePorts: VXLANPortRange?
  /// The outer packet's TTL; 0 for the kernel's choice (`IFLA_VXLAN_TTL`).
  public var ttl: UInt8?
  /// Whether the TTL is the inner packet's; fixed when it is created (`IFLA_VXLAN_TTL_INHERIT`).
  public var inheritsTTL: Bool?
  /// The outer packet's type of service; 1 for the inner packet's (`IFLA_VXLAN_TOS`).
  public var tos: UInt8?
  /// Whether the outer IPv4 packet may be cut up on its way (`IFLA_VXLAN_DF`).
  public var fragmentation: VXLANFragmentation?
  /// The outer IPv6 packet's flow label, 20 bits (`IFLA_VXLAN_LABEL`).
  public var flowLabel: UInt32?
  /// Where the flow label comes from (`IFLA_VXLAN_LABEL_POLICY`).
  ///
  /// Linux 6.8; before, the kernel ignores it without a word and says nothing of it.
  public var flowLabelPolicy: VXLANFlowLabelPolicy?
  /// Whether it learns from packets behind which host an address is; on unless switched off
  /// (`IFLA_VXLAN_LEARNING`).
  public var isLearning: Bool?
  /// After what silence an address is forgotten, in seconds; 0 for never (`IFLA_VXLAN_AGEING`).
  public var ageing: UInt32?
  /// How many addresses it remembers at most; 0 for no limit (`IFLA_VXLAN_LIMIT`).
  public var addressLimit: UInt32?
  /// Whether it answers ARP for neighbours that were entered (`IFLA_VXLAN_PROXY`).
  public var proxiesARP: Bool?
  /// Whether packets to a router go straight to the host behind it (`IFLA_VXLAN_RSC`).
  public var shortCircuitsRoutes: Bool?
  /// Whether it announces link-layer addresses whose place is not known (`IFLA_VXLAN_L2MISS`).
  public var reportsLinkLayerMisses: Bool?
  /// Whether it announces addresses whose neighbour is not known (`IFLA_VXLAN_L3MISS`).
  public var reportsNeighbourMisses: Bool?
  /// Whether routes or programs say where each packet goes, and in which network (`IFLA_VXLAN_COLLECT_METADATA`).
  ///
  /// Fixed when it is created.
  public var isExternal: Bool?
  /// Whether only networks that were entered are let in, where ``isExternal`` (`IFLA_VXLAN_VNIFILTER`).
  ///
  /// Fixed when it is created. Linux 5.18.
  public var filtersNetworks: Bool?
  /// Whether UDP over IPv4 carries checksums (`IFLA_VXLAN_UDP_CSUM`).
  public var sendsChecksums: Bool?
  /// Whether UDP over IPv6 carries none (`IFLA_VXLAN_UDP_ZERO_CSUM6_TX`).
  public var omitsIPv6Checksums: Bool?
  /// Whether UDP over IPv6 without is taken (`IFLA_VXLAN_UDP_ZERO_CSUM6_RX`).
  public var acceptsNoIPv6Checksums: Bool?
  /// Whether inner checksums are left to the receiver (`IFLA_VXLAN_REMCSUM_TX`).
  public var offloadsChecksums: Bool?
  /// Whether it finishes inner checksums that were left to it (`IFLA_VXLAN_REMCSUM_RX`).
  public var acceptsOffloadedChecksums: Bool?
  /// Whether packets to this host go to the local VXLAN link and not through UDP (`IFLA_VXLAN_LOCALBYPASS`).
  ///
  /// Linux 6.5; before, the kernel ignores it without a word and says nothing of it.
  public var bypassesLocally: Bool?
  /// Whether packets carry the sender's group, for policy (`IFLA_VXLAN_GBP`).
  ///
  /// Fixed when it is created.
  public var carriesPolicy: Bool = false
  /// Whether it carries other protocols than Ethernet, with no link layer of its own (`IFLA_VXLAN_GPE`).
  ///
  /// Only where ``isExternal``; fixed when it is created.
  public var carriesProtocol: Bool = false
  /// Whether offloaded checksums are finished at once; fixed when it is created (`IFLA_VXLAN_REMCSUM_NOPARTIAL`).
  public var finishesWholeChecksums: Bool = false

  /// Describes the settings most asked for; the others are properties.
  ///
  /// - Parameters:
  ///   - id: the network's number (VNI), 0...16777215.
  ///   - remote: where packets go whose receiver's place is not known: a multicast group or another
  ///     host.
  ///   - parent: the link that packets leave by; needed for a multicast group.
  ///   - local: the address that packets come from.
  ///   - port: the UDP port packets go to and are expected at; nil for the kernel's 8472.
  ///   - sourcePorts: the UDP ports that packets come from.
  ///   - ttl: the outer packet's TTL; 0 for the kernel's choice.
  ///   - isLearning: whether it learns from packets behind which host an address is.
  ///   - isExternal: whether routes or programs say where each packet goes, and in which network.
  ///   - carriesPolicy: whether packets carry the sender's group, for policy.
  public init(
    id: UInt32? = nil, remote: IPAddress? = nil, parent: InterfaceIndex? = nil, local: IPAddress? = nil,
    port:
      UInt16? = nil, sourcePorts: VXLANPortRange? = nil, ttl: UInt8? = nil, isLearning: Bool? = nil,
    isExternal:
      Bool? = nil, carriesPolicy: Bool = false
  ) {
    self.id = id
    self.remote = remote
    self.parent = parent
    self.local = local
    self.port = port
    self.sourcePorts = sourcePorts
    self.ttl = ttl
    self.isLearning = isLearning
    self.isExternal = isExternal
    self.carriesPolicy = carriesPolicy
  }
}
