// SPDX-License-Identifier: Apache-2.0

internal import NetworkTypes

/// Compares a desired state with what is there.
///
/// Pure: values in, steps out.
struct Planner {
  let desired: DesiredState
  let stale: StaleObjects
  /// What is there, without what goes with links that have to be made anew.
  private(set) var found: NamespaceSnapshot
  /// In the order in which they are done.
  private(set) var steps: [ChangeStep] = []
  private let names: [InterfaceIndex: InterfaceName]
  private let indexes: [InterfaceName: InterfaceIndex]
  /// The links of ``found``, by name.
  private(set) var links: [InterfaceName: Link]
  /// The links that are desired, by name.
  let wantedLinks: [InterfaceName: DesiredLink]
  /// The veth peers that are born here with their links.
  let bornPeers: Set<InterfaceName>

  var owner: ObjectOwner { desired.owner }

  init(_ desired: DesiredState, _ stale: StaleObjects, found: NamespaceSnapshot) {
    self.desired = desired
    self.stale = stale
    self.found = found
    names = Dictionary(found.links.map { ($0.index, $0.name) }) { first, _ in first }
    indexes = Dictionary(found.links.map { ($0.name, $0.index) }) { first, _ in first }
    links = Dictionary(found.links.map { ($0.name, $0) }) { first, _ in first }
    wantedLinks = Dictionary(desired.links.map { ($0.name, $0) }) { first, _ in first }
    bornPeers = Set(desired.links.compactMap(\.peerBornHere))
  }

  /// What has to change.
  mutating func plan() throws(NetlinkError) -> ChangePlan {
    try requireMarks()
    try requireDistinctLinks()
    let replaced = try planLinkReplacements()
    found = found.without(replaced)
    links = links.filter { !replaced.contains($0.value.index) }
    let settings = try planLinks()
    try planFilters()
    try planAddresses()
    // ARP after that: an ipvlan link forgets it when it comes up.
    steps += settings.up + settings.arp
    try planNeighbours()
    try planRoutes()
    try planRules()
    if stale == .remove { planStale() }
    return makePlan()
  }

  func makePlan() -> ChangePlan { ChangePlan(steps: steps, indexes: indexes) }

  mutating func add(_ step: ChangeStep) { steps.append(step) }

  func name(of index: InterfaceIndex) -> InterfaceName { names[index] ?? .unreadable(index) }
  func index(of name: InterfaceName) -> InterfaceIndex? { links[name]?.index }

  /// The link's index, or nil when it is only going to be created.
  func index(of name: InterfaceName, for step: @autoclosure () -> String) throws(NetlinkError) -> InterfaceIndex? {
    if let link = links[name] {
      guard stale == .keep || !owner.owns(link) || wantedLinks[name] != nil else {
        throw NetlinkError(
          .invalidArgument, operation: step(), reason: "link \"\(name)\" is not desired itself, and would be removed")
      }
      return link.index
    }
    guard wantedLinks[name]?.creation != nil || bornPeers.contains(name) else {
      throw NetlinkError(
        .notFound, operation: step(), reason: "there is no link \"\(name)\", and none is to be created")
    }
    return nil
  }

  /// Something that is not the owner's stands in the way.
  func conflict(_ change: NamedChange, _ what: String) -> NetlinkError {
    NetlinkError(.conflict, operation: "\(change)", reason: "in the way, and not ours to change: \(what)")
  }

  func requireMarks() throws(NetlinkError) {
    guard let objection = owner.objection else { return }
    throw NetlinkError(.invalidArgument, operation: "plan what \"\(owner.prefix)\" owns", reason: objection)
  }

  private func requireDistinctLinks() throws(NetlinkError) {
    var seen: Set<InterfaceName> = []
    for link in desired.links {
      let operation = "plan link \"\(link.name)\""
      guard seen.insert(link.name).inserted else {
        throw NetlinkError(.invalidArgument, operation: operation, reason: "it is desired twice; describe it once")
      }
      if link.creation?.namespace != nil {
        throw NetlinkError(
          .invalidArgument, operation: operation,
          reason: "it would be born in another namespace; plan it with a socket there, and name its parent's namespace "
            + "by id")
      }
      if let name = link.creation?.name, name != link.name {
        throw NetlinkError(.invalidArgument, operation: operation, reason: "it would be created as \"\(name)\"")
      }
      if let alias = link.settings.alias, link.creation != nil, !alias.hasPrefix(owner.prefix) {
        throw NetlinkError(
          .invalidArgument, operation: operation,
          reason: "its alias \"\(alias)\" does not begin with \"\(owner.prefix)\", and would not prove whose it is")
      }
      if link.settings.name != nil || link.settings.namespace != nil || link.settings.newIndex != nil {
        throw NetlinkError(
          .invalidArgument, operation: operation, reason: "a desired link is neither renamed nor moved")
      }
    }
  }
}
