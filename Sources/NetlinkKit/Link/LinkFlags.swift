// SPDX-License-Identifier: Apache-2.0

/// The flags of a link (`ifi_flags`).
public struct LinkFlags: OptionSet, Sendable, Hashable {
  /// The flags as the kernel numbers them.
  public let rawValue: UInt32

  /// Makes a set from the kernel's number.
  public init(rawValue: UInt32) { self.rawValue = rawValue }

  /// Administratively up (`IFF_UP`).
  public static let up = LinkFlags(rawValue: 1 << 0)
  /// It can broadcast (`IFF_BROADCAST`).
  public static let broadcast = LinkFlags(rawValue: 1 << 1)
  /// Debugging is on, in drivers that know it (`IFF_DEBUG`).
  public static let debug = LinkFlags(rawValue: 1 << 2)
  /// It is the loopback (`IFF_LOOPBACK`).
  public static let loopback = LinkFlags(rawValue: 1 << 3)
  /// It connects two ends only (`IFF_POINTOPOINT`).
  public static let pointToPoint = LinkFlags(rawValue: 1 << 4)
  /// No trailers (`IFF_NOTRAILERS`), which no driver uses.
  public static let noTrailers = LinkFlags(rawValue: 1 << 5)
  /// Resources are allocated (`IFF_RUNNING`).
  public static let running = LinkFlags(rawValue: 1 << 6)
  /// It does not resolve neighbours (`IFF_NOARP`).
  public static let noARP = LinkFlags(rawValue: 1 << 7)
  /// It takes packets for every address (`IFF_PROMISC`).
  public static let promiscuous = LinkFlags(rawValue: 1 << 8)
  /// It takes all multicast packets (`IFF_ALLMULTI`).
  public static let allMulticast = LinkFlags(rawValue: 1 << 9)
  /// It is a bond that shares out its packets (`IFF_MASTER`).
  public static let master = LinkFlags(rawValue: 1 << 10)
  /// It is a port of such a bond (`IFF_SLAVE`).
  public static let slave = LinkFlags(rawValue: 1 << 11)
  /// It can multicast (`IFF_MULTICAST`).
  public static let multicast = LinkFlags(rawValue: 1 << 12)
  /// Its medium can be chosen (`IFF_PORTSEL`).
  public static let portSelect = LinkFlags(rawValue: 1 << 13)
  /// It chooses its medium by itself (`IFF_AUTOMEDIA`).
  public static let autoMedia = LinkFlags(rawValue: 1 << 14)
  /// Its addresses go when it does (`IFF_DYNAMIC`).
  public static let dynamic = LinkFlags(rawValue: 1 << 15)
  /// The other end is there (`IFF_LOWER_UP`).
  public static let lowerUp = LinkFlags(rawValue: 1 << 16)
  /// It waits for a program's word (`IFF_DORMANT`).
  public static let dormant = LinkFlags(rawValue: 1 << 17)
  /// It receives what it sends itself (`IFF_ECHO`).
  public static let echo = LinkFlags(rawValue: 1 << 18)
}

/// Whether a link can carry packets (RFC 2863, `IF_OPER_...`).
public struct OperationalState: RawRepresentable, Sendable, Hashable, CustomStringConvertible {
  /// The kernel's number.
  public let rawValue: UInt8

  /// Makes a state from the kernel's number.
  public init(rawValue: UInt8) { self.rawValue = rawValue }

  /// The driver does not say; loopback is always so.
  public static let unknown = OperationalState(rawValue: 0)
  /// The device is gone.
  public static let notPresent = OperationalState(rawValue: 1)
  /// It cannot carry packets.
  public static let down = OperationalState(rawValue: 2)
  /// The link below it is down.
  public static let lowerLayerDown = OperationalState(rawValue: 3)
  /// In a test mode.
  public static let testing = OperationalState(rawValue: 4)
  /// It waits for something outside, such as authentication.
  public static let dormant = OperationalState(rawValue: 5)
  /// It carries packets.
  public static let up = OperationalState(rawValue: 6)

  /// The state in `ip link`'s words.
  public var description: String {
    let names = ["UNKNOWN", "NOTPRESENT", "DOWN", "LOWERLAYERDOWN", "TESTING", "DORMANT", "UP"]
    return Int(rawValue) < names.count ? names[Int(rawValue)] : "\(rawValue)"
  }
}
