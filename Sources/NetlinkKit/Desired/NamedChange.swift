// SPDX-License-Identifier: Apache-2.0

internal import NetworkTypes

/// One change that names links by their names, so that it can be planned before they have indexes.
enum NamedChange: Sendable {
  case createLink(DesiredLink)
  case setAlias(InterfaceName, String)
  case rename(InterfaceName, to: InterfaceName)
  case changeLink(InterfaceName, LinkChanges, master: InterfaceName??)
  case removeLink(InterfaceName)
  case addClsact(InterfaceName)
  /// Takes back `addClsact`: only when no filter is at it.
  case removeEmptyClsact(InterfaceName)
  case attach(DesiredFilter, isReplacement: Bool)
  case detach(TrafficFilter, InterfaceName)
  case address(ObjectChange, DesiredAddress)
  case neighbour(ObjectChange, DesiredNeighbour)
  case route(ObjectChange, DesiredRoute)
  case rule(ObjectChange, Rule)

  /// The links that must have an index before it can be carried out.
  var links: [InterfaceName] {
    switch self {
    case .createLink(let link): [link.parent, link.master].compactMap { $0 }
    case .setAlias: []
    case .changeLink(let name, _, let master): [name] + [master ?? nil].compactMap { $0 }
    case .rename(let name, _), .removeLink(let name), .addClsact(let name), .removeEmptyClsact(let name),
      .detach(_, let name):
      [name]
    case .attach(let filter, _): [filter.link]
    case .address(_, let address): [address.link]
    case .neighbour(_, let neighbour): [neighbour.link]
    case .route(_, let route): [route.link].compactMap { $0 }
    case .rule: []
    }
  }

  /// The links that have an index, or another one, once it is carried out.
  var creates: [InterfaceName] {
    switch self {
    case .createLink(let link): [link.birthName ?? link.name] + [link.peerBornHere].compactMap { $0 }
    case .rename(_, let name): [name]
    default: []
    }
  }

  /// Whether it takes something away, which may be gone already.
  var isRemoval: Bool {
    switch self {
    case .removeLink, .removeEmptyClsact, .detach: true
    case .address(let change, _), .neighbour(let change, _), .route(let change, _), .rule(let change, _):
      change == .remove
    case .createLink, .setAlias, .rename, .changeLink, .addClsact, .attach: false
    }
  }

  /// The request, when all links it names have an index.
  func operation(_ index: (InterfaceName) -> InterfaceIndex?) -> NetlinkOperation? {
    switch self {
    case .createLink(let link): return link.request(index).map { .create($0) }
    case .setAlias(let name, let alias): return .change(named: name, LinkChanges(alias: alias))
    case .rename(let name, let new): return index(name).map { .change($0, LinkChanges(name: new)) }
    case .changeLink(let name, var changes, let master):
      guard let link = index(name) else { return nil }
      switch master {
      case nil: break
      case .some(nil): changes.master = .some(nil)
      case .some(.some(let name)):
        guard let master = index(name) else { return nil }
        changes.master = master
      }
      return .change(link, changes)
    case .removeLink(let name): return index(name).map { .removeLink($0) }
    case .addClsact(let name): return index(name).map { .add(Qdisc(interface: $0, settings: .clsact)) }
    case .removeEmptyClsact(let name): return index(name).map { .remove(Qdisc(interface: $0, settings: .clsact)) }
    case .attach(let filter, let isReplacement):
      return index(filter.link).map { index in
        let filter = TrafficFilter(filter.filter(on: index))
        return isReplacement ? .replace(filter) : .add(filter)
      }
    case .detach(var filter, let name):
      guard let index = index(name), let parent = filter.parent else { return nil }
      filter.place = .link(index, parent: parent)
      return .remove(filter)
    case .address(let change, let desired):
      guard let index = index(desired.link) else { return nil }
      var address = desired.address
      address.index = index
      return .address(change, address)
    case .neighbour(let change, let desired):
      guard let index = index(desired.link) else { return nil }
      var neighbour = desired.neighbour
      neighbour.interface = index
      return .neighbour(change, neighbour)
    case .route(let change, let desired):
      guard let name = desired.link else { return .route(change, desired.route) }
      guard let index = index(name) else { return nil }
      var route = desired.route
      route.interface = index
      return .route(change, route)
    case .rule(let change, let rule): return change == .remove ? .remove(rule) : .add(rule)
    }
  }
}

extension DesiredFilter {
  /// The filter at the link with this index.
  func filter(on index: InterfaceIndex) -> BPFFilter {
    var filter = filter
    filter.interface = index
    return filter
  }
}

extension DesiredLink {
  /// The peer that is born with it in the same namespace.
  var peerBornHere: InterfaceName? {
    guard case .veth(let peer?)? = creation?.kind, peer.namespace == nil else { return nil }
    return peer.name
  }

  /// What creates it: down, and without an alias, which the kernel ignores at creation.
  func request(_ index: (InterfaceName) -> InterfaceIndex?) -> NewLink? {
    guard var link = creation else { return nil }
    link.name = birthName ?? name
    link.alias = nil
    link.isUp = false
    if case .veth(var peer?) = link.kind {
      // It takes a request of its own, and is a link to be described by itself.
      peer.isUp = false
      link.kind = .veth(peer: peer)
    }
    if let parent {
      guard let index = index(parent) else { return nil }
      link.kind = link.kind.on(index)
    }
    if let master {
      guard let index = index(master) else { return nil }
      link.master = index
    }
    return link
  }
}
