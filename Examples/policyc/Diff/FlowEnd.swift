// SPDX-License-Identifier: Apache-2.0

import KubernetesModel
import NetworkTypes
import PolicyCompiler

/// Ends of connections that no policy tells apart.
struct FlowEnd {
  enum Kind: String {
    /// Pods with a network of their own.
    case pods
    /// Addresses of nodes.
    case nodes
    /// The node that the pod at the other end runs on.
    case ownNode
    /// Addresses of a block that belong to no pod or node.
    case addresses
  }

  var kind: Kind
  /// For the margin of a table.
  var label: String
  /// Everything the end stands for, for people.
  var members: [String]
  /// Two of the members at most, by their addresses: the second stands for another one than the first.
  var samples: [Sample]

  struct Sample {
    var addresses: [IPAddress]
    var node: String?

    func address(_ family: AddressFamily) -> IPAddress? { addresses.first { $0.family == family } }
  }
}

/// Finds the ends that the policies of two inputs tell apart.
struct FlowEnds {
  private let cluster: PolicyInput
  private let vocabulary: PolicyVocabulary
  /// Nodes that make no difference to the pods on them.
  private var nodeGroups: [String: NodeGroup] = [:]

  private struct NodeGroup: Hashable {
    var terms: [Bool]
    var blocks: Set<IPCIDR>
  }

  init(_ cluster: PolicyInput, _ vocabulary: PolicyVocabulary) {
    self.cluster = cluster
    self.vocabulary = vocabulary
  }

  /// Pods first, then nodes, then blocks of addresses.
  mutating func all() -> [FlowEnd] {
    let nodes = nodeEnds()
    let pods = podEnds()
    var ends = pods + nodes
    if pods.contains(where: { $0.samples.contains { ownNode(of: $0) != nil } }) {
      ends.append(FlowEnd(kind: .ownNode, label: "own node", members: ["the pod's own node"], samples: []))
    }
    return ends + addressEnds()
  }

  /// The addresses of the node that a pod runs on.
  func ownNode(of sample: FlowEnd.Sample) -> FlowEnd.Sample? {
    guard let name = sample.node, let node = cluster.nodes.first(where: { $0.name == name }), !node.addresses.isEmpty
    else { return nil }
    return FlowEnd.Sample(addresses: node.addresses, node: name)
  }

  // MARK: Pods

  private struct PodKey: Hashable {
    var terms: [Bool]
    var blocks: [IPCIDR?]
    var ports: [Pod.ContainerPort]
    var nodeGroup: NodeGroup?
  }

  private func podEnds() -> [FlowEnd] {
    struct Labels: Hashable {
      var namespace: String
      var labels: [String: String]
    }
    var known: [Labels: [Bool]] = [:]
    var groups: [PodKey: [PolicyPod]] = [:]
    for pod in cluster.pods where !pod.isHostNetwork {
      let labels = Labels(namespace: pod.key.namespace, labels: pod.labels)
      let terms =
        known[labels] ?? vocabulary.terms.map { $0.matches(pod, cluster.namespaces[pod.key.namespace] ?? [:]) }
      known[labels] = terms
      let ports = pod.ports.filter { $0.name.map(vocabulary.portNames.contains) ?? false }
      let key = PodKey(
        terms: terms, blocks: AddressFamily.allCases.map { block(pod.addresses, $0) },
        ports: ports.map { Pod.ContainerPort(name: $0.name, containerPort: $0.containerPort, protocol: $0.protocol) }
          .sorted { ($0.name ?? "", $0.containerPort, $0.protocol) < ($1.name ?? "", $1.containerPort, $1.protocol) },
        nodeGroup: pod.node.flatMap { nodeGroups[$0] })
      groups[key, default: []].append(pod)
    }
    return groups.values.map { pods in
      let pods = pods.sorted { $0.key < $1.key }
      return FlowEnd(
        kind: .pods, label: Self.label(pods.map(\.key.description)), members: pods.map(\.key.description),
        samples: pods.prefix(2).map { FlowEnd.Sample(addresses: $0.addresses, node: $0.node) })
    }.sorted { $0.members[0] < $1.members[0] }
  }

  /// The smallest block around the address of a family; a pod without one is told apart by it.
  private func block(_ addresses: [IPAddress], _ family: AddressFamily) -> IPCIDR? {
    addresses.first { $0.family == family }.map { vocabulary.block(around: $0) }
  }

  private static func label(_ names: [String]) -> String {
    names.count == 1 ? names[0] : "\(names[0]) +\(names.count - 1)"
  }

  // MARK: Nodes

  private mutating func nodeEnds() -> [FlowEnd] {
    struct Key: Hashable {
      var terms: [Bool]
      var blocks: [IPCIDR]
    }
    var groups: [Key: [PolicyNode]] = [:]
    for node in cluster.nodes where !node.addresses.isEmpty {
      let terms = vocabulary.nodeSelectors.map { $0.matches(node.labels) }
      let blocks = node.addresses.map { vocabulary.block(around: $0) }
      // A node of two addresses of one family counts as what its first ones are, and as the others.
      groups[Key(terms: terms, blocks: blocks), default: []].append(node)
      nodeGroups[node.name] = NodeGroup(terms: terms, blocks: Set(blocks.filter { $0.prefixLength > 0 }))
    }
    var ends: [FlowEnd] = []
    let sorted = groups.values.map { $0.sorted { $0.name < $1.name } }.sorted { $0[0].name < $1[0].name }
    for nodes in sorted {
      let names = nodes.map(\.name)
      let sample = { (node: PolicyNode) in FlowEnd.Sample(addresses: node.addresses, node: node.name) }
      ends.append(
        FlowEnd(kind: .nodes, label: "node " + Self.label(names), members: names, samples: nodes.prefix(2).map(sample)))
      let first = AddressFamily.allCases.compactMap { family in nodes[0].addresses.first { $0.family == family } }
      for address in nodes[0].addresses where !first.contains(address) {
        let further = FlowEnd.Sample(addresses: [address], node: nodes[0].name)
        ends.append(
          FlowEnd(kind: .nodes, label: "node \(nodes[0].name) \(address)", members: names, samples: [further]))
      }
    }
    return ends
  }

  // MARK: Addresses

  private func addressEnds() -> [FlowEnd] {
    var owned: Set<IPAddress> = []
    var hosts: [FlowEnd] = []
    for node in cluster.nodes { owned.formUnion(node.addresses) }
    for pod in cluster.pods where pod.isHostNetwork && !pod.addresses.allSatisfy(owned.contains) {
      hosts.append(
        FlowEnd(
          kind: .addresses, label: "\(pod.key)", members: ["\(pod.key), on the host network"],
          samples: [FlowEnd.Sample(addresses: pod.addresses, node: nil)]))
    }
    for pod in cluster.pods { owned.formUnion(pod.addresses) }
    let blocks: [FlowEnd] = vocabulary.blocks.compactMap { block in
      guard let address = vocabulary.address(onlyIn: block, without: owned) else { return nil }
      let label = block.prefixLength == 0 ? "others, \(block.family == .ipv4 ? "IPv4" : "IPv6")" : block.description
      return FlowEnd(
        kind: .addresses, label: label, members: ["\(block), for example \(address)"],
        samples: [FlowEnd.Sample(addresses: [address], node: nil)])
    }
    return hosts + blocks
  }
}
