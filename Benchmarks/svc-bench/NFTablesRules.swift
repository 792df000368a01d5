// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import ServiceList

/// The rules of kube-proxy's nftables mode, as text for `nft -f`.
///
/// The structure is kube-proxy's: a map of verdicts leads from the service's address to a chain of its own, another from
/// a random number to a chain of the endpoint.
struct NFTablesRules {
  let list: ServiceList

  /// Everything, for a namespace without rules.
  var all: String {
    var text = Self.base
    for line in list.lines {
      for place in line.backends.indices { text += Self.endpointChain(line, place) }
      text += Self.serviceChain(line)
    }
    let elements = list.lines.map { line in
      "\(line.address) . \(IPTablesRules.transport(line)) . \(line.port) : goto \(Self.serviceName(line))"
    }
    let addresses = Set(list.lines.map(\.address)).sorted().map(\.description)
    text += Self.elements("cluster-ips", addresses) + Self.elements("service-ips", elements)
    return text
  }

  /// One service anew: a chain for the new endpoint, and the service's chain.
  ///
  /// - Parameters:
  ///   - line: The service, as it is in the list now.
  ///   - added: The endpoint that is new.
  ///   - gone: The endpoint whose chain goes, nil for none.
  /// - Returns: For `nft -f`.
  static func change(of line: ServiceList.Line, adding added: Int, removing gone: ServiceList.Backend?) -> String {
    let name = serviceName(line)
    var text = endpointChain(line, added) + "add chain ip kube-proxy \(name)\nflush chain ip kube-proxy \(name)\n"
    text += serviceChain(line)
    if let gone { text += "delete chain ip kube-proxy \(endpointName(line, gone))\n" }
    return text
  }

  private static let base = """
    add table ip kube-proxy { comment "rules for kube-proxy" ; }
    add set ip kube-proxy cluster-ips { type ipv4_addr ; comment "Active ClusterIPs" ; }
    add set ip kube-proxy nodeport-ips { type ipv4_addr ; comment "IPs that accept NodePort traffic" ; }
    add map ip kube-proxy firewall-ips { type ipv4_addr . inet_proto . inet_service : verdict ; }
    add map ip kube-proxy no-endpoint-nodeports { type inet_proto . inet_service : verdict ; }
    add map ip kube-proxy no-endpoint-services { type ipv4_addr . inet_proto . inet_service : verdict ; }
    add map ip kube-proxy service-ips { type ipv4_addr . inet_proto . inet_service : verdict ; }
    add map ip kube-proxy service-nodeports { type inet_proto . inet_service : verdict ; }
    add chain ip kube-proxy cluster-ips-check
    add chain ip kube-proxy filter-prerouting-pre-dnat { type filter hook prerouting priority -110 ; }
    add chain ip kube-proxy filter-output-pre-dnat { type filter hook output priority -110 ; }
    add chain ip kube-proxy filter-forward { type filter hook forward priority 0 ; }
    add chain ip kube-proxy filter-input { type filter hook input priority 0 ; }
    add chain ip kube-proxy filter-output { type filter hook output priority 0 ; }
    add chain ip kube-proxy firewall-check
    add chain ip kube-proxy mark-for-masquerade
    add chain ip kube-proxy masquerading
    add chain ip kube-proxy nat-output { type nat hook output priority -100 ; }
    add chain ip kube-proxy nat-postrouting { type nat hook postrouting priority 100 ; }
    add chain ip kube-proxy nat-prerouting { type nat hook prerouting priority -100 ; }
    add chain ip kube-proxy nodeport-endpoints-check
    add chain ip kube-proxy reject-chain
    add chain ip kube-proxy services
    add chain ip kube-proxy service-endpoints-check
    add rule ip kube-proxy cluster-ips-check ip daddr @cluster-ips reject
    add rule ip kube-proxy cluster-ips-check ip daddr { 10.96.0.0/12 } drop
    add rule ip kube-proxy filter-prerouting-pre-dnat ct state new jump firewall-check
    add rule ip kube-proxy filter-forward ct state new jump service-endpoints-check
    add rule ip kube-proxy filter-forward ct state new jump cluster-ips-check
    add rule ip kube-proxy filter-input ct state new jump nodeport-endpoints-check
    add rule ip kube-proxy filter-input ct state new jump service-endpoints-check
    add rule ip kube-proxy filter-output ct state new jump service-endpoints-check
    add rule ip kube-proxy filter-output-pre-dnat ct state new jump firewall-check
    add rule ip kube-proxy filter-output ct state new jump cluster-ips-check
    add rule ip kube-proxy firewall-check ip daddr . meta l4proto . th dport vmap @firewall-ips
    add rule ip kube-proxy mark-for-masquerade mark set mark or 0x4000
    add rule ip kube-proxy masquerading mark and 0x4000 == 0 return
    add rule ip kube-proxy masquerading mark set mark xor 0x4000
    add rule ip kube-proxy masquerading masquerade fully-random
    add rule ip kube-proxy nat-output jump services
    add rule ip kube-proxy nat-postrouting jump masquerading
    add rule ip kube-proxy nat-prerouting jump services
    add rule ip kube-proxy nodeport-endpoints-check ip daddr @nodeport-ips meta l4proto . th dport vmap @no-endpoint-nodeports
    add rule ip kube-proxy reject-chain reject
    add rule ip kube-proxy services ip daddr . meta l4proto . th dport vmap @service-ips
    add rule ip kube-proxy services ip daddr @nodeport-ips meta l4proto . th dport vmap @service-nodeports
    add rule ip kube-proxy service-endpoints-check ip daddr . meta l4proto . th dport vmap @no-endpoint-services

    """

