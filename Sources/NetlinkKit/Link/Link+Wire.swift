// SPDX-License-Identifier: Apache-2.0

internal import CLibmnl
internal import NetworkTypes

extension ifinfomsg {
  /// The fixed header of link messages; `mask` says which of `flags` count.
  init(index: InterfaceIndex? = nil, flags: LinkFlags = [], mask: LinkFlags = []) {
    self.init(
      ifi_family: 0, __ifi_pad: 0, ifi_type: 0, ifi_index: Int32(bitPattern: index?.rawValue ?? 0),
      ifi_flags: flags.rawValue, ifi_change: mask.rawValue)
  }
}

extension Link {
  static let headerSize = MemoryLayout<ifinfomsg>.size

  /// Reads an `RTM_NEWLINK` message.
  init(_ message: Message, in datagram: RawSpan) throws(WireError) {
    guard message.payload.count >= Link.headerSize else {
      throw .truncated(
        offset: message.payload.lowerBound, needed: Link.headerSize, available: message.payload.count)
    }
    let header = try datagram.load(ifinfomsg.self, at: message.payload.lowerBound)
    guard let index = InterfaceIndex(rawValue: UInt32(bitPattern: header.ifi_index)) else {
      throw .invalidValue(type: 0, reason: "a link with index 0")
    }
    mtu = 0
    flags = LinkFlags(rawValue: header.ifi_flags)
    changedFlags = LinkFlags(rawValue: header.ifi_change)
    operationalState = .unknown
    hardwareType = header.ifi_type
    family = header.ifi_family
    otherAttributes = RawAttributes()
    otherKindAttributes = RawAttributes()
    self.index = index
    var name: InterfaceName?
    var isNamed = false
    var information: Attribute?

    let end = message.payload.upperBound
    var cursor = message.attributes(after: Link.headerSize)
    while let attribute = try cursor.next(in: datagram) {
      switch attribute.kind {
      case Int(IFLA_IFNAME):
        isNamed = true
        // The kernel allows control characters and bytes that are no text. Whoever owns a link must not be able to
        // make every listing of its namespace fail.
        let text = try datagram.string(attribute)
        name = text.utf8.count == attribute.payload.count - 1 ? InterfaceName(text) : nil
        if name == nil { try otherAttributes.append(attribute, from: datagram, upTo: end) }
      case Int(IFLA_MTU): mtu = try datagram.value(attribute)
      case Int(IFLA_MIN_MTU): minimumMTU = try datagram.value(attribute)
      case Int(IFLA_MAX_MTU): maximumMTU = try datagram.value(attribute)
      case Int(IFLA_ADDRESS) where attribute.payload.count == 6: address = try datagram.macAddress(attribute)
      case Int(IFLA_BROADCAST) where attribute.payload.count == 6:
        broadcastAddress = try datagram.macAddress(attribute)
      case Int(IFLA_PERM_ADDRESS) where attribute.payload.count == 6:
        permanentAddress = try datagram.macAddress(attribute)
      case Int(IFLA_IFALIAS): alias = try datagram.string(attribute)
      case Int(IFLA_GROUP): group = LinkGroup(try datagram.value(attribute))
      case Int(IFLA_LINK):
        // Tunnels on no link in particular say 0.
        parentIndex = InterfaceIndex(rawValue: try datagram.value(attribute))
        if parentIndex == nil { try otherAttributes.append(attribute, from: datagram, upTo: end) }
      case Int(IFLA_LINK_NETNSID): parentNamespaceID = NamespaceID(rawValue: try datagram.value(attribute))
      case Int(IFLA_MASTER): masterIndex = InterfaceIndex(rawValue: try datagram.value(attribute))
      case Int(IFLA_OPERSTATE): operationalState = OperationalState(rawValue: try datagram.value(attribute))
      case Int(IFLA_LINKMODE): mode = LinkMode(rawValue: try datagram.value(attribute))
      case Int(IFLA_PROMISCUITY): promiscuity = try datagram.value(attribute)
      case Int(IFLA_ALLMULTI): allMulticastCount = try datagram.value(attribute)
      case Int(IFLA_NUM_TX_QUEUES): transmitQueueCount = try datagram.value(attribute)
      case Int(IFLA_NUM_RX_QUEUES): receiveQueueCount = try datagram.value(attribute)
      case Int(IFLA_TXQLEN): transmitQueueLength = try datagram.value(attribute)
      case Int(IFLA_GSO_MAX_SIZE): segmentation.gsoMaximumSize = try datagram.value(attribute)
      case Int(IFLA_GSO_MAX_SEGS): segmentation.gsoMaximumSegments = try datagram.value(attribute)
      case Int(IFLA_GRO_MAX_SIZE): segmentation.groMaximumSize = try datagram.value(attribute)
      case Link.gsoIPv4MaximumSize: segmentation.gsoIPv4MaximumSize = try datagram.value(attribute)
      case Link.groIPv4MaximumSize: segmentation.groIPv4MaximumSize = try datagram.value(attribute)
      case Int(IFLA_TSO_MAX_SIZE): tsoMaximumSize = try datagram.value(attribute)
      case Int(IFLA_TSO_MAX_SEGS): tsoMaximumSegments = try datagram.value(attribute)
      case Int(IFLA_CARRIER): hasCarrier = try datagram.value(attribute, as: UInt8.self) != 0
      case Int(IFLA_CARRIER_CHANGES): carrierChanges = try datagram.value(attribute)
      case Int(IFLA_CARRIER_UP_COUNT): carrierUpCount = try datagram.value(attribute)
      case Int(IFLA_CARRIER_DOWN_COUNT): carrierDownCount = try datagram.value(attribute)
      case Int(IFLA_PROTO_DOWN): isProtocolDown = try datagram.value(attribute, as: UInt8.self) != 0
      case Link.namespaceImmutable: isNamespaceImmutable = try datagram.value(attribute, as: UInt8.self) != 0
      case Int(IFLA_PROTO_DOWN_REASON): protocolDownReasons = try Link.protocolDownReasons(attribute, in: datagram)
      case Int(IFLA_QDISC): qdisc = try datagram.string(attribute)
      case Int(IFLA_PARENT_DEV_NAME): parentDeviceName = try datagram.string(attribute)
      case Int(IFLA_PARENT_DEV_BUS_NAME): parentDeviceBus = try datagram.string(attribute)
      case Int(IFLA_PROP_LIST): alternativeNames = try Link.alternativeNames(attribute, in: datagram)
      case Int(IFLA_STATS64): statistics = try LinkStatistics(attribute, in: datagram)
      // The same counters in 32 bits.
      case Int(IFLA_STATS): break
      case Int(IFLA_EVENT): event = LinkEvent(rawValue: try datagram.value(attribute))
      case Int(IFLA_NEW_NETNSID): newNamespaceID = NamespaceID(rawValue: try datagram.value(attribute))
      case Int(IFLA_NEW_IFINDEX): newIndex = InterfaceIndex(rawValue: try datagram.value(attribute))
      case Int(IFLA_TARGET_NETNSID): namespaceID = NamespaceID(rawValue: try datagram.value(attribute))
      case Int(IFLA_LINKINFO): information = attribute
      default: try otherAttributes.append(attribute, from: datagram, upTo: end)
      }
    }
    guard isNamed else { throw .invalidValue(type: UInt16(IFLA_IFNAME), reason: "a link without a name") }
    self.name = name ?? .unreadable(index)
    if let information { try readInformation(information, in: datagram) }
  }

  private mutating func readInformation(_ information: Attribute, in datagram: RawSpan) throws(WireError) {
    var kindName: String?
    var data: Attribute?
    var portName: String?
    var portData: Attribute?
    var cursor = AttributeCursor(information.payload)
    while let attribute = try cursor.next(in: datagram) {
      switch attribute.kind {
      case Int(IFLA_INFO_KIND): kindName = try datagram.string(attribute)
      case Int(IFLA_INFO_DATA): data = attribute
      case Int(IFLA_INFO_SLAVE_KIND): portName = try datagram.string(attribute)
      case Int(IFLA_INFO_SLAVE_DATA): portData = attribute
      default: try otherInformationAttributes.append(attribute, from: datagram)
      }
    }
    // A port of a bridge has information about that, and may have no kind itself.
    if let kindName {
      kind = try LinkKind.decode(
        named: kindName, parent: parentIndex, data: data, in: datagram, rest: &otherKindAttributes)
    }
    if let portName {
      port = try LinkPort.decode(named: portName, data: portData, in: datagram, rest: &otherPortAttributes)
    }
  }
}
