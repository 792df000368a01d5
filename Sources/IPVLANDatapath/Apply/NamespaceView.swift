// SPDX-License-Identifier: Apache-2.0

internal import LinuxSystem
internal import NetlinkKit
internal import NetworkTypes

/// One network namespace: reads and writes single planned objects in it.
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
}

// MARK: Links

extension NamespaceView {
  // `peer`: the pod's namespace, where a veth pair's other end has to be.
  func state(of planned: PlannedLink, peer: NamespaceView?) async throws(NetlinkError) -> ObjectState {
    guard let link = try await socket.links.link(named: planned.name) else { return .absent }
    let isOurs = link.alias == planned.alias
    var faults: [String] = []
    switch (planned.kind, link.kind) {
    case (.ipvlan(_, let wanted, _), .ipvlan(let parent, let mode, let flag)?):
      if parent != wanted { faults.append("on link \(parent)") }
      if mode != .l2 || flag != .bridge { faults.append("mode \(mode) \(flag)") }
    case (.veth(let mac, let peerName, let peerMAC), .veth?):
      if link.address != mac { faults.append("address \(describe(link.address))") }
      if let peer {
        let end = try await peer.socket.links.link(named: peerName)
        if end?.address != peerMAC { faults.append("no peer \(peerName) with address \(peerMAC) in the pod") }
        if let end, end.mtu != planned.mtu { faults.append("peer's mtu \(end.mtu)") }
      }
    default: faults.append(link.kind?.name ?? "a hardware link")
    }
    if link.mtu != planned.mtu { faults.append("mtu \(link.mtu)") }
    if !isOurs { faults.append("alias \(link.alias.map { "\"\($0)\"" } ?? "none")") }
    return faults.isEmpty
      ? .asPlanned : .differs(found: "\(planned.name): \(faults.joined(separator: ", "))", isOurs: isOurs)
  }

  // `node`: where the parent of a slave, or the node's end of a pair, is. `peer`: where the other end is born.
  func make(_ planned: PlannedLink, node: NamespaceView, peer: NamespaceView?) async throws {
    switch planned.kind {
    case .ipvlan(_, let parent, let temporary):
      let name = temporary ?? planned.name
      do {
        // The mode is never another than the port's: the caller has looked. (A second mode would change all slaves.)
        try await node.socket.links.create(
          NewLink(
            name: name, kind: .ipvlan(parent: parent, mode: .l2, flag: .bridge), mtu: planned.mtu,
            namespace: namespace.identity == node.namespace.identity ? nil : namespace))
      } catch {
        if error.code == .notSupported {
          throw DatapathError(
            code: .notSupported,
            message: "this kernel has no ipvlan; load its module (modprobe ipvlan), or wire the pod by veth",
            underlying: error)
        }
        // Left behind by an addition that was killed before the renaming: adopt it, if it is that.
        guard error.code == .exists, temporary != nil,
          case .ipvlan(parent, .l2, .bridge)? = try await socket.links.link(named: name)?.kind
        else { throw error }
      }
      let index = try await requiredIndex(of: name)
      try await socket.links.change(
        index, LinkChanges(name: temporary == nil ? nil : planned.name, alias: planned.alias))
    case .veth(let mac, let peerName, let peerMAC):
      guard let peer else { throw DatapathError(code: .namespaceUnreachable, message: "no namespace for \(peerName)") }
      try await socket.links.create(
        NewLink(
          name: planned.name,
          kind: .veth(
            peer: VethPeer(
              name: peerName, namespace: peer.namespace, mtu: planned.mtu, address: peerMAC, isUp: false)),
          mtu: planned.mtu, address: mac))
      try await socket.links.change(try await requiredIndex(of: planned.name), LinkChanges(alias: planned.alias))
      try await peer.socket.links.change(
        try await peer.requiredIndex(of: peerName), LinkChanges(alias: planned.alias))
    }
  }

  /// Removes a link that bears the planned alias; another of that name stays.
  func remove(_ planned: PlannedLink) async throws(NetlinkError) {
    var names = [planned.name]
    // Before the renaming a slave has no alias, but a name that only this pod's slave can have.
    if case .ipvlan(_, _, let temporary?) = planned.kind { names.append(temporary) }
    for name in names {
      guard let link = try await socket.links.link(named: name) else { continue }
      guard link.alias == planned.alias || name != planned.name && link.alias == nil else { continue }
      do throws(NetlinkError) {
        try await socket.links.remove(link.index)
      } catch  where error.code == .notFound {}
    }
  }

  func isUp(_ link: InterfaceName, isARPEnabled: Bool?) async throws(NetlinkError) -> ObjectState {
    guard let link = try await socket.links.link(named: link) else { return .absent }
    guard link.isUp else { return .differs(found: "\(link.name) is down", isOurs: true) }
    guard let isARPEnabled, link.isARPEnabled != isARPEnabled else { return .asPlanned }
    return .differs(found: "ARP is \(link.isARPEnabled ? "on" : "off")", isOurs: true)
  }

  /// Up first: an ipvlan slave's open() clears NOARP, so that it is lost when set before (measured on 6.1).
  func bringUp(_ link: InterfaceName, isARPEnabled: Bool?) async throws -> Undo {
    guard let found = try await socket.links.link(named: link) else {
      throw DatapathError(code: .linkNotFound, message: "no link \"\(link)\"")
    }
    if !found.isUp { try await socket.links.change(found.index, LinkChanges(isUp: true)) }
    if let isARPEnabled { try await socket.links.change(found.index, LinkChanges(isARPEnabled: isARPEnabled)) }
    return found.isUp ? .nothing : .setDown
  }

  private func describe(_ address: MACAddress?) -> String { address?.description ?? "none" }
}
