// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes

/// One change of a batch, for ``NetlinkSocket/perform(_:)``.
///
/// ```swift
/// let outcome = await socket.perform(routes.map { .add($0) } + [.remove(neighbour)])
/// for failure in outcome.failures { print(failure.index, failure.error) }
/// ```
public struct NetlinkOperation: Sendable {
  /// The request; an enumeration and not an existential, so that none is put on the heap.
  private enum Request {
    case route(ChangeRoute)
    case neighbour(ChangeNeighbour)
    case address(ChangeAddress)
    case rule(ChangeRule)
    case forwarding(ChangeForwardingEntry)
    case createLink(CreateLink)
    case changeLink(ChangeLink)
    case removeLink(RemoveLink)
    // Large and rare: on the heap, so that the others stay small.
    indirect case qdisc(ChangeQdisc)
    indirect case `class`(ChangeClass)
    indirect case filter(ChangeFilter)
  }

  private let request: Request
}

extension NetlinkOperation {
  /// Adds a route, as ``RouteTable/add(_:)`` does.
  public static func add(_ route: Route) -> Self { Self(request: .route(ChangeRoute(change: .add, route: route))) }
  /// Adds or replaces a route, as ``RouteTable/replace(_:)`` does.
  public static func replace(_ route: Route) -> Self {
    Self(request: .route(ChangeRoute(change: .replace, route: route)))
  }
  /// Removes a route, as ``RouteTable/remove(_:)`` does.
  public static func remove(_ route: Route) -> Self {
    Self(request: .route(ChangeRoute(change: .remove, route: route)))
  }
  /// Adds a route behind others like it, as ``RouteTable/append(_:)`` does.
  public static func append(_ route: Route) -> Self {
    Self(request: .route(ChangeRoute(change: .append, route: route)))
  }
  /// Adds a route before others like it, as ``RouteTable/prepend(_:)`` does.
  public static func prepend(_ route: Route) -> Self {
    Self(request: .route(ChangeRoute(change: .prepend, route: route)))
  }
  /// Puts a route in place of the one that is there, as ``RouteTable/update(_:)`` does.
  public static func update(_ route: Route) -> Self {
    Self(request: .route(ChangeRoute(change: .update, route: route)))
  }

  /// Adds a forwarding entry, as ``ForwardingTable/add(_:)`` does.
  public static func add(_ entry: ForwardingEntry) -> Self {
    Self(request: .forwarding(ChangeForwardingEntry(change: .add, entry: entry)))
  }
  /// Adds a forwarding entry beside others, as ``ForwardingTable/append(_:)`` does.
  public static func append(_ entry: ForwardingEntry) -> Self {
    Self(request: .forwarding(ChangeForwardingEntry(change: .append, entry: entry)))
  }
  /// Adds or replaces a forwarding entry, as ``ForwardingTable/replace(_:)`` does.
  public static func replace(_ entry: ForwardingEntry) -> Self {
    Self(request: .forwarding(ChangeForwardingEntry(change: .replace, entry: entry)))
  }
  /// Removes a forwarding entry, as ``ForwardingTable/remove(_:)`` does.
  public static func remove(_ entry: ForwardingEntry) -> Self {
    Self(request: .forwarding(ChangeForwardingEntry(change: .remove, entry: entry)))
  }

  /// Adds a neighbour, as ``NeighbourTable/add(_:)`` does.
  public static func add(_ neighbour: Neighbour) -> Self {
    Self(request: .neighbour(ChangeNeighbour(change: .add, neighbour: neighbour)))
  }
  /// Adds or replaces a neighbour, as ``NeighbourTable/replace(_:)`` does.
  public static func replace(_ neighbour: Neighbour) -> Self {
    Self(request: .neighbour(ChangeNeighbour(change: .replace, neighbour: neighbour)))
  }
  /// Removes a neighbour, as ``NeighbourTable/remove(_:)`` does.
  public static func remove(_ neighbour: Neighbour) -> Self {
    Self(request: .neighbour(ChangeNeighbour(change: .remove, neighbour: neighbour)))
  }

