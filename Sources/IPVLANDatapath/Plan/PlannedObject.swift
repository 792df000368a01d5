// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes

/// One kernel object that a plan wants to exist, named by link names so that it can be planned before links have
/// indexes.
///
/// It prints as the command that would make it.
public enum PlannedObject: Hashable, Sendable {
  /// A link of this module.
  case link(PlannedLink)
  /// The pod's end of a pair, which is born with the node's end.
  case peer(link: InterfaceName, mac: MACAddress, mtu: UInt32, alias: String)
  /// A link is up. `isARPEnabled`, where given, is set after that: the kernel forgets it when a slave comes up.
  case up(link: InterfaceName, isARPEnabled: Bool?)
  /// An address on a link.
  case address(IPv4Address, prefixLength: Int, link: InterfaceName, isHostScope: Bool)
  /// A permanent neighbour.
  case neighbour(IPv4Address, mac: MACAddress, link: InterfaceName)
  /// A route.
  case route(PlannedRoute)
  /// A routing rule.
  case rule(PlannedRule)
  /// A setting below `/proc/sys`.
  case sysctl(path: String, value: String)
  /// A pod's entry in the endpoint map, and its dispatcher on both directions of a link.
  case programs(PlannedPrograms)
  /// A pod's addresses in the map of the node's pods.
  case localPod(PlannedLocalPod)
}

/// A link of this module.
public struct PlannedLink: Hashable, Sendable {
  /// What kind of link it is.
  public enum Kind: Hashable, Sendable {
    /// An ipvlan slave, mode L2, flag bridge, of a parent in the node's namespace. `bornAs`, where given, is the name it has
    /// until it is there: kernels before 6.15 refuse a new link whose name is taken in the *parent's* namespace.
    case ipvlan(parent: InterfaceName, parentIndex: InterfaceIndex, bornAs: InterfaceName?)
    /// A veth pair whose peer is born in the pod.
    case veth(mac: MACAddress, peer: InterfaceName, peerMAC: MACAddress)
  }

  /// The link's final name.
  public var name: InterfaceName
  /// Its kind.
  public var kind: Kind
  /// Its MTU, in bytes; a veth peer has the same.
  public var mtu: UInt32
  /// The alias that proves it ours.
  public var alias: String
}

/// A route of this module: IPv4, protocol ``Ownership/routeProtocol``.
public struct PlannedRoute: Hashable, Sendable {
  /// The destination; `nil` is the default route.
  public var destination: IPv4CIDR?
  /// The next hop, taken to be on the link whatever the addresses there.
  public var gateway: IPv4Address?
  /// The link.
  public var link: InterfaceName
  /// The source address the node's own traffic prefers.
  public var source: IPv4Address?
  /// The table; `nil` is main.
  public var table: UInt32?
}

/// A routing rule of this module: IPv4, protocol ``Ownership/routeProtocol``.
public struct PlannedRule: Hashable, Sendable {
  /// The priority: lower is asked first.
  public var priority: UInt32
  /// Matches traffic from this address.
  public var source: IPv4Address?
  /// Matches traffic to this address.
  public var destination: IPv4Address?
  /// The table asked; `nil` is main.
  public var table: UInt32?
}

/// A pod's programs.
public struct PlannedPrograms: Hashable, Sendable {
  /// Which direction of the link is which of the pod.
  public enum Side: Hashable, Sendable {
    /// The link is the pod's own: what leaves it comes from the pod.
    case pod
    /// The link is the node's end of a pair: what enters it comes from the pod.
    case node
  }

  /// The pod's number.
  public var endpoint: UInt32
  /// The pod's address: what else it sends is dropped; nil: it has none.
  public var address: IPv4Address?
  /// The pod's IPv6 address, likewise; nil: it has none.
  public var address6: IPv6Address?
  /// Whether the pod waits for a policy generation.
  public var requiresPolicy: Bool
  /// Whether the pod may send router advertisements and redirects.
  public var isRouter: Bool
  /// Where the programs are attached.
  public var link: InterfaceName
  /// Which end of the wiring that is.
  public var side: Side
}

/// A pod's addresses in the map by which programs know the pods of this node, and who is whose sibling.
public struct PlannedLocalPod: Hashable, Sendable {
  /// The pod's address; nil: it has none.
  public var address: IPv4Address?
  /// The pod's IPv6 address; nil: it has none.
  public var address6: IPv6Address?
  /// The number that the pods have in common which reach each other without a gateway; 0: there are none.
  public var parent: UInt32
  /// The pod's number, which tells it from a later pod with the same address; nil: it has none.
  public var endpoint: UInt32?

