// SPDX-License-Identifier: Apache-2.0

internal import CLibmnl
internal import NetworkTypes

/// `RTM_NEWNEIGH` and `RTM_DELNEIGH` of the family `AF_BRIDGE`.
struct ChangeForwardingEntry: NetlinkRequest {
  let change: ObjectChange
  let entry: ForwardingEntry

  var type: Int { change == .remove ? Int(RTM_DELNEIGH) : Int(RTM_NEWNEIGH) }
  var name: String { change == .remove ? "RTM_DELNEIGH" : "RTM_NEWNEIGH" }
  var flags: Int { change.flags }
  var operation: String {
    var text = "\(change) forwarding entry \(entry.address)"
    if let vlan = entry.vlan { text += " vlan \(vlan)" }
    if let destination = entry.destination { text += " to \(destination)" }
    return text + " on link \(entry.interface)"
  }

  var objection: String? {
    if entry.flags.isDisjoint(with: [.self, .master]) {
      return "say whose entry it is: the link's own (self), or that of its bridge (master)"
    }
    if let vlan = entry.vlan, !(1...4094).contains(vlan) { return "the VLAN must be 1...4094, not \(vlan)" }
    if entry.destination != nil, entry.nextHopID != nil {
      return "it goes to a machine or to a group of them, not both"
    }
    return nil
  }

  func encode(into writer: MessageWriter) { entry.encode(into: writer, isRemoval: change == .remove) }

  func explain(_ failure: KernelFailure) -> (code: NetlinkError.Code, reason: String)? {
    switch ErrorNumber.meaning(failure.errno).code {
    case .notFound where failure.errno == ErrorNumber.noEntry: (.notFound, "there is no such entry")
    case .notFound: (.notFound, "link \(entry.interface) not found")
    case .notSupported: (.notSupported, "the link keeps no such entries; is it the port of a bridge, or a tunnel?")
    default: nil
    }
  }
}

/// `RTM_GETNEIGH` as a dump of the family `AF_BRIDGE`.
struct ListForwardingEntries: NetlinkQuery {
  let link: InterfaceIndex?
  let bridge: InterfaceIndex?

  var type: Int { Int(RTM_GETNEIGH) }
  var name: String { "RTM_GETNEIGH" }
  var operation: String {
    var text = "list forwarding entries"
    if let link { text += " of link \(link)" }
    if let bridge { text += " of bridge \(bridge)" }
    return text
  }

  func encode(into writer: MessageWriter) {
    var header = ndmsg()
    header.ndm_family = UInt8(AF_BRIDGE)
    header.ndm_ifindex = Int32(bitPattern: link?.rawValue ?? 0)
    writer.put(header: header)
    if let bridge { writer.put(Int(NDA_MASTER), bridge.rawValue) }
  }

  func decode(_ message: Message, in datagram: RawSpan) throws(WireError) -> ForwardingEntry? {
    guard Int(message.type) == Int(RTM_NEWNEIGH), let entry = try ForwardingEntry(message, in: datagram),
      link == nil || link == entry.interface, bridge == nil || bridge == entry.bridge
    else { return nil }
    return entry
  }

  func explain(_ failure: KernelFailure) -> (code: NetlinkError.Code, reason: String)? {
    guard ErrorNumber.meaning(failure.errno).code == .notFound else { return nil }
    return (.notFound, "there is no such link")
  }
}
