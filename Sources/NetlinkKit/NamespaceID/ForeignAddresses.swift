// SPDX-License-Identifier: Apache-2.0

internal import CLibmnl
public import LinuxSystem
public import NetworkTypes

extension AddressTable {
  /// The addresses of another namespace than the socket's, without a socket there.
  ///
  /// - Parameters:
  ///   - link: only those of the link with this index there; nil for all links.
  ///   - family: only those of this family; nil for both.
  ///   - namespace: the other namespace. It is given an id if it has none yet.
  /// - Returns: The addresses, IPv4 before IPv6.
  /// - Throws: ``NetlinkError`` with code `notFound` when the link is absent, `permissionDenied`.
  /// - Requires: `CAP_NET_ADMIN` in both namespaces. `RTM_GETADDR`, `IFA_TARGET_NETNSID`.
  public func all(
    on link: InterfaceIndex? = nil, family: AddressFamily? = nil, in namespace: NetworkNamespace
  ) async throws(NetlinkError) -> [InterfaceAddress] {
    try await all(on: link, family: family, inNamespace: try await socket.namespaceIDs.ensureID(of: namespace))
  }

  /// The addresses of the namespace with an id, without a handle on it: that of a pair's other end, for example.
  ///
  /// - Parameters:
  ///   - link: only those of the link with this index there; nil for all links.
  ///   - family: only those of this family; nil for both.
  ///   - id: the namespace's id in the socket's namespace, such as ``Link/parentNamespaceID``.
  /// - Returns: The addresses, IPv4 before IPv6.
  /// - Throws: ``NetlinkError`` with code `notFound` when the link is absent, `permissionDenied`.
  /// - Requires: `CAP_NET_ADMIN` in both namespaces. `RTM_GETADDR`, `IFA_TARGET_NETNSID`.
  public func all(
    on link: InterfaceIndex? = nil, family: AddressFamily? = nil, inNamespace id: NamespaceID
  ) async throws(NetlinkError) -> [InterfaceAddress] {
    var addresses: [InterfaceAddress] = []
    for family in family.map({ [$0] }) ?? AddressFamily.allCases {
      addresses += try await socket.dump(
        ListForeignAddresses(list: ListAddresses(family: family, link: link), namespace: id))
    }
    return addresses
  }
}

/// `RTM_GETADDR` as a dump of one family in another namespace.
struct ListForeignAddresses: NetlinkQuery {
  let list: ListAddresses
  let namespace: NamespaceID

  var type: Int { list.type }
  var name: String { list.name }
  var operation: String { list.operation + NamespaceID.text(namespace) }

  func encode(into writer: MessageWriter) {
    list.encode(into: writer)
    writer.put(Int(IFA_TARGET_NETNSID), namespace.rawValue)
  }

  func decode(_ message: Message, in datagram: RawSpan) throws(WireError) -> InterfaceAddress? {
    try list.decode(message, in: datagram)
  }

  func explain(_ failure: KernelFailure) -> (code: NetlinkError.Code, reason: String)? {
    if ErrorNumber.meaning(failure.errno).code == .permissionDenied { return NamespaceID.denied }
    return list.explain(failure)
  }
}