  /// Puts an address on a link, as ``AddressTable/add(_:)`` does.
  public static func add(_ address: InterfaceAddress) -> Self {
    Self(request: .address(ChangeAddress(change: .add, address: address)))
  }
  /// Adds or replaces an address, as ``AddressTable/replace(_:)`` does.
  public static func replace(_ address: InterfaceAddress) -> Self {
    Self(request: .address(ChangeAddress(change: .replace, address: address)))
  }
  /// Takes an address off a link, as ``AddressTable/remove(_:)`` does.
  public static func remove(_ address: InterfaceAddress) -> Self {
    Self(request: .address(ChangeAddress(change: .remove, address: address)))
  }

  /// Adds a rule, as ``RuleTable/add(_:)`` does.
  public static func add(_ rule: Rule) -> Self { Self(request: .rule(ChangeRule(change: .add, rule: rule))) }
  /// Removes a rule, as ``RuleTable/remove(_:)`` does.
  public static func remove(_ rule: Rule) -> Self { Self(request: .rule(ChangeRule(change: .remove, rule: rule))) }

  /// Creates a link, as ``LinkTable/create(_:)`` does.
  ///
  /// It is one request, so an alias and a veth peer that is to be up are refused (`invalidArgument`): the kernel takes
  /// them only of a link that is there.
  public static func create(_ link: NewLink) -> Self { Self(request: .createLink(CreateLink(link: link))) }
  /// Changes the link with this index, as ``LinkTable/change(_:_:)`` does.
  public static func change(_ index: InterfaceIndex, _ changes: LinkChanges) -> Self {
    Self(request: .changeLink(ChangeLink(subject: .index(index), changes: changes)))
  }
  /// Removes the link with this index, as ``LinkTable/remove(_:)`` does.
  public static func removeLink(_ index: InterfaceIndex) -> Self {
    Self(request: .removeLink(RemoveLink(index: index)))
  }

  /// Adds a queueing discipline, as ``QdiscTable/add(_:)`` does.
  public static func add(_ qdisc: Qdisc) -> Self { Self(request: .qdisc(ChangeQdisc(change: .add, qdisc: qdisc))) }
  /// Adds or replaces a queueing discipline, as ``QdiscTable/replace(_:)`` does.
  public static func replace(_ qdisc: Qdisc) -> Self {
    Self(request: .qdisc(ChangeQdisc(change: .replace, qdisc: qdisc)))
  }
  /// Removes a queueing discipline, as ``QdiscTable/remove(_:)`` does.
  public static func remove(_ qdisc: Qdisc) -> Self {
    Self(request: .qdisc(ChangeQdisc(change: .remove, qdisc: qdisc)))
  }

  /// Adds a class, as ``ClassTable/add(_:)`` does.
  public static func add(_ class: TrafficClass) -> Self {
    Self(request: .class(ChangeClass(change: .add, class: `class`)))
  }
  /// Adds or changes a class, as ``ClassTable/replace(_:)`` does.
  public static func replace(_ class: TrafficClass) -> Self {
    Self(request: .class(ChangeClass(change: .replace, class: `class`)))
  }
  /// Removes a class, as ``ClassTable/remove(_:)`` does.
  public static func remove(_ class: TrafficClass) -> Self {
    Self(request: .class(ChangeClass(change: .remove, class: `class`)))
  }

  /// Attaches a filter, as ``FilterTable/add(_:)-(TrafficFilter)`` does.
  public static func add(_ filter: TrafficFilter) -> Self {
    Self(request: .filter(ChangeFilter(change: .add, filter: filter)))
  }
  /// Attaches or replaces a filter, as ``FilterTable/replace(_:)-(TrafficFilter)`` does.
  public static func replace(_ filter: TrafficFilter) -> Self {
    Self(request: .filter(ChangeFilter(change: .replace, filter: filter)))
  }
  /// Detaches a filter, as ``FilterTable/remove(_:)`` does.
  public static func remove(_ filter: TrafficFilter) -> Self {
    Self(request: .filter(ChangeFilter(change: .remove, filter: filter)))
  }
}

