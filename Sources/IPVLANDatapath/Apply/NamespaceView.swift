// SPDX-License-Identifier: Apache-2.0

internal import LinuxSystem
internal import NetlinkKit
internal import NetworkTypes

/// One network namespace and a socket in it.
///
/// Links are found by name each time, so that an index is never older than one call.
struct NamespaceView: Sendable {
  let namespace: NetworkNamespace
  let socket: NetlinkSocket

  init(_ namespace: NetworkNamespace) async throws(NetlinkError) {
    self.namespace = namespace
    socket = try await NetlinkSocket(in: namespace)
  }

  /// The index of a link that an earlier step made or that the caller named.
  func index(of link: InterfaceName) async throws(NetlinkError) -> InterfaceIndex? {
    try await socket.links.link(named: link)?.index
  }

  func requiredIndex(of link: InterfaceName) async throws -> InterfaceIndex {
    guard let index = try await index(of: link) else {
      throw DatapathError(code: .linkNotFound, message: "no link \"\(link)\"")
    }
    return index
  }

  /// How many routes to pods go by a link.
  func podRoutes(by link: InterfaceName) async throws(NetlinkError) -> Int {
    guard let index = try await index(of: link) else { return 0 }
    return try await socket.routes.all(table: .main, family: .ipv4)
      .filter { $0.interface == index && $0.protocol.rawValue == Ownership.routeProtocol }.count
  }

  /// How many pods' rules ask a table.
  func podRules(to table: UInt32) async throws(NetlinkError) -> Int {
    try await socket.rules.all(family: .ipv4)
      .filter { $0.table == RouteTableID(rawValue: table) && $0.protocol.rawValue == Ownership.routeProtocol }.count
  }

  /// Whether a route is there as planned, and ours.
  func has(_ route: PlannedRoute) async throws(NetlinkError) -> Bool {
    var desired = DesiredState(owner: Ownership.owner(prefix: Ownership.aliasPrefix))
    desired.routes = [DesiredRoute(route)]
    do throws(NetlinkError) {
      return try await socket.plan(desired, stale: .keep).isEmpty
    } catch {
      guard error.code == .conflict || error.code == .notFound else { throw error }
      return false
    }
  }
}
