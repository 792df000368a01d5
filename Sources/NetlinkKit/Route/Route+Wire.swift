// SPDX-License-Identifier: Apache-2.0

internal import CLibmnl
internal import NetworkTypes

extension Route {
  static let headerSize = MemoryLayout<rtmsg>.size

  /// Reads an `RTM_NEWROUTE` message.
  ///
  /// Nil when its family is neither IPv4 nor IPv6, and when it is none that `listing` asks for: what is left out is best
  /// left out before it is put together.
  init?(
    _ message: Message, in datagram: RawSpan, of listing: ListRoutes? = nil
  ) throws(WireError) {
    guard message.payload.count >= Route.headerSize else {
      throw .truncated(
        offset: message.payload.lowerBound, needed: Route.headerSize, available: message.payload.count)
    }
    let header = try datagram.load(rtmsg.self, at: message.payload.lowerBound)
    guard let family = AddressFamily(rawValue: header.rtm_family) else { return nil }
    // All in variables of their own, put together once: a route that is changed in place costs a copy more.
    var target: IPAddress?
    var gateway: IPAddress?
    var interface: InterfaceIndex?
    var source: IPAddress?
    var table = RouteTableID(UInt32(header.rtm_table))
    var priority: UInt32?
    var preference = RoutePreference.medium
    var hasIdleCacheInfo = false
    var details = RouteDetails.Box()
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
      case Int(RTA_PREF.rawValue): preference = RoutePreference(rawValue: try datagram.value(attribute))
      default:
        if attribute.kind == Int(RTA_CACHEINFO.rawValue), try RouteCacheInfo.isIdle(attribute, in: datagram) {
          hasIdleCacheInfo = true
        } else {
          try details.value.read(attribute, family, sourceLength: header.rtm_src_len, in: datagram)
        }
      }
    }
    if header.rtm_src_len > 0, details.value.sourcePrefix == nil {
      details.value.sourcePrefix = try Route.block(nil, header.rtm_src_len, RTA_SRC, family)
    }
    if let listing, !listing.includes(header, family, table, interface, details) { return nil }
    let destination = try Route.block(target, header.rtm_dst_len, RTA_DST, family)
    self.init(
      header, family: family, destination: destination, gateway: gateway, interface: interface, source: source,
      table: table, priority: priority, preference: preference, hasIdleCacheInfo: hasIdleCacheInfo, details: details)
  }

  @inline(__always)
  private init(
    _ header: rtmsg, family: AddressFamily, destination: IPCIDR?, gateway: IPAddress?, interface: InterfaceIndex?,
    source: IPAddress?, table: RouteTableID, priority: UInt32?, preference: RoutePreference, hasIdleCacheInfo: Bool,
    details: RouteDetails.Box
  ) {
    self.family = family
    self.destination = destination
    self.gateway = gateway
    self.interface = interface
    self.source = source
    scope = RouteScope(rawValue: header.rtm_scope)
    type = RouteType(rawValue: header.rtm_type)
    self.table = table
    `protocol` = RouteProtocol(header.rtm_protocol)
    self.priority = priority
    isOnLink = header.rtm_flags & UInt32(RTNH_F_ONLINK) != 0
    typeOfService = header.rtm_tos
    self.preference = preference
    kernelFlags = header.rtm_flags
    self.hasIdleCacheInfo = hasIdleCacheInfo
    self.details = details
  }

  /// A destination or source, for which the kernel says 0.0.0.0 and :: by leaving the address out.
  @inline(__always)
  static func block(
    _ address: IPAddress?, _ length: UInt8, _ type: rtattr_type_t, _ family: AddressFamily
  ) throws(WireError) -> IPCIDR? {
    guard address != nil || length > 0 else { return nil }
    let address = address ?? (family == .ipv4 ? .v4(IPv4Address(rawValue: 0)) : .v6(IPv6Address(high: 0, low: 0)))
    guard let block = IPCIDR(address: address, prefixLength: Int(length)) else {
      throw .invalidValue(type: UInt16(type.rawValue), reason: "a prefix length of \(length)")
    }
    return block
  }

  /// Reads `struct rtvia`: a gateway of another family.
  static func via(_ attribute: Attribute, in datagram: RawSpan) throws(WireError) -> IPAddress {
    let bytes = try datagram.bytes(attribute.payload)
    guard bytes.count >= 2, let address = IPAddress(bytes: bytes[2...]) else {
      throw .invalidValue(type: attribute.type, reason: "a gateway of \(bytes.count) bytes")
    }
    return address
  }

  /// Writes the route as a request says it.
  func encode(into writer: MessageWriter) {
    let hasObject = !details.isEmpty && nextHopID != nil
    let flags = isOnLink && !hasObject ? UInt32(RTNH_F_ONLINK) : 0
    putHeader(into: writer, UInt8(exactly: table.rawValue) ?? 0, flags)
    if let destination { writer.put(Int(RTA_DST.rawValue), destination.address) }
    if !hasObject { putNextHop(into: writer) }
    if table.rawValue >= 256 { writer.put(Int(RTA_TABLE.rawValue), table.rawValue) }
    if let source { writer.put(Int(RTA_PREFSRC.rawValue), source) }
    if let priority { writer.put(Int(RTA_PRIORITY.rawValue), priority) }
    if preference != .medium { writer.put(Int(RTA_PREF.rawValue), preference.rawValue) }
    if !details.isEmpty { putDetails(details.value, into: writer) }
  }

  func putHeader(into writer: MessageWriter, _ table: UInt8, _ flags: UInt32) {
    writer.put(
      header: rtmsg(
        rtm_family: family.rawValue, rtm_dst_len: UInt8(clamping: destination?.prefixLength ?? 0),
        rtm_src_len: details.isEmpty ? 0 : UInt8(clamping: sourcePrefix?.prefixLength ?? 0), rtm_tos: typeOfService,
        rtm_table: table, rtm_protocol: `protocol`.rawValue, rtm_scope: scope.rawValue, rtm_type: type.rawValue,
        rtm_flags: flags))
  }

  func putNextHop(into writer: MessageWriter) {
    if let gateway { writer.put(gateway: gateway, of: family) }
    if let interface { writer.put(Int(RTA_OIF.rawValue), interface.rawValue) }
  }
}

extension MessageWriter {
  /// A gateway of a route of `family`; one of the other family is said by `struct rtvia`.
  func put(gateway: IPAddress, of family: AddressFamily) {
    guard gateway.family != family else { return put(Int(RTA_GATEWAY.rawValue), gateway) }
    let number = UInt16(gateway.family.rawValue)
    let words = [UInt8(truncatingIfNeeded: number.littleEndian), UInt8(truncatingIfNeeded: number >> 8)]
    put(Int(RTA_VIA.rawValue), bytes: words + gateway.bytes)
  }
}
