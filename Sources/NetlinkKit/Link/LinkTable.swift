// SPDX-License-Identifier: Apache-2.0

internal import LinuxSystem
public import NetworkTypes

/// The links of a namespace: ``NetlinkSocket/links``.
public struct LinkTable: Sendable {
  let socket: NetlinkSocket

  /// All links, or those that fit, which the kernel sorts out.
  ///
  /// - Parameters:
  ///   - master: only the ports of this bridge or bond; `.some(nil)` for only those that are ports of none. The ports of
  ///     a link that is absent are none, not an error.
  ///   - kind: only those of the kind with this name, such as `veth`, which may be one that this kernel does not know.
  ///   - protocolCounters: whether to ask for IPv6's counters of each link too, which are a quarter of what the kernel
  ///     says of a link and costly to add up. They are in ``Link/otherAttributes`` (`IFLA_AF_SPEC`, 26), nowhere else;
  ///     ``Link/statistics`` is there anyway.
  /// - Returns: The links, in the kernel's order.
  /// - Throws: ``NetlinkError`` with code `interrupted` when links kept changing through all attempts.
  ///   `RTM_GETLINK`, `IFLA_MASTER`, `IFLA_INFO_KIND`, `RTEXT_FILTER_SKIP_STATS`.
  public func all(
    master: InterfaceIndex?? = nil, kind: String? = nil, protocolCounters: Bool = false
  ) async throws(NetlinkError) -> [Link] {
    try await socket.dump(FindLinks(subject: .all, master: master, kind: kind, withProtocolCounters: protocolCounters))
  }

  /// The link with this name; nil when there is none.
  ///
  /// An alternative name of up to 15 bytes is found as well: ``Link/name`` is then another one.
  ///
  /// - Throws: ``NetlinkError``; an absent link is not an error.
  public func link(named name: InterfaceName) async throws(NetlinkError) -> Link? {
    try await find(FindLinks(subject: .name(name)))
  }

  /// The link with this alternative name, or this name; nil when there is none.
  ///
  /// - Parameter name: up to 127 bytes; nothing is found by what cannot be a name.
  /// - Returns: The link.
  /// - Throws: ``NetlinkError``; an absent link is not an error. `IFLA_ALT_IFNAME`.
  public func link(alternativelyNamed name: String) async throws(NetlinkError) -> Link? {
    try await find(FindLinks(subject: .alternativeName(name)))
  }

  /// The link with this index; nil when there is none.
  ///
  /// - Throws: ``NetlinkError``; an absent link is not an error.
  public func link(at index: InterfaceIndex) async throws(NetlinkError) -> Link? {
    try await find(FindLinks(subject: .index(index)))
  }

  /// The first link with this link-layer address; nil when there is none.
  ///
  /// The kernel has no look-up by address, so this lists all links. The ipvlan links on a parent share its address;
  /// the one with the lowest index, the parent as a rule, is returned.
  ///
  /// - Throws: ``NetlinkError``; an absent link is not an error.
  public func link(withAddress address: MACAddress) async throws(NetlinkError) -> Link? {
    try await all().filter { $0.address == address }.min { $0.index < $1.index }
  }

  /// Creates a link and reads it back from the namespace it was born in.
  ///
  /// This is two requests, and for a link born in another namespace a short-lived socket there;
  /// ``create(_:)`` does without. When it cannot be read back it is removed again.
  ///
  /// - Parameter new: the link.
  /// - Returns: the link as the kernel describes it, in the namespace where it was born.
  /// - Throws: ``NetlinkError`` with code `exists` when a link (or the peer) of that name is there, `notFound` when the
  ///   parent is absent, `notSupported` when the kernel lacks the kind, `permissionDenied`.
  /// - Requires: `CAP_NET_ADMIN` in both namespaces. `RTM_NEWLINK`.
  @discardableResult
  public func add(_ new: NewLink) async throws(NetlinkError) -> Link {
    try await add(new) { () async throws(NetlinkError) in
      try await table(in: new.namespace).link(named: new.name)
    }
  }

  /// Creates a link and reads it back with `read`; when it cannot be read back it is removed again.
  func add(
    _ new: NewLink, read: () async throws(NetlinkError) -> Link?
  ) async throws(NetlinkError) -> Link {
    try await create(new)
    let link: Link?
    do throws(NetlinkError) {
      link = try await read()
    } catch {
      await removeUnfinished(new)
      throw error
    }
    guard let link else {
      throw NetlinkError(
        .notFound, operation: "create link \"\(new.name)\"",
        reason: "it was created, and removed or renamed by somebody else before it could be read back")
    }
    return link
  }

