// SPDX-License-Identifier: Apache-2.0

internal import CLibmnl
internal import NetworkTypes

/// `RTM_GETNEIGH` as a dump, of ordinary entries or of proxy entries: the kernel lists one or the other.
struct ListNeighbours: NetlinkQuery {
  let link: InterfaceIndex?
  let proxies: Bool
  var family: AddressFamily?

  var type: Int { Int(RTM_GETNEIGH) }
  var name: String { "RTM_GETNEIGH" }
  var operation: String { "list \(proxies ? "proxy " : "")neighbours\(link.map { " of link \($0)" } ?? "")" }

  func encode(into writer: MessageWriter) {
    var header = ndmsg()
    header.ndm_family = family?.rawValue ?? 0
    header.ndm_flags = proxies ? UInt8(NTF_PROXY) : 0
    writer.put(header: header)
    // The header's own index must be 0 in a dump.
    if let link { writer.put(Int(NDA_IFINDEX), link.rawValue) }
  }

  func decode(_ message: Message, in datagram: RawSpan) throws(WireError) -> Neighbour? {
    guard Int(message.type) == Int(RTM_NEWNEIGH), let neighbour = try Neighbour(message, in: datagram),
      link == nil || link == neighbour.interface, family == nil || family == neighbour.address.family
    else { return nil }
    return neighbour
  }
}

/// `RTM_GETNEIGH` for one entry.
struct FindNeighbour: NetlinkQuery {
  let address: IPAddress
  let link: InterfaceIndex
  let isProxy: Bool

  var type: Int { Int(RTM_GETNEIGH) }
  var name: String { "RTM_GETNEIGH" }
  var operation: String { "look up \(isProxy ? "proxy " : "")neighbour \(address) on link \(link)" }

  func encode(into writer: MessageWriter) {
    var header = ndmsg()
    header.ndm_family = address.family.rawValue
    header.ndm_ifindex = Int32(bitPattern: link.rawValue)
    header.ndm_flags = isProxy ? UInt8(NTF_PROXY) : 0
    writer.put(header: header)
    writer.put(Int(NDA_DST), address)
  }

  func decode(_ message: Message, in datagram: RawSpan) throws(WireError) -> Neighbour? {
    guard Int(message.type) == Int(RTM_NEWNEIGH) else { return nil }
    return try Neighbour(message, in: datagram)
  }

  func explain(_ failure: KernelFailure) -> (code: NetlinkError.Code, reason: String)? {
    guard ErrorNumber.meaning(failure.errno).code == .notFound, failure.errno != ErrorNumber.noEntry else { return nil }
    return (.notFound, "link \(link) not found")
  }
}
