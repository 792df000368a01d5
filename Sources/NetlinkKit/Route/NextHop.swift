// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes

/// One of several next hops of a route (`struct rtnexthop`).
public struct NextHop: Sendable, Hashable {
  /// Its address, of either family; nil when the destination is on the link itself.
  public var gateway: IPAddress?
  /// The link to send through; nil to let the kernel find it by the gateway.
  public var interface: InterfaceIndex?
  /// Its share of the connections, 1...256, relative to the others'.
  public var weight: Int
  /// Whether the gateway is taken to be on the link, though no route says so (`RTNH_F_ONLINK`).
  public var isOnLink: Bool
  /// What packets are wrapped in on the way (`RTA_ENCAP`); nil for nothing.
  public var encapsulation: RouteEncapsulation?
  /// Classes for accounting, IPv4 only, as ``Route/realms`` (`RTA_FLOW`); nil for none.
  public var realms: UInt32?
  /// All flags as the kernel sent them (`RTNH_F_...`); not sent.
  public var kernelFlags: UInt8 = 0
  /// What the kernel sent besides (`RTA_...`).
  ///
  /// Not sent.
  public var otherAttributes = RawAttributes()

  /// Describes a next hop.
  ///
  /// - Parameters:
  ///   - gateway: its address, of either family; nil when the destination is on the link itself.
  ///   - interface: the link to send through; nil to let the kernel find it by the gateway.
  ///   - weight: its share of the connections, 1...256, relative to the others'.
  ///   - isOnLink: whether the gateway is taken to be on the link, though no route says so.
  ///   - encapsulation: what packets are wrapped in on the way.
  public init(
    gateway: IPAddress? = nil, interface: InterfaceIndex? = nil, weight: Int = 1, isOnLink: Bool = false,
    encapsulation: RouteEncapsulation? = nil
  ) {
    self.gateway = gateway
    self.interface = interface
    self.weight = weight
    self.isOnLink = isOnLink
    self.encapsulation = encapsulation
  }

  /// Whether it is not used at present, because its link is down (`RTNH_F_DEAD`).
  public var isDead: Bool { kernelFlags & 0x01 != 0 }
  /// Whether its link has no carrier (`RTNH_F_LINKDOWN`).
  public var isLinkDown: Bool { kernelFlags & 0x10 != 0 }

  var settings: NextHop {
    var settings = self
    settings.kernelFlags = 0
    settings.otherAttributes = RawAttributes()
    return settings
  }
}

/// The number of a next hop object, made elsewhere (`ip nexthop add id`), that routes share.
public struct NextHopID: RawRepresentable, Sendable, Hashable, CustomStringConvertible {
  /// The kernel's number.
  public let rawValue: UInt32

  /// Makes an identifier from the kernel's number.
  public init(rawValue: UInt32) { self.rawValue = rawValue }

  /// Makes an identifier from the kernel's number.
  public init(_ rawValue: UInt32) { self.rawValue = rawValue }

  /// The number.
  public var description: String { "\(rawValue)" }
}

/// What packets are wrapped in when they take a route (`RTA_ENCAP_TYPE`, `RTA_ENCAP`).
///
/// The settings are kept as the kernel sent them, and sent as they are.
public struct RouteEncapsulation: Sendable, Hashable {
  /// What kind of wrapping (`LWTUNNEL_ENCAP_...`).
  public struct Kind: RawRepresentable, Sendable, Hashable {
    /// The kernel's number.
    public let rawValue: UInt16

    /// Makes a kind from the kernel's number.
    public init(rawValue: UInt16) { self.rawValue = rawValue }

    /// Labels.
    public static let mpls = Kind(rawValue: 1)
    /// An IPv4 tunnel's header, for a link that takes tunnel settings from the route.
    public static let ipv4 = Kind(rawValue: 2)
    /// An IPv6 tunnel's header, likewise.
    public static let ipv6 = Kind(rawValue: 4)
    /// A segment routing header.
    public static let seg6 = Kind(rawValue: 5)
    /// What BPF programs do to the packet.
    public static let bpf = Kind(rawValue: 6)
    /// The end of a segment.
    public static let seg6Local = Kind(rawValue: 7)
  }

  /// What kind of wrapping.
  public var kind: Kind
  /// The kind's attributes, one behind the other as on the wire.
  public var bytes: [UInt8]

  /// Describes a wrapping.
  ///
  /// - Parameters:
  ///   - kind: what kind of wrapping.
  ///   - bytes: the kind's attributes, one behind the other as on the wire.
  public init(kind: Kind, bytes: [UInt8]) {
    self.kind = kind
    self.bytes = bytes
  }
}

/// Which of several equal routers is taken (`RTA_PREF`, RFC 4191).
public struct RoutePreference: RawRepresentable, Sendable, Hashable, CustomStringConvertible {
  /// The number in router advertisements.
  public let rawValue: UInt8

  /// Makes a preference from its number.
  public init(rawValue: UInt8) { self.rawValue = rawValue }

  /// What a router has that says nothing.
  public static let medium = RoutePreference(rawValue: 0)
  /// Before the others.
  public static let high = RoutePreference(rawValue: 1)
  /// After the others.
  public static let low = RoutePreference(rawValue: 3)

  /// The preference in `ip route`'s words.
  public var description: String {
    switch rawValue {
    case 0: "medium"
    case 1: "high"
    case 3: "low"
    default: "\(rawValue)"
    }
  }
}

/// How a route was used (`struct rta_cacheinfo`).
///
/// Times are in hundredths of a second.
public struct RouteCacheInfo: Sendable, Hashable {
  /// How many hold on to it.
  public var referenceCount: UInt32 = 0
  /// How long ago it was used.
  public var lastUse: UInt32 = 0
  /// When it ends, from now; 0 for never, negative when it should have ended.
  public var expires: Int32 = 0
  /// The error number, negated, that packets get which take it; 0 for none.
  public var error: Int32 = 0
  /// How often it was used.
  public var used: UInt32 = 0
  /// An identifier that the kernel no longer uses.
  public var id: UInt32 = 0
  /// A time stamp that the kernel no longer uses.
  public var timestamp: UInt32 = 0
  /// The age of that time stamp.
  public var timestampAge: UInt32 = 0

  /// All zeros.
  public init() {}
}
