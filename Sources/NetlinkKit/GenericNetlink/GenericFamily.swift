// SPDX-License-Identifier: Apache-2.0

/// A family of generic netlink: a part of the kernel that has its own requests and is known by name.
public struct GenericFamily: Sendable, Hashable {
  /// Its name, such as `ethtool`.
  public var name: String
  /// Its number, which is the type of its messages; given at registration, so another one on each machine.
  public var id: UInt16
  /// The version of its requests.
  public var version: UInt32
  /// How many bytes of its own follow the generic header.
  public var headerSize: UInt32
  /// The highest attribute of its requests; nil when each request has its own.
  public var maximumAttribute: UInt32?
  /// What it can be asked.
  public var operations: [GenericOperation] = []
  /// Who tells news, and under which number.
  public var groups: [GenericGroup] = []
  /// What the kernel sent besides (`CTRL_ATTR_...`).
  public var otherAttributes = RawAttributes()

  /// The group with this name; nil when there is none.
  public func group(named name: String) -> GenericGroup? { groups.first { $0.name == name } }
}

/// A request of a ``GenericFamily``.
public struct GenericOperation: Sendable, Hashable {
  /// What is said of a request (`GENL_CMD_CAP_...`).
  public struct Flags: OptionSet, Sendable, Hashable {
    /// The kernel's bits.
    public let rawValue: UInt32

    /// Makes a set from the kernel's bits.
    public init(rawValue: UInt32) { self.rawValue = rawValue }

    /// Needs `CAP_NET_ADMIN` of the machine.
    public static let needsAdministrator = Flags(rawValue: 1)
    /// Can be asked for one object.
    public static let canDo = Flags(rawValue: 2)
    /// Can be asked for all objects.
    public static let canDump = Flags(rawValue: 4)
    /// Says which attributes it takes.
    public static let hasPolicy = Flags(rawValue: 8)
    /// Needs `CAP_NET_ADMIN` in the namespace.
    public static let needsNamespaceAdministrator = Flags(rawValue: 0x10)
  }

  /// Its number.
  public var id: UInt32
  /// What is said of it.
  public var flags: Flags
}

/// A multicast group of a ``GenericFamily``.
public struct GenericGroup: Sendable, Hashable {
  /// Its name, such as `monitor`.
  public var name: String
  /// Its number, to join.
  public var id: UInt32
}
