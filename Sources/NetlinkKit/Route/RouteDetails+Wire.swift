// SPDX-License-Identifier: Apache-2.0

internal import CLibmnl
internal import NetworkTypes

extension RouteDetails {
  /// Reads what few routes have.
  mutating func read(
    _ attribute: Attribute, _ family: AddressFamily, sourceLength: UInt8, in datagram: RawSpan
  ) throws(WireError) {
    switch attribute.kind {
    case Int(RTA_MULTIPATH.rawValue): nextHops = try NextHop.all(attribute, of: family, in: datagram)
    case Int(RTA_METRICS.rawValue):
      var read = RouteMetrics()
      if try read.read(attribute, in: datagram) {
        metrics = read
      } else {
        try otherAttributes.append(attribute, from: datagram)
      }
    case Int(RTA_SRC.rawValue):
      let address = try datagram.address(attribute, family: family)
      sourcePrefix = try Route.block(address, sourceLength, RTA_SRC, family)
    case Int(RTA_NH_ID.rawValue): nextHopID = NextHopID(try datagram.value(attribute))
    case Int(RTA_ENCAP_TYPE.rawValue):
      let kind = RouteEncapsulation.Kind(rawValue: try datagram.value(attribute))
      encapsulation = RouteEncapsulation(kind: kind, bytes: encapsulation?.bytes ?? [])
    case Int(RTA_ENCAP.rawValue):
      let bytes = try datagram.bytes(attribute.payload)
      encapsulation = RouteEncapsulation(kind: encapsulation?.kind ?? .init(rawValue: 0), bytes: bytes)
    case Int(RTA_FLOW.rawValue): realms = try datagram.value(attribute)
    case Int(RTA_IIF.rawValue): inputInterface = InterfaceIndex(rawValue: try datagram.value(attribute))
    case Int(RTA_MARK.rawValue): mark = try datagram.value(attribute)
    case Int(RTA_UID.rawValue): userID = try datagram.value(attribute)
    case Int(RTA_CACHEINFO.rawValue) where attribute.payload.count == RouteCacheInfo.size:
      let info = try RouteCacheInfo(attribute, in: datagram)
      cacheInfo = info
      if info.expires > 0 { lifetime = (UInt32(info.expires) + 99) / 100 }
    default: try otherAttributes.append(attribute, from: datagram)
    }
  }
}

extension Route {
  /// Writes what few routes have, as a request says it.
  func putDetails(_ details: RouteDetails, into writer: MessageWriter) {
    if let prefix = details.sourcePrefix { writer.put(Int(RTA_SRC.rawValue), prefix.address) }
    details.metrics.encode(into: writer, endsNames: false)
    if let realms = details.realms { writer.put(Int(RTA_FLOW.rawValue), realms) }
    if let lifetime = details.lifetime { writer.put(Int(RTA_EXPIRES.rawValue), lifetime) }
    guard details.nextHopID == nil else {
      if let id = details.nextHopID { writer.put(Int(RTA_NH_ID.rawValue), id.rawValue) }
      return
    }
    if !details.nextHops.isEmpty {
      writer.nested(Int(RTA_MULTIPATH.rawValue)) { writer in
        for hop in details.nextHops { hop.encode(into: writer, family) }
      }
    }
    details.encapsulation?.encode(into: writer)
  }

  /// Writes the route as the kernel does, everything it was read from included.
  func encodeReply(into writer: MessageWriter) {
    putHeader(into: writer, UInt8(exactly: table.rawValue) ?? UInt8(RT_TABLE_COMPAT.rawValue), kernelFlags)
    if let destination, destination.prefixLength > 0 { writer.put(Int(RTA_DST.rawValue), destination.address) }
    writer.put(Int(RTA_TABLE.rawValue), table.rawValue)
    putNextHop(into: writer)
    if let source { writer.put(Int(RTA_PREFSRC.rawValue), source) }
    if let priority { writer.put(Int(RTA_PRIORITY.rawValue), priority) }
    if family == .ipv6 { writer.put(Int(RTA_PREF.rawValue), preference.rawValue) }
    let details = details.value
    if let prefix = details.sourcePrefix { writer.put(Int(RTA_SRC.rawValue), prefix.address) }
    details.metrics.encode(into: writer, endsNames: true)
    if !details.nextHops.isEmpty {
      writer.nested(Int(RTA_MULTIPATH.rawValue)) { writer in
        for hop in details.nextHops { hop.encodeReply(into: writer, family) }
      }
    }
    if let id = details.nextHopID { writer.put(Int(RTA_NH_ID.rawValue), id.rawValue) }
    if let realms = details.realms { writer.put(Int(RTA_FLOW.rawValue), realms) }
    details.encapsulation?.encode(into: writer)
    if let index = details.inputInterface { writer.put(Int(RTA_IIF.rawValue), index.rawValue) }
    if let mark = details.mark { writer.put(Int(RTA_MARK.rawValue), mark) }
    if let user = details.userID { writer.put(Int(RTA_UID.rawValue), user) }
    cacheInfo?.encode(into: writer)
    writer.put(details.otherAttributes)
  }
}
