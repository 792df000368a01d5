// SPDX-License-Identifier: Apache-2.0

internal import CLibmnl
internal import NetworkTypes

extension Neighbour {
  static let headerSize = MemoryLayout<ndmsg>.size

  /// Reads an `RTM_NEWNEIGH` message; nil when its family is neither IPv4 nor IPv6.
  init?(_ message: Message, in datagram: RawSpan) throws(WireError) {
    guard message.payload.count >= Neighbour.headerSize else {
      throw .truncated(
        offset: message.payload.lowerBound, needed: Neighbour.headerSize, available: message.payload.count)
    }
    let header = try datagram.load(ndmsg.self, at: message.payload.lowerBound)
    guard let family = AddressFamily(rawValue: header.ndm_family) else { return nil }
    // A proxy entry for all links has no link.
    guard let interface = InterfaceIndex(rawValue: UInt32(bitPattern: header.ndm_ifindex)) else { return nil }
    var address: IPAddress?
    var linkLayerAddress: MACAddress?
    var extended: UInt32 = 0
    var `protocol`: RouteProtocol?
    var probes: UInt32?
    var usage: NeighbourUsage?
    var rest = RawAttributes()
    var cursor = message.attributes(after: Neighbour.headerSize)
    while let attribute = try cursor.next(in: datagram) {
      switch attribute.kind {
      case Int(NDA_DST): address = try datagram.address(attribute, family: family)
      case Int(NDA_LLADDR) where attribute.payload.count == 6:
        linkLayerAddress = try datagram.macAddress(attribute)
      case Int(NDA_PROBES): probes = try datagram.value(attribute)
      case Int(NDA_CACHEINFO) where attribute.payload.count == NeighbourUsage.size:
        usage = try NeighbourUsage(attribute, in: datagram)
      case Int(NDA_PROTOCOL): `protocol` = RouteProtocol(try datagram.value(attribute))
      case Int(NDA_FLAGS_EXT): extended = try datagram.value(attribute)
      default: try rest.append(attribute, from: datagram)
      }
    }
    guard let address else {
      throw .invalidValue(type: UInt16(NDA_DST), reason: "a neighbour without an address")
    }
    self.init(
      interface: interface, address: address, linkLayerAddress: linkLayerAddress,
      state: NeighbourState(rawValue: header.ndm_state),
      flags: NeighbourFlags(header: header.ndm_flags, extended: extended), protocol: `protocol`)
    type = RouteType(rawValue: header.ndm_type)
    self.probes = probes
    self.usage = usage
    otherAttributes = rest
  }

  /// Writes the entry as the kernel does, everything it was read from included.
  func encodeReply(into writer: MessageWriter) {
    encode(into: writer, state: state, type: type)
    if let probes { writer.put(Int(NDA_PROBES), probes) }
    usage?.encode(into: writer)
    writer.put(otherAttributes)
  }

  fileprivate func encode(into writer: MessageWriter, state: NeighbourState, type: RouteType) {
    var header = ndmsg()
    header.ndm_family = address.family.rawValue
    header.ndm_ifindex = Int32(bitPattern: interface.rawValue)
    header.ndm_state = state.rawValue
    header.ndm_flags = flags.header
    header.ndm_type = type.rawValue
    writer.put(header: header)
    writer.put(Int(NDA_DST), address)
    if let linkLayerAddress { writer.put(Int(NDA_LLADDR), linkLayerAddress) }
    if flags.extended != 0 { writer.put(Int(NDA_FLAGS_EXT), flags.extended) }
    if let `protocol` { writer.put(Int(NDA_PROTOCOL), `protocol`.rawValue) }
  }
}

extension NeighbourUsage {
  static let size = MemoryLayout<nda_cacheinfo>.size

  init(_ attribute: Attribute, in datagram: RawSpan) throws(WireError) {
    let info = try datagram.load(nda_cacheinfo.self, at: attribute.payload.lowerBound)
    confirmed = info.ndm_confirmed
    used = info.ndm_used
    updated = info.ndm_updated
    referenceCount = info.ndm_refcnt
  }

  func encode(into writer: MessageWriter) {
    writer.put(Int(NDA_CACHEINFO), values: [confirmed, used, updated, referenceCount])
  }
}

/// `RTM_NEWNEIGH` and `RTM_DELNEIGH`.
struct ChangeNeighbour: NetlinkRequest {
  let change: ObjectChange
  let neighbour: Neighbour

  var type: Int { change == .remove ? Int(RTM_DELNEIGH) : Int(RTM_NEWNEIGH) }
  var name: String { change == .remove ? "RTM_DELNEIGH" : "RTM_NEWNEIGH" }
  var flags: Int { change.flags }
  var operation: String {
    "\(change) \(neighbour.isProxy ? "proxy " : "")neighbour \(neighbour.address) on link \(neighbour.interface)"
  }

  var objection: String? {
    guard change != .remove, neighbour.flags.contains(.managed),
      !neighbour.state.isDisjoint(with: [.permanent, .noARP])
    else { return nil }
    return "what is permanent or needs no asking is not managed; leave the state empty"
  }

  func encode(into writer: MessageWriter) {
    guard change == .remove else {
      return neighbour.encode(into: writer, state: neighbour.state, type: .init(rawValue: 0))
    }
    var header = ndmsg()
    header.ndm_family = neighbour.address.family.rawValue
    header.ndm_ifindex = Int32(bitPattern: neighbour.interface.rawValue)
    header.ndm_flags = neighbour.isProxy ? UInt8(NTF_PROXY) : 0
    writer.put(header: header)
    writer.put(Int(NDA_DST), neighbour.address)
  }

  func explain(_ failure: KernelFailure) -> (code: NetlinkError.Code, reason: String)? {
    guard ErrorNumber.meaning(failure.errno).code == .notFound else { return nil }
    let isEntry = failure.errno == ErrorNumber.noEntry
    return (.notFound, isEntry ? "there is no such neighbour" : "link \(neighbour.interface) not found")
  }
}
