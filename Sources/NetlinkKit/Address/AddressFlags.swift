// SPDX-License-Identifier: Apache-2.0

/// What is true of an address (`IFA_F_...`).
public struct AddressFlags: OptionSet, Sendable, Hashable {
  /// The flags as the kernel numbers them.
  public let rawValue: UInt32

  /// Makes a set from the kernel's number.
  public init(rawValue: UInt32) { self.rawValue = rawValue }

  /// IPv4: another address of the same network came first (`IFA_F_SECONDARY`).
  ///
  /// The same bit says ``temporary`` of IPv6.
  public static let secondary = AddressFlags(rawValue: 0x01)
  /// IPv6: made up by the kernel and given up after a while, for privacy (`IFA_F_TEMPORARY`).
  ///
  /// The same bit says ``secondary`` of IPv4.
  public static let temporary = AddressFlags(rawValue: 0x01)
  /// IPv6: usable without asking whether somebody else has it (`IFA_F_NODAD`).
  ///
  /// It can be bound to at once. What is sent to it arrives a moment after the answer to the request, when a work queue of
  /// the kernel has made its route of type ``RouteType/local``: on a loopback device `connect` fails with
  /// `ENETUNREACH` until then (`addrconf_dad_start`; seen on Linux 6.18 while others used the routing lock).
  public static let noDAD = AddressFlags(rawValue: 0x02)
  /// IPv6: usable while it is being asked whether somebody else has it (`IFA_F_OPTIMISTIC`).
  ///
  /// It takes a kernel with `CONFIG_IPV6_OPTIMISTIC_DAD`; others ignore it.
  public static let optimistic = AddressFlags(rawValue: 0x04)
  /// IPv6: somebody else has it (`IFA_F_DADFAILED`).
  public static let duplicate = AddressFlags(rawValue: 0x08)
  /// IPv6: the home address of a mobile node (`IFA_F_HOMEADDRESS`).
  public static let homeAddress = AddressFlags(rawValue: 0x10)
  /// Not to be chosen for new connections any more (`IFA_F_DEPRECATED`).
  public static let deprecated = AddressFlags(rawValue: 0x20)
  /// IPv6: not usable until it is known that nobody else has it (`IFA_F_TENTATIVE`).
  public static let tentative = AddressFlags(rawValue: 0x40)
  /// It has no end (`IFA_F_PERMANENT`).
  public static let permanent = AddressFlags(rawValue: 0x80)
  /// IPv6: the kernel makes temporary addresses of its network (`IFA_F_MANAGETEMPADDR`).
  ///
  /// Its prefix must be 64 bits long.
  public static let managesTemporary = AddressFlags(rawValue: 0x100)
  /// No route to its network is made with it (`IFA_F_NOPREFIXROUTE`).
  public static let noPrefixRoute = AddressFlags(rawValue: 0x200)
  /// The link joins the multicast group of this address (`IFA_F_MCAUTOJOIN`).
  public static let joinsMulticast = AddressFlags(rawValue: 0x400)
  /// IPv6: made up by the kernel from the network and a secret (`IFA_F_STABLE_PRIVACY`).
  public static let stablePrivacy = AddressFlags(rawValue: 0x800)
}
