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
        for hop in details.nextHops { hop.encode(into: writer, family, hop.isOnLink ? UInt8(RTNH_F_ONLINK) : 0) }
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
        for hop in details.nextHops { hop.encode(into: writer, family, hop.kernelFlags) }
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

extension NextHop {
  /// Reads `RTA_MULTIPATH`: `struct rtnexthop`, each with attributes behind it.
  static func all(
    _ attribute: Attribute, of family: AddressFamily, in datagram: RawSpan
  ) throws(WireError) -> [NextHop] {
    var hops: [NextHop] = []
    var offset = attribute.payload.lowerBound
    while offset < attribute.payload.upperBound {
      let available = attribute.payload.upperBound - offset
      let size = MemoryLayout<rtnexthop>.size
      guard available >= size else { throw .truncated(offset: offset, needed: size, available: available) }
      let header = try datagram.load(rtnexthop.self, at: offset)
      let length = Int(header.rtnh_len)
      guard length >= size, length <= available else {
        throw .attributeLength(offset: offset, length: length, available: available)
      }
      var hop = NextHop(
        interface: InterfaceIndex(rawValue: UInt32(bitPattern: header.rtnh_ifindex)), weight: Int(header.rtnh_hops) + 1,
        isOnLink: header.rtnh_flags & UInt8(RTNH_F_ONLINK) != 0)
      hop.kernelFlags = header.rtnh_flags
      var cursor = AttributeCursor(offset + size..<offset + length)
      while let part = try cursor.next(in: datagram) { try hop.read(part, family, in: datagram) }
      hops.append(hop)
      offset += Attribute.aligned(length)
    }
    return hops
  }

  private mutating func read(
    _ attribute: Attribute, _ family: AddressFamily, in datagram: RawSpan
  ) throws(WireError) {
    switch attribute.kind {
    case Int(RTA_GATEWAY.rawValue): gateway = try datagram.address(attribute, family: family)
    case Int(RTA_VIA.rawValue): gateway = try Route.via(attribute, in: datagram)
    case Int(RTA_FLOW.rawValue): realms = try datagram.value(attribute)
    case Int(RTA_ENCAP_TYPE.rawValue):
      let kind = RouteEncapsulation.Kind(rawValue: try datagram.value(attribute))
      encapsulation = RouteEncapsulation(kind: kind, bytes: encapsulation?.bytes ?? [])
    case Int(RTA_ENCAP.rawValue):
      let bytes = try datagram.bytes(attribute.payload)
      encapsulation = RouteEncapsulation(kind: encapsulation?.kind ?? .init(rawValue: 0), bytes: bytes)
    default: try otherAttributes.append(attribute, from: datagram)
    }
  }

  func encode(into writer: MessageWriter, _ family: AddressFamily, _ flags: UInt8) {
    let header = rtnexthop(
      rtnh_len: 0, rtnh_flags: flags, rtnh_hops: UInt8(clamping: weight - 1),
      rtnh_ifindex: Int32(bitPattern: interface?.rawValue ?? 0))
    writer.put(measured: header) { writer in
      if let gateway { writer.put(gateway: gateway, of: family) }
      if let realms { writer.put(Int(RTA_FLOW.rawValue), realms) }
      encapsulation?.encode(into: writer)
      writer.put(otherAttributes)
    }
  }
}

extension RouteEncapsulation {
  /// Writes `RTA_ENCAP` and `RTA_ENCAP_TYPE`.
  func encode(into writer: MessageWriter) {
    writer.put(Int(RTA_ENCAP.rawValue) | 0x8000, bytes: bytes)
    writer.put(Int(RTA_ENCAP_TYPE.rawValue), kind.rawValue)
  }

  /// Whether there are tunnel options in it (`LWTUNNEL_IP_OPTS`), or bytes that are no attributes.
  var hasOptions: Bool {
    guard kind == .ipv4 || kind == .ipv6 else { return false }
    let span = unsafe bytes.span.bytes
    var cursor = AttributeCursor(0..<bytes.count)
    do throws(WireError) {
      while let attribute = try cursor.next(in: span) { if attribute.type == 8 { return true } }
      return false
    } catch {
      return true
    }
  }
}

extension RouteCacheInfo {
  static let size = MemoryLayout<rta_cacheinfo>.size

  /// Whether `RTA_CACHEINFO` is all zeros, as it is for most IPv6 routes.
  static func isIdle(_ attribute: Attribute, in datagram: RawSpan) throws(WireError) -> Bool {
    guard attribute.payload.count == size else { return false }
    let start = attribute.payload.lowerBound
    var bits: UInt64 = 0
    for offset in stride(from: 0, to: size, by: 8) { bits |= try datagram.load(UInt64.self, at: start + offset) }
    return bits == 0
  }

  init(_ attribute: Attribute, in datagram: RawSpan) throws(WireError) {
    let info = try datagram.load(rta_cacheinfo.self, at: attribute.payload.lowerBound)
    referenceCount = info.rta_clntref
    lastUse = info.rta_lastuse
    expires = info.rta_expires
    error = Int32(bitPattern: info.rta_error)
    used = info.rta_used
    id = info.rta_id
    timestamp = info.rta_ts
    timestampAge = info.rta_tsage
  }

  func encode(into writer: MessageWriter) {
    writer.put(
      Int(RTA_CACHEINFO.rawValue),
      values: [
        referenceCount, lastUse, UInt32(bitPattern: expires), UInt32(bitPattern: error), used, id, timestamp,
        timestampAge,
      ])
  }
}
