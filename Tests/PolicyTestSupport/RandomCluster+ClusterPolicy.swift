// SPDX-License-Identifier: Apache-2.0

internal import KubernetesModel
internal import NetworkTypes
internal import PolicyCompiler

extension RandomCluster {
  mutating func newClusterPolicy() -> ClusterPolicyObject {
    let metadata = ObjectMeta(name: "cluster-\(serial())")
    switch random.number(0...5) {
    case 0...1: return .admin(AdminNetworkPolicy(metadata: metadata, spec: spec(.admin)))
    case 2:
      var spec = spec(.baseline)
      spec.priority = 0
      // v1alpha1 has no Pass and no domainNames in its baseline, and one object only.
      for index in spec.ingress.indices where spec.ingress[index].action == .pass { spec.ingress[index].action = .deny }
      for index in spec.egress.indices where spec.egress[index].action == .pass { spec.egress[index].action = .deny }
      for index in spec.egress.indices {
        spec.egress[index].peers.removeAll { if case .domainNames = $0 { true } else { false } }
      }
      spec.egress.removeAll { $0.peers.isEmpty }
      return .baseline(BaselineAdminNetworkPolicy(metadata: ObjectMeta(name: "default"), spec: spec))
    default:
      return .cluster(
        ClusterNetworkPolicy(metadata: metadata, spec: spec(random.chance(60) ? .admin : .baseline)))
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
    case 7...8: .networks((0..<random.number(1...3)).map { _ in block().masked })
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
