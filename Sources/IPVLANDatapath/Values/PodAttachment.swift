// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes

/// One pod's place on an ENI.
public struct PodAttachment: Hashable, Sendable, Codable {
  /// Which pod.
  public var pod: PodIdentity
  /// The pod's address: one that the cloud has assigned to the ENI.
  public var address: IPv4Address
  /// The pod's number in the datapath's maps, 1...4095.
  ///
  /// `nil`: no programs are attached.
  public var endpoint: UInt32?
  /// Whether the pod may send and receive only once a network policy generation has compiled it.
  public var requiresPolicy: Bool
  /// The name of the link in the pod.
  public var interface: InterfaceName

  /// Describes a pod's place.
  public init(
    pod: PodIdentity, address: IPv4Address, endpoint: UInt32?, requiresPolicy: Bool = false,
    interface: InterfaceName = "eth0"
  ) {
    self.pod = pod
    self.address = address
    self.endpoint = endpoint
    self.requiresPolicy = requiresPolicy
    self.interface = interface
  }
}
