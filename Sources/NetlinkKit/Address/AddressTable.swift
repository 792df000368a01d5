// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes

/// The addresses of a namespace: ``NetlinkSocket/addresses``.
public struct AddressTable: Sendable {
  let socket: NetlinkSocket

  /// All addresses, IPv4 before IPv6.
  ///
  /// - Parameter index: only those on this link, which the kernel sorts out; nil for all links.
  /// - Returns: The addresses.
  /// - Throws: ``NetlinkError`` with code `notFound` when there is no such link, `interrupted`. A link without addresses
  ///   is not an error.
  public func all(on index: InterfaceIndex? = nil) async throws(NetlinkError) -> [InterfaceAddress] {
    let first = try await socket.dump(ListAddresses(family: .ipv4, link: index))
    return first + (try await socket.dump(ListAddresses(family: .ipv6, link: index)))
  }

  /// Puts an address on a link.
  ///
  /// - Throws: ``NetlinkError`` with code `exists` when the link has it, `notFound` when there is no such link,
  ///   `invalidArgument`.
  /// - Requires: `CAP_NET_ADMIN`. `RTM_NEWADDR`.
  public func add(_ address: InterfaceAddress) async throws(NetlinkError) { try await change(.add, address) }

  /// Puts an address on a link, or changes lifetime and priority of one that is there, and of an IPv6 one its flags.
  ///
  /// A lifetime that is not given becomes endless.
  ///
  /// - Throws: ``NetlinkError`` with code `notFound` when there is no such link, `invalidArgument`.
  /// - Requires: `CAP_NET_ADMIN`. `RTM_NEWADDR` with `NLM_F_REPLACE`.
  public func replace(_ address: InterfaceAddress) async throws(NetlinkError) { try await change(.replace, address) }

  /// Takes an address off a link.
  ///
  /// - Throws: ``NetlinkError`` with code `notFound` when the link or the address is absent.
  /// - Requires: `CAP_NET_ADMIN`. `RTM_DELADDR`.
  public func remove(_ address: InterfaceAddress) async throws(NetlinkError) { try await change(.remove, address) }

  @inline(__always)
  private func change(_ change: ObjectChange, _ address: InterfaceAddress) async throws(NetlinkError) {
    try await socket.acknowledge(ChangeAddress(change: change, address: address))
  }
}
