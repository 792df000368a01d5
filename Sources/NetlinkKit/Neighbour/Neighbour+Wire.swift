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
    var tag: RouteProtocol?
    var rest = RawAttributes()
    var cursor = message.attributes(after: Neighbour.headerSize)
    while let attribute = try cursor.next(in: datagram) {
      switch attribute.kind {
      case Int(NDA_DST): address = try datagram.address(attribute, family: family)
      case Int(NDA_LLADDR) where attribute.payload.count == 6:
        linkLayerAddress = try datagram.macAddress(attribute)
      case Int(NDA_PROTOCOL): tag = RouteProtocol(rawValue: try datagram.value(attribute))
      default: try rest.append(attribute, from: datagram)
      }
    }
    guard let address else {
      throw .invalidValue(type: UInt16(NDA_DST), reason: "a neighbour without an address")
    }
    self.init(
      interface: interface, address: address, linkLayerAddress: linkLayerAddress,
      state: NeighbourState(rawValue: header.ndm_state), isProxy: header.ndm_flags & UInt8(NTF_PROXY) != 0)
    `protocol` = tag
    otherAttributes = rest
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

  func encode(into writer: MessageWriter) {
    var header = ndmsg()
    header.ndm_family = neighbour.address.family.rawValue
    header.ndm_ifindex = Int32(bitPattern: neighbour.interface.rawValue)
    header.ndm_state = change == .remove ? 0 : neighbour.state.rawValue
    header.ndm_flags = neighbour.isProxy ? UInt8(NTF_PROXY) : 0
    writer.put(header: header)
    writer.put(Int(NDA_DST), neighbour.address)
    if change != .remove, let tag = neighbour.protocol { writer.put(Int(NDA_PROTOCOL), tag.rawValue) }
    if change != .remove, let address = neighbour.linkLayerAddress {
      writer.put(Int(NDA_LLADDR), address)
    }
  }

  func explain(_ failure: KernelFailure) -> (code: NetlinkError.Code, reason: String)? {
    guard ErrorNumber.meaning(failure.errno).code == .notFound else { return nil }
    return (.notFound, change == .remove ? "there is no such neighbour" : "link \(neighbour.interface) not found")
  }
}

/// `RTM_GETNEIGH` as a dump, of ordinary entries or of proxy entries: the kernel lists one or the other.
struct ListNeighbours: NetlinkQuery {
  let link: InterfaceIndex?
  let proxies: Bool

  var type: Int { Int(RTM_GETNEIGH) }
  var name: String { "RTM_GETNEIGH" }
  var operation: String { "list \(proxies ? "proxy " : "")neighbours\(link.map { " of link \($0)" } ?? "")" }

  func encode(into writer: MessageWriter) {
    var header = ndmsg()
    header.ndm_flags = proxies ? UInt8(NTF_PROXY) : 0
    writer.put(header: header)
    // The header's own index must be 0 in a dump.
    if let link { writer.put(Int(NDA_IFINDEX), link.rawValue) }
  }

  func decode(_ message: Message, in datagram: RawSpan) throws(WireError) -> Neighbour? {
    guard Int(message.type) == Int(RTM_NEWNEIGH), let neighbour = try Neighbour(message, in: datagram),
      link == nil || link == neighbour.interface
    else { return nil }
    return neighbour
  }
}
