// SPDX-License-Identifier: Apache-2.0

internal import NetworkTypes

// `struct rtmsg`: family 0, prefix length 1, source's 2, service 3, table 4, protocol 5, scope 6, type 7, flags 8.
extension WireObject {
  var table: UInt32 { attributes.number(RTA.table) ?? UInt32(header[4]) }
  /// Where to; nil when the prefix length is more than an address has bits.
  var block: IPCIDR? {
    let width = family == Family.ipv4 ? 4 : 16
    let bytes = attributes[RTA.destination] ?? [UInt8](repeating: 0, count: width)
    return IPAddress(bytes: bytes).flatMap { IPCIDR(address: $0, prefixLength: Int(header[1])) }
  }
  /// Whether packets that take it go anywhere: unicast, local, broadcast, anycast, multicast.
  var routeLeadsSomewhere: Bool { (1...5).contains(header[7]) }
  var routePriority: UInt32 { attributes.number(RTA.priority) ?? (family == Family.ipv6 ? 1024 : 0) }
  /// The next hop, also one of the other family.
  var gateway: IPAddress? {
    if let bytes = attributes[RTA.gateway] { return IPAddress(bytes: bytes) }
    return attributes[RTA.via].flatMap { IPAddress(bytes: $0.dropFirst(2)) }
  }
}

extension KernelState {
  static let headerOfRoutes = 12

  private func route(in message: WireMessage) throws(Refusal) -> WireObject {
    var request = try WireObject(message.body, headerSize: KernelState.headerOfRoutes)
    guard request.family == Family.ipv4 || request.family == Family.ipv6 else { throw Refusal(.notSupported) }
    guard let block = request.block else { throw Refusal(.invalidArgument, "Invalid prefix length") }
    if block.masked != block {
      // IPv6 does not mind.
      guard request.family == Family.ipv6 else {
        throw Refusal(.invalidArgument, "Invalid prefix for given prefix length")
      }
      request.attributes[RTA.destination] = block.network.bytes
    }
    if request.header[1] == 0 { request.attributes[RTA.destination] = nil }
    if request.family == Family.ipv6 { request.attributes.set(RTA.priority, request.routePriority) }
    request.attributes.set(RTA.table, request.table)
    return request
  }

  /// Whether both have the same place in the table, of which there is one each.
  private func isSamePlace(_ one: WireObject, _ other: WireObject) -> Bool {
    one.family == other.family && one.table == other.table && one.block == other.block
      && one.header[3] == other.header[3] && one.routePriority == other.routePriority
  }

  mutating func newRoute(_ message: WireMessage) throws(Refusal) {
    var request = try route(in: message)
    if request.routeLeadsSomewhere, request.attributes[RTA.multipath] == nil, request.attributes[RTA.nextHopID] == nil {
      try settleNextHop(of: &request)
    }
    if let source = request.attributes[RTA.preferredSource] {
      guard addresses.contains(where: { $0.ownAddress == source }) else {
        throw Refusal(
          .invalidArgument, request.family == Family.ipv4 ? "Invalid prefsrc address" : "Invalid source address")
      }
    }
    let places = routes.indices.filter { isSamePlace(routes[$0], request) }
    if let first = places.first {
      if message.has(Flag.exclusive) { throw Refusal(.exists) }
      if message.has(Flag.replace) {
        routes[first] = request
      } else if places.contains(where: { routes[$0].hasSameNextHop(as: request) }) {
        throw Refusal(.exists)
      } else if message.has(Flag.append) {
        routes.insert(request, at: (places.last ?? first) + 1)
      } else {
        routes.insert(request, at: first)
      }
    } else {
      guard message.has(Flag.create) else {
        throw Refusal(.noEntry, request.family == Family.ipv6 ? "Can not replace route - no match found" : nil)
      }
      routes.append(request)
    }
    tell(.newRoute, request)
  }

