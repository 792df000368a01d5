// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes

/// The neighbours of a namespace: ``NetlinkSocket/neighbours``.
public struct NeighbourTable: Sendable {
  let socket: NetlinkSocket

  /// All neighbours that have an entry, in whatever state, and after them those that this machine answers for.
  ///
  /// The kernel's own entries, such as those for multicast groups, are among them; ``Neighbour/type`` tells them.
  ///
  /// - Parameter index: only those on this link, which the kernel sorts out; nil for all links.
  /// - Returns: The entries, then the proxy entries.
  /// - Throws: ``NetlinkError`` with code `interrupted` when they kept changing through all attempts.
  public func all(on index: InterfaceIndex? = nil) async throws(NetlinkError) -> [Neighbour] {
    let entries = try await socket.dump(ListNeighbours(link: index, proxies: false))
    return entries + (try await socket.dump(ListNeighbours(link: index, proxies: true)))
  }

  /// The entry for `address`; nil when there is none.
  ///
  /// - Parameters:
  ///   - address: the neighbour's address.
  ///   - link: the link it is on.
  ///   - isProxy: whether to look for the entry by which this machine answers for it.
  /// - Returns: The entry.
  /// - Throws: ``NetlinkError`` with code `notFound` when there is no such link. An absent entry is not an error.
  public func neighbour(
    _ address: IPAddress, on link: InterfaceIndex, isProxy: Bool = false
  ) async throws(NetlinkError) -> Neighbour? {
    do throws(NetlinkError) {
      return try await socket.lookUp(FindNeighbour(address: address, link: link, isProxy: isProxy))
    } catch  where error.errno == ErrorNumber.noEntry {
      return nil
    }
  }

  /// Hands each entry to `body` as it is read, and keeps none: memory does not grow with their number.
  ///
  /// - Parameters:
  ///   - index: only those on this link; nil for all links.
  ///   - body: gets each entry, but no proxy entry; it runs between two system calls and should be short.
  /// - Throws: ``NetlinkError`` with code `interrupted`, after the last entry, when entries changed meanwhile: what was
  ///   handed out is then no consistent listing.
  public func forEach(on index: InterfaceIndex? = nil, _ body: (Neighbour) -> Void) async throws(NetlinkError) {
    try await socket.stream(ListNeighbours(link: index, proxies: false), body)
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

  /// Removes many entries: it lists them, and removes them in batches.
  ///
  /// Entries that come meanwhile may stay. Proxy entries do.
  ///
  /// - Parameters:
  ///   - index: only those on this link; nil for all links.
  ///   - family: only those of this family; nil for both.
  ///   - states: only those in one of these states; nil for all that the kernel found out by itself, which are those that
  ///     are neither permanent nor need no asking.
  /// - Returns: How many were removed; one that was gone already does not count.
  /// - Throws: ``NetlinkError`` of the first that could not be removed, after all others were, or with code `interrupted`.
  /// - Requires: `CAP_NET_ADMIN`. `RTM_DELNEIGH`.
  @discardableResult
  public func flush(
    on index: InterfaceIndex? = nil, family: AddressFamily? = nil, states: NeighbourState? = nil
  ) async throws(NetlinkError) -> Int {
    let found = try await socket.dump(ListNeighbours(link: index, proxies: false, family: family)).filter { entry in
      states.map { !entry.state.isDisjoint(with: $0) } ?? entry.state.isDisjoint(with: [.permanent, .noARP])
    }
    let outcome = await socket.performAll(found.map { ChangeNeighbour(change: .remove, neighbour: $0) })
    if let failure = outcome.failures.first(where: { $0.error.code != .notFound }) { throw failure.error }
    return outcome.count - outcome.failures.count
  }
}
