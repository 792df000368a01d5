// SPDX-License-Identifier: Apache-2.0

/// What is in the fake kernel, and how it answers requests.
///
/// A value: no locks, no effects. Every object is kept as the messages about it are, so that what a request carries comes
/// back whether or not anything here knows what it means.
struct KernelState: Sendable {
  /// The kinds of links that can be created.
  let linkKinds: Set<String>
  /// By index.
  var links: [UInt32: WireObject] = [:]
  var addresses: [WireObject] = []
  var routes: [WireObject] = []
  var rules: [WireObject] = []
  var neighbours: [WireObject] = []
  var qdiscs: [WireObject] = []
  var filters: [WireObject] = []
  /// The index that the kernel chose last; it goes on from there, so that a number is not used again.
  var lastIndex: UInt32 = 1
  /// Bridges whose MTU was set after they were made; that of others follows their ports.
  var bridgesWithOwnMTU: Set<UInt32> = []
  /// IPv4's own addresses are in the main table until there is a rule beside the kernel's, or one less.
  var hasOwnIPv4Rules = false
  /// News since they were taken last.
  var news: [WireMessage] = []

  init(linkKinds: Set<String>) {
    self.linkKinds = linkKinds
    addLoopback()
    for (family, priorities) in [(Family.ipv4, [0, 32766, 32767]), (Family.ipv6, [0, 32766])] {
      for (priority, table) in zip(priorities, [255, 254, 253] as [UInt8]) {
        var rule = WireObject(header: [family, 0, 0, 0, table, 0, 0, 1, 0, 0, 0, 0], attributes: Attributes())
        rule.attributes.set(FRA.table, UInt32(table))
        rule.attributes.set(FRA.suppressedPrefixLength, UInt32.max)
        if priority > 0 { rule.attributes.set(FRA.priority, UInt32(priority)) }
        rules.append(rule)
      }
    }
  }

  /// Carries `request` out.
  ///
  /// - Returns: The objects that it is answered with.
  /// - Throws: Why it is not carried out; nothing was changed then.
  mutating func answer(_ request: WireMessage) throws(Refusal) -> [WireMessage] {
    let isDump = request.has(Flag.dump)
    switch request.kind {
    case .newLink: try newLink(request)
    case .removeLink: try removeLink(request)
    case .getLink: return try reply(.newLink, isDump ? listLinks(request) : findLink(request))
    case .newLinkProperty: try changeAlternativeNames(request, isRemoval: false)
    case .removeLinkProperty: try changeAlternativeNames(request, isRemoval: true)
    case .newAddress: try newAddress(request)
    case .removeAddress: try removeAddress(request)
    case .getAddress where isDump: return try reply(.newAddress, listAddresses(request))
    case .newRoute: try newRoute(request)
    case .removeRoute: try removeRoute(request)
    case .getRoute: return try reply(.newRoute, isDump ? listRoutes(request) : [lookUpRoute(request)])
    case .newRule: try newRule(request)
    case .removeRule: try removeRule(request)
    case .getRule where isDump: return try reply(.newRule, listRules(request))
    case .newNeighbour: try newNeighbour(request)
    case .removeNeighbour: try removeNeighbour(request)
    case .getNeighbour where isDump: return try reply(.newNeighbour, listNeighbours(request))
    case .newQdisc: try newQdisc(request)
    case .removeQdisc: try removeQdisc(request)
    case .getQdisc where isDump: return reply(.newQdisc, qdiscs)
    case .newFilter: try newFilter(request)
    case .removeFilter: try removeFilter(request)
    case .getFilter where isDump: return try reply(.newFilter, listFilters(request))
    default: throw Refusal(.notSupported)
    }
    return []
  }

  private func reply(_ kind: FakeKernel.RequestKind, _ objects: [WireObject]) -> [WireMessage] {
    objects.map { WireMessage(kind: kind, body: $0.body) }
  }

  /// Tells whoever watches.
  mutating func tell(_ kind: FakeKernel.RequestKind, _ object: WireObject) {
    news.append(WireMessage(kind: kind, body: object.body))
  }

  /// Removes the objects for which `isMeant` holds, and tells of each.
  mutating func remove(
    _ table: WritableKeyPath<KernelState, [WireObject]>, telling kind: FakeKernel.RequestKind?,
    where isMeant: (WireObject) -> Bool
  ) {
    let leaving = self[keyPath: table].filter(isMeant)
    guard !leaving.isEmpty else { return }
    self[keyPath: table].removeAll(where: isMeant)
    if let kind { for object in leaving { tell(kind, object) } }
  }
}

extension Array where Element == WireObject {
  /// The messages about these objects, one after the other.
  func datagram(_ kind: FakeKernel.RequestKind) -> [UInt8] {
    flatMap { WireMessage(kind: kind, body: $0.body).bytes }
  }
}
