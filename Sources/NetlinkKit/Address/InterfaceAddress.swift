// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes

/// An address on a link.
public struct InterfaceAddress: Sendable, Hashable {
  /// The link's index.
  public var index: InterfaceIndex
  /// The address itself.
  public var address: IPAddress
  /// How many bits of it are the network, 0...32 or 0...128.
  public var prefixLength: Int
  /// How far it is valid.
  ///
  /// IPv6 derives it from the address, whatever is asked for.
  public var scope: RouteScope
  /// What is true of it.
  public var flags: AddressFlags
  /// The name it is listed under, IPv4 only: the link's name, or that with `:` and more; nil for the link's name.
  public var label: String?
  /// The address of the other end of a point-to-point link; nil on others.
  public var peer: IPAddress?
  /// The broadcast address, IPv4 only; nil for none.
  public var broadcast: IPv4Address?
  /// Who put it there (`IFA_PROTO`); nil when that is not said.
  public var `protocol`: AddressProtocol?
  /// What the kernel sent besides (`IFA_...`): life times among them.
  public var otherAttributes = RawAttributes()

  /// Describes an address.
  ///
  /// - Parameters:
  ///   - index: the link's index.
  ///   - address: the address itself.
  ///   - prefixLength: how many bits of it are the network, 0...32 or 0...128.
  ///   - scope: how far it is valid.
  ///   - flags: such as `noDAD`.
  ///   - label: the name it is listed under, IPv4 only: the link's name, or that with `:` and more, up to 15 bytes.
  ///   - peer: the address of the other end of a point-to-point link.
  ///   - broadcast: the broadcast address, IPv4 only.
  public init(
    index: InterfaceIndex, address: IPAddress, prefixLength: Int, scope: RouteScope = .universe,
    flags: AddressFlags = [], label: String? = nil, peer: IPAddress? = nil, broadcast: IPv4Address? = nil
  ) {
    self.index = index
    self.address = address
    self.prefixLength = prefixLength
    self.scope = scope
    self.flags = flags
    self.label = label
    self.peer = peer
    self.broadcast = broadcast
  }
}

/// What is true of an address (`IFA_F_...`).
public struct AddressFlags: OptionSet, Sendable, Hashable {
  /// The flags as the kernel numbers them.
  public let rawValue: UInt32

  /// Makes a set from the kernel's number.
  public init(rawValue: UInt32) { self.rawValue = rawValue }

  /// Another address of the same network came first (`IFA_F_SECONDARY`).
  public static let secondary = AddressFlags(rawValue: 0x01)
  /// IPv6: usable at once, without asking whether somebody else has it (`IFA_F_NODAD`).
  public static let noDAD = AddressFlags(rawValue: 0x02)
  /// IPv6: somebody else has it (`IFA_F_DADFAILED`).
  public static let duplicate = AddressFlags(rawValue: 0x08)
  /// Not to be chosen for new connections any more (`IFA_F_DEPRECATED`).
  public static let deprecated = AddressFlags(rawValue: 0x20)
  /// IPv6: not usable until it is known that nobody else has it (`IFA_F_TENTATIVE`).
  public static let tentative = AddressFlags(rawValue: 0x40)
  /// It has no end (`IFA_F_PERMANENT`).
  public static let permanent = AddressFlags(rawValue: 0x80)
  /// No route to its network is made with it (`IFA_F_NOPREFIXROUTE`).
  public static let noPrefixRoute = AddressFlags(rawValue: 0x200)
}

/// Who put an address there (`IFAPROT_...`).
public struct AddressProtocol: RawRepresentable, Sendable, Hashable {
  /// The kernel's number.
  public let rawValue: UInt8

  /// Makes a tag from the kernel's number.
  public init(rawValue: UInt8) { self.rawValue = rawValue }
}
