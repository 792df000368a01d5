// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes

/// The routes of a namespace: ``NetlinkSocket/routes``.
public struct RouteTable: Sendable {
  let socket: NetlinkSocket

  /// All routes, IPv4 before IPv6.
  ///
  /// - Parameters:
  ///   - table: only those in this table, which the kernel sorts out; nil for all tables, the `local` one included.
  ///   - family: only those of this family; nil for both.
  /// - Returns: The routes.
  /// - Throws: ``NetlinkError`` with code `interrupted` when routes kept changing through all attempts. A table that is
  ///   absent is empty, not an error.
  public func all(
    table: RouteTableID? = nil, family: AddressFamily? = nil
  ) async throws(NetlinkError) -> [Route] {
    guard let family else {
      let first = try await all(table: table, family: .ipv4)
      return first + (try await all(table: table, family: .ipv6))
    }
    do throws(NetlinkError) {
      return try await socket.dump(ListRoutes(family: family, table: table))
    } catch  where error.code == .notFound {
      return []
    }
  }

  /// Hands each route to `body` as it is read, and keeps none: memory does not grow with their number.
  ///
  /// The listing is made once. Other requests on this socket wait until it is through.
  ///
  /// - Parameters:
  ///   - table: only those in this table, which the kernel sorts out; nil for all tables, the `local` one included.
  ///   - family: only those of this family.
  ///   - body: gets each route; it runs between two system calls and should be short.
  /// - Throws: ``NetlinkError`` with code `interrupted`, after the last route, when routes changed meanwhile: what was
  ///   handed out is then no consistent listing. A table that is absent is empty, not an error.
  public func forEach(
    table: RouteTableID? = nil, family: AddressFamily, _ body: (Route) -> Void
  ) async throws(NetlinkError) {
    do throws(NetlinkError) {
      try await socket.stream(ListRoutes(family: family, table: table), body)
    } catch  where error.code == .notFound {
    }
  }

  /// Adds a route.
  ///
  /// - Throws: ``NetlinkError`` with code `exists` when there is one to that destination with that priority in that
  ///   table, `notFound` when the link is absent, `unreachable` when the gateway is not on a link, `invalidArgument`.
  /// - Requires: `CAP_NET_ADMIN`. `RTM_NEWROUTE`.
  public func add(_ route: Route) async throws(NetlinkError) { try await change(.add, route) }

  /// Adds a route, in place of the one to that destination with that priority in that table if there is one.
  ///
  /// - Throws: ``NetlinkError`` as ``add(_:)``, without `exists`.
  /// - Requires: `CAP_NET_ADMIN`. `RTM_NEWROUTE` with `NLM_F_REPLACE`.
  public func replace(_ route: Route) async throws(NetlinkError) { try await change(.replace, route) }

  /// Removes a route that matches in all that `route` says.
  ///
  /// - Throws: ``NetlinkError`` with code `notFound` when there is none.
  /// - Requires: `CAP_NET_ADMIN`. `RTM_DELROUTE`.
  public func remove(_ route: Route) async throws(NetlinkError) { try await change(.remove, route) }

  /// The route that a packet to `destination` would take from here; nil when there is none.
  ///
  /// The answer's destination is that one address, and its source the one that would be chosen.
  ///
  /// - Throws: ``NetlinkError``; a destination without a route is not an error, one that is prohibited is
  ///   `permissionDenied`, and a blackholed one `invalidArgument`.
  public func route(to destination: IPAddress) async throws(NetlinkError) -> Route? {
    do throws(NetlinkError) {
      return try await socket.lookUp(LookUpRoute(destination: destination))
    } catch  where error.code == .unreachable {
      return nil
    }
  }

  private func change(_ change: ObjectChange, _ route: Route) async throws(NetlinkError) {
    let request = ChangeRoute(change: change, route: route)
    if let destination = route.destination, destination.family != route.family {
      throw NetlinkError(
        .invalidArgument, operation: request.operation, reason: "the route is \(route.family), its destination is not")
    }
    if let source = route.source, source.family != route.family {
      throw NetlinkError(
        .invalidArgument, operation: request.operation, reason: "the route is \(route.family), its source is not")
    }
    try await socket.acknowledge(request)
  }
}
