// SPDX-License-Identifier: Apache-2.0

internal import CLibmnl
internal import NetworkTypes

extension VXLANSettings: LinkData {
  /// Says nothing of any setting.
  public init() { self.init(id: nil) }

  /// Attributes newer than the headers this is built with.
  private enum Newer {
    /// `IFLA_VXLAN_LABEL_POLICY`.
    static let flowLabelPolicy = 32
    /// `IFLA_VXLAN_LOCALBYPASS`.
    static let bypassesLocally = 31
  }

  mutating func read(_ attribute: Attribute, in datagram: RawSpan) throws(WireError) -> Bool {
    switch attribute.kind {
    case Int(IFLA_VXLAN_ID): id = try datagram.value(attribute)
    case Int(IFLA_VXLAN_PORT): port = try datagram.networkValue(attribute)
    case Int(IFLA_VXLAN_TTL): ttl = try datagram.value(attribute)
    // The kernel takes a flag and sends a byte.
    case Int(IFLA_VXLAN_TTL_INHERIT) where attribute.payload.isEmpty: inheritsTTL = true
    case Int(IFLA_VXLAN_TTL_INHERIT): inheritsTTL = try datagram.isOn(attribute)
    case Int(IFLA_VXLAN_TOS): tos = try datagram.value(attribute)
    case Int(IFLA_VXLAN_DF): fragmentation = VXLANFragmentation(rawValue: try datagram.value(attribute))
    case Int(IFLA_VXLAN_LABEL): flowLabel = try datagram.networkValue(attribute)
    case Newer.flowLabelPolicy: flowLabelPolicy = VXLANFlowLabelPolicy(rawValue: try datagram.value(attribute))
    case Int(IFLA_VXLAN_LEARNING): isLearning = try datagram.isOn(attribute)
    case Int(IFLA_VXLAN_AGEING): ageing = try datagram.value(attribute)
    case Int(IFLA_VXLAN_LIMIT): addressLimit = try datagram.value(attribute)
    case Int(IFLA_VXLAN_PROXY): proxiesARP = try datagram.isOn(attribute)
    case Int(IFLA_VXLAN_RSC): shortCircuitsRoutes = try datagram.isOn(attribute)
    case Int(IFLA_VXLAN_L2MISS): reportsLinkLayerMisses = try datagram.isOn(attribute)
    case Int(IFLA_VXLAN_L3MISS): reportsNeighbourMisses = try datagram.isOn(attribute)
    case Int(IFLA_VXLAN_COLLECT_METADATA): isExternal = try datagram.isOn(attribute)
    case Int(IFLA_VXLAN_VNIFILTER): filtersNetworks = try datagram.isOn(attribute)
    case Int(IFLA_VXLAN_UDP_CSUM): sendsChecksums = try datagram.isOn(attribute)
    case Int(IFLA_VXLAN_UDP_ZERO_CSUM6_TX): omitsIPv6Checksums = try datagram.isOn(attribute)
    case Int(IFLA_VXLAN_UDP_ZERO_CSUM6_RX): acceptsNoIPv6Checksums = try datagram.isOn(attribute)
    case Int(IFLA_VXLAN_REMCSUM_TX): offloadsChecksums = try datagram.isOn(attribute)
    case Int(IFLA_VXLAN_REMCSUM_RX): acceptsOffloadedChecksums = try datagram.isOn(attribute)
    case Newer.bypassesLocally: bypassesLocally = try datagram.isOn(attribute)
    case Int(IFLA_VXLAN_GBP): carriesPolicy = true
    case Int(IFLA_VXLAN_GPE): carriesProtocol = true
    case Int(IFLA_VXLAN_REMCSUM_NOPARTIAL): finishesWholeChecksums = true
    case Int(IFLA_VXLAN_GROUP): remote = try datagram.address(attribute, family: .ipv4)
    case Int(IFLA_VXLAN_GROUP6): remote = try datagram.address(attribute, family: .ipv6)
    case Int(IFLA_VXLAN_LOCAL): local = try datagram.address(attribute, family: .ipv4)
    case Int(IFLA_VXLAN_LOCAL6): local = try datagram.address(attribute, family: .ipv6)
    case Int(IFLA_VXLAN_LINK): parent = InterfaceIndex(rawValue: try datagram.value(attribute))
    case Int(IFLA_VXLAN_PORT_RANGE):
      let (low, high): (UInt16, UInt16) = try datagram.pair(attribute)
      sourcePorts = VXLANPortRange(low: UInt16(bigEndian: low), high: UInt16(bigEndian: high))
    default: return false
    }
    return true
  }

