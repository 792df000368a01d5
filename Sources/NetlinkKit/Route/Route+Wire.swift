// SPDX-License-Identifier: Apache-2.0

internal import CLibmnl
internal import NetworkTypes

extension Route {
  static let headerSize = MemoryLayout<rtmsg>.size

  /// Reads an `RTM_NEWROUTE` message; nil when its family is neither IPv4 nor IPv6.
  init?(_ message: Message, in datagram: RawSpan) throws(WireError) {
    guard message.payload.count >= Route.headerSize else {
      throw .truncated(
        offset: message.payload.lowerBound, needed: Route.headerSize, available: message.payload.count)
    }
    let header = try datagram.load(rtmsg.self, at: message.payload.lowerBound)
    guard let family = AddressFamily(rawValue: header.rtm_family) else { return nil }
    var target: IPAddress?
    self.init(
      destination: nil, scope: RouteScope(rawValue: header.rtm_scope), type: RouteType(rawValue: header.rtm_type),
      table: RouteTableID(UInt32(header.rtm_table)), protocol: RouteProtocol(header.rtm_protocol),
      isOnLink: header.rtm_flags & UInt32(RTNH_F_ONLINK) != 0, family: family)
    kernelFlags = header.rtm_flags
    var cursor = message.attributes(after: Route.headerSize)
    while let attribute = try cursor.next(in: datagram) {
      switch attribute.kind {
      case Int(RTA_DST.rawValue): target = try datagram.address(attribute, family: family)
      case Int(RTA_GATEWAY.rawValue): gateway = try datagram.address(attribute, family: family)
      case Int(RTA_VIA.rawValue): gateway = try Route.via(attribute, in: datagram)
      case Int(RTA_OIF.rawValue): interface = InterfaceIndex(rawValue: try datagram.value(attribute))
      case Int(RTA_PREFSRC.rawValue): source = try datagram.address(attribute, family: family)
      case Int(RTA_TABLE.rawValue): table = RouteTableID(try datagram.value(attribute))
      case Int(RTA_PRIORITY.rawValue): priority = try datagram.value(attribute)
      default: try otherAttributes.append(attribute, from: datagram)
      }
    }
    let length = Int(header.rtm_dst_len)
    guard target != nil || length > 0 else { return }
    // IPv4 says 0.0.0.0 by leaving it out.
    let address = target ?? (family == .ipv4 ? .v4(IPv4Address(rawValue: 0)) : .v6(IPv6Address(high: 0, low: 0)))
    guard let block = IPCIDR(address: address, prefixLength: length) else {
      throw .invalidValue(type: UInt16(RTA_DST.rawValue), reason: "a prefix length of \(length)")
    }
    destination = block
  }

  /// Reads `struct rtvia`: a gateway of another family.
  private static func via(_ attribute: Attribute, in datagram: RawSpan) throws(WireError) -> IPAddress {
    let bytes = try datagram.bytes(attribute.payload)
    guard bytes.count >= 2, let address = IPAddress(bytes: bytes[2...]) else {
      throw .invalidValue(type: attribute.type, reason: "a gateway of \(bytes.count) bytes")
    }
    return address
  }

  func encode(into writer: MessageWriter, scope: RouteScope) {
    writer.put(
      header: rtmsg(
        rtm_family: family.rawValue, rtm_dst_len: UInt8(clamping: destination?.prefixLength ?? 0), rtm_src_len: 0,
        rtm_tos: 0, rtm_table: table.rawValue < 256 ? UInt8(table.rawValue) : UInt8(RT_TABLE_COMPAT.rawValue),
        rtm_protocol: `protocol`.rawValue, rtm_scope: scope.rawValue, rtm_type: type.rawValue,
        rtm_flags: isOnLink ? UInt32(RTNH_F_ONLINK) : 0))
    if let destination { writer.put(Int(RTA_DST.rawValue), destination.address) }
    if let gateway {
      if gateway.family == family {
        writer.put(Int(RTA_GATEWAY.rawValue), gateway)
      } else {
        let number = UInt16(gateway.family.rawValue)
        let words = [UInt8(truncatingIfNeeded: number.littleEndian), UInt8(truncatingIfNeeded: number >> 8)]
        writer.put(Int(RTA_VIA.rawValue), bytes: words + gateway.bytes)
      }
    }
    if let interface { writer.put(Int(RTA_OIF.rawValue), interface.rawValue) }
    if let source { writer.put(Int(RTA_PREFSRC.rawValue), source) }
    writer.put(Int(RTA_TABLE.rawValue), table.rawValue)
    if let priority { writer.put(Int(RTA_PRIORITY.rawValue), priority) }
  }
}
