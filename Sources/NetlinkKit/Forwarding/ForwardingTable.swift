// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes

/// The forwarding entries of bridges, tunnels and cards of a namespace: ``NetlinkSocket/forwarding``.
///
/// ```swift
/// // Frames for nobody in particular go to each of the other machines.
/// for machine in machines {
///   try await socket.forwarding.append(
///     ForwardingEntry(interface: vxlan, address: MACAddress(truncating: 0), flags: .self, destination: machine))
/// }
/// ```
public struct ForwardingTable: Sendable {
  let socket: NetlinkSocket

  /// All entries.
  ///
  /// - Parameters:
  ///   - link: only those of this link, or with this port of a bridge; nil for all links.
  ///   - bridge: only those that this bridge has; nil for all.
  /// - Returns: The entries.
  /// - Throws: ``NetlinkError`` with code `notFound` when there is no such link, `interrupted`.
  public func all(
    on link: InterfaceIndex? = nil, of bridge: InterfaceIndex? = nil
  ) async throws(NetlinkError) -> [ForwardingEntry] {
    try await socket.dump(ListForwardingEntries(link: link, bridge: bridge))
  }

  /// Hands each entry to `body` as it is read, and keeps none: memory does not grow with their number.
  ///
  /// - Parameters:
  ///   - link: only those of this link, or with this port of a bridge; nil for all links.
  ///   - bridge: only those that this bridge has; nil for all.
  ///   - body: gets each entry; it runs between two system calls and should be short.
  /// - Throws: ``NetlinkError`` as ``all(on:of:)``; `interrupted`, after the last entry, when entries changed meanwhile:
  ///   what was handed out is then no consistent listing.
  public func forEach(
    on link: InterfaceIndex? = nil, of bridge: InterfaceIndex? = nil, _ body: (ForwardingEntry) -> Void
  ) async throws(NetlinkError) {
    try await socket.stream(ListForwardingEntries(link: link, bridge: bridge), body)
  }

  /// Adds an entry.
  ///
  /// - Throws: ``NetlinkError`` with code `exists` when there is one for the address, `notFound` when the link is absent,
  ///   `notSupported` when the link keeps no such entries, `invalidArgument`.
  /// - Requires: `CAP_NET_ADMIN`. `RTM_NEWNEIGH`.
  public func add(_ entry: ForwardingEntry) async throws(NetlinkError) { try await change(.add, entry) }

  /// Adds an entry beside those for the same address: a VXLAN tunnel sends to all of them.
  ///
  /// - Throws: ``NetlinkError`` as ``add(_:)``, without `exists`: the very same entry is there once.
  /// - Requires: `CAP_NET_ADMIN`. `RTM_NEWNEIGH` with `NLM_F_APPEND`.
  public func append(_ entry: ForwardingEntry) async throws(NetlinkError) { try await change(.append, entry) }

  /// Adds an entry, or puts it in the place of the one for the same address.
  ///
  /// - Throws: ``NetlinkError`` as ``add(_:)``, without `exists`.
  /// - Requires: `CAP_NET_ADMIN`. `RTM_NEWNEIGH` with `NLM_F_REPLACE`.
  public func replace(_ entry: ForwardingEntry) async throws(NetlinkError) { try await change(.replace, entry) }

  /// Removes an entry: the one for its address and VLAN, and of a tunnel the one to its destination, or all when it has
  /// none.
  ///
  /// - Throws: ``NetlinkError`` with code `notFound` when there is none.
  /// - Requires: `CAP_NET_ADMIN`. `RTM_DELNEIGH`.
  public func remove(_ entry: ForwardingEntry) async throws(NetlinkError) { try await change(.remove, entry) }

  @inline(__always)
  private func change(_ change: ObjectChange, _ entry: ForwardingEntry) async throws(NetlinkError) {
    try await socket.acknowledge(ChangeForwardingEntry(change: change, entry: entry))
  }
}
