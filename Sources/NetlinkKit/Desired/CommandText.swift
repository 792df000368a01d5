// SPDX-License-Identifier: Apache-2.0

internal import NetworkTypes

extension InterfaceAddress {
  /// The arguments of `ip address add`, without the link.
  var commandText: String {
    var words = ["\(address)/\(prefixLength)"]
    if let peer { words = ["\(address) peer \(peer)/\(prefixLength)"] }
    if let broadcast { words.append("broadcast \(broadcast)") }
    if scope != .universe, address.family == .ipv4 { words.append("scope \(scope)") }
    if flags.contains(.noDAD) { words.append("nodad") }
    if flags.contains(.noPrefixRoute) { words.append("noprefixroute") }
    return words.joined(separator: " ")
  }
}

extension Neighbour {
  /// The arguments of `ip neighbour add`, without the link.
  var commandText: String {
    if isProxy { return "proxy \(address)" }
    var words = ["\(address)"]
    if let linkLayerAddress { words.append("lladdr \(linkLayerAddress)") }
    if state == .permanent { words.append("nud permanent") }
    if state == .noARP { words.append("nud noarp") }
    return words.joined(separator: " ")
  }
}

extension Route {
  /// The arguments of `ip route add`, without link and protocol.
  var commandText: String {
    var words = type == .unicast ? [destinationText] : ["\(type)", destinationText]
    func add(_ word: String, _ value: (some Any)?) { if let value { words.append("\(word) \(value)") } }
    add("from", sourcePrefix)
    if typeOfService != 0 { words.append("tos 0x\(String(typeOfService, radix: 16))") }
    if let gateway { words.append(Route.via(gateway, family)) }
    if isOnLink { words.append("onlink") }
    add("nhid", nextHopID)
    if family == .ipv4, scope != .universe, type == .unicast { words.append("scope \(scope)") }
    add("src", source)
    add("metric", priority)
    if table != .main { words.append("table \(table)") }
    add("mtu", metrics.mtu)
    add("advmss", metrics.advertisedSegmentSize)
    for hop in nextHops {
      words.append("nexthop")
      if let gateway = hop.gateway { words.append(Route.via(gateway, family)) }
      add("dev", hop.interface.map { "#\($0)" })
      words.append("weight \(hop.weight)")
    }
    return words.joined(separator: " ")
  }

  private static func via(_ gateway: IPAddress, _ family: AddressFamily) -> String {
    guard gateway.family != family else { return "via \(gateway)" }
    return "via \(gateway.family == .ipv6 ? "inet6" : "inet") \(gateway)"
  }
}

extension Rule {
  /// The arguments of `ip rule add`, without the protocol.
  var commandText: String {
    var words = ["pref \(priority)"]
    func add(_ word: String, _ value: (some Any)?) { if let value { words.append("\(word) \(value)") } }
    if isInverted { words.append("not") }
    add("from", source)
    add("to", destination)
    add("iif", inputInterface)
    add("oif", outputInterface)
    if let mark {
      words.append("fwmark 0x\(String(mark, radix: 16))" + (markMask.map { "/0x\(String($0, radix: 16))" } ?? ""))
    }
    add("uidrange", userIDs.map { "\($0.lowerBound)-\($0.upperBound)" })
    add("ipproto", ipProtocol.map(\.rawValue))
    add("sport", sourcePorts.map { "\($0.lowerBound)-\($0.upperBound)" })
    add("dport", destinationPorts.map { "\($0.lowerBound)-\($0.upperBound)" })
    add("tun_id", tunnelID)
    switch action {
    case .lookUp where usesVRFTable: words.append("l3mdev")
    case .lookUp: words.append("lookup \(table)")
    case .goTo: add("goto", target)
    case .blackhole: words.append("blackhole")
    case .unreachable: words.append("unreachable")
    case .prohibit: words.append("prohibit")
    default: words.append("action \(action.rawValue)")
    }
    add("suppress_prefixlength", suppressedPrefixLength)
    add("suppress_ifgroup", suppressedGroup)
    return words.joined(separator: " ")
  }
}