  /// Both addresses.
  var addresses: [IPAddress] { [address.map(IPAddress.v4), address6.map(IPAddress.v6)].compactMap(\.self) }
}

extension PlannedObject: CustomStringConvertible {
  /// The command that would make it.
  public var description: String {
    switch self {
    case .link(let link): link.description
    case .peer(let link, let mac, let mtu, let alias):
      "ip link set \(link) mtu \(mtu) address \(mac) alias \(alias)"
    case .up(let link, nil): "ip link set \(link) up"
    case .up(let link, let isARPEnabled?):
      "ip link set \(link) up; ip link set \(link) arp \(isARPEnabled ? "on" : "off")"
    case .address(let address, let prefixLength, let link, let isHostScope):
      "ip address add \(address)/\(prefixLength) dev \(link)\(isHostScope ? " scope host" : "")"
    case .neighbour(let address, let mac, let link):
      "ip neighbour add \(address) lladdr \(mac) dev \(link) nud permanent"
    case .route(let route): "ip route add \(route)"
    case .rule(let rule): "ip rule add \(rule)"
    case .sysctl(let path, let value): "sysctl \(path)=\(value)"
    case .programs(let programs): programs.description
    case .localPod(let pod): pod.description
    }
  }

  /// The command that would remove it; `nil` for what is never undone.
  public var removal: String? {
    switch self {
    case .link(let link): "ip link delete \(link.name)"
    case .peer, .up, .sysctl: nil
    case .address(let address, let prefixLength, let link, _):
      "ip address delete \(address)/\(prefixLength) dev \(link)"
    case .neighbour(let address, _, let link): "ip neighbour delete \(address) dev \(link)"
    case .route(let route): "ip route delete \(route)"
    case .rule(let rule): "ip rule delete \(rule)"
    case .programs(let programs): "detach programs of endpoint \(programs.endpoint) from \(programs.link)"
    case .localPod(let pod): "strike \(pod.addressList) off the node's pods"
    }
  }
}

extension PlannedLink: CustomStringConvertible {
  /// The arguments of `ip` that would make it.
  public var description: String {
    switch kind {
    case .ipvlan(let parent, _, let temporary):
      "ip link add \(temporary ?? name) link \(parent) mtu \(mtu) type ipvlan mode l2 bridge"
        + (temporary == nil ? "" : "; ip link set \(temporary ?? name) name \(name)")
        + "; ip link set \(name) alias \(alias)"
    case .veth(let mac, let peer, let peerMAC):
      "ip link add \(name) address \(mac) mtu \(mtu) type veth peer \(peer) address \(peerMAC) mtu \(mtu) netns pod"
        + "; ip link set \(name) alias \(alias)"
    }
  }
}

extension PlannedRoute: CustomStringConvertible {
  /// The arguments of `ip route add`.
  public var description: String {
    var words = [destination?.description ?? "default"]
    if let gateway { words.append("via \(gateway)") }
    words.append("dev \(link)")
    if gateway == nil { words.append("scope link") } else { words.append("onlink") }
    if let source { words.append("src \(source)") }
    if let table { words.append("table \(table)") }
    words.append("proto \(Ownership.routeProtocol)")
    return words.joined(separator: " ")
  }
}

extension PlannedRule: CustomStringConvertible {
  /// The arguments of `ip rule add`.
  public var description: String {
    var words = ["pref \(priority)"]
    if let source { words.append("from \(source)") }
    if let destination { words.append("to \(destination)") }
    words.append("lookup \(table.map { "\($0)" } ?? "main")")
    words.append("proto \(Ownership.routeProtocol)")
    return words.joined(separator: " ")
  }
}

extension PlannedPrograms: CustomStringConvertible {
  /// What is attached where.
  public var description: String {
    let directions = side == .pod ? "egress from-pod, ingress to-pod" : "ingress from-pod, egress to-pod"
    let policy = requiresPolicy ? ", policy required" : ""
    let router = isRouter ? ", router" : ""
    let addresses = [address.map { "\($0)" }, address6.map { "\($0)" }].compactMap(\.self).joined(separator: ", ")
    return "attach programs to \(link): \(directions) (endpoint \(endpoint), \(addresses)\(policy)\(router))"
  }
}

extension PlannedLocalPod: CustomStringConvertible {
  /// Where the addresses are listed.
  public var description: String {
    "list \(addressList) among the node's pods" + (parent == 0 ? "" : ", siblings by parent \(parent)")
  }

  /// The addresses, as in a sentence.
  var addressList: String { addresses.map(\.description).joined(separator: ", ") }
}
