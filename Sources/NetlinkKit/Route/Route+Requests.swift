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
    if let gateway = route.gateway { text += " via \(gateway)" }
    if let interface = route.interface { text += " on link \(interface)" }
    return text + " in table \(route.table)"
  }

  func encode(into writer: MessageWriter) { route.encode(into: writer, scope: route.scope) }

  func explain(_ failure: KernelFailure) -> (code: NetlinkError.Code, reason: String)? {
    let code = ErrorNumber.meaning(failure.errno).code
    switch (code, change) {
    case (.notFound, .remove): return (.notFound, "there is no such route")
    case (.notFound, _):
      guard let interface = route.interface else { return nil }
      return (.notFound, "link \(interface) not found")
    case (.unreachable, .add), (.unreachable, .replace):
      return (.unreachable, "the gateway is not on a link that is up; is isOnLink needed?")
    default: return nil
    }
  }
}

/// `RTM_GETROUTE` as a dump of one family.
struct ListRoutes: NetlinkQuery {
  let family: AddressFamily
  let table: RouteTableID?

  var type: Int { Int(RTM_GETROUTE) }
  var name: String { "RTM_GETROUTE" }
  var operation: String { "list \(family) routes\(table.map { " of table \($0)" } ?? "")" }

  func encode(into writer: MessageWriter) {
    var header = rtmsg()
    header.rtm_family = family.rawValue
    writer.put(header: header)
    if let table { writer.put(Int(RTA_TABLE.rawValue), table.rawValue) }
  }

  func decode(_ message: Message, in datagram: RawSpan) throws(WireError) -> Route? {
    guard Int(message.type) == Int(RTM_NEWROUTE), let route = try Route(message, in: datagram),
      route.family == family, table == nil || table == route.table
    else { return nil }
    return route
  }
}

/// `RTM_GETROUTE` for one destination: what the kernel would do with a packet.
struct LookUpRoute: NetlinkQuery {
  let destination: IPAddress

  var type: Int { Int(RTM_GETROUTE) }
  var name: String { "RTM_GETROUTE" }
  var operation: String { "look up the route to \(destination)" }

  func encode(into writer: MessageWriter) {
    var header = rtmsg()
    header.rtm_family = destination.family.rawValue
    header.rtm_dst_len = UInt8(destination.family.bitWidth)
    // Without it IPv4 answers "main" whichever table it was found in; IPv6 always says, and refuses the flag.
    if destination.family == .ipv4 { header.rtm_flags = UInt32(RTM_F_LOOKUP_TABLE) }
    writer.put(header: header)
    writer.put(Int(RTA_DST.rawValue), destination)
  }

  func decode(_ message: Message, in datagram: RawSpan) throws(WireError) -> Route? {
    guard Int(message.type) == Int(RTM_NEWROUTE) else { return nil }
    return try Route(message, in: datagram)
  }
}
