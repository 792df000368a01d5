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
    if let gateway {
      words.append("via \(gateway.family == family ? "" : gateway.family == .ipv6 ? "inet6 " : "inet ")\(gateway)")
    }
    if isOnLink { words.append("onlink") }
    if family == .ipv4, scope != .universe, type == .unicast { words.append("scope \(scope)") }
    if let source { words.append("src \(source)") }
    if let priority { words.append("metric \(priority)") }
    if table != .main { words.append("table \(table)") }
    return words.joined(separator: " ")
  }
}

extension Rule {
  /// The arguments of `ip rule add`, without the protocol.
  var commandText: String {
    var words = ["pref \(priority)"]
    if isInverted { words.append("not") }
    if let source { words.append("from \(source)") }
    if let destination { words.append("to \(destination)") }
    if let inputInterface { words.append("iif \(inputInterface)") }
    if let outputInterface { words.append("oif \(outputInterface)") }
    if let mark {
      words.append("fwmark 0x\(String(mark, radix: 16))" + (markMask.map { "/0x\(String($0, radix: 16))" } ?? ""))
    }
    switch action {
    case .lookUp: words.append("lookup \(table)")
    case .blackhole: words.append("blackhole")
    case .unreachable: words.append("unreachable")
    case .prohibit: words.append("prohibit")
    default: words.append("action \(action.rawValue)")
    }
    if let suppressedPrefixLength { words.append("suppress_prefixlength \(suppressedPrefixLength)") }
    return words.joined(separator: " ")
  }
}
