// SPDX-License-Identifier: Apache-2.0

public import ENIProvider
public import NetworkTypes

/// What exists in the simulated region before the first call.
public struct VPCConfiguration: Sendable, Hashable {
  /// One vSwitch.
  public struct VSwitch: Sendable, Hashable {
    /// The identifier.
    public var id: VSwitchIdentifier

    /// Its block, /16.../29, inside the VPC's.
    ///
    /// The first and the last three addresses are kept.
    public var cidr: IPv4CIDR

    /// Its zone.
    public var zone: ZoneIdentifier

    /// Describes a vSwitch.
    public init(id: VSwitchIdentifier, cidr: IPv4CIDR, zone: ZoneIdentifier = "cn-hangzhou-h") {
      self.id = id
      self.cidr = cidr
      self.zone = zone
    }
  }

  /// One instance: a node that network interfaces can be attached to.
  public struct Instance: Sendable, Hashable {
    /// The identifier, by which the fabric finds the node.
    public var id: InstanceIdentifier

    /// Its zone; it takes interfaces of that zone only.
    public var zone: ZoneIdentifier

    /// Its type, which sets its limits.
    public var type: String

    /// Describes an instance.
    public init(id: InstanceIdentifier, zone: ZoneIdentifier = "cn-hangzhou-h", type: String = "ecs.g7.xlarge") {
      self.id = id
      self.zone = zone
      self.type = type
    }
  }

  /// The limits of an instance type.
  public struct Limits: Sendable, Hashable {
    /// How many interfaces an instance may have, its primary one included.
    public var interfaces: Int

    /// How many private addresses one interface may have, its primary one included.
    public var addressesPerInterface: Int

    /// Describes limits.
    public init(interfaces: Int, addressesPerInterface: Int) {
      self.interfaces = interfaces
      self.addressesPerInterface = addressesPerInterface
    }
  }

  /// The region.
  public var region: RegionIdentifier

  /// The VPC's identifier.
  public var vpc: VPCIdentifier

  /// The VPC's block.
  public var cidr: IPv4CIDR

  /// The vSwitches.
  public var vSwitches: [VSwitch]

  /// The security groups; they are checked to exist and filter nothing.
  public var securityGroups: [SecurityGroupIdentifier]

  /// The instances.
  public var instances: [Instance]

  /// The limits by instance type; a type that is not here has those of `ecs.g7.xlarge`.
  public var limits: [String: Limits]

  /// How many interfaces the region may hold.
  public var maximumInterfaces: Int

  /// Describes a region.
  public init(
    region: RegionIdentifier = "cn-hangzhou", vpc: VPCIdentifier = "vpc-sim", cidr: IPv4CIDR,
    vSwitches: [VSwitch], securityGroups: [SecurityGroupIdentifier] = ["sg-sim"], instances: [Instance] = [],
    limits: [String: Limits] = VPCConfiguration.defaultLimits, maximumInterfaces: Int = 1_000
  ) {
    self.region = region
    self.vpc = vpc
    self.cidr = cidr
    self.vSwitches = vSwitches
    self.securityGroups = securityGroups
    self.instances = instances
    self.limits = limits
    self.maximumInterfaces = maximumInterfaces
  }

  /// The published limits of a few instance types.
  public static let defaultLimits: [String: Limits] = [
    "ecs.g7.large": Limits(interfaces: 3, addressesPerInterface: 6),
    "ecs.g7.xlarge": Limits(interfaces: 4, addressesPerInterface: 15),
    "ecs.g7.2xlarge": Limits(interfaces: 4, addressesPerInterface: 15),
    "ecs.g7.4xlarge": Limits(interfaces: 8, addressesPerInterface: 30),
  ]

  /// The limits of one instance type.
  func limits(ofType type: String) -> Limits {
    limits[type] ?? Self.defaultLimits["ecs.g7.xlarge"] ?? Limits(interfaces: 4, addressesPerInterface: 15)
  }

  /// Finds what cannot be.
  ///
  /// - Throws: ``VPCConfigurationError`` naming the first operand that is wrong.
  public func validate() throws(VPCConfigurationError) {
    guard (8...28).contains(cidr.prefixLength) else {
      throw VPCConfigurationError("VPC block \(cidr): a VPC is a /8 to a /28; choose another prefix length")
    }
    guard !vSwitches.isEmpty else {
      throw VPCConfigurationError("VPC \(vpc) has no vSwitch; give at least one")
    }
    for (index, vSwitch) in vSwitches.enumerated() {
      guard (16...29).contains(vSwitch.cidr.prefixLength) else {
        throw VPCConfigurationError(
          "vSwitch \(vSwitch.id): \(vSwitch.cidr) is not a /16 to a /29; choose another prefix length")
      }
      guard vSwitch.cidr.address == vSwitch.cidr.first else {
        throw VPCConfigurationError(
          "vSwitch \(vSwitch.id): \(vSwitch.cidr) has host bits; write \(vSwitch.cidr.masked)")
      }
      guard cidr.contains(vSwitch.cidr.first), cidr.contains(vSwitch.cidr.last) else {
        throw VPCConfigurationError(
          "vSwitch \(vSwitch.id): \(vSwitch.cidr) is outside the VPC's \(cidr); choose a block inside it")
      }
      for other in vSwitches[..<index] {
        guard other.id != vSwitch.id else {
          throw VPCConfigurationError("vSwitch \(vSwitch.id) is given twice; give each identifier once")
        }
        guard !other.cidr.contains(vSwitch.cidr.first), !vSwitch.cidr.contains(other.cidr.first) else {
          throw VPCConfigurationError(
            "vSwitch \(vSwitch.id): \(vSwitch.cidr) overlaps \(other.id)'s \(other.cidr); choose another block")
        }
      }
    }
    var seen: Set<InstanceIdentifier> = []
    for instance in instances {
      guard seen.insert(instance.id).inserted else {
        throw VPCConfigurationError("instance \(instance.id) is given twice; give each identifier once")
      }
      guard vSwitches.contains(where: { $0.zone == instance.zone }) else {
        throw VPCConfigurationError(
          "instance \(instance.id): zone \(instance.zone) has no vSwitch; no interface could be attached to it")
      }
    }
  }
}

/// A simulated region that cannot be.
public struct VPCConfigurationError: Error, Sendable, Hashable, CustomStringConvertible {
  /// What is wrong, with the operand and the remedy.
  public let message: String

  init(_ message: String) { self.message = message }

  /// The same as ``message``.
  public var description: String { message }
}
