// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes

/// What the wiring of every pod on a node has in common.
public struct NodeConfiguration: Hashable, Sendable, Codable {
  /// The node's own address: what pods reach as their node, and what the node speaks to them from.
  ///
  /// It lives on the node's primary NIC, not on an ENI that pods share.
  public var address: IPv4Address
  /// The MTU of pod links, in bytes, 68...65535.
  public var mtu: UInt32

  /// Describes a node.
  ///
  /// - Parameters:
  ///   - address: The node's own address.
  ///   - mtu: In bytes, 68...65535. Not above that of the ENIs: the kernel would accept it and lose large packets.
  public init(address: IPv4Address, mtu: UInt32 = 1500) {
    self.address = address
    self.mtu = mtu
  }
}
