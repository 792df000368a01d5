// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes

/// The data plane behind the simulated API: what a VPC does with real NICs.
///
/// ``VPCSimulation`` calls these in an order that makes sense for one network interface (attach, then any number of
/// address changes, then detach) and never two at once for the same one; calls for different interfaces may overlap.
public protocol Fabric: Sendable {
  /// Makes the NIC appear in the node's namespace, with the given MAC address, connected to the VPC.
  ///
  /// - Throws: whatever stopped it. The interface then returns to `Available` and nothing of the NIC may be left.
  func attach(_ port: FabricPort) async throws

  /// Takes the NIC away from its node.
  ///
  /// A network interface that has no NIC is not an error: detach may be repeated.
  func detach(_ eni: String) async throws

  /// Replaces the addresses the fabric forwards for one attached network interface.
  ///
  /// Frames from any other source address are dropped.
  func setAddresses(_ addresses: [IPv4Address], of eni: String) async throws
}

/// One network interface as the fabric sees it: a port with addresses.
public struct FabricPort: Sendable, Hashable {
  /// The network interface's identifier, `eni-…`.
  public var eni: String

  /// The MAC address the NIC in the node must have.
  public var mac: MACAddress

  /// The identifier of the instance (the node) that receives the NIC.
  public var node: String

  /// Every address the interface may send from, the primary first.
  public var addresses: [IPv4Address]

  /// The gateway of the vSwitch: the third address from its end.
  public var gateway: IPv4Address

  /// The prefix length of the vSwitch, 0...32.
  public var prefixLength: Int

  /// Describes a port.
  public init(
    eni: String, mac: MACAddress, node: String, addresses: [IPv4Address], gateway: IPv4Address, prefixLength: Int
  ) {
    self.eni = eni
    self.mac = mac
    self.node = node
    self.addresses = addresses
    self.gateway = gateway
    self.prefixLength = prefixLength
  }
}

/// A fabric that forwards nothing: only the API is simulated.
public struct NoFabric: Fabric {
  /// Makes a fabric without effects.
  public init() {}

  /// Does nothing.
  public func attach(_ port: FabricPort) async throws {}

  /// Does nothing.
  public func detach(_ eni: String) async throws {}

  /// Does nothing.
  public func setAddresses(_ addresses: [IPv4Address], of eni: String) async throws {}
}
