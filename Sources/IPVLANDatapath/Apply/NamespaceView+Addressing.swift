// SPDX-License-Identifier: Apache-2.0

internal import NetlinkKit
internal import NetworkTypes

// MARK: Addresses

extension NamespaceView {
  func address(
    _ address: IPv4Address, prefixLength: Int, link: InterfaceName, isHostScope: Bool
  ) async throws(NetlinkError) -> (state: ObjectState, found: InterfaceAddress?) {
    guard let index = try await index(of: link) else { return (.absent, nil) }
    guard let found = try await socket.addresses.all(on: index).first(where: { $0.address == .v4(address) }) else {
      return (.absent, nil)
    }
    let scope: RouteScope = isHostScope ? .host : .universe
    if found.prefixLength == prefixLength, found.scope == scope { return (.asPlanned, found) }
    return (.differs(found: "\(address)/\(found.prefixLength) scope \(found.scope) on \(link)", isOurs: false), found)
  }

  func addAddress(
    _ address: IPv4Address, prefixLength: Int, link: InterfaceName, isHostScope: Bool
  ) async throws {
    try await socket.addresses.add(
      InterfaceAddress(
        index: try await requiredIndex(of: link), address: .v4(address), prefixLength: prefixLength,
        scope: isHostScope ? .host : .universe))
  }

  // MARK: Neighbours

  func neighbour(_ address: IPv4Address, mac: MACAddress, link: InterfaceName) async throws(NetlinkError) -> ObjectState
  {
    guard let index = try await index(of: link) else { return .absent }
    guard let found = try await socket.neighbours.all(on: index).first(where: { $0.address == .v4(address) }) else {
      return .absent
    }
    if found.linkLayerAddress == mac, found.state == .permanent { return .asPlanned }
    return .differs(found: "\(address) on \(link) in state \(found.state)", isOurs: true)
  }

  func setNeighbour(_ address: IPv4Address, mac: MACAddress, link: InterfaceName) async throws {
    try await socket.neighbours.replace(
      Neighbour(interface: try await requiredIndex(of: link), address: .v4(address), linkLayerAddress: mac))
  }

  // MARK: Routes

  func route(_ planned: PlannedRoute) async throws(NetlinkError) -> (state: ObjectState, found: Route?) {
    let destination = planned.destination.map { IPCIDR($0) }
    let table = planned.table.map { RouteTableID(rawValue: $0) } ?? .main
    let candidates = try await socket.routes.all(table: table, family: .ipv4).filter { $0.destination == destination }
    guard !candidates.isEmpty else { return (.absent, nil) }
    let index = try await index(of: planned.link)
    let isOurs: (Route) -> Bool = { $0.protocol.rawValue == Ownership.routeProtocol }
    let same: (Route) -> Bool = { route in
      isOurs(route) && route.interface == index && route.gateway == planned.gateway.map { .v4($0) }
        && route.source == planned.source.map { .v4($0) }
    }
    if let found = candidates.first(where: same) { return (.asPlanned, found) }
    // Ours on the same link: an older shape of the same route. Anything else belongs to somebody.
    let found = candidates.first(where: { isOurs($0) && $0.interface == index }) ?? candidates[0]
    let replaceable = isOurs(found) && found.interface == index
    let link = if let index = found.interface { try await name(of: index) } else { "nowhere" }
    return (
      .differs(
        found: "route to \(planned.destination?.description ?? "default") by \(link), protocol \(found.protocol)",
        isOurs: replaceable),
      found
    )
  }

  func addRoute(_ planned: PlannedRoute) async throws {
    try await socket.routes.add(
      Route(
        destination: planned.destination.map { IPCIDR($0) }, gateway: planned.gateway.map { .v4($0) },
        interface: try await requiredIndex(of: planned.link), source: planned.source.map { .v4($0) },
        scope: planned.gateway == nil ? .link : .universe,
        table: planned.table.map { RouteTableID(rawValue: $0) } ?? .main,
        protocol: RouteProtocol(rawValue: Ownership.routeProtocol), isOnLink: planned.gateway != nil))
  }

  /// How many routes to pods go by a link.
  func podRoutes(by link: InterfaceName) async throws(NetlinkError) -> Int {
    guard let index = try await index(of: link) else { return 0 }
    return try await socket.routes.all(table: .main, family: .ipv4)
      .filter { $0.interface == index && $0.protocol.rawValue == Ownership.routeProtocol }.count
  }

  private func name(of index: InterfaceIndex) async throws(NetlinkError) -> String {
    try await socket.links.link(at: index)?.name.rawValue ?? "link \(index)"
  }

  // MARK: Rules

  func rule(_ planned: PlannedRule) async throws(NetlinkError) -> (state: ObjectState, found: Rule?) {
    let table = planned.table.map { RouteTableID(rawValue: $0) } ?? .main
    let candidates = try await socket.rules.all(family: .ipv4).filter { rule in
      rule.priority == planned.priority && rule.source == planned.source.map { IPCIDR(host: .v4($0)) }
        && rule.destination == planned.destination.map { IPCIDR(host: .v4($0)) }
    }
    guard let first = candidates.first else { return (.absent, nil) }
    let isOurs: (Rule) -> Bool = { $0.protocol.rawValue == Ownership.routeProtocol }
    if let found = candidates.first(where: { isOurs($0) && $0.table == table }) { return (.asPlanned, found) }
    return (
      .differs(
        found: "rule \(planned.priority) to table \(first.table), protocol \(first.protocol)", isOurs: isOurs(first)),
      first
    )
  }

  func addRule(_ planned: PlannedRule) async throws(NetlinkError) {
    try await socket.rules.add(
      Rule(
        family: .ipv4, priority: planned.priority, source: planned.source.map { IPCIDR(host: .v4($0)) },
        destination: planned.destination.map { IPCIDR(host: .v4($0)) },
        table: planned.table.map { RouteTableID(rawValue: $0) } ?? .main,
        protocol: RouteProtocol(rawValue: Ownership.routeProtocol)))
  }

  /// How many pods' rules ask a table.
  func podRules(to table: UInt32) async throws(NetlinkError) -> Int {
    try await socket.rules.all(family: .ipv4)
      .filter { $0.table == RouteTableID(rawValue: table) && $0.protocol.rawValue == Ownership.routeProtocol }.count
  }
}
