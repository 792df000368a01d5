// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes

/// An elastic network interface (ENI) as its cloud describes it.
public struct NetworkInterface: Sendable, Hashable, Codable {
  /// The identifier.
  public var id: ENIIdentifier

  /// The MAC address, by which the NIC is found in the node.
  public var mac: MACAddress

  /// The primary private address; it stays as long as the interface does.
  public var primaryAddress: IPv4Address

  /// Every private address, the primary among them.
  public var privateAddresses: [PrivateAddress]

  /// The vSwitch the addresses come from.
  public var vSwitch: VSwitchIdentifier

  /// The VPC of the vSwitch.
  public var vpc: VPCIdentifier

  /// The zone of the vSwitch; an interface can be attached only to an instance of the same zone.
  public var zone: ZoneIdentifier

  /// Where in its life the interface is.
  public var status: Status

  /// What the interface is for.
  public var kind: Kind

  /// The instance that has, or is about to have, the interface; nil when it is free.
  public var attachment: Attachment?

  /// The security groups.
  public var securityGroups: [SecurityGroupIdentifier]

  /// The tags.
  public var tags: [String: String]

  /// The text given at creation; empty if none was.
  public var description: String

  /// Describes an interface.
  public init(
    id: ENIIdentifier, mac: MACAddress, primaryAddress: IPv4Address, privateAddresses: [PrivateAddress],
    vSwitch: VSwitchIdentifier, vpc: VPCIdentifier, zone: ZoneIdentifier, status: Status, kind: Kind = .secondary,
    attachment: Attachment? = nil, securityGroups: [SecurityGroupIdentifier] = [], tags: [String: String] = [:],
    description: String = ""
  ) {
    self.id = id
    self.mac = mac
    self.primaryAddress = primaryAddress
    self.privateAddresses = privateAddresses
    self.vSwitch = vSwitch
    self.vpc = vpc
    self.zone = zone
    self.status = status
    self.kind = kind
    self.attachment = attachment
    self.securityGroups = securityGroups
    self.tags = tags
    self.description = description
  }

  /// The addresses besides the primary one, in the cloud's order.
  public var secondaryAddresses: [IPv4Address] {
    privateAddresses.filter { !$0.isPrimary }.map(\.address)
  }
}

extension NetworkInterface {
  /// One private address of an interface.
  public struct PrivateAddress: Sendable, Hashable, Codable {
    /// The address.
    public var address: IPv4Address

    /// True for the one address that came with the interface.
    public var isPrimary: Bool

    /// Describes an address.
    public init(address: IPv4Address, isPrimary: Bool) {
      self.address = address
      self.isPrimary = isPrimary
    }
  }

  /// The connection of an interface to an instance.
  public struct Attachment: Sendable, Hashable, Codable {
    /// The instance.
    public var instance: InstanceIdentifier

    /// The position among the instance's interfaces, from 0 (the primary); nil while the cloud does not say.
    public var deviceIndex: Int?

    /// Describes an attachment.
    public init(instance: InstanceIdentifier, deviceIndex: Int? = nil) {
      self.instance = instance
      self.deviceIndex = deviceIndex
    }
  }

  /// Where in its life an interface is.
  ///
  /// A status this version does not know is kept as its text.
  ///
  /// `creating → available → attaching → inUse → detaching → available → deleting → absent`.
  public struct Status: RawRepresentable, Sendable, Hashable, Codable, CustomStringConvertible {
    /// The cloud's word.
    public var rawValue: String

    /// Takes the cloud's word, known or not.
    public init(rawValue: String) { self.rawValue = rawValue }

    /// Being made; not yet usable.
    public static let creating = Status(rawValue: "Creating")

    /// Exists and is attached to nothing: may be attached or deleted.
    public static let available = Status(rawValue: "Available")

    /// On its way into an instance.
    public static let attaching = Status(rawValue: "Attaching")

    /// Attached.
    public static let inUse = Status(rawValue: "InUse")

    /// On its way out of an instance.
    public static let detaching = Status(rawValue: "Detaching")

    /// Being deleted; it will be absent.
    public static let deleting = Status(rawValue: "Deleting")

    /// The cloud's word.
    public var description: String { rawValue }
  }

  /// What an interface is for.
  ///
  /// A kind this version does not know is kept as its text.
  public struct Kind: RawRepresentable, Sendable, Hashable, Codable, CustomStringConvertible {
    /// The cloud's word.
    public var rawValue: String

    /// Takes the cloud's word, known or not.
    public init(rawValue: String) { self.rawValue = rawValue }

    /// Came with its instance; can be neither detached nor deleted.
    public static let primary = Kind(rawValue: "Primary")

    /// An ordinary interface, attached and detached at will.
    public static let secondary = Kind(rawValue: "Secondary")

    /// Carries member interfaces as VLANs.
    public static let trunk = Kind(rawValue: "Trunk")

    /// A VLAN of a trunk interface.
    public static let member = Kind(rawValue: "Member")

    /// The cloud's word.
    public var description: String { rawValue }
  }
}
