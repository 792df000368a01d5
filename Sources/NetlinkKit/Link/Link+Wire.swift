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

  init(up isUp: Bool) { self.init(flags: isUp ? .up : [], mask: isUp ? .up : []) }
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
    var name: InterfaceName?
    var information: Attribute?
    mtu = 0
    flags = LinkFlags(rawValue: header.ifi_flags)
    operationalState = .unknown
    hardwareType = header.ifi_type
    otherAttributes = RawAttributes()
    otherKindAttributes = RawAttributes()
    self.index = index

    var cursor = message.attributes(after: Link.headerSize)
    while let attribute = try cursor.next(in: datagram) {
      switch attribute.kind {
      case Int(IFLA_IFNAME):
        let text = try datagram.string(attribute)
        name = text.utf8.count == attribute.payload.count - 1 ? InterfaceName(text) : nil
        if name == nil {
          // The kernel allows control characters and bytes that are no text. Whoever owns a link must not be able to
          // make every listing of its namespace fail.
          name = InterfaceName("?\(index)")
          try otherAttributes.append(attribute, from: datagram)
        }
      case Int(IFLA_MTU): mtu = try datagram.value(attribute)
      case Int(IFLA_ADDRESS) where attribute.payload.count == 6:
        address = MACAddress(bytes: try datagram.bytes(attribute.payload))
      case Int(IFLA_IFALIAS): alias = try datagram.string(attribute)
      case Int(IFLA_LINK): parentIndex = InterfaceIndex(rawValue: try datagram.value(attribute))
      case Int(IFLA_LINK_NETNSID): parentNamespaceID = try datagram.value(attribute)
      case Int(IFLA_MASTER): masterIndex = InterfaceIndex(rawValue: try datagram.value(attribute))
      case Int(IFLA_OPERSTATE): operationalState = OperationalState(rawValue: try datagram.value(attribute))
      case Int(IFLA_STATS64): statistics = try LinkStatistics(attribute, in: datagram)
      // The same counters in 32 bits.
      case Int(IFLA_STATS): break
      case Int(IFLA_LINKINFO): information = attribute
      default: try otherAttributes.append(attribute, from: datagram)
      }
    }
    guard let name else { throw .invalidValue(type: UInt16(IFLA_IFNAME), reason: "a link without a name") }
    self.name = name
    if let information { try readInformation(information, in: datagram) }
  }

  private mutating func readInformation(_ information: Attribute, in datagram: RawSpan) throws(WireError) {
    var kindName: String?
    var data: Attribute?
    var cursor = AttributeCursor(information.payload)
    while let attribute = try cursor.next(in: datagram) {
      switch attribute.kind {
      case Int(IFLA_INFO_KIND): kindName = try datagram.string(attribute)
      case Int(IFLA_INFO_DATA): data = attribute
      default: try otherAttributes.append(attribute, from: datagram)
      }
    }
    // A port of a bridge has information about that, and may have no kind itself.
    guard let kindName else { return }
    kind = try LinkKind.decode(
      named: kindName, parent: parentIndex, data: data, in: datagram, rest: &otherKindAttributes)
  }
}