  /// Checks link and gateway, and finds the link by the gateway where none is named.
  private func settleNextHop(of request: inout WireObject) throws(Refusal) {
    let isOnLink = request.header.host(at: 8, as: UInt32.self) & 4 != 0
    let named = request.attributes.number(RTA.outputInterface)
    if let named {
      guard let link = links[named] else { throw Refusal(.noDevice) }
      guard link.isUp else {
        throw Refusal(
          .networkDown,
          request.family == Family.ipv4 ? "Device for nexthop is not up" : "Nexthop device is not up")
      }
    }
    guard let gateway = request.gateway else {
      if named == nil { throw Refusal(.noDevice) }
      return
    }
    if isOnLink, named != nil { return }
    guard let way = link(towards: gateway, through: named) else {
      if gateway.family == .ipv4 { throw Refusal(.networkUnreachable, "Nexthop has invalid gateway") }
      throw Refusal(.hostUnreachable)
    }
    request.attributes.set(RTA.outputInterface, way)
  }

  /// The link that is up and has `gateway` on it, by an address or a route without gateway.
  private func link(towards gateway: IPAddress, through named: UInt32?) -> UInt32? {
    func fits(_ index: UInt32) -> Bool { (named == nil || named == index) && links[index]?.isUp == true }
    let byRoute = routes.filter { route in
      route.gateway == nil && route.routeLeadsSomewhere && route.header[1] > 0
        && route.block?.contains(gateway) == true && route.attributes.number(RTA.outputInterface).map(fits) == true
    }
    if let route = byRoute.max(by: { $0.header[1] < $1.header[1] }) {
      return route.attributes.number(RTA.outputInterface)
    }
    // Every IPv6 link has link-local addresses.
    if let named, fits(named), IPCIDR("fe80::/10")?.contains(gateway) == true { return named }
    return addresses.first { $0.network?.contains(gateway) == true && fits($0.addressIndex) }?.addressIndex
  }

  mutating func removeRoute(_ message: WireMessage) throws(Refusal) {
    var request = try WireObject(message.body, headerSize: KernelState.headerOfRoutes)
    guard request.family == Family.ipv4 || request.family == Family.ipv6 else { throw Refusal(.notSupported) }
    if request.header[1] == 0 { request.attributes[RTA.destination] = nil }
    let place = routes.firstIndex { route in
      route.family == request.family && route.table == request.table && route.block == request.block?.masked
        && (request.header[5] == 0 || route.header[5] == request.header[5])
        && (request.family == Family.ipv6 || request.header[6] == 255 || route.header[6] == request.header[6])
        && (request.family == Family.ipv6 || request.header[7] == 0 || route.header[7] == request.header[7])
        && [RTA.outputInterface, RTA.gateway, RTA.priority].allSatisfy {
          request.attributes[$0] == nil || request.attributes[$0] == route.attributes[$0]
        }
        && (request.family == Family.ipv6 || request.attributes[RTA.preferredSource] == nil
          || request.attributes[RTA.preferredSource] == route.attributes[RTA.preferredSource])
    }
    guard let place else {
      let isEmpty = request.family == Family.ipv4 && !hasTable(request.table)
      throw Refusal(.noSuchRoute, isEmpty ? "FIB table does not exist" : nil)
    }
    tell(.removeRoute, routes.remove(at: place))
  }

  /// Main and local are always there.
  private func hasTable(_ table: UInt32) -> Bool {
    table >= 254 && table <= 255 || routes.contains { $0.table == table }
  }

  func listRoutes(_ message: WireMessage) throws(Refusal) -> [WireObject] {
    let request = try WireObject(message.body, headerSize: KernelState.headerOfRoutes)
    let table = request.table
    if table != 0, !hasTable(table) { throw Refusal(.noEntry, "FIB table does not exist") }
    return routes.filter {
      (request.family == Family.unspecified || $0.family == request.family) && (table == 0 || $0.table == table)
    }
  }
}

extension WireObject {
  fileprivate func hasSameNextHop(as other: WireObject) -> Bool {
    header[7] == other.header[7] && gateway == other.gateway
      && attributes[RTA.outputInterface] == other.attributes[RTA.outputInterface]
      && attributes[RTA.multipath] == other.attributes[RTA.multipath]
  }
}
