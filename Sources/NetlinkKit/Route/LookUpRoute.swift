// SPDX-License-Identifier: Apache-2.0

internal import CLibmnl
internal import NetworkTypes

/// `RTM_GETROUTE` for one packet: what the kernel would do with it.
struct LookUpRoute: NetlinkQuery {
  let query: RouteQuery

  var type: Int { Int(RTM_GETROUTE) }
  var name: String { "RTM_GETROUTE" }
  var operation: String {
    var text = "look up the route to \(query.destination)"
    if let source = query.source { text += " from \(source)" }
    if let index = query.inputInterface { text += " in through link \(index)" }
    if let index = query.outputInterface { text += " out through link \(index)" }
    return text
  }

  private var family: AddressFamily { query.destination.family }

  var objection: String? {
    if let source = query.source, source.family != family { return "the source is not of the destination's family" }
    if query.typeOfService != 0, family == .ipv6 { return "IPv6 has no type of service" }
    guard let wanted = query.protocol else {
      return query.sourcePort == nil && query.destinationPort == nil ? nil : "ports without a protocol mean nothing"
    }
    switch (wanted, family) {
    case (.tcp, _), (.udp, _), (.icmp, .ipv4), (.icmpv6, .ipv6): return nil
    default: return "the kernel asks rules about TCP, UDP and the family's ICMP only"
    }
  }

  func encode(into writer: MessageWriter) {
    var header = rtmsg()
    let width = UInt8(family.bitWidth)
    header.rtm_family = family.rawValue
    header.rtm_dst_len = width
    if query.source != nil { header.rtm_src_len = width }
    header.rtm_tos = query.typeOfService
    // Without it IPv4 answers "main" whichever table it was found in; IPv6 always says, and refuses the flag.
    if family == .ipv4 { header.rtm_flags = UInt32(RTM_F_LOOKUP_TABLE) }
    if query.wantsTableEntry { header.rtm_flags |= UInt32(RTM_F_FIB_MATCH) }
    writer.put(header: header)
    writer.put(Int(RTA_DST.rawValue), query.destination)
    if let source = query.source { writer.put(Int(RTA_SRC.rawValue), source) }
    if let index = query.inputInterface { writer.put(Int(RTA_IIF.rawValue), index.rawValue) }
    if let index = query.outputInterface { writer.put(Int(RTA_OIF.rawValue), index.rawValue) }
    if let mark = query.mark { writer.put(Int(RTA_MARK.rawValue), mark) }
    if let user = query.userID { writer.put(Int(RTA_UID.rawValue), user) }
    if let wanted = query.protocol { writer.put(Int(RTA_IP_PROTO.rawValue), wanted.rawValue) }
    if let port = query.sourcePort { writer.put(Int(RTA_SPORT.rawValue), port.bigEndian) }
    if let port = query.destinationPort { writer.put(Int(RTA_DPORT.rawValue), port.bigEndian) }
  }

  func decode(_ message: Message, in datagram: RawSpan) throws(WireError) -> Route? {
    guard Int(message.type) == Int(RTM_NEWROUTE) else { return nil }
    return try Route(message, in: datagram)
  }

  func explain(_ failure: KernelFailure) -> (code: NetlinkError.Code, reason: String)? {
    guard ErrorNumber.meaning(failure.errno).code == .notFound else { return nil }
    return (.notFound, "a link that the packet names is absent")
  }
}
