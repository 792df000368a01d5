// SPDX-License-Identifier: Apache-2.0

internal import KubernetesModel
internal import NetworkTypes

/// What planning knows of the node it plans for.
struct NodeView: Equatable {
  var nodeName: String?
  /// The zone; nil if unknown, and no hint for a zone matches.
  var zone: String?
  /// All addresses of the node, in order.
  var addresses: [IPAddress] = []
  /// Those at which node ports are served, in order.
  var nodePortAddresses: [IPAddress] = []
  var notes: [ServiceNote] = []

  /// - Parameters:
  ///   - planner: which node it is, and the options.
  ///   - node: its object; nil if there is none.
  init(_ planner: ServicePlanner, node: Node?) {
    nodeName = planner.nodeName
    zone = planner.zone ?? node?.zone
    addresses = Set((planner.options.interfaceAddresses ?? node?.ipAddresses ?? []).filter(\.isReachable)).sorted()
    switch planner.options.nodePortAddresses {
    case .all: nodePortAddresses = addresses
    case .primary:
      nodePortAddresses = Self.primaryAddresses(of: node)
      if nodePortAddresses.isEmpty {
        note("has no address to serve node ports at: its object lists none, and the option asks for its primary ones")
      }
    case .blocks(let blocks):
      for family in AddressFamily.allCases {
        let blocks = blocks.filter { $0.family == family }
        let candidates = addresses.filter { $0.family == family }
        let chosen = blocks.isEmpty ? candidates : candidates.filter { a in blocks.contains { $0.contains(a) } }
        nodePortAddresses += chosen
        if chosen.isEmpty, !candidates.isEmpty {
          note(
            "has no \(family == .ipv4 ? "IPv4" : "IPv6") address in the blocks for node ports: none are served there")
        }
      }
    }
  }

  private mutating func note(_ message: String) {
    notes.append(ServiceNote(subject: "Node \(nodeName ?? "")", message: message))
  }

  /// The first address of each family: of type `InternalIP`, else `ExternalIP`.
  private static func primaryAddresses(of node: Node?) -> [IPAddress] {
    var found: [AddressFamily: IPAddress] = [:]
    for type in ["InternalIP", "ExternalIP"] {
      for entry in node?.status.addresses ?? [] where entry.type == type {
        guard let address = IPAddress(entry.address), address.isReachable, found[address.family] == nil else {
          continue
        }
        found[address.family] = address
      }
    }
    return found.values.sorted()
  }
}
