// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes

/// The neighbours of a namespace: ``NetlinkSocket/neighbours``.
public struct NeighbourTable: Sendable {
  let socket: NetlinkSocket

  /// All neighbours that have an entry, in whatever state, and after them those that this machine answers for.
  ///
  /// - Parameter index: only those on this link, which the kernel sorts out; nil for all links.
  /// - Returns: The entries, then the proxy entries.
  /// - Throws: ``NetlinkError`` with code `interrupted` when they kept changing through all attempts.
  public func all(on index: InterfaceIndex? = nil) async throws(NetlinkError) -> [Neighbour] {
    let entries = try await socket.dump(ListNeighbours(link: index, proxies: false))
    return entries + (try await socket.dump(ListNeighbours(link: index, proxies: true)))
  }

  /// Adds an entry.
  ///
  /// - Throws: ``NetlinkError`` with code `exists` when there is one, `notFound` when the link is absent.
  /// - Requires: `CAP_NET_ADMIN`. `RTM_NEWNEIGH`.
  public func add(_ neighbour: Neighbour) async throws(NetlinkError) {
    try await socket.acknowledge(ChangeNeighbour(change: .add, neighbour: neighbour))
  }

  /// Adds an entry, or changes the one that is there.
  ///
  /// - Throws: ``NetlinkError`` with code `notFound` when the link is absent, `invalidArgument`.
  /// - Requires: `CAP_NET_ADMIN`. `RTM_NEWNEIGH` with `NLM_F_REPLACE`.
  public func replace(_ neighbour: Neighbour) async throws(NetlinkError) {
    try await socket.acknowledge(ChangeNeighbour(change: .replace, neighbour: neighbour))
  }

  /// Removes an entry; only link, address and ``Neighbour/isProxy`` count.
  ///
  /// - Throws: ``NetlinkError`` with code `notFound` when there is none.
  /// - Requires: `CAP_NET_ADMIN`. `RTM_DELNEIGH`.
  public func remove(_ neighbour: Neighbour) async throws(NetlinkError) {
    try await socket.acknowledge(ChangeNeighbour(change: .remove, neighbour: neighbour))
  }
}
