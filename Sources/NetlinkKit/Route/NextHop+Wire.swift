// SPDX-License-Identifier: Apache-2.0

internal import CLibmnl
internal import NetworkTypes

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

  func encode(into writer: MessageWriter, _ family: AddressFamily) {
    writer.put(measured: header(isOnLink ? UInt8(RTNH_F_ONLINK) : 0)) { put(into: $0, family) }
  }

  func encodeReply(into writer: MessageWriter, _ family: AddressFamily) {
    writer.put(measured: header(kernelFlags)) { writer in
      put(into: writer, family)
      writer.put(otherAttributes)
    }
  }

  private func header(_ flags: UInt8) -> rtnexthop {
    rtnexthop(
      rtnh_len: 0, rtnh_flags: flags, rtnh_hops: UInt8(clamping: weight - 1),
      rtnh_ifindex: Int32(bitPattern: interface?.rawValue ?? 0))
  }

  private func put(into writer: MessageWriter, _ family: AddressFamily) {
    if let gateway { writer.put(gateway: gateway, of: family) }
    if let realms { writer.put(Int(RTA_FLOW.rawValue), realms) }
    encapsulation?.encode(into: writer)
  }
}

extension RouteEncapsulation {
  /// Writes `RTA_ENCAP` and `RTA_ENCAP_TYPE`.
  func encode(into writer: MessageWriter) {
    writer.put(Int(RTA_ENCAP.rawValue) | Int(NLA_F_NESTED), bytes: bytes)
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
