// SPDX-License-Identifier: Apache-2.0

internal import CLibmnl
internal import NetworkTypes

extension InterfaceAddress {
  static let headerSize = MemoryLayout<ifaddrmsg>.size

  /// Reads an `RTM_NEWADDR` message; nil when its family is neither IPv4 nor IPv6.
  init?(_ message: Message, in datagram: RawSpan) throws(WireError) {
    guard message.payload.count >= InterfaceAddress.headerSize else {
      throw .truncated(
        offset: message.payload.lowerBound, needed: InterfaceAddress.headerSize, available: message.payload.count)
    }
    let header = try datagram.load(ifaddrmsg.self, at: message.payload.lowerBound)
    guard let family = AddressFamily(rawValue: header.ifa_family) else { return nil }
    guard let index = InterfaceIndex(rawValue: header.ifa_index) else {
      throw .invalidValue(type: 0, reason: "an address on a link with index 0")
    }
    guard Int(header.ifa_prefixlen) <= family.bitWidth else {
      throw .invalidValue(type: 0, reason: "a prefix length of \(header.ifa_prefixlen)")
    }
    var local: IPAddress?
    var address: IPAddress?
    var label: String?
    var broadcast: IPv4Address?
    var flags = AddressFlags(rawValue: UInt32(header.ifa_flags))
    var lifetime = AddressLifetime.forever
    var times: AddressTimes?
    var priority: UInt32?
    var `protocol`: AddressProtocol?
    var rest = RawAttributes()
    var cursor = message.attributes(after: InterfaceAddress.headerSize)
    while let attribute = try cursor.next(in: datagram) {
      switch attribute.kind {
      case Int(IFA_LOCAL): local = try datagram.address(attribute, family: family)
      case Int(IFA_ADDRESS): address = try datagram.address(attribute, family: family)
      case Int(IFA_LABEL): label = try datagram.string(attribute)
      case Int(IFA_BROADCAST) where family == .ipv4:
        broadcast = IPv4Address(networkOrder: try datagram.value(attribute))
      // All 32 bits; the header has room for the first eight.
      case Int(IFA_FLAGS): flags = AddressFlags(rawValue: try datagram.value(attribute))
      case Int(IFA_CACHEINFO) where attribute.payload.count == MemoryLayout<ifa_cacheinfo>.size:
        let info = try datagram.load(ifa_cacheinfo.self, at: attribute.payload.lowerBound)
        lifetime.preferred = info.ifa_prefered == .max ? nil : info.ifa_prefered
        lifetime.valid = info.ifa_valid == .max ? nil : info.ifa_valid
        times = AddressTimes(created: info.cstamp, updated: info.tstamp)
      case Int(IFA_RT_PRIORITY): priority = try datagram.value(attribute)
      case Int(IFA_PROTO): `protocol` = AddressProtocol(try datagram.value(attribute))
      default: try rest.append(attribute, from: datagram)
      }
    }
    // IFA_ADDRESS is the other end on point-to-point links, and the address itself elsewhere.
    guard let own = local ?? address else {
      throw .invalidValue(type: UInt16(IFA_ADDRESS), reason: "an address message without an address")
    }
    self.init(
      index: index, address: own, prefixLength: Int(header.ifa_prefixlen),
      scope: RouteScope(rawValue: header.ifa_scope), flags: flags, label: label,
      peer: address == own ? nil : address, broadcast: broadcast, lifetime: lifetime, priority: priority,
      protocol: `protocol`)
    self.times = times
    otherAttributes = rest
  }

  /// Writes the address as the kernel does, everything it was read from included.
  func encodeReply(into writer: MessageWriter) {
    putHeader(into: writer, flags: UInt8(truncatingIfNeeded: flags.rawValue))
    writer.put(Int(IFA_ADDRESS), peer ?? address)
    // IPv6 says the address once, unless there is a peer.
    if peer != nil || address.family == .ipv4 { writer.put(Int(IFA_LOCAL), address) }
    if let broadcast { writer.put(Int(IFA_BROADCAST), broadcast.networkOrder) }
    if let label { writer.put(Int(IFA_LABEL), string: label) }
    writer.put(Int(IFA_FLAGS), flags.rawValue)
    if let times { putLifetime(times, into: writer) }
    putOrigin(into: writer)
    writer.put(otherAttributes)
  }

