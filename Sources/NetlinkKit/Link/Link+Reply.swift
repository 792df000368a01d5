// SPDX-License-Identifier: Apache-2.0

internal import CLibmnl
internal import NetworkTypes

extension Link {
  /// Writes the link as the kernel does, everything it was read from included.
  func encodeReply(into writer: MessageWriter) {
    var header = ifinfomsg(index: index, flags: flags, mask: changedFlags)
    header.ifi_family = family
    header.ifi_type = hardwareType
    writer.put(header: header)
    // A name that could not be held is among the other attributes.
    if otherAttributes[UInt16(IFLA_IFNAME)].isEmpty { writer.put(Int(IFLA_IFNAME), string: name.rawValue) }
    if !alternativeNames.isEmpty {
      writer.nested(Int(IFLA_PROP_LIST)) { writer in
        for name in alternativeNames { writer.put(Int(IFLA_ALT_IFNAME), string: name) }
      }
    }
    encodeNumbers(into: writer)
    segmentation.encode(into: writer)
    for (type, address) in [
      (IFLA_ADDRESS, address), (IFLA_BROADCAST, broadcastAddress), (IFLA_PERM_ADDRESS, permanentAddress),
    ] {
      if let address { writer.put(Int(type), address) }
    }
    for (type, text) in [
      (IFLA_IFALIAS, alias), (IFLA_QDISC, qdisc), (IFLA_PARENT_DEV_NAME, parentDeviceName),
      (IFLA_PARENT_DEV_BUS_NAME, parentDeviceBus),
    ] {
      if let text { writer.put(Int(type), string: text) }
    }
    if let protocolDownReasons {
      writer.nested(Int(IFLA_PROTO_DOWN_REASON)) {
        $0.put(Int(IFLA_PROTO_DOWN_REASON_VALUE), protocolDownReasons)
      }
    }
    statistics?.encodeReply(into: writer)
    encodeInformationReply(into: writer)
    writer.put(otherAttributes)
  }

  /// Everything that is one integer.
  private func encodeNumbers(into writer: MessageWriter) {
    writer.put(Int(IFLA_MTU), mtu)
    writer.put(Int(IFLA_OPERSTATE), operationalState.rawValue)
    let words: [(type: Int, value: UInt32?)] = [
      (Int(IFLA_MIN_MTU), minimumMTU), (Int(IFLA_MAX_MTU), maximumMTU), (Int(IFLA_GROUP), group?.rawValue),
      (Int(IFLA_LINK), parentIndex?.rawValue), (Int(IFLA_MASTER), masterIndex?.rawValue),
      (Int(IFLA_PROMISCUITY), promiscuity), (Int(IFLA_ALLMULTI), allMulticastCount),
      (Int(IFLA_NUM_TX_QUEUES), transmitQueueCount), (Int(IFLA_NUM_RX_QUEUES), receiveQueueCount),
      (Int(IFLA_TXQLEN), transmitQueueLength), (Int(IFLA_TSO_MAX_SIZE), tsoMaximumSize),
      (Int(IFLA_TSO_MAX_SEGS), tsoMaximumSegments), (Int(IFLA_CARRIER_CHANGES), carrierChanges),
      (Int(IFLA_CARRIER_UP_COUNT), carrierUpCount), (Int(IFLA_CARRIER_DOWN_COUNT), carrierDownCount),
      (Int(IFLA_EVENT), event?.rawValue), (Int(IFLA_NEW_IFINDEX), newIndex?.rawValue),
    ]
    for (type, value) in words { if let value { writer.put(type, value) } }
    let ids: [(type: Int, id: NamespaceID?)] = [
      (Int(IFLA_LINK_NETNSID), parentNamespaceID), (Int(IFLA_NEW_NETNSID), newNamespaceID),
      (Int(IFLA_TARGET_NETNSID), namespaceID),
    ]
    for (type, id) in ids { if let id { writer.put(type, id.rawValue) } }
    let octets: [(type: Int, value: UInt8?)] = [
      (Int(IFLA_LINKMODE), mode?.rawValue), (Int(IFLA_CARRIER), hasCarrier.map { $0 ? 1 : 0 }),
      (Int(IFLA_PROTO_DOWN), isProtocolDown.map { $0 ? 1 : 0 }),
      (Link.namespaceImmutable, isNamespaceImmutable.map { $0 ? 1 : 0 }),
    ]
    for (type, value) in octets { if let value { writer.put(type, value) } }
  }
}

extension SegmentationLimits {
  func encode(into writer: MessageWriter) {
    if let gsoMaximumSize { writer.put(Int(IFLA_GSO_MAX_SIZE), gsoMaximumSize) }
    if let gsoMaximumSegments { writer.put(Int(IFLA_GSO_MAX_SEGS), gsoMaximumSegments) }
    if let groMaximumSize { writer.put(Int(IFLA_GRO_MAX_SIZE), groMaximumSize) }
    if let gsoIPv4MaximumSize { writer.put(Link.gsoIPv4MaximumSize, gsoIPv4MaximumSize) }
    if let groIPv4MaximumSize { writer.put(Link.groIPv4MaximumSize, groIPv4MaximumSize) }
  }
}
