// SPDX-License-Identifier: Apache-2.0

package import NetlinkKit
internal import NetworkTypes

/// A route, as `ip -j -d route` names its fields.
package struct RouteRow: Row {
  struct Via: Encodable {
    let family: String
    let host: String
  }

  struct Hop: Encodable {
    let gateway: String?
    let via: Via?
    let dev: String?
    let weight: Int
    let flags: [String]
  }

  struct Flow: Encodable {
    let from: String?
    let to: String
  }

  let type: String
  let dst: String
  let from: String?
  let tos: String?
  let nhid: UInt32?
  let gateway: String?
  let via: Via?
  let dev: String?
  let table: String
  let `protocol`: String
  let scope: String
  let prefsrc: String?
  let metric: UInt32?
  let flags: [String]
  let flow: Flow?
  let metrics: [MetricsRow]?
  let expires: Int32?
  let pref: String?
  let nexthops: [Hop]?

  /// Describes a route.
  package init(_ route: Route, _ names: LinkNames) {
    type = route.type.description
    dst = route.destination.map { $0.text } ?? "default"
    from = route.sourcePrefix.map { $0.text }
    tos = route.typeOfService == 0 ? nil : "0x" + String(route.typeOfService, radix: 16)
    nhid = route.nextHopID?.rawValue
    (gateway, via) = RouteRow.gateway(route.gateway, route.family)
    dev = names.name(route.interface)
    table = route.table.description
    `protocol` = route.protocol.description
    scope = route.scope.description
    prefsrc = route.source?.description
    metric = route.priority
    flags = RouteRow.flags(route.isOnLink, route.isDead, route.isLinkDown)
    flow = route.realms.map { realms in
      Flow(from: realms >> 16 == 0 ? nil : "\(realms >> 16)", to: "\(realms & 0xffff)")
    }
    metrics = route.metrics.isEmpty ? nil : [MetricsRow(route.metrics)]
    // `ip` rounds down.
    expires = route.cacheInfo.flatMap { $0.expires == 0 ? nil : $0.expires / 100 }
    pref = route.family == .ipv6 ? route.preference.description : nil
    let hops = route.nextHops.map { hop in
      let (gateway, via) = RouteRow.gateway(hop.gateway, route.family)
      return Hop(
        gateway: gateway, via: via, dev: names.name(hop.interface), weight: hop.weight,
        flags: RouteRow.flags(hop.isOnLink, hop.isDead, hop.isLinkDown))
    }
    nexthops = hops.isEmpty ? nil : hops
  }

  /// `ip` speaks of a gateway of the other family in words of its own.
  private static func gateway(_ gateway: IPAddress?, _ family: AddressFamily) -> (String?, Via?) {
    guard let gateway, gateway.family != family else { return (gateway?.description, nil) }
    return (nil, Via(family: gateway.family == .ipv4 ? "inet" : "inet6", host: "\(gateway)"))
  }

  private static func flags(_ isOnLink: Bool, _ isDead: Bool, _ isLinkDown: Bool) -> [String] {
    [(isDead, "dead"), (isOnLink, "onlink"), (isLinkDown, "linkdown")].filter(\.0).map(\.1)
  }

  package static let columns = [
    "DESTINATION", "FROM", "TOS", "VIA", "LINK", "TABLE", "TYPE", "PROTOCOL", "SCOPE", "SOURCE", "METRIC", "METRICS",
  ]

  package var cells: [String] {
    let hops = (nexthops ?? []).map { hop in
      [hop.gateway ?? hop.via?.host, hop.dev.map { "on \($0)" }, "weight \(hop.weight)"].compactMap(\.self)
        .joined(separator: " ")
    }
    return [
      dst, from ?? "", tos ?? "", nhid.map { "next hop \($0)" } ?? gateway ?? via?.host ?? hops.joined(separator: ", "),
      dev ?? "", table, type, `protocol`, scope, prefsrc ?? "", metric.map { "\($0)" } ?? "",
      metrics?.map(\.text).joined() ?? "",
    ]
  }
}

extension IPCIDR {
  /// As `ip route` writes it: a single address without its length.
  var text: String { prefixLength == family.bitWidth ? "\(address)" : "\(self)" }
}
