// SPDX-License-Identifier: Apache-2.0

internal import CLibmnl
internal import NetworkTypes

extension ForwardingEntry {
  /// Reads an `RTM_NEWNEIGH` message; nil when it is not about a forwarding database.
  init?(_ message: Message, in datagram: RawSpan) throws(WireError) {
    guard message.payload.count >= Neighbour.headerSize else {
      throw .truncated(
        offset: message.payload.lowerBound, needed: Neighbour.headerSize, available: message.payload.count)
    }
    let header = try datagram.load(ndmsg.self, at: message.payload.lowerBound)
    guard header.ndm_family == UInt8(AF_BRIDGE),
      let interface = InterfaceIndex(rawValue: UInt32(bitPattern: header.ndm_ifindex))
    else { return nil }
    self.init(
      interface: interface, address: MACAddress(truncating: 0),
      flags: NeighbourFlags(header: header.ndm_flags, extended: 0), state: NeighbourState(rawValue: header.ndm_state))
    type = RouteType(rawValue: header.ndm_type)
    var hasAddress = false
    var cursor = message.attributes(after: Neighbour.headerSize)
    while let attribute = try cursor.next(in: datagram) {
      switch attribute.kind {
      case Int(NDA_LLADDR):
        // What is not Ethernet has no such entries that this type could hold.
        guard attribute.payload.count == 6 else { return nil }
        address = try datagram.macAddress(attribute)
        hasAddress = true
      case Int(NDA_VLAN): vlan = try datagram.value(attribute)
      case Int(NDA_DST): destination = try ForwardingEntry.destination(attribute, in: datagram)
      case Int(NDA_PORT): port = UInt16(bigEndian: try datagram.value(attribute))
      case Int(NDA_VNI): vni = try datagram.value(attribute)
      case Int(NDA_SRC_VNI): sourceVNI = try datagram.value(attribute)
      case Int(NDA_IFINDEX): outputInterface = InterfaceIndex(rawValue: try datagram.value(attribute))
      case Int(NDA_NH_ID): nextHopID = NextHopID(try datagram.value(attribute))
      case Int(NDA_MASTER): bridge = InterfaceIndex(rawValue: try datagram.value(attribute))
      case Int(NDA_PROTOCOL): `protocol` = RouteProtocol(try datagram.value(attribute))
      case Int(NDA_FLAGS_EXT):
        flags.formUnion(NeighbourFlags(header: 0, extended: try datagram.value(attribute)))
      case Int(NDA_CACHEINFO) where attribute.payload.count == NeighbourUsage.size:
        usage = try NeighbourUsage(attribute, in: datagram)
      default: try otherAttributes.append(attribute, from: datagram)
      }
    }
    guard hasAddress else {
      throw .invalidValue(type: UInt16(NDA_LLADDR), reason: "a forwarding entry without an address")
    }
  }

  /// Reads an address, whose length tells the family.
  private static func destination(_ attribute: Attribute, in datagram: RawSpan) throws(WireError) -> IPAddress {
    switch attribute.payload.count {
    case 4: try datagram.address(attribute, family: .ipv4)
    default: try datagram.address(attribute, family: .ipv6)
    }
  }

  /// Writes the entry as a request says it.
  func encode(into writer: MessageWriter, isRemoval: Bool) {
    putHeader(into: writer, type: RouteType(rawValue: 0))
    if !isRemoval, flags.extended != 0 { writer.put(Int(NDA_FLAGS_EXT), flags.extended) }
    if !isRemoval, let `protocol` { writer.put(Int(NDA_PROTOCOL), `protocol`.rawValue) }
  }

  /// Writes the entry as the kernel does, everything it was read from included.
  func encodeReply(into writer: MessageWriter) {
    putHeader(into: writer, type: type)
    if flags.extended != 0 { writer.put(Int(NDA_FLAGS_EXT), flags.extended) }
    if let `protocol` { writer.put(Int(NDA_PROTOCOL), `protocol`.rawValue) }
    if let bridge { writer.put(Int(NDA_MASTER), bridge.rawValue) }
    usage?.encode(into: writer)
    writer.put(otherAttributes)
  }

  private func putHeader(into writer: MessageWriter, type: RouteType) {
    var header = ndmsg()
    header.ndm_family = UInt8(AF_BRIDGE)
    header.ndm_ifindex = Int32(bitPattern: interface.rawValue)
    header.ndm_state = state.rawValue
    header.ndm_flags = flags.header
    header.ndm_type = type.rawValue
    writer.put(header: header)
    writer.put(Int(NDA_LLADDR), address)
    if let vlan { writer.put(Int(NDA_VLAN), vlan) }
    if let destination { writer.put(Int(NDA_DST), destination) }
    if let port { writer.put(Int(NDA_PORT), port.bigEndian) }
    if let vni { writer.put(Int(NDA_VNI), vni) }
    if let sourceVNI { writer.put(Int(NDA_SRC_VNI), sourceVNI) }
    if let outputInterface { writer.put(Int(NDA_IFINDEX), outputInterface.rawValue) }
    if let nextHopID { writer.put(Int(NDA_NH_ID), nextHopID.rawValue) }
  }
}
