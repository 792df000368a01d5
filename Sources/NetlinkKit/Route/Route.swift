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
  /// It may be of the other family.
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
  /// All flags as the kernel sent them (`RTNH_F_...`, `RTM_F_...`); not sent.
  public var kernelFlags: UInt32 = 0
  /// What the kernel sent besides (`RTA_...`): metrics, and several next hops, among them.
  ///
  /// Not sent.
  public var otherAttributes = RawAttributes()

  /// Describes a route.
  ///
  /// - Parameters:
  ///   - destination: where to; nil for the default route. Bits beyond the prefix are refused by the kernel.
  ///   - gateway: the next hop; nil when the destination is on the link itself.
  ///   - interface: the link to send through; nil to let the kernel find it by the gateway.
  ///   - source: the source address for packets that have none yet; must be one of this machine.
  ///   - scope: how far away the destination is; nil for what follows from type and gateway, as `ip route` does.
  ///   - type: what happens to the packets.
  ///   - table: the table to put it in.
  ///   - protocol: who puts it there.
  ///   - priority: of several routes to one destination the lowest number wins; nil for the kernel's default.
  ///   - isOnLink: whether the gateway is taken to be on the link, though no route says so.
  ///   - family: IPv4 or IPv6; nil for that of the destination, else the gateway, else the source, else IPv4.
  public init(
    destination: IPCIDR?, gateway: IPAddress? = nil, interface: InterfaceIndex? = nil, source: IPAddress? = nil,
    scope: RouteScope? = nil, type: RouteType = .unicast, table: RouteTableID = .main,
    protocol: RouteProtocol = .static, priority: UInt32? = nil, isOnLink: Bool = false,
    family: AddressFamily? = nil
  ) {
    self.family = family ?? destination?.family ?? gateway?.family ?? source?.family ?? .ipv4
    self.destination = destination
    self.gateway = gateway
    self.interface = interface
    self.source = source
    self.scope = scope ?? Route.usualScope(self.family, type, hasGateway: gateway != nil)
    self.type = type
    self.table = table
    self.protocol = `protocol`
    self.priority = priority
    self.isOnLink = isOnLink
  }

  private static func usualScope(_ family: AddressFamily, _ type: RouteType, hasGateway: Bool) -> RouteScope {
    guard family == .ipv4 else { return .universe }
    switch type {
    case .local: return .host
    case .broadcast, .multicast, .anycast: return .link
    case .unicast: return hasGateway ? .universe : .link
    default: return .universe
    }
  }

  /// The destination in `ip route`'s words.
  var destinationText: String { destination.map { "\($0)" } ?? "default" }
}
