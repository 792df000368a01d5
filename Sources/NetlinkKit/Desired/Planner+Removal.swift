// SPDX-License-Identifier: Apache-2.0

internal import NetworkTypes

extension Planner {
  /// Removes what bears the owner's marks and is not desired.
  mutating func planStale() {
    for rule in staleRules { add(remove(rule)) }
    for route in staleRoutes { add(remove(route)) }
    for neighbour in staleNeighbours { add(remove(neighbour)) }
    for filter in staleFilters { add(remove(filter)) }
    for address in staleAddresses { add(remove(address)) }
    // What lies on another link was created after it.
    for link in found.links.reversed() where owner.owns(link) && wantedLinks[link.name] == nil { add(removeLink(link)) }
  }

  /// Removes what the state describes, as far as it is there and bears the owner's marks.
  ///
  /// What goes with a link is not removed by itself. What is not there, or is another's, is left alone.
  mutating func planRemoval() throws(NetlinkError) -> ChangePlan {
    try requireMarks()
    let names = Set(desired.links.filter { $0.creation != nil }.flatMap { [$0.name, $0.birthName ?? $0.name] })
    let gone = found.links.filter { names.contains($0.name) && owner.owns($0) }
    let rest = found.without(Set(gone.map(\.index)))
    let rules = Set(desired.rules.map { marked($0).settings })
    for rule in rest.rules where rules.contains(rule.settings) { add(remove(rule)) }
    // Also those that would go with their links, so that no packet takes another way meanwhile.
    let routes = Dictionary(desired.routes.map { ($0.route.key, marked($0)) }) { first, _ in first }
    for route in found.routes {
      guard owner.owns(route), let wanted = routes[route.key] else { continue }
      let link = wanted.link.flatMap(index(of:)) ?? wanted.route.interface
      if wanted.route.isSatisfied(by: route, link: link) { add(remove(route)) }
    }
    for neighbour in describedNeighbours(in: rest) { add(remove(neighbour)) }
    for wanted in desired.filters.map(marked) {
      for filter in rest.filters
      where index(of: wanted.link) == filter.interface && filter.direction == wanted.filter.direction
        && wanted.isSatisfied(by: filter)
      {
        add(remove(filter))
      }
    }
    for address in describedAddresses(in: rest) { add(remove(address)) }
    for link in gone.reversed() { add(removeLink(link)) }
    return makePlan()
  }

  private func removeLink(_ link: Link) -> ChangeStep {
    ChangeStep(.removeLink(link.name), undo: nil, found: link.summary)
  }
}
