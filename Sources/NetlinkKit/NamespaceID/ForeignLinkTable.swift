// SPDX-License-Identifier: Apache-2.0

public import LinuxSystem
public import NetworkTypes

/// The links of another namespace than the socket's, for the requests that the kernel can send there.
///
/// No thread changes its namespace and no other socket is opened: each request carries the other namespace's id
/// (`IFLA_TARGET_NETNSID`). The kernel can look for links, list them and remove them in this way, and list addresses
/// (``AddressTable/all(on:family:in:)``). A link is *created* there with the namespace's descriptor, by ``add(_:)`` or
/// ``NewLink/namespace``, and *moved* there with ``LinkChanges/namespace``. Everything else acts in the socket's namespace alone and needs a socket over there: changing
/// a link (the same attribute there means "move it"), alternative names, and adding or removing addresses, routes, rules,
/// neighbours and traffic control.
///
/// Indexes are those of the other namespace; ``Link/parentNamespaceID`` is an id of the *socket's*.
///
/// - Requires: `CAP_NET_ADMIN` in the user namespace that owns the other one, to look as well.
public struct ForeignLinkTable: Sendable {
  /// The namespace the links are in.
  public let namespace: NetworkNamespace
  /// The id by which the socket's namespace knows it.
  public let id: NamespaceID
  private let links: LinkTable

  init(_ links: LinkTable, _ namespace: NetworkNamespace, _ id: NamespaceID) {
    self.links = links
    self.namespace = namespace
    self.id = id
  }

  /// All links there, or those that fit, which the kernel sorts out.
  ///
  /// - Parameters:
  ///   - master: only the ports of this bridge or bond; `.some(nil)` for only those that are ports of none.
  ///   - kind: only those of the kind with this name, such as `veth`.
  ///   - protocolCounters: whether to ask for IPv6's counters of each link too.
  /// - Returns: The links, in the kernel's order.
  /// - Throws: ``NetlinkError`` with code `interrupted`, `permissionDenied`.
  public func all(
    master: InterfaceIndex?? = nil, kind: String? = nil, protocolCounters: Bool = false
  ) async throws(NetlinkError) -> [Link] {
    try await links.socket.dump(
      FindLinks(subject: .all, master: master, kind: kind, withProtocolCounters: protocolCounters, namespace: id))
  }

  /// The link with this name, or this alternative name, there; nil when there is none.
  ///
  /// - Throws: ``NetlinkError`` with code `permissionDenied`; an absent link is not an error.
  public func link(named name: InterfaceName) async throws(NetlinkError) -> Link? {
    try await links.find(FindLinks(subject: .name(name), namespace: id))
  }

  /// The link with this alternative name, or this name, there; nil when there is none.
  ///
  /// - Throws: ``NetlinkError`` with code `permissionDenied`; an absent link is not an error.
  public func link(alternativelyNamed name: String) async throws(NetlinkError) -> Link? {
    try await links.find(FindLinks(subject: .alternativeName(name), namespace: id))
  }

  /// The link with this index there; nil when there is none.
  ///
  /// - Throws: ``NetlinkError`` with code `permissionDenied`; an absent link is not an error.
  public func link(at index: InterfaceIndex) async throws(NetlinkError) -> Link? {
    try await links.find(FindLinks(subject: .index(index), namespace: id))
  }

  /// Creates a link there and reads it back.
  ///
  /// The same as ``LinkTable/add(_:)`` with ``NewLink/namespace``, but for the reading back, which needs no socket there. An
  /// alias, and a veth's peer that is to be up, still take a short-lived one.
  ///
  /// - Parameter new: the link. Its ``NewLink/namespace`` does not matter; its parent is looked up in the socket's
  ///   namespace.
  /// - Returns: The link as the kernel describes it.
  /// - Throws: as ``LinkTable/add(_:)``.
  /// - Requires: `CAP_NET_ADMIN` in both namespaces. `RTM_NEWLINK`, `IFLA_NET_NS_FD`.
  @discardableResult
  public func add(_ new: NewLink) async throws(NetlinkError) -> Link {
    var new = new
    new.namespace = namespace
    return try await links.add(new) { () async throws(NetlinkError) in try await link(named: new.name) }
  }

  /// Removes the link with this index there.
  ///
  /// - Throws: ``NetlinkError`` with code `notFound` when there is none, `notSupported` when it is not virtual.
  public func remove(_ index: InterfaceIndex) async throws(NetlinkError) {
    try await links.remove(.index(index), in: id)
  }

  /// Removes the link with this name, or this alternative name, there.
  ///
  /// - Throws: ``NetlinkError`` with code `notFound` when there is none, `notSupported` when it is not virtual.
  public func remove(named name: InterfaceName) async throws(NetlinkError) {
    try await links.remove(.name(name), in: id)
  }

  /// Removes all links of a group there.
  ///
  /// - Throws: ``NetlinkError`` with code `notFound` when the group is empty, `notSupported` when one of its links is not
  ///   virtual.
  public func remove(group: LinkGroup) async throws(NetlinkError) { try await links.remove(.group(group), in: id) }
}

extension LinkTable {
  /// The links of another namespace, for the requests that the kernel can send there from this socket.
  ///
  /// The namespace's id is looked up once, and given to it if it has none: afterwards each request is just one.
  ///
  /// - Parameter namespace: the other namespace; the socket's own is fine, too.
  /// - Returns: The links.
  /// - Throws: ``NetlinkError``.
  /// - Requires: `CAP_NET_ADMIN` in the socket's namespace if the other one has no id yet. `RTM_GETNSID`, `RTM_NEWNSID`.
  public func foreign(in namespace: NetworkNamespace) async throws(NetlinkError) -> ForeignLinkTable {
    ForeignLinkTable(self, namespace, try await socket.namespaceIDs.ensureID(of: namespace))
  }

  /// All links of another namespace: ``foreign(in:)`` for one request.
  ///
  /// - Throws: as ``foreign(in:)`` and ``ForeignLinkTable/all(master:kind:protocolCounters:)``.
  public func all(in namespace: NetworkNamespace) async throws(NetlinkError) -> [Link] {
    try await foreign(in: namespace).all()
  }

  /// The link with this name in another namespace; nil when there is none.
  ///
  /// - Throws: as ``foreign(in:)`` and ``ForeignLinkTable/link(named:)``.
  public func link(
    named name: InterfaceName, in namespace: NetworkNamespace
  ) async throws(NetlinkError) -> Link? {
    try await foreign(in: namespace).link(named: name)
  }

  /// The link with this index in another namespace; nil when there is none.
  ///
  /// - Throws: as ``foreign(in:)`` and ``ForeignLinkTable/link(at:)``.
  public func link(
    at index: InterfaceIndex, in namespace: NetworkNamespace
  ) async throws(NetlinkError) -> Link? {
    try await foreign(in: namespace).link(at: index)
  }

  /// Removes the link with this index in another namespace.
  ///
  /// - Throws: as ``foreign(in:)`` and ``ForeignLinkTable/remove(_:)``.
  public func remove(_ index: InterfaceIndex, in namespace: NetworkNamespace) async throws(NetlinkError) {
    try await foreign(in: namespace).remove(index)
  }
}
