// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes

extension LinkTable {
  /// Gives a link further names that it can be found by.
  ///
  /// The kernel adds one after the other and stops at the first that fails; those before it stay.
  ///
  /// - Parameters:
  ///   - names: the names, 1...127 bytes each. They share one space with the names of all links of the namespace.
  ///   - index: the link.
  /// - Throws: ``NetlinkError`` with code `exists` when a link has one of the names already, `notFound` when the link is
  ///   absent, `invalidArgument` for what cannot be a name.
  /// - Requires: `CAP_NET_ADMIN`. `RTM_NEWLINKPROP`, `IFLA_ALT_IFNAME`.
  public func addAlternativeNames(_ names: [String], to index: InterfaceIndex) async throws(NetlinkError) {
    try await change(names, of: index, isRemoval: false)
  }

  /// Takes further names from a link.
  ///
  /// The kernel removes one after the other and stops at the first that fails; those before it are gone.
  ///
  /// - Parameters:
  ///   - names: the names.
  ///   - index: the link.
  /// - Throws: ``NetlinkError`` with code `notFound` when the link is absent or no link has one of the names,
  ///   `invalidArgument` when another link has it.
  /// - Requires: `CAP_NET_ADMIN`. `RTM_DELLINKPROP`, `IFLA_ALT_IFNAME`.
  public func removeAlternativeNames(_ names: [String], from index: InterfaceIndex) async throws(NetlinkError) {
    try await change(names, of: index, isRemoval: true)
  }

  private func change(_ names: [String], of index: InterfaceIndex, isRemoval: Bool) async throws(NetlinkError) {
    guard !names.isEmpty else { return }
    try await socket.acknowledge(
      ChangeAlternativeNames(subject: .index(index), names: names, isRemoval: isRemoval))
  }
}
