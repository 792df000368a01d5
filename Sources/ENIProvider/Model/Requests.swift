// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes

/// What a new network interface should be.
///
/// Codable, so that an intent can be stored with its ``ClientToken``.
public struct NetworkInterfaceRequest: Sendable, Hashable, Codable {
  /// The vSwitch to take addresses from; it decides the zone.
  public var vSwitch: VSwitchIdentifier

  /// The security groups, 1...10.
  public var securityGroups: [SecurityGroupIdentifier]

  /// The addresses besides the primary one; nil for none.
  public var secondaryAddresses: AddressRequest?

  /// Secondary or trunk.
  public var kind: NetworkInterface.Kind

  /// The name shown in consoles; empty for none.
  public var name: String

  /// The description; empty for none.
  public var description: String

  /// Tags, at most 20, by which a restarted program finds what is its own.
  public var tags: [String: String]

  /// Whether the interface goes away with the instance it is attached to.
  public var isDeletedOnRelease: Bool

  /// Whether the cloud drops packets whose source is none of the interface's addresses.
  public var isSourceDestinationChecked: Bool

  /// Describes a request.
  public init(
    vSwitch: VSwitchIdentifier, securityGroups: [SecurityGroupIdentifier],
    secondaryAddresses: AddressRequest? = nil, kind: NetworkInterface.Kind = .secondary, name: String = "",
    description: String = "", tags: [String: String] = [:], isDeletedOnRelease: Bool = true,
    isSourceDestinationChecked: Bool = true
  ) {
    self.vSwitch = vSwitch
    self.securityGroups = securityGroups
    self.secondaryAddresses = secondaryAddresses
    self.kind = kind
    self.name = name
    self.description = description
    self.tags = tags
    self.isDeletedOnRelease = isDeletedOnRelease
    self.isSourceDestinationChecked = isSourceDestinationChecked
  }
}

/// Which secondary addresses are wanted.
public enum AddressRequest: Sendable, Hashable, Codable {
  /// So many, of the cloud's choice, 1...49.
  case count(Int)

  /// Exactly these.
  case addresses([IPv4Address])
}

/// Which network interfaces to list.
///
/// Every part that is given must match.
public struct NetworkInterfaceFilter: Sendable, Hashable, Codable {
  /// These interfaces only; empty for any.
  public var ids: [ENIIdentifier]

  /// Attached to this instance.
  public var instance: InstanceIdentifier?

  /// In this vSwitch.
  public var vSwitch: VSwitchIdentifier?

  /// With this status.
  public var status: NetworkInterface.Status?

  /// Of this kind.
  public var kind: NetworkInterface.Kind?

  /// With all of these tags.
  public var tags: [String: String]

  /// Describes a filter; without arguments it matches every interface of the region.
  public init(
    ids: [ENIIdentifier] = [], instance: InstanceIdentifier? = nil, vSwitch: VSwitchIdentifier? = nil,
    status: NetworkInterface.Status? = nil, kind: NetworkInterface.Kind? = nil, tags: [String: String] = [:]
  ) {
    self.ids = ids
    self.instance = instance
    self.vSwitch = vSwitch
    self.status = status
    self.kind = kind
    self.tags = tags
  }
}
