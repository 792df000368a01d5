// SPDX-License-Identifier: Apache-2.0

internal import LinuxSystem
public import NetworkTypes

/// The links of a namespace: ``NetlinkSocket/links``.
public struct LinkTable: Sendable {
  let socket: NetlinkSocket

  /// All links.
  ///
  /// - Throws: ``NetlinkError`` with code `interrupted` when links kept changing through all attempts.
  public func all() async throws(NetlinkError) -> [Link] { try await socket.dump(FindLinks(subject: .all)) }

  /// The link with this name; nil when there is none.
  ///
  /// - Throws: ``NetlinkError``; an absent link is not an error.
  public func link(named name: InterfaceName) async throws(NetlinkError) -> Link? { try await find(.name(name)) }

  /// The link with this index; nil when there is none.
  ///
  /// - Throws: ``NetlinkError``; an absent link is not an error.
  public func link(at index: InterfaceIndex) async throws(NetlinkError) -> Link? { try await find(.index(index)) }

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
    try await create(new)
    let link: Link?
    do throws(NetlinkError) {
      link = try await table(in: new.namespace).link(named: new.name)
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

  /// Creates a link without reading it back: one request, and one more each for an alias and for a veth's peer that
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
      if case .veth(let peer?) = new.kind, peer.isUp {
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
  public func remove(_ index: InterfaceIndex) async throws(NetlinkError) {
    try await socket.acknowledge(RemoveLink(index: index))
  }

  /// Changes the link with this index: what `changes` names, and nothing else.
  ///
  /// - Throws: ``NetlinkError`` with code `notFound` when there is none, `busy` when it must be down for the change,
  ///   `exists` when the new name is taken, `invalidArgument` when a value is out of the device's range.
  /// - Requires: `CAP_NET_ADMIN`. `RTM_NEWLINK`.
  public func change(_ index: InterfaceIndex, _ changes: LinkChanges) async throws(NetlinkError) {
    try await change(.index(index), changes)
  }

  private func change(_ subject: ChangeLink.Subject, _ changes: LinkChanges) async throws(NetlinkError) {
    try await socket.acknowledge(ChangeLink(subject: subject, changes: changes))
  }

  /// The links of `namespace`: these, or those of a short-lived socket there.
  private func table(in namespace: NetworkNamespace?) async throws(NetlinkError) -> LinkTable {
    guard let namespace else { return self }
    return try await NetlinkSocket(in: namespace, timeout: socket.timeout).links
  }

  private func find(_ subject: FindLinks.Subject) async throws(NetlinkError) -> Link? {
    do throws(NetlinkError) {
      return try await socket.lookUp(FindLinks(subject: subject))
    } catch  where error.code == .notFound {
      return nil
    }
  }
}
