// SPDX-License-Identifier: Apache-2.0

internal import NetworkTypes

// Routes.
extension Planner {
  mutating func planRoutes() throws(NetlinkError) {
    // A gateway is looked for in the routes that are there already.
    let direct = desired.routes.filter { $0.route.gateway == nil }
    let present = Dictionary(grouping: found.routes, by: \.key)
    for wanted in direct + desired.routes.filter({ $0.route.gateway != nil }) {
      let wanted = marked(wanted)
      var link = wanted.route.interface
      if let name = wanted.link { link = try index(of: name, for: "\(NamedChange.route(.add, wanted))") }
      let there = present[wanted.route.key] ?? []
      guard let first = there.first else {
        add(ChangeStep(.route(.add, wanted), undo: .route(.remove, wanted)))
        continue
      }
      if there.contains(where: { owner.owns($0) && wanted.route.isSatisfied(by: $0, link: link) }) { continue }
      let change = NamedChange.route(.replace, wanted)
      let found = text(first)
      // The kernel replaces the first. On another link it may be the owner's for something else.
      guard owner.owns(first), stale == .remove || first.interface == link || link == nil && wanted.link == nil else {
        throw conflict(.route(.add, wanted), found)
      }
      add(ChangeStep(change, undo: .route(.replace, named(first)), found: found))
    }
  }

  func marked(_ wanted: DesiredRoute) -> DesiredRoute {
    var route = wanted.route
    route.protocol = owner.protocol
    return DesiredRoute(route, on: wanted.link)
  }

  /// A route that is there, with its link by name.
  func named(_ there: Route) -> DesiredRoute { DesiredRoute(there, on: there.interface.map(name(of:))) }

  func text(_ there: Route) -> String {
    there.commandText + (there.interface.map { " dev \(name(of: $0))" } ?? "") + " proto \(there.protocol)"
  }

  func remove(_ there: Route) -> ChangeStep {
    ChangeStep(.route(.remove, named(there)), undo: .route(.add, named(there)), found: text(there))
  }

  var staleRoutes: [Route] {
    let wanted = Set(desired.routes.map(\.route.key))
    return found.routes.filter { owner.owns($0) && !wanted.contains($0.key) }
  }
}

// Rules.
extension Planner {
  mutating func planRules() throws(NetlinkError) {
    let present = Dictionary(grouping: found.rules, by: \.priority)
    for wanted in desired.rules {
      let wanted = marked(wanted)
      let change = NamedChange.rule(.add, wanted)
      let there = present[wanted.priority] ?? []
      if there.contains(where: { $0.settings == wanted.settings }) { continue }
      let rivals = there.filter { $0.isSameQuestion(as: wanted) }
      if let rival = rivals.first(where: { !owner.owns($0) }) { throw conflict(change, "rule \(rival.commandText)") }
      add(ChangeStep(change, undo: .rule(.remove, wanted), found: rivals.first.map { "rule \($0.commandText)" }))
      // The new one is there before the old one goes.
      if stale == .keep { for rival in rivals { add(remove(rival)) } }
    }
  }

  func marked(_ wanted: Rule) -> Rule {
    var rule = wanted
    rule.protocol = owner.protocol
    return rule
  }

  func remove(_ there: Rule) -> ChangeStep {
    ChangeStep(.rule(.remove, there), undo: .rule(.add, there), found: "rule \(there.commandText)")
  }

  var staleRules: [Rule] {
    let wanted = Set(desired.rules.map { marked($0).settings })
    return found.rules.filter { owner.owns($0) && !wanted.contains($0.settings) }
  }
}

extension Route {
  /// Of routes with the same key the kernel keeps only one, unless told to append.
  struct Key: Hashable {
    let table: RouteTableID
    let family: AddressFamily
    let destination: IPCIDR?
    let sourcePrefix: IPCIDR?
    let typeOfService: UInt8
    let priority: UInt32
  }

  var key: Key {
    Key(
      table: table, family: family, destination: destination, sourcePrefix: sourcePrefix, typeOfService: typeOfService,
      priority: effectivePriority)
  }

  /// What a route without a priority gets.
  private var effectivePriority: UInt32 {
    guard let priority, priority > 0 else { return family == .ipv4 ? 0 : 1024 }
    return priority
  }

  /// Whether `there`, a route with the same key, is all that this one asks for.
  func isSatisfied(by there: Route, link: InterfaceIndex?) -> Bool {
    var wanted = settings
    var there = there.settings
    if let link { wanted.interface = link } else if wanted.interface == nil { there.interface = nil }
    if wanted.source == nil { there.source = nil }
    if !wanted.isOnLink { there.isOnLink = false }
    // IPv6 knows one scope only, and for types that have no link the kernel says what it likes.
    if family == .ipv6 || type != .unicast { there.scope = wanted.scope }
    there.lifetime = wanted.lifetime
    there.priority = wanted.priority
    return wanted == there
  }
}

extension Rule {
  /// Whether both are for the same packets and at the same place, whatever they do with them.
  func isSameQuestion(as other: Rule) -> Bool { question == other.question }

  private var question: Rule {
    var rule = settings
    (rule.table, rule.action, rule.protocol, rule.target) = (.main, .lookUp, .unspecified, nil)
    (rule.suppressedPrefixLength, rule.suppressedGroup, rule.usesVRFTable) = (nil, nil, false)
    return rule
  }
}