// What plans are made of.
extension NetlinkOperation {
  static func address(_ change: ObjectChange, _ address: InterfaceAddress) -> Self {
    Self(request: .address(ChangeAddress(change: change, address: address)))
  }
  static func neighbour(_ change: ObjectChange, _ neighbour: Neighbour) -> Self {
    Self(request: .neighbour(ChangeNeighbour(change: change, neighbour: neighbour)))
  }
  static func route(_ change: ObjectChange, _ route: Route) -> Self {
    Self(request: .route(ChangeRoute(change: change, route: route)))
  }
  static func change(named name: InterfaceName, _ changes: LinkChanges) -> Self {
    Self(request: .changeLink(ChangeLink(subject: .name(name), changes: changes)))
  }
}

extension NetlinkOperation: NetlinkRequest {
  var type: Int {
    switch request {
    case .route(let request): request.type
    case .neighbour(let request): request.type
    case .address(let request): request.type
    case .rule(let request): request.type
    case .forwarding(let request): request.type
    case .createLink(let request): request.type
    case .changeLink(let request): request.type
    case .removeLink(let request): request.type
    case .qdisc(let request): request.type
    case .class(let request): request.type
    case .filter(let request): request.type
    }
  }

  var flags: Int {
    switch request {
    case .route(let request): request.flags
    case .neighbour(let request): request.flags
    case .address(let request): request.flags
    case .rule(let request): request.flags
    case .forwarding(let request): request.flags
    case .createLink(let request): request.flags
    case .changeLink(let request): request.flags
    case .removeLink(let request): request.flags
    case .qdisc(let request): request.flags
    case .class(let request): request.flags
    case .filter(let request): request.flags
    }
  }

  func encode(into writer: MessageWriter) {
    switch request {
    case .route(let request): request.encode(into: writer)
    case .neighbour(let request): request.encode(into: writer)
    case .address(let request): request.encode(into: writer)
    case .rule(let request): request.encode(into: writer)
    case .forwarding(let request): request.encode(into: writer)
    case .createLink(let request): request.encode(into: writer)
    case .changeLink(let request): request.encode(into: writer)
    case .removeLink(let request): request.encode(into: writer)
    case .qdisc(let request): request.encode(into: writer)
    case .class(let request): request.encode(into: writer)
    case .filter(let request): request.encode(into: writer)
    }
  }

  var objection: String? {
    switch request {
    case .createLink(let request) where request.link.needsMore:
      "an alias, and a veth peer that is to be up, take more than one request; use links.create"
    case .rule(let request) where request.change == .add && request.rule.codePoint != nil:
      "a kernel may ignore a code point, and that takes more requests to see; use rules.add"
    case .route(let request): request.objection
    case .neighbour(let request): request.objection
    case .address(let request): request.objection
    case .rule(let request): request.objection
    case .forwarding(let request): request.objection
    case .createLink(let request): request.objection
    case .changeLink(let request): request.objection
    case .removeLink(let request): request.objection
    case .qdisc(let request): request.objection
    case .class(let request): request.objection
    case .filter(let request): request.objection
    }
  }

  var name: String { any.name }
  var operation: String { any.operation }
  func explain(_ failure: KernelFailure) -> (code: NetlinkError.Code, reason: String)? { any.explain(failure) }

  /// The request for what is asked only of one that failed.
  ///
  /// The properties above do without, because this one is put on the heap.
  private var any: any NetlinkRequest {
    switch request {
    case .route(let request): request
    case .neighbour(let request): request
    case .address(let request): request
    case .rule(let request): request
    case .forwarding(let request): request
    case .createLink(let request): request
    case .changeLink(let request): request
    case .removeLink(let request): request
    case .qdisc(let request): request
    case .class(let request): request
    case .filter(let request): request
    }
  }
}

extension NetlinkOperation: CustomStringConvertible {
  /// What it does to which object, such as `add route 10.0.0.0/8 on link 2 in table main`.
  public var description: String { operation }
}
