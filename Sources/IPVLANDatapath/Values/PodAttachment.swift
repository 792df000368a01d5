// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes

/// One pod's place on an ENI.
public struct PodAttachment: Hashable, Sendable, Codable {
  /// Which pod.
  public var pod: PodIdentity
  /// The pod's address: one that the cloud has assigned to the ENI.
  public var address: IPv4Address
  /// The pod's IPv6 address, assigned to the ENI likewise; `nil`: it has none.
  ///
  /// The datapath lets the pod send from it. It is not wired here: whoever has the address put on the pod's link does.
  public var address6: IPv6Address?
  /// The pod's number in the datapath's maps, 1...4095.
  ///
  /// `nil`: no programs are attached.
  public var endpoint: UInt32?
  /// Whether the pod may send and receive only once a network policy generation has compiled it.
  public var requiresPolicy: Bool
  /// Whether the pod may send IPv6 router advertisements and redirects, by which its neighbours on the link would send it
  /// their traffic.
  public var isRouter: Bool
  /// The name of the link in the pod.
  public var interface: InterfaceName

  /// Describes a pod's place.
  public init(
    pod: PodIdentity, address: IPv4Address, address6: IPv6Address? = nil, endpoint: UInt32?,
    requiresPolicy: Bool = false, isRouter: Bool = false, interface: InterfaceName = "eth0"
  ) {
    self.pod = pod
    self.address = address
    self.address6 = address6
    self.endpoint = endpoint
    self.requiresPolicy = requiresPolicy
    self.isRouter = isRouter
    self.interface = interface
  }
}