  /// Creates a link without reading it back: one request, and one more each for an alias and for a pair's peer that
  /// is to be up.
  ///
  /// When one of those fails, or the task is cancelled before them, the link is removed again.
  ///
  /// - Parameter new: the link.
  /// - Throws: as ``add(_:)``.
  /// - Requires: `CAP_NET_ADMIN` in both namespaces. `RTM_NEWLINK`.
  public func create(_ new: NewLink) async throws(NetlinkError) {
    try await socket.acknowledge(CreateLink(link: new))
    do throws(NetlinkError) {
      // The kernel ignores an alias at creation.
      if let alias = new.alias {
        try await table(in: new.namespace).change(.name(new.name), LinkChanges(alias: alias))
      }
      if let peer = new.kind.peer, peer.isUp {
        try await table(in: peer.namespace ?? new.namespace).change(.name(peer.name), LinkChanges(isUp: true))
      }
    } catch {
      await removeUnfinished(new)
      throw error
    }
  }

  /// Takes back a link that was created, in a task of its own: the caller's may be cancelled, and then sends nothing.
  private func removeUnfinished(_ new: NewLink) async {
    await Task {
      guard let born = try? await table(in: new.namespace), let link = try? await born.link(named: new.name) else {
        return
      }
      try? await born.remove(link.index)
    }.value
  }

  /// Removes the link with this index.
  ///
  /// A veth's peer goes with it, and a parent's ipvlan links too.
  ///
  /// - Throws: ``NetlinkError`` with code `notFound` when there is none, `notSupported` when it is not virtual.
  /// - Requires: `CAP_NET_ADMIN`. `RTM_DELLINK`.
  public func remove(_ index: InterfaceIndex) async throws(NetlinkError) { try await remove(.index(index)) }

  /// Removes the link with this name, or with this alternative name.
  ///
  /// - Throws: as ``remove(_:)-(InterfaceIndex)``.
  /// - Requires: `CAP_NET_ADMIN`. `RTM_DELLINK`.
  public func remove(named name: InterfaceName) async throws(NetlinkError) { try await remove(.name(name)) }

  /// Removes all links of a group: all of them or, when one cannot be removed, none.
  ///
  /// - Throws: ``NetlinkError`` with code `notFound` when the group is empty, `notSupported` when one of its links is not
  ///   virtual, `permissionDenied` also for the group ``LinkGroup/default``.
  /// - Requires: `CAP_NET_ADMIN`. `RTM_DELLINK`, `IFLA_GROUP`.
  public func remove(group: LinkGroup) async throws(NetlinkError) { try await remove(.group(group)) }

  /// Changes the link with this index: what `changes` names, and nothing else.
  ///
  /// - Throws: ``NetlinkError`` with code `notFound` when there is none, `busy` when it must be down for the change or the
  ///   new index is taken, `exists` when the new name is taken, `invalidArgument` when a value is out of the device's
  ///   range, `notSupported` when its driver cannot be told.
  /// - Requires: `CAP_NET_ADMIN`. `RTM_NEWLINK`.
  public func change(_ index: InterfaceIndex, _ changes: LinkChanges) async throws(NetlinkError) {
    try await change(.index(index), changes)
  }

  /// Changes all links of a group alike; it stops at the first that cannot be changed.
  ///
  /// - Parameters:
  ///   - group: the group; an empty one is not an error.
  ///   - changes: what to change. Neither name, namespace nor group can be, which is `invalidArgument`.
  /// - Throws: as ``change(_:_:)``.
  /// - Requires: `CAP_NET_ADMIN`. `RTM_NEWLINK`, `IFLA_GROUP`.
  public func change(group: LinkGroup, _ changes: LinkChanges) async throws(NetlinkError) {
    try await change(.group(group), changes)
  }

  private func change(_ subject: LinkSubject, _ changes: LinkChanges) async throws(NetlinkError) {
    try await socket.acknowledge(ChangeLink(subject: subject, changes: changes))
  }

  func remove(_ subject: LinkSubject, in namespace: NamespaceID? = nil) async throws(NetlinkError) {
    try await socket.acknowledge(RemoveLink(subject: subject, namespace: namespace))
  }

  /// The links of `namespace`: these, or those of a short-lived socket there.
  private func table(in namespace: NetworkNamespace?) async throws(NetlinkError) -> LinkTable {
    guard let namespace else { return self }
    return try await NetlinkSocket(in: namespace, timeout: socket.timeout).links
  }

  func find(_ query: FindLinks) async throws(NetlinkError) -> Link? {
    if query.isHopeless { return nil }
    do throws(NetlinkError) {
      return try await socket.lookUp(query)
    } catch  where error.code == .notFound {
      return nil
    }
  }
}
