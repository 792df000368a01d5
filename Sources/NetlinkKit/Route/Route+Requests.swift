// SPDX-License-Identifier: Apache-2.0

internal import CLibmnl
internal import NetworkTypes

/// `RTM_NEWROUTE` and `RTM_DELROUTE`.
struct ChangeRoute: NetlinkRequest {
  let change: ObjectChange
  let route: Route

  var type: Int { change == .remove ? Int(RTM_DELROUTE) : Int(RTM_NEWROUTE) }
  var name: String { change == .remove ? "RTM_DELROUTE" : "RTM_NEWROUTE" }
  var flags: Int { change.flags }
  var operation: String {
    var text = "\(change) route \(route.destinationText)"
    if let prefix = route.sourcePrefix { text += " from \(prefix)" }
    if let id = route.nextHopID {
      text += " through next hop \(id)"
    } else {
      if let gateway = route.gateway { text += " via \(gateway)" }
      if let interface = route.interface { text += " on link \(interface)" }
      if !route.nextHops.isEmpty { text += " via \(route.nextHops.count) next hops" }
    }
    return text + " in table \(route.table)"
  }

  var objection: String? {
    if let destination = route.destination, destination.family != route.family {
      return "the route is \(route.family), its destination is not"
    }
    if let source = route.source, source.family != route.family {
      return "the route is \(route.family), its source is not"
    }
    if route.family == .ipv4, route.preference != .medium { return "IPv4 routes have no preference" }
    return route.details.isEmpty ? nil : objection(to: route.details.value)
  }

  /// What the kernel would ignore, or take for something else.
  private func objection(to details: RouteDetails) -> String? {
    if let prefix = details.sourcePrefix {
      guard route.family == .ipv6 else { return "an IPv4 route has no source prefix; a rule has one" }
      guard prefix.family == .ipv6 else { return "the route is ipv6, its source prefix is not" }
    }
    if details.lifetime != nil, route.family == .ipv4 { return "IPv4 routes do not end by themselves" }
    if route.family == .ipv6, details.realms != nil || details.nextHops.contains(where: { $0.realms != nil }) {
      return "IPv6 has no realms"
    }
    guard details.nextHopID == nil else { return nil }
    if !details.nextHops.isEmpty, route.gateway != nil || route.interface != nil {
      return "a route has a gateway and a link of its own, or next hops, not both"
    }
    if let hop = details.nextHops.first(where: { !(1...256).contains($0.weight) }) {
      return "the weight of a next hop must be 1...256, not \(hop.weight)"
    }
    let wrappings = details.nextHops.map(\.encapsulation) + [details.encapsulation]
    if wrappings.contains(where: { $0?.hasOptions == true }) {
      return "tunnel options are not sent: Linux 6.18 stops working when it gets some"
    }
    return nil
  }

  func encode(into writer: MessageWriter) { route.encode(into: writer) }

  func explain(_ failure: KernelFailure) -> (code: NetlinkError.Code, reason: String)? {
    let code = ErrorNumber.meaning(failure.errno).code
    switch (code, change) {
    case (.notFound, .remove): return (.notFound, "there is no such route")
    case (.notFound, .update) where failure.errno == ErrorNumber.noEntry:
      return (.notFound, "there is no route to put it in the place of")
    case (.notFound, _):
      guard let interface = route.interface else { return nil }
      return (.notFound, "link \(interface) not found")
    case (.unreachable, _) where change != .remove:
      return (.unreachable, "the gateway is not on a link that is up; is isOnLink needed?")
    default: return nil
    }
  }
}

/// `RTM_GETROUTE` as a dump of one family.
struct ListRoutes: NetlinkQuery {
  let family: AddressFamily
  let table: RouteTableID?
  var `protocol`: RouteProtocol?
  var interface: InterfaceIndex?
  var kind: RouteType?

  var type: Int { Int(RTM_GETROUTE) }
  var name: String { "RTM_GETROUTE" }
  var operation: String {
    var text = "list \(family) routes"
    if let table { text += " of table \(table)" }
    if let `protocol` { text += " of protocol \(`protocol`)" }
    if let kind { text += " of type \(kind)" }
    if let interface { text += " through link \(interface)" }
    return text
  }

  func encode(into writer: MessageWriter) {
    var header = rtmsg()
    header.rtm_family = family.rawValue
    header.rtm_protocol = `protocol`?.rawValue ?? 0
    header.rtm_type = kind?.rawValue ?? 0
    writer.put(header: header)
    if let table { writer.put(Int(RTA_TABLE.rawValue), table.rawValue) }
    if let interface { writer.put(Int(RTA_OIF.rawValue), interface.rawValue) }
  }

  func decode(_ message: Message, in datagram: RawSpan) throws(WireError) -> Route? {
    guard Int(message.type) == Int(RTM_NEWROUTE) else { return nil }
    return try Route(message, in: datagram, of: self)
  }

  /// What the kernel sorted out, once more: a filter that it does not know, or a 0, is none to it.
  @inline(__always)
  func includes(
    _ header: rtmsg, _ family: AddressFamily, _ table: RouteTableID, _ interface: InterfaceIndex?,
    _ details: RouteDetails.Box
  ) -> Bool {
    guard family == self.family, header.rtm_flags & UInt32(RTM_F_CLONED) == 0, self.table == nil || self.table == table
    else { return false }
    if let `protocol`, `protocol`.rawValue != header.rtm_protocol { return false }
    if let kind, kind.rawValue != header.rtm_type { return false }
    if let link = self.interface, link != interface { return details.mayUse(link, besides: interface) }
    return true
  }

  func explain(_ failure: KernelFailure) -> (code: NetlinkError.Code, reason: String)? {
    guard let interface, failure.errno != ErrorNumber.noEntry,
      ErrorNumber.meaning(failure.errno).code == .notFound
    else { return nil }
    return (.notFound, "link \(interface) not found")
  }
}

extension RouteDetails.Box {
  /// Whether a route goes through this link, though not with the next hop it has for itself.
  fileprivate func mayUse(_ link: InterfaceIndex, besides interface: InterfaceIndex?) -> Bool {
    guard !isEmpty else { return false }
    let details = value
    if details.nextHops.contains(where: { $0.interface == link }) { return true }
    // A kernel that was told to (nexthop_compat_mode) does not say what an object is made of.
    return details.nextHops.isEmpty && details.nextHopID != nil && interface == nil
  }
}