  func encode(into writer: MessageWriter, asReply: Bool) {
    writer.put(Int(IFLA_VXLAN_ID), ifSet: id)
    writer.put(Int(IFLA_VXLAN_PORT), ifSet: port?.bigEndian)
    writer.put(Int(IFLA_VXLAN_TTL), ifSet: ttl)
    if asReply {
      writer.put(Int(IFLA_VXLAN_TTL_INHERIT), ifSet: inheritsTTL)
    } else if inheritsTTL == true {
      writer.put(flag: Int(IFLA_VXLAN_TTL_INHERIT))
    }
    writer.put(Int(IFLA_VXLAN_TOS), ifSet: tos)
    writer.put(Int(IFLA_VXLAN_DF), ifSet: fragmentation?.rawValue)
    writer.put(Int(IFLA_VXLAN_LABEL), ifSet: flowLabel?.bigEndian)
    writer.put(Newer.flowLabelPolicy, ifSet: flowLabelPolicy?.rawValue)
    writer.put(Int(IFLA_VXLAN_LEARNING), ifSet: isLearning)
    writer.put(Int(IFLA_VXLAN_AGEING), ifSet: ageing)
    writer.put(Int(IFLA_VXLAN_LIMIT), ifSet: addressLimit)
    writer.put(Int(IFLA_VXLAN_PROXY), ifSet: proxiesARP)
    writer.put(Int(IFLA_VXLAN_RSC), ifSet: shortCircuitsRoutes)
    writer.put(Int(IFLA_VXLAN_L2MISS), ifSet: reportsLinkLayerMisses)
    writer.put(Int(IFLA_VXLAN_L3MISS), ifSet: reportsNeighbourMisses)
    writer.put(Int(IFLA_VXLAN_COLLECT_METADATA), ifSet: isExternal)
    writer.put(Int(IFLA_VXLAN_VNIFILTER), ifSet: filtersNetworks)
    writer.put(Int(IFLA_VXLAN_UDP_CSUM), ifSet: sendsChecksums)
    writer.put(Int(IFLA_VXLAN_UDP_ZERO_CSUM6_TX), ifSet: omitsIPv6Checksums)
    writer.put(Int(IFLA_VXLAN_UDP_ZERO_CSUM6_RX), ifSet: acceptsNoIPv6Checksums)
    writer.put(Int(IFLA_VXLAN_REMCSUM_TX), ifSet: offloadsChecksums)
    writer.put(Int(IFLA_VXLAN_REMCSUM_RX), ifSet: acceptsOffloadedChecksums)
    writer.put(Newer.bypassesLocally, ifSet: bypassesLocally)
    if carriesPolicy { writer.put(flag: Int(IFLA_VXLAN_GBP)) }
    if carriesProtocol { writer.put(flag: Int(IFLA_VXLAN_GPE)) }
    if finishesWholeChecksums { writer.put(flag: Int(IFLA_VXLAN_REMCSUM_NOPARTIAL)) }
    switch remote {
    case .v4?: if let remote { writer.put(Int(IFLA_VXLAN_GROUP), remote) }
    case .v6?: if let remote { writer.put(Int(IFLA_VXLAN_GROUP6), remote) }
    case nil: break
    }
    switch local {
    case .v4?: if let local { writer.put(Int(IFLA_VXLAN_LOCAL), local) }
    case .v6?: if let local { writer.put(Int(IFLA_VXLAN_LOCAL6), local) }
    case nil: break
    }
    writer.put(Int(IFLA_VXLAN_LINK), ifSet: parent?.rawValue)
    if let sourcePorts {
      writer.put(Int(IFLA_VXLAN_PORT_RANGE), values: [sourcePorts.low.bigEndian, sourcePorts.high.bigEndian])
    }
  }
}
