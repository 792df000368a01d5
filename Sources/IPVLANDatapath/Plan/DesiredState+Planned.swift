// SPDX-License-Identifier: Apache-2.0

internal import LinuxSystem
internal import NetlinkKit
internal import NetworkTypes

/// What planned links refer to outside of their own namespace.
struct Surroundings: Sendable {
  /// The pod's namespace, where the peer of a pair is born; nil when it is gone.
  var pod: NetworkNamespace?
  /// The number by which the pod's namespace knows the node's, where the parent of a slave is.
  var nodeID: NamespaceID?
}

extension DesiredState {
  /// What planned objects of one place ask of NetlinkKit.
  ///
  /// The owner's prefix is the alias of the link among them, so that a link of another pod is not taken for this one's.
  init(_ objects: [PlannedObject], isShared: Bool, _ surroundings: Surroundings) {
    self.init(owner: Ownership.owner(prefix: objects.lazy.compactMap(\.alias).first ?? Ownership.aliasPrefix))
    for object in objects {
      switch object {
      case .link(let planned): add(planned, isShared: isShared, surroundings)
      case .peer(let link, let mac, let mtu, let alias):
        links.append(DesiredLink(existing: link, LinkChanges(mtu: mtu, address: mac, alias: alias)))
      case .up(let link, let isARPEnabled):
        if let place = links.firstIndex(where: { $0.name == link }) {
          links[place].settings.isUp = true
          if let isARPEnabled { links[place].settings.isARPEnabled = isARPEnabled }
        } else {
          links.append(DesiredLink(existing: link, LinkChanges(isUp: true, isARPEnabled: isARPEnabled)))
        }
      case .address(let address, let prefixLength, let link, let isHostScope):
        addresses.append(
          DesiredAddress(
            .v4(address), prefixLength: prefixLength, on: link, scope: isHostScope ? .host : .universe))
      case .neighbour(let address, let mac, let link):
        neighbours.append(DesiredNeighbour(.v4(address), linkLayerAddress: mac, on: link))
      case .route(let planned): routes.append(DesiredRoute(planned))
      case .rule(let planned): rules.append(Rule(planned))
      case .sysctl, .programs, .localPod: break
      }
    }
  }

  private mutating func add(_ planned: PlannedLink, isShared: Bool, _ surroundings: Surroundings) {
    var new: NewLink
    var birthName: InterfaceName?
    switch planned.kind {
    case .ipvlan(_, let parent, let temporary):
      birthName = temporary
      new = NewLink(name: planned.name, kind: .ipvlan(parent: parent, mode: .l2, flag: .bridge), mtu: planned.mtu)
      new.parentNamespaceID = surroundings.nodeID
    case .veth(let mac, let peer, let peerMAC):
      new = NewLink(
        name: planned.name,
        kind: .veth(peer: VethPeer(name: peer, namespace: surroundings.pod, mtu: planned.mtu, address: peerMAC)),
        mtu: planned.mtu, address: mac)
    }
    new.alias = planned.alias
    var link = DesiredLink(new)
    // What other pods use is not taken from them.
    link.isReplaceable = !isShared
    link.birthName = birthName
    links.append(link)
  }
}

extension PlannedObject {
  /// The alias of a link.
  fileprivate var alias: String? { if case .link(let link) = self { link.alias } else { nil } }
}

extension Ownership {
  /// The marks of this module's objects.
  static func owner(prefix: String) -> ObjectOwner {
    ObjectOwner(protocol: RouteProtocol(rawValue: routeProtocol), prefix: prefix)
  }
}

extension DesiredRoute {
  init(_ planned: PlannedRoute) {
    self.init(
      Route(
        destination: planned.destination.map { IPCIDR($0) }, gateway: planned.gateway.map { .v4($0) },
        source: planned.source.map { .v4($0) }, scope: planned.gateway == nil ? .link : .universe,
        table: planned.table.map { RouteTableID(rawValue: $0) } ?? .main, isOnLink: planned.gateway != nil),
      on: planned.link)
  }
}

extension Rule {
  init(_ planned: PlannedRule) {
    self.init(
      family: .ipv4, priority: planned.priority, source: planned.source.map { IPCIDR(host: .v4($0)) },
      destination: planned.destination.map { IPCIDR(host: .v4($0)) },
      table: planned.table.map { RouteTableID(rawValue: $0) } ?? .main)
  }
}
