// SPDX-License-Identifier: Apache-2.0

internal import NetworkTypes

/// What is in a namespace, as far as a desired state is about it.
struct NamespaceSnapshot: Sendable {
  var links: [Link] = []
  /// The links that have a clsact.
  var clsacts: Set<InterfaceIndex> = []
  var filters: [TrafficFilter] = []
  var addresses: [InterfaceAddress] = []
  var neighbours: [Neighbour] = []
  var routes: [Route] = []
  var rules: [Rule] = []

  /// The same without links, and what goes with them.
  func without(_ gone: Set<InterfaceIndex>) -> NamespaceSnapshot {
    guard !gone.isEmpty else { return self }
    var rest = self
    rest.links.removeAll { gone.contains($0.index) }
    rest.clsacts.subtract(gone)
    rest.filters.removeAll { $0.interface.map(gone.contains) ?? false }
    rest.addresses.removeAll { gone.contains($0.index) }
    rest.neighbours.removeAll { gone.contains($0.interface) }
    rest.routes.removeAll { $0.interface.map(gone.contains) ?? false }
    return rest
  }
}

extension NetlinkSocket {
  /// Reads what `desired` is about, and with `stale` whatever bears its owner's marks.
  func snapshot(for desired: DesiredState, stale: StaleObjects) async throws(NetlinkError) -> NamespaceSnapshot {
    var found = NamespaceSnapshot()
    let everything = stale == .remove
    found.links = try await links.all()
    if everything || !desired.addresses.isEmpty { found.addresses = try await addresses.all() }
    if everything || !desired.rules.isEmpty { found.rules = try await rules.all() }
    if everything || !desired.neighbours.isEmpty { found.neighbours = try await neighbours.all() }
    if everything {
      found.routes = try await routes.all()
    } else {
      for table in Set(desired.routes.map(\.route.table)).sorted() {
        for family in Set(desired.routes.filter { $0.route.table == table }.map(\.route.family)) {
          found.routes += try await routes.all(table: table, family: family)
        }
      }
    }
    let names = Set(desired.filters.map(\.link))
    let watched = found.links.filter { names.contains($0.name) || everything && desired.owner.owns($0) }
    if !watched.isEmpty {
      found.clsacts = Set(try await qdiscs.all().filter { $0.kind == "clsact" }.map(\.interface))
      for link in watched where found.clsacts.contains(link.index) {
        found.filters += try await filters.all(on: link.index)
      }
    }
    return found
  }
}
