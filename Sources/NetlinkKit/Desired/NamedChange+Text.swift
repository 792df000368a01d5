// SPDX-License-Identifier: Apache-2.0

internal import LinuxSystem
internal import NetworkTypes

extension NamedChange: CustomStringConvertible {
  /// The command that would do it.
  var description: String {
    switch self {
    case .createLink(let link): "ip link add \(link.commandText)"
    case .setAlias(let name, let alias): "ip link set \(name) alias \(alias.isEmpty ? "\"\"" : alias)"
    case .rename(let name, let new): "ip link set \(name) name \(new)"
    case .changeLink(let name, let changes, let master):
      (["ip link set \(name)"] + changes.words
        + [master.map { $0.map { "master \($0)" } ?? "nomaster" }]
        .compactMap { $0 }).joined(separator: " ")
    case .removeLink(let name): "ip link delete \(name)"
    case .addClsact(let name): "tc qdisc add dev \(name) clsact"
    case .removeEmptyClsact(let name): "tc qdisc delete dev \(name) clsact"
    case .attach(let filter, let isReplacement):
      "tc filter \(isReplacement ? "replace" : "add") dev \(filter.link) \(filter.filter.commandText)"
    case .detach(let filter, let name): "tc filter delete dev \(name) \(filter.commandText)"
    case .address(let change, let address):
      "ip address \(change.verb) \(address.address.commandText) dev \(address.link)"
    case .neighbour(let change, let neighbour):
      "ip neighbour \(change.verb) \(neighbour.neighbour.commandText) dev \(neighbour.link)"
    case .route(let change, let route):
      (["ip\(route.route.family == .ipv6 ? " -6" : "") route \(change.verb) \(route.route.commandText)"]
        + [route.link.map { "dev \($0)" }].compactMap { $0 } + ["proto \(route.route.protocol)"]).joined(separator: " ")
    case .rule(let change, let rule):
      "ip\(rule.family == .ipv6 ? " -6" : "") rule \(change.verb) \(rule.commandText) proto \(rule.protocol)"
    }
  }
}

extension ObjectChange {
  /// The word of `ip` for it.
  var verb: String {
    switch self {
    case .add: "add"
    case .replace: "replace"
    case .remove: "delete"
    case .append: "append"
    case .prepend: "prepend"
    case .update: "change"
    }
  }
}

extension DesiredLink {
  /// The arguments of `ip link add`.
  fileprivate var commandText: String {
    var words = ["\(birthName ?? name)"]
    if let parent {
      words.append("link \(parent)")
    } else if let index = creation?.kind.carrier {
      words.append("link #\(index)")
    }
    if let id = creation?.parentNamespaceID { words.append("link-netnsid \(id)") }
    if let mtu = settings.mtu { words.append("mtu \(mtu)") }
    if let address = settings.address { words.append("address \(address)") }
    if let master { words.append("master \(master)") }
    if let kind = creation?.kind { words.append("type \(kind.commandText)") }
    return words.joined(separator: " ")
  }
}

extension LinkKind {
  /// The kind, and settings that matter to a reader.
  fileprivate var commandText: String {
    switch self {
    case .veth(let peer?): "veth peer name \(peer.name)" + (peer.namespace == nil ? "" : " netns \(peer.namespaceText)")
    case .ipvlan(_, let mode, let flag): "ipvlan mode \(mode) \(flag)"
    case .macvlan(_, let settings): "macvlan" + (settings.mode.map { " mode \($0)" } ?? "")
    case .vlan(_, let id, _, _): "vlan id \(id)"
    case .vxlan(let settings): "vxlan" + (settings.id.map { " id \($0)" } ?? "")
    default: name
    }
  }
}

extension VethPeer {
  /// Its namespace, as /proc names it.
  fileprivate var namespaceText: String { namespace.map { "\($0.identity.inode)" } ?? "" }
}

extension LinkChanges {
  /// The arguments of `ip link set`.
  var words: [String] {
    var words: [String] = []
    func add(_ word: String, _ value: (some Any)?) { if let value { words.append("\(word) \(value)") } }
    func add(_ word: String, isOn: Bool?) { if let isOn { words.append("\(word) \(isOn ? "on" : "off")") } }
    if let isUp { words.append(isUp ? "up" : "down") }
    add("arp", isOn: isARPEnabled)
    add("mtu", mtu)
    add("address", address)
    if let alias { words.append("alias \(alias.isEmpty ? "\"\"" : alias)") }
    if let master { words.append(master.map { "master #\($0)" } ?? "nomaster") }
    add("group", group)
    add("promisc", isOn: isPromiscuous)
    add("allmulticast", isOn: isAllMulticast)
    add("multicast", isOn: isMulticast)
    add("txqueuelen", transmitQueueLength)
    add("broadcast", broadcastAddress)
    add("mode", mode)
    add("state", operationalState)
    add("carrier", isOn: hasCarrier)
    add("protodown", isOn: isProtocolDown)
    add("addrgenmode", ipv6AddressGeneration)
    if let settings { words.append("type \(settings.kindName) (settings)") }
    if port != nil { words.append("(port settings)") }
    add("gso_max_size", segmentation.gsoMaximumSize)
    add("gso_max_segs", segmentation.gsoMaximumSegments)
    add("gro_max_size", segmentation.groMaximumSize)
    add("gso_ipv4_max_size", segmentation.gsoIPv4MaximumSize)
    add("gro_ipv4_max_size", segmentation.groIPv4MaximumSize)
    return words
  }
}

extension BPFFilter {
  /// The arguments of `tc filter add`, without the link.
  fileprivate var commandText: String {
    "\(direction) pref \(priority) handle \(handle) bpf direct-action name \(name)"
  }
}

extension TrafficFilter {
  /// The arguments of `tc filter delete`, without the link.
  var commandText: String {
    "\(direction.map { "\($0)" } ?? "\(place)") pref \(priority) handle \(handle) \(kind)"
      + (program?.name.map { " name \($0)" } ?? "")
  }
}
