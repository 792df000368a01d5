// SPDX-License-Identifier: Apache-2.0

internal import CLibmnl

extension NetlinkEvent.Subjects {
  /// The multicast groups that speak of these objects (`RTNLGRP_...`).
  var groups: [UInt32] {
    let table: [(NetlinkEvent.Subjects, [rtnetlink_groups])] = [
      (.links, [RTNLGRP_LINK]), (.addresses, [RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR]),
      (.routes, [RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE]), (.rules, [RTNLGRP_IPV4_RULE, RTNLGRP_IPV6_RULE]),
      (.neighbours, [RTNLGRP_NEIGH]), (.trafficControl, [RTNLGRP_TC]),
    ]
    return table.flatMap { subject, groups in contains(subject) ? groups.map(\.rawValue) : [] }
  }
}

extension NetlinkEvent {
  /// Reads a notification; nil for one about something that is not watched.
  init?(_ message: Message, in datagram: RawSpan) throws(WireError) {
    // In each group of message types, "new" is followed by "delete".
    let change: Change = message.type % 4 == 0 ? .updated : .removed
    switch Int(message.type) {
    case Int(RTM_NEWLINK), Int(RTM_DELLINK):
      // A bridge speaks of its ports in link messages of its own family: "delete" says that the port left the bridge.
      guard try datagram.load(UInt8.self, at: message.payload.lowerBound) == UInt8(AF_UNSPEC) else { return nil }
      self = .link(change, try Link(message, in: datagram))
    case Int(RTM_NEWADDR), Int(RTM_DELADDR):
      guard let address = try InterfaceAddress(message, in: datagram) else { return nil }
      self = .address(change, address)
    case Int(RTM_NEWROUTE), Int(RTM_DELROUTE):
      guard let route = try Route(message, in: datagram) else { return nil }
      self = .route(change, route)
    case Int(RTM_NEWRULE), Int(RTM_DELRULE):
      guard let rule = try Rule(message, in: datagram) else { return nil }
      self = .rule(change, rule)
    case Int(RTM_NEWNEIGH), Int(RTM_DELNEIGH):
      guard let neighbour = try Neighbour(message, in: datagram) else { return nil }
      self = .neighbour(change, neighbour)
    case Int(RTM_NEWQDISC), Int(RTM_DELQDISC):
      guard let qdisc = try Qdisc(message, in: datagram) else { return nil }
      self = .qdisc(change, qdisc)
    case Int(RTM_NEWTCLASS), Int(RTM_DELTCLASS):
      guard let trafficClass = try TrafficClass(message, in: datagram) else { return nil }
      self = .trafficClass(change, trafficClass)
    case Int(RTM_NEWTFILTER), Int(RTM_DELTFILTER):
      guard let filter = try TrafficFilter(message, in: datagram, keepsPriorities: true) else { return nil }
      self = .filter(change, filter)
    default: return nil
    }
  }
}