  fileprivate func putHeader(into writer: MessageWriter, flags: UInt8) {
    writer.put(
      header: ifaddrmsg(
        ifa_family: address.family.rawValue, ifa_prefixlen: UInt8(clamping: prefixLength), ifa_flags: flags,
        ifa_scope: scope.rawValue, ifa_index: index.rawValue))
  }

  fileprivate func putLifetime(_ times: AddressTimes, into writer: MessageWriter) {
    writer.put(
      Int(IFA_CACHEINFO), values: [lifetime.preferred ?? .max, lifetime.valid ?? .max, times.created, times.updated])
  }

  fileprivate func putOrigin(into writer: MessageWriter) {
    if let priority { writer.put(Int(IFA_RT_PRIORITY), priority) }
    if let `protocol` { writer.put(Int(IFA_PROTO), `protocol`.rawValue) }
  }
}

/// `RTM_NEWADDR` and `RTM_DELADDR`.
struct ChangeAddress: NetlinkRequest {
  let change: ObjectChange
  let address: InterfaceAddress

  var type: Int { change == .remove ? Int(RTM_DELADDR) : Int(RTM_NEWADDR) }
  var name: String { change == .remove ? "RTM_DELADDR" : "RTM_NEWADDR" }
  var flags: Int { change.flags }
  var operation: String { "\(change) address \(address.address)/\(address.prefixLength) on link \(address.index)" }

  var objection: String? {
    let width = address.address.family.bitWidth
    guard (0...width).contains(address.prefixLength) else { return "the prefix length must be 0...\(width)" }
    if let peer = address.peer, peer.family != address.address.family { return "the peer is of another family" }
    if change == .remove { return nil }
    let lifetime = address.lifetime
    if lifetime.valid == 0 { return "an address that is valid for 0 seconds is to be removed" }
    if let valid = lifetime.valid, lifetime.preferred.map({ $0 > valid }) ?? true {
      return "it cannot be preferred longer than it is valid"
    }
    return nil
  }

  func encode(into writer: MessageWriter) {
    // All 32 bits go in an attribute; the header has room for the first eight.
    let flags = address.flags.rawValue
    address.putHeader(into: writer, flags: UInt8(exactly: flags) ?? 0)
    writer.put(Int(IFA_LOCAL), address.address)
    writer.put(Int(IFA_ADDRESS), address.peer ?? address.address)
    if let broadcast = address.broadcast { writer.put(Int(IFA_BROADCAST), broadcast.networkOrder) }
    if let label = address.label { writer.put(Int(IFA_LABEL), string: label) }
    if flags > 0xff { writer.put(Int(IFA_FLAGS), flags) }
    if change == .remove { return }
    if address.lifetime != .forever { address.putLifetime(AddressTimes(created: 0, updated: 0), into: writer) }
    address.putOrigin(into: writer)
  }

  func explain(_ failure: KernelFailure) -> (code: NetlinkError.Code, reason: String)? {
    let code = ErrorNumber.meaning(failure.errno).code
    if change == .remove, code == .addressNotAvailable { return (.notFound, "the link has no such address") }
    return code == .notFound ? (.notFound, "link \(address.index) not found") : nil
  }
}

/// `RTM_GETADDR` as a dump of one family.
struct ListAddresses: NetlinkQuery {
  let family: AddressFamily
  let link: InterfaceIndex?

  var type: Int { Int(RTM_GETADDR) }
  var name: String { "RTM_GETADDR" }
  var operation: String { "list \(family) addresses\(link.map { " of link \($0)" } ?? "")" }

  func encode(into writer: MessageWriter) {
    writer.put(
      header: ifaddrmsg(
        ifa_family: family.rawValue, ifa_prefixlen: 0, ifa_flags: 0, ifa_scope: 0, ifa_index: link?.rawValue ?? 0))
  }

  func decode(_ message: Message, in datagram: RawSpan) throws(WireError) -> InterfaceAddress? {
    guard Int(message.type) == Int(RTM_NEWADDR), let address = try InterfaceAddress(message, in: datagram),
      address.address.family == family, link == nil || link == address.index
    else { return nil }
    return address
  }

  func explain(_ failure: KernelFailure) -> (code: NetlinkError.Code, reason: String)? {
    guard let link, ErrorNumber.meaning(failure.errno).code == .notFound else { return nil }
    return (.notFound, "link \(link) not found")
  }
}
