// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes

/// A vSwitch: the subnet of one zone that interfaces take their addresses from.
public struct VSwitch: Sendable, Hashable, Codable {
  /// The identifier.
  public var id: VSwitchIdentifier

  /// The VPC it belongs to.
  public var vpc: VPCIdentifier

  /// Its zone.
  public var zone: ZoneIdentifier

  /// Its addresses.
  ///
  /// The cloud keeps the first and the last three.
  public var cidr: IPv4CIDR

  /// How many addresses are free now; another client may take them at once.
  public var availableAddressCount: Int

  /// The cloud's word for its state: `Available` or `Pending`.
  public var status: String

  /// The address of the VPC's router in the vSwitch: the third from the end of the block.
  ///
  /// Alibaba Cloud keeps the first and the last three addresses of a vSwitch.
  public var gateway: IPv4Address { IPv4Address(rawValue: cidr.last.rawValue - 2) }

  /// Describes a vSwitch.
  public init(
    id: VSwitchIdentifier, vpc: VPCIdentifier, zone: ZoneIdentifier, cidr: IPv4CIDR, availableAddressCount: Int,
    status: String = "Available"
  ) {
    self.id = id
    self.vpc = vpc
    self.zone = zone
    self.cidr = cidr
    self.availableAddressCount = availableAddressCount
    self.status = status
  }
}
