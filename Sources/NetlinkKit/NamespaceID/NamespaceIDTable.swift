// SPDX-License-Identifier: Apache-2.0

public import LinuxSystem

extension NetlinkSocket {
  /// The numbers by which this socket's namespace knows others.
  public var namespaceIDs: NamespaceIDTable { NamespaceIDTable(socket: self) }
}

/// The numbers by which a namespace knows others: ``NetlinkSocket/namespaceIDs``.
///
/// The kernel names a namespace by such a number where a link's parent or peer lies in it, and takes one where a request
/// is to act there (``ForeignLinkTable``). Once given, a number stays until the other namespace is gone.
public struct NamespaceIDTable: Sendable {
  let socket: NetlinkSocket

  /// All numbers given so far.
  ///
  /// - Throws: ``NetlinkError``. `RTM_GETNSID`.
  public func all() async throws(NetlinkError) -> [NamespaceID] {
    try await socket.dump(FindNamespaceID(namespace: nil))
  }

  /// The number of `namespace`; nil when it has none yet.
  ///
  /// - Throws: ``NetlinkError``; a namespace without a number is not an error. `RTM_GETNSID`.
  public func id(of namespace: NetworkNamespace) async throws(NetlinkError) -> NamespaceID? {
    try await socket.lookUp(FindNamespaceID(namespace: namespace))
  }

  /// Gives `namespace` a number.
  ///
  /// - Parameters:
  ///   - id: the number, 0 or more; nil for the lowest that is free.
  ///   - namespace: the namespace; the socket's own can have one too.
  /// - Returns: The number.
  /// - Throws: ``NetlinkError`` with code `exists` when it has a number already, this one or another, or another namespace
  ///   has this one; `invalidArgument` for a negative number.
  /// - Requires: `CAP_NET_ADMIN` in the socket's namespace. `RTM_NEWNSID`.
  @discardableResult
  public func assign(
    _ id: NamespaceID? = nil, to namespace: NetworkNamespace
  ) async throws(NetlinkError) -> NamespaceID {
    let request = AssignNamespaceID(id: id, namespace: namespace)
    try await socket.acknowledge(request)
    if let id { return id }
    guard let assigned = try await self.id(of: namespace) else {
      throw NetlinkError(
        .other, operation: request.operation, reason: "the kernel gave it an id and does not say which")
    }
    return assigned
  }

  /// The number of `namespace`, which gets one if it has none.
  ///
  /// - Throws: ``NetlinkError``.
  /// - Requires: `CAP_NET_ADMIN` in the socket's namespace if it has none. `RTM_GETNSID`, `RTM_NEWNSID`.
  public func ensureID(of namespace: NetworkNamespace) async throws(NetlinkError) -> NamespaceID {
    if let id = try await id(of: namespace) { return id }
    do throws(NetlinkError) {
      return try await assign(to: namespace)
    } catch {
      // Somebody was faster.
      guard error.code == .exists, let id = try await id(of: namespace) else { throw error }
      return id
    }
  }
}
