// SPDX-License-Identifier: Apache-2.0

package import NetlinkKit
internal import NetworkTypes

/// A route, as `ip -j -d route` names its fields.
package struct RouteRow: Row {
  struct Via: Encodable {
    let family: String
    let host: String
  }

  let type: String
  let dst: String
  let gateway: String?
  let via: Via?
  let dev: String?
  let table: String
  let `protocol`: String
  let scope: String
  let prefsrc: String?
  let metric: UInt32?

  /// Describes a route.
  package init(_ route: Route, _ names: LinkNames) {
    type = route.type.description
    dst = route.destination.map { $0.text } ?? "default"
    // `ip` speaks of a gateway of the other family in words of its own.
    let isForeign = route.gateway.map { $0.family != route.family } ?? false
    gateway = isForeign ? nil : route.gateway?.description
    via = isForeign ? route.gateway.map { Via(family: $0.family == .ipv4 ? "inet" : "inet6", host: "\($0)") } : nil
    dev = names.name(route.interface)
    table = route.table.description
    `protocol` = route.protocol.description
    scope = route.scope.description
    prefsrc = route.source?.description
    metric = route.priority
  }

  package static let columns = ["DESTINATION", "VIA", "LINK", "TABLE", "TYPE", "PROTOCOL", "SCOPE", "SOURCE", "METRIC"]

  package var cells: [String] {
    [
      dst, gateway ?? via?.host ?? "", dev ?? "", table, type, `protocol`, scope, prefsrc ?? "",
      metric.map { "\($0)" } ?? "",
    ]
  }
}

extension IPCIDR {
  /// As `ip route` writes it: a single address without its length.
  var text: String { prefixLength == family.bitWidth ? "\(address)" : "\(self)" }
}
