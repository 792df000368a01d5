// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes

/// A route.
public struct Route: Sendable, Hashable {
  /// IPv4 or IPv6.
  public var family: AddressFamily
  /// Where to; nil for the default route.
  public var destination: IPCIDR?
  /// The next hop; nil when the destination is on the link itself.
  ///
  /// It may be of the other family. Of several see ``nextHops``.
  public var gateway: IPAddress?
  /// The link to send through; nil to let the kernel find it by the gateway.
  public var interface: InterfaceIndex?
  /// The source address for packets that have none yet.
  public var source: IPAddress?
  /// How far away the destination is.
  ///
  /// IPv6 knows only `universe`.
  public var scope: RouteScope
  /// What happens to the packets.
  public var type: RouteType
  /// The table it is in.
  public var table: RouteTableID
  /// Who put it there.
  public var `protocol`: RouteProtocol
  /// Of several routes to one destination the lowest number wins; nil for 0 (IPv4) or 1024 (IPv6).
  public var priority: UInt32?
  /// Whether the gateway is taken to be on the link, though no route says so (`RTNH_F_ONLINK`).
  public var isOnLink: Bool
  /// Only for packets with this type of service, IPv4 only (`rtm_tos`); 0 for any that has no route of its own.
  public var typeOfService: UInt8
  /// Which of several equal routers is taken, IPv6 only (`RTA_PREF`).
  public var preference: RoutePreference
  /// All flags as the kernel sent them (`RTNH_F_...`, `RTM_F_...`); not sent.
  public var kernelFlags: UInt32
  /// Whether the kernel sent a `struct rta_cacheinfo` of nothing but zeros, as it does for most IPv6 routes.
  var hasIdleCacheInfo: Bool
  /// What few routes have.
  var details: RouteDetails.Box

  /// Describes a route.
  ///
  /// - Parameters:
  ///   - destination: where to; nil for the default route. Bits beyond the prefix are refused by the kernel.
  ///   - gateway: the next hop; nil when the destination is on the link itself.
  ///   - interface: the link to send through; nil to let the kernel find it by the gateway.
  ///   - source: the source address for packets that have none yet; must be one of this machine.
  ///   - scope: how far away the destination is; nil for what follows from type and next hop, as `ip route` does.
  ///   - type: what happens to the packets.
  ///   - table: the table to put it in.
  ///   - protocol: who puts it there.
  ///   - priority: of several routes to one destination the lowest number wins; nil for the kernel's default.
  ///   - isOnLink: whether the gateway is taken to be on the link, though no route says so.
  ///   - family: IPv4 or IPv6; nil for that of the destination, else the gateway, else the source, else IPv4.
  ///   - nextHops: several next hops, instead of a gateway and an interface.
  ///   - nextHopID: a next hop object, instead of these.
  ///   - metrics: what the kernel's protocols do differently on this route.
  ///   - typeOfService: only for packets with this type of service, IPv4 only; 0 for any.
  ///   - sourcePrefix: only for packets from there, IPv6 only; nil for any.
  public init(
    destination: IPCIDR?, gateway: IPAddress? = nil, interface: InterfaceIndex? = nil, source: IPAddress? = nil,
    scope: RouteScope? = nil, type: RouteType = .unicast, table: RouteTableID = .main,
    protocol: RouteProtocol = .static, priority: UInt32? = nil, isOnLink: Bool = false,
    family: AddressFamily? = nil, nextHops: [NextHop] = [], nextHopID: NextHopID? = nil,
    metrics: RouteMetrics = RouteMetrics(), typeOfService: UInt8 = 0, sourcePrefix: IPCIDR? = nil
  ) {
    self.family = family ?? destination?.family ?? gateway?.family ?? source?.family ?? .ipv4
    self.destination = destination
    self.gateway = gateway
    self.interface = interface
    self.source = source
    self.scope =
      scope
      ?? Route.usualScope(self.family, type, hasNextHop: gateway != nil || !nextHops.isEmpty || nextHopID != nil)
    self.type = type
    self.table = table
    self.protocol = `protocol`
    self.priority = priority
    self.isOnLink = isOnLink
    self.typeOfService = typeOfService
    preference = .medium
    kernelFlags = 0
    hasIdleCacheInfo = false
    details = RouteDetails.Box()
    self.nextHops = nextHops
    self.nextHopID = nextHopID
    self.metrics = metrics
    self.sourcePrefix = sourcePrefix
  }

  private static func usualScope(_ family: AddressFamily, _ type: RouteType, hasNextHop: Bool) -> RouteScope {
    guard family == .ipv4 else { return .universe }
    switch type {
    case .local: return .host
    case .broadcast, .multicast, .anycast: return .link
    case .unicast: return hasNextHop ? .universe : .link
    default: return .universe
    }
  }

  /// The destination in `ip route`'s words.
  var destinationText: String { destination.map { "\($0)" } ?? "default" }
}

extension Route {
  /// Whether it is not used at present, because its link is down (`RTNH_F_DEAD`).
  public var isDead: Bool { kernelFlags & 0x01 != 0 }
  /// Whether its link has no carrier (`RTNH_F_LINKDOWN`).
  public var isLinkDown: Bool { kernelFlags & 0x10 != 0 }
  /// Whether it is no entry of a table, but what a look-up made for one destination (`RTM_F_CLONED`).
  public var isCached: Bool { kernelFlags & 0x200 != 0 }

  /// The route without what only the kernel says: flags, counters, unknown attributes, what a next hop object is made of.
  ///
  /// A route that is listed has the settings of the one that was added, except for a ``lifetime`` that passes.
  public var settings: Route {
    var settings = self
    settings.kernelFlags = 0
    settings.cacheInfo = nil
    settings.inputInterface = nil
    settings.mark = nil
    settings.userID = nil
    settings.otherAttributes = RawAttributes()
    if nextHopID != nil {
      settings.gateway = nil
      settings.interface = nil
      settings.isOnLink = false
      settings.nextHops = []
      settings.encapsulation = nil
    } else if !details.isEmpty {
      settings.nextHops = nextHops.map(\.settings)
    }
    // IPv6 hangs what it refuses on the loopback.
    if family == .ipv6, [.blackhole, .unreachable, .prohibit, .throw].contains(type) { settings.interface = nil }
    // What is left out is this.
    if priority == (family == .ipv4 ? 0 : 1024) { settings.priority = nil }
    return settings
  }
}
