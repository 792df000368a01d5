// SPDX-License-Identifier: Apache-2.0

internal import KubernetesModel
internal import NetworkTypes
internal import PolicyCompiler
internal import SeededRandom

extension RandomCluster {
  mutating func newClusterPolicy() -> ClusterPolicyObject {
    switch random.number(0...5) {
    case 0...1: clusterPolicy(.adminNetworkPolicy, spec(.admin))
    case 2: clusterPolicy(.baselineAdminNetworkPolicy, spec(.baseline))
    default: clusterPolicy(.clusterNetworkPolicy, spec(random.chance(60) ? .admin : .baseline))
    }
  }

  /// A policy for every pod, about whole namespaces.
  mutating func newBroadPolicy() -> ClusterPolicyObject {
    let kind = random.pick([
      PolicyReference.Kind.adminNetworkPolicy, .baselineAdminNetworkPolicy, .clusterNetworkPolicy,
    ])
    var spec = spec(
      kind == .adminNetworkPolicy || (kind == .clusterNetworkPolicy && random.chance(60)) ? .admin : .baseline)
    spec.subject = .namespaces(LabelSelector())
    for path in [\ClusterPolicy.Spec.ingress, \.egress] {
      if spec[keyPath: path].isEmpty || random.chance(50) {
        spec[keyPath: path].append(
          ClusterPolicy.Rule(action: random.pick(ClusterPolicy.Action.allCases), peers: [.namespaces(LabelSelector())]))
      }
      for index in spec[keyPath: path].indices {
        spec[keyPath: path][index].peers = (0..<random.number(1...2)).map { _ in .namespaces(selector()) }
      }
    }
    return clusterPolicy(kind, spec)
  }

  /// The same policy with something else in it: its rules, its priority, or whom it is for.
  mutating func edited(_ policy: ClusterPolicyObject) -> ClusterPolicyObject {
    var spec = policy.spec
    let other = self.spec(spec.tier)
    switch random.number(0...5) {
    case 0: spec.priority = other.priority
    case 1: spec.subject = other.subject
    case 2: spec.ingress = other.ingress
    case 3: spec.egress = other.egress
    case 4: (spec.ingress, spec.egress) = (other.ingress, other.egress)
    default:
      if random.chance(30), policy.reference.kind == .clusterNetworkPolicy {
        spec.tier = spec.tier == .admin ? .baseline : .admin
      } else {
        spec.ingress = spec.ingress.reversed() + other.ingress
      }
    }
    return clusterPolicy(policy.reference.kind, spec, name: policy.reference.name.name)
  }

  /// What the kind of policy can say of a specification.
  private mutating func clusterPolicy(
    _ kind: PolicyReference.Kind, _ spec: ClusterPolicy.Spec, name: String? = nil
  ) -> ClusterPolicyObject {
    let metadata = ObjectMeta(name: name ?? "cluster-\(serial())")
    switch kind {
    case .adminNetworkPolicy: return .admin(AdminNetworkPolicy(metadata: metadata, spec: spec))
    case .baselineAdminNetworkPolicy:
      // v1alpha1 has no Pass and no domainNames in its baseline, and one object only.
      var spec = spec
      spec.priority = 0
      for path in [\ClusterPolicy.Spec.ingress, \.egress] {
        for index in spec[keyPath: path].indices where spec[keyPath: path][index].action == .pass {
          spec[keyPath: path][index].action = .deny
        }
      }
      for index in spec.egress.indices {
        spec.egress[index].peers.removeAll { if case .domainNames = $0 { true } else { false } }
      }
      spec.egress.removeAll { $0.peers.isEmpty }
      return .baseline(BaselineAdminNetworkPolicy(metadata: ObjectMeta(name: "default"), spec: spec))
    default: return .cluster(ClusterNetworkPolicy(metadata: metadata, spec: spec))
    }
  }

  private mutating func spec(_ tier: ClusterPolicy.Tier) -> ClusterPolicy.Spec {
    let subject: ClusterPolicy.Subject = random.chance(50) ? .namespaces(selector()) : .pods(pods())
    return ClusterPolicy.Spec(
      tier: tier, priority: Int32(random.chance(80) ? random.number(0...5) : random.number(0...1000)),
      subject: subject, ingress: list { $0.rule(.ingress) }, egress: list { $0.rule(.egress) })
  }

  private mutating func pods() -> ClusterPolicy.PodSelector {
    ClusterPolicy.PodSelector(namespaceSelector: selector(), podSelector: selector())
  }

  private mutating func rule(_ direction: PolicyDirection) -> ClusterPolicy.Rule {
    var action = random.pick(ClusterPolicy.Action.allCases)
    var peers = (0..<random.pick([1, 1, 2, 3])).map { _ in peer(direction) }
    // Names of hosts are for rules that accept.
    if peers.contains(where: { if case .domainNames = $0 { true } else { false } }) { action = .accept }
    if scale.hasUnknownPeers, random.chance(4) { peers.append(.unknown("clouds")) }
    let isOfPods = peers.allSatisfy {
      switch $0 {
      case .pods, .namespaces, .unknown: true
      default: false
      }
    }
    let ports: [ClusterPolicy.Ports]? =
      random.chance(40) ? nil : (0..<random.pick([1, 1, 2, 3])).map { _ in self.ports(mayBeNamed: isOfPods) }
    return ClusterPolicy.Rule(
      name: random.chance(30) ? "rule \(serial())" : "", action: action, peers: peers, ports: ports)
  }

  private mutating func peer(_ direction: PolicyDirection) -> ClusterPolicy.Peer {
    switch random.number(0...(direction == .ingress ? 4 : 9)) {
    case 0...1: .namespaces(selector())
    case 2...4: .pods(pods())
    case 5...6: .nodes(selector())
    // The API server takes no block twice.
    case 7...8: .networks(Set((0..<random.number(1...3)).map { _ in block().masked }).sorted { "\($0)" < "\($1)" })
    default: .domainNames(["*.example.com"])
    }
  }

  private mutating func ports(mayBeNamed: Bool) -> ClusterPolicy.Ports {
    let transport = random.chance(60) ? TransportProtocol.tcp : random.pick(TransportProtocol.allCases)
    switch random.number(0...9) {
    case 0...3 where mayBeNamed: return .named(random.pick(Self.portNames))
    case 0...6:
      let port = random.pick(Self.ports)
      return .range(transport, port...port)
    default: return .range(transport, portRange())
    }
  }
}
