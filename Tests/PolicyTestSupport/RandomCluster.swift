// SPDX-License-Identifier: Apache-2.0

internal import KubernetesModel
internal import NetworkTypes
public import PolicyCompiler
internal import SeededRandom

/// A small cluster with policies that touch each other in many ways, made from a seed.
///
/// There are few names, labels, values and ports, so that selectors and rules overlap. Everything a manifest can say is
/// there, and peers that this version does not know.
public struct RandomCluster: Sendable {
  /// What a cluster is made of.
  public struct Scale: Sendable {
    /// How many pods there are at most.
    public var pods = 12
    /// How many NetworkPolicies there are at most.
    public var networkPolicies = 8
    /// How many cluster-scoped policies there are at most.
    public var clusterPolicies = 4
    /// How many more of these are for every pod, and about whole namespaces, at most.
    public var broadPolicies = 2
    /// Whether rules may have peers of an unknown kind, which no manifest can say.
    public var hasUnknownPeers = true

    /// The usual scale.
    public init() {}
  }

  /// The cluster and its policies.
  public var input = PolicyInput()
  let scale: Scale
  var random: SeededGenerator
  private var made = 0

  static let namespaces = ["blue", "green", "red"]
  static let keys = ["app", "tier", "zone"]
  static let values = ["a", "b", ""]
  static let portNames = ["http", "dns", "metrics"]
  static let ports: [UInt16] = [1, 53, 79, 80, 81, 443, 8080, 8081, 9000, 65534, 65535]

  /// Makes a cluster.
  ///
  /// - Parameters:
  ///   - seed: the same seed makes the same cluster.
  ///   - scale: how much of everything.
  public init(seed: UInt64, scale: Scale = Scale()) {
    random = SeededGenerator(seed: seed)
    self.scale = scale
    for name in Self.namespaces { input.namespaces[name] = labels() }
    for number in 1...3 { input.nodes.append(node(number)) }
    for _ in 0..<random.number(1...max(1, scale.pods)) { input.pods.append(newPod()) }
    for _ in 0..<random.number(0...scale.networkPolicies) { input.networkPolicies.append(newNetworkPolicy()) }
    for _ in 0..<random.number(0...scale.clusterPolicies) { input.clusterPolicies.append(newClusterPolicy()) }
    for _ in 0..<random.number(0...scale.broadPolicies) { input.clusterPolicies.append(newBroadPolicy()) }
  }

  /// The next number for a name.
  mutating func serial() -> Int {
    made += 1
    return made
  }

  mutating func labels() -> [String: String] {
    var labels: [String: String] = [:]
    for key in Self.keys where random.chance(60) { labels[key] = random.pick(Self.values) }
    return labels
  }

  mutating func node(_ number: Int) -> PolicyNode {
    var addresses = [IPAddress("192.168.0.\(number)"), IPAddress("fd01::\(number)")].compactMap { $0 }
    if random.chance(20), let further = IPAddress("192.168.1.\(number)") { addresses.append(further) }
    if random.chance(20) { addresses.reverse() }
    return PolicyNode(name: "n\(number)", labels: labels(), addresses: addresses)
  }

  /// A pod with a name and addresses that none had before.
  mutating func newPod() -> PolicyPod {
    let number = serial()
    let node = random.chance(90) ? random.pick(input.nodes) : nil
    var addresses = ["10.0.\(number % 3).\(number)", "fd00::\(number % 3):\(number)"].compactMap { IPAddress($0) }
    if random.chance(20) { addresses.reverse() }
    if random.chance(30) { addresses.removeLast() }
    var isHostNetwork = random.chance(15)
    if isHostNetwork, let node {
      addresses = AddressFamily.allCases.compactMap { family in node.addresses.first { $0.family == family } }
    } else {
      isHostNetwork = false
    }
    let key = NamespacedName(namespace: random.pick(Self.namespaces), name: "p\(number)")
    return PolicyPod(
      key: key, labels: labels(), addresses: addresses, node: node?.name, isHostNetwork: isHostNetwork,
      ports: containerPorts())
  }

  /// Names are used more than once, with one protocol or with several.
  mutating func containerPorts() -> [Pod.ContainerPort] {
    var ports: [Pod.ContainerPort] = []
    for name in Self.portNames where random.chance(50) {
      for _ in 0..<random.pick([1, 1, 1, 2, 3]) {
        ports.append(
          Pod.ContainerPort(
            name: random.chance(90) ? name : nil, containerPort: Int32(random.pick(Self.ports)),
            protocol: random.chance(70) ? .tcp : random.pick(TransportProtocol.allCases)))
      }
    }
    return ports
  }

  mutating func selector() -> LabelSelector {
    var selector = LabelSelector()
    if random.chance(25) { return selector }
    if random.chance(50) { selector.matchLabels[random.pick(Self.keys)] = random.pick(Self.values) }
    if random.chance(40) {
      selector.matchExpressions = random.list(1...2) { random in
        let relation = random.pick(LabelSelector.Operator.allCases)
        let values =
          relation == .isIn || relation == .isNotIn
          ? random.list(1...2) { random in random.pick(Self.values) } : []
        return LabelSelector.Requirement(key: random.pick(Self.keys), operator: relation, values: values)
      }
    }
    return selector
  }
}
