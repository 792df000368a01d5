// SPDX-License-Identifier: Apache-2.0

/// The number of a routing table: 1 and up, beyond 255 too.
public struct RouteTableID: RawRepresentable, Sendable, Hashable, Comparable, CustomStringConvertible {
  /// The kernel's number.
  public let rawValue: UInt32

  /// Makes an identifier from the kernel's number.
  public init(rawValue: UInt32) { self.rawValue = rawValue }

  /// Makes an identifier from the kernel's number.
  public init(_ rawValue: UInt32) { self.rawValue = rawValue }

  /// Routes to be used when no other table has one.
  public static let `default` = RouteTableID(253)
  /// The table that `ip route` shows.
  public static let main = RouteTableID(254)
  /// The kernel's own routes to local and broadcast addresses.
  public static let local = RouteTableID(255)

  /// Orders tables by number.
  public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }

  /// The table in `ip route`'s words.
  public var description: String {
    switch rawValue {
    case 253: "default"
    case 254: "main"
    case 255: "local"
    default: "\(rawValue)"
    }
  }
}

/// Who put a route or rule there (`RTPROT_...`): a tag by which its owner finds it again.
public struct RouteProtocol: RawRepresentable, Sendable, Hashable, CustomStringConvertible {
  /// The kernel's number.
  public let rawValue: UInt8

  /// Makes a tag from the kernel's number.
  public init(rawValue: UInt8) { self.rawValue = rawValue }

  /// Makes a tag from the kernel's number.
  public init(_ rawValue: UInt8) { self.rawValue = rawValue }

  /// Not said.
  public static let unspecified = RouteProtocol(0)
  /// The kernel, because of an address.
  public static let kernel = RouteProtocol(2)
  /// Somebody at boot; what `ip route` writes when it is not told.
  public static let boot = RouteProtocol(3)
  /// An administrator.
  public static let `static` = RouteProtocol(4)
  /// A router advertisement.
  public static let routerAdvertisement = RouteProtocol(9)
  /// FRR and its forebears.
  public static let zebra = RouteProtocol(11)
  /// BIRD.
  public static let bird = RouteProtocol(12)
  /// A DHCP client.
  public static let dhcp = RouteProtocol(16)

  private static let names: [UInt8: String] = [
    0: "unspec", 1: "redirect", 2: "kernel", 3: "boot", 4: "static", 8: "gated", 9: "ra", 10: "mrt", 11: "zebra",
    12: "bird", 13: "dnrouted", 14: "xorp", 15: "ntk", 16: "dhcp", 18: "keepalived", 42: "babel", 99: "openr",
    186: "bgp",
    187: "isis", 188: "ospf", 189: "rip", 192: "eigrp",
  ]

  /// The tag in `ip route`'s words.
  public var description: String { RouteProtocol.names[rawValue] ?? "\(rawValue)" }
}

/// How far away a destination or an address is (`RT_SCOPE_...`).
public struct RouteScope: RawRepresentable, Sendable, Hashable, CustomStringConvertible {
  /// The kernel's number.
  public let rawValue: UInt8

  /// Makes a scope from the kernel's number.
  public init(rawValue: UInt8) { self.rawValue = rawValue }

  /// Anywhere.
  public static let universe = RouteScope(rawValue: 0)
  /// Within this site (IPv6).
  public static let site = RouteScope(rawValue: 200)
  /// On this link.
  public static let link = RouteScope(rawValue: 253)
  /// On this machine.
  public static let host = RouteScope(rawValue: 254)
  /// Does not exist; when removing a route, any.
  public static let nowhere = RouteScope(rawValue: 255)

  /// The scope in `ip`'s words.
  public var description: String {
    switch rawValue {
    case 0: "global"
    case 200: "site"
    case 253: "link"
    case 254: "host"
    case 255: "nowhere"
    default: "\(rawValue)"
    }
  }
}

/// What happens to packets that take a route (`RTN_...`).
public struct RouteType: RawRepresentable, Sendable, Hashable, CustomStringConvertible {
  /// The kernel's number.
  public let rawValue: UInt8

  /// Makes a type from the kernel's number.
  public init(rawValue: UInt8) { self.rawValue = rawValue }

  /// They are sent to a gateway or a link.
  public static let unicast = RouteType(rawValue: 1)
  /// They are taken in.
  public static let local = RouteType(rawValue: 2)
  /// They are taken in, and sent to everybody.
  public static let broadcast = RouteType(rawValue: 3)
  /// They are taken in, but sent like unicast.
  public static let anycast = RouteType(rawValue: 4)
  /// They go to a group.
  public static let multicast = RouteType(rawValue: 5)
  /// They are dropped silently.
  public static let blackhole = RouteType(rawValue: 6)
  /// They are refused: unreachable.
  public static let unreachable = RouteType(rawValue: 7)
  /// They are refused: prohibited.
  public static let prohibit = RouteType(rawValue: 8)
  /// The next rule decides.
  public static let `throw` = RouteType(rawValue: 9)

  /// The type in `ip route`'s words.
  public var description: String {
    let names = [
      "unspec", "unicast", "local", "broadcast", "anycast", "multicast", "blackhole", "unreachable", "prohibit",
      "throw",
    ]
    return Int(rawValue) < names.count ? names[Int(rawValue)] : "\(rawValue)"
  }
}

extension RouteTableID: ExpressibleByIntegerLiteral {
  /// Makes an identifier from the kernel's number.
  public init(integerLiteral value: UInt32) { self.init(rawValue: value) }
}

extension RouteProtocol: ExpressibleByIntegerLiteral {
  /// Makes a tag from the kernel's number.
  public init(integerLiteral value: UInt8) { self.init(rawValue: value) }
}