  private static func endpointChain(_ line: ServiceList.Line, _ place: Int) -> String {
    let backend = line.backends[place]
    let name = endpointName(line, backend)
    return "add chain ip kube-proxy \(name)\n"
      + "add rule ip kube-proxy \(name) ip saddr \(backend.address) jump mark-for-masquerade\n"
      + "add rule ip kube-proxy \(name) meta l4proto \(IPTablesRules.transport(line)) dnat to \(backend)\n"
  }

  private static func serviceChain(_ line: ServiceList.Line) -> String {
    let name = serviceName(line)
    let targets = line.backends.enumerated().map { "\($0) : goto \(endpointName(line, $1))" }.joined(separator: ", ")
    return "add chain ip kube-proxy \(name)\n"
      + "add rule ip kube-proxy \(name) ip daddr \(line.address) ip saddr != \(IPTablesRules.podRange) "
      + "jump mark-for-masquerade\n"
      + (line.backends.isEmpty
        ? "" : "add rule ip kube-proxy \(name) numgen random mod \(line.backends.count) vmap { \(targets) }\n")
  }

  private static func serviceName(_ line: ServiceList.Line) -> String { "service-\(base(line))" }

  private static func endpointName(_ line: ServiceList.Line, _ backend: ServiceList.Backend) -> String {
    "endpoint-\(base(line))__\(backend.address)/\(backend.port)"
  }

  private static func base(_ line: ServiceList.Line) -> String {
    let transport = IPTablesRules.transport(line)
    return "\(IPTablesRules.padded(line.index, 7, "K"))-default/svc-\(line.index)/\(transport)/\(transport)"
  }

  /// Elements, a few thousand to a command.
  static func elements(_ set: String, _ elements: [String], table: String = "kube-proxy") -> String {
    var text = ""
    for start in stride(from: 0, to: elements.count, by: 4096) {
      let part = elements[start..<min(start + 4096, elements.count)].joined(separator: ", ")
      text += "add element ip \(table) \(set) { \(part) }\n"
    }
    return text
  }
}

/// One map from address, protocol and port to a backend: the least that nftables can do.
///
/// With several endpoints to a service, which then all need the same number, a random number is part of the key. The ports
/// are said to be of any transport: with `tcp dport` nft would add a match on TCP, and leave UDP alone.
struct FlatMapRules {
  let list: ServiceList

  private var endpoints: Int { list.lines.first?.backends.count ?? 1 }

  var all: String {
    let number = endpoints > 1 ? "numgen random mod \(endpoints) . " : ""
    return """
      add table ip flat
      add map ip flat services { typeof \(number)ip daddr . ip protocol . th dport : ip daddr . th dport ; }
      add chain ip flat prerouting { type nat hook prerouting priority -100 ; }
      add chain ip flat output { type nat hook output priority -100 ; }
      add rule ip flat prerouting dnat ip to \(number)ip daddr . ip protocol . th dport map @services
      add rule ip flat output dnat ip to \(number)ip daddr . ip protocol . th dport map @services

      """ + NFTablesRules.elements("services", list.lines.flatMap(elements), table: "flat")
  }

  /// One endpoint of a service anew.
  func change(of line: ServiceList.Line, at place: Int, from old: ServiceList.Backend) -> String {
    let key = key(line, place)
    return "delete element ip flat services { \(key) : \(Self.value(old)) }\n"
      + "add element ip flat services { \(key) : \(Self.value(line.backends[place])) }\n"
  }

  private func elements(_ line: ServiceList.Line) -> [String] {
    line.backends.enumerated().map { "\(key(line, $0)) : \(Self.value($1))" }
  }

  private func key(_ line: ServiceList.Line, _ place: Int) -> String {
    (endpoints > 1 ? "\(place) . " : "") + "\(line.address) . \(IPTablesRules.transport(line)) . \(line.port)"
  }

  private static func value(_ backend: ServiceList.Backend) -> String { "\(backend.address) . \(backend.port)" }
}
