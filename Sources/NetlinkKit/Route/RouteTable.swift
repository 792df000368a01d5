// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes

/// The routes of a namespace: ``NetlinkSocket/routes``.
public struct RouteTable: Sendable {
  let socket: NetlinkSocket

  /// All routes, IPv4 before IPv6; what a look-up left in the kernel's cache is none.
  ///
  /// The kernel sorts out what is asked for, and it is compared once more here.
  ///
  /// - Parameters:
  ///   - table: only those in this table; nil for all tables, the `local` one included.
  ///   - family: only those of this family; nil for both.
  ///   - protocol: only those with this tag; nil for all.
  ///   - interface: only those through this link, with one of their next hops at least; nil for all.
  ///   - type: only those of this type; nil for all.
  /// - Returns: The routes.
  /// - Throws: ``NetlinkError`` with code `interrupted` when routes kept changing through all attempts, `notFound` when
  ///   there is no such link. A table that is absent is empty, not an error.
  public func all(
    table: RouteTableID? = nil, family: AddressFamily? = nil, protocol: RouteProtocol? = nil,
    interface: InterfaceIndex? = nil, type: RouteType? = nil
  ) async throws(NetlinkError) -> [Route] {
    guard let family else {
      let first = try await all(
        table: table, family: .ipv4, protocol: `protocol`, interface: interface, type: type)
      return first
        + (try await all(table: table, family: .ipv6, protocol: `protocol`, interface: interface, type: type))
    }
    do throws(NetlinkError) {
      return try await socket.dump(
        ListRoutes(family: family, table: table, protocol: `protocol`, interface: interface, kind: type))
    } catch  where error.errno == ErrorNumber.noEntry {
      return []
    }
  }

  /// Hands each route to `body` as it is read, and keeps none: memory does not grow with their number.
  ///
  /// The listing is made once. Other requests on this socket wait until it is through.
  ///
  /// - Parameters:
  ///   - table: only those in this table; nil for all tables, the `local` one included.
  ///   - family: only those of this family.
  ///   - protocol: only those with this tag; nil for all.
  ///   - interface: only those through this link, with one of their next hops at least; nil for all.
  ///   - type: only those of this type; nil for all.
  ///   - body: gets each route; it runs between two system calls and should be short.
  /// - Throws: ``NetlinkError`` with code `interrupted`, after the last route, when routes changed meanwhile: what was
  ///   handed out is then no consistent listing. `notFound` when there is no such link. A table that is absent is empty,
  ///   not an error.
  public func forEach(
    table: RouteTableID? = nil, family: AddressFamily, protocol: RouteProtocol? = nil,
    interface: InterfaceIndex? = nil, type: RouteType? = nil, _ body: (Route) -> Void
  ) async throws(NetlinkError) {
    do throws(NetlinkError) {
      try await socket.stream(
        ListRoutes(family: family, table: table, protocol: `protocol`, interface: interface, kind: type), body)
    } catch  where error.errno == ErrorNumber.noEntry {
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
  /// Of several IPv4 routes it takes the place of the first, of several IPv6 ones of them all.
  ///
  /// - Throws: ``NetlinkError`` as ``add(_:)``, without `exists`.
  /// - Requires: `CAP_NET_ADMIN`. `RTM_NEWROUTE` with `NLM_F_REPLACE`.
  public func replace(_ route: Route) async throws(NetlinkError) { try await change(.replace, route) }

  /// Puts a route in place of the one to that destination with that priority in that table.
  ///
  /// - Throws: ``NetlinkError`` as ``add(_:)``, and with code `notFound` when there is none.
  /// - Requires: `CAP_NET_ADMIN`. `RTM_NEWROUTE` with `NLM_F_REPLACE` and without `NLM_F_CREATE`.
  public func update(_ route: Route) async throws(NetlinkError) { try await change(.update, route) }

  /// Adds a route behind those to that destination with that priority in that table, if there are any.
  ///
  /// Several IPv4 routes stay as they are, and the first that can be used is. IPv6 makes one route of them, with
  /// ``Route/nextHops``.
  ///
  /// - Throws: ``NetlinkError`` as ``add(_:)``; `exists` when there is the very same one.
  /// - Requires: `CAP_NET_ADMIN`. `RTM_NEWROUTE` with `NLM_F_APPEND`.
  public func append(_ route: Route) async throws(NetlinkError) { try await change(.append, route) }

  /// Adds a route before those to that destination with that priority in that table, if there are any.
  ///
  /// IPv6 knows no order, and makes one route of them as ``append(_:)`` does.
  ///
  /// - Throws: ``NetlinkError`` as ``add(_:)``; `exists` when there is the very same one.
  /// - Requires: `CAP_NET_ADMIN`. `RTM_NEWROUTE` with `NLM_F_CREATE` alone.
  public func prepend(_ route: Route) async throws(NetlinkError) { try await change(.prepend, route) }

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
    try await route(for: RouteQuery(destination: destination))
  }

  /// The route that a packet would take; nil when there is none.
  ///
  /// The answer's destination is that one address, and its source the one that would be chosen, unless the table's entry
  /// is asked for: ``RouteQuery/wantsTableEntry``.
  ///
  /// - Throws: ``NetlinkError`` as ``route(to:)``, and with code `notFound` when a link that `query` names is absent.
  public func route(for query: RouteQuery) async throws(NetlinkError) -> Route? {
    do throws(NetlinkError) {
      return try await socket.lookUp(LookUpRoute(query: query))
    } catch  where error.code == .unreachable {
      return nil
    }
  }

  @inline(__always)
  private func change(_ change: ObjectChange, _ route: Route) async throws(NetlinkError) {
    try await socket.acknowledge(ChangeRoute(change: change, route: route))
  }
}
