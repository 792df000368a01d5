// SPDX-License-Identifier: Apache-2.0

internal import KubernetesModel
internal import NetworkTypes
public import PolicyCompiler
internal import SeededRandom

extension RandomCluster {
  /// Makes connections between pods, nodes and addresses of the outside.
  ///
  /// - Parameter count: how many.
  /// - Returns: as many; some have no address family in common.
  public mutating func probes(_ count: Int) -> [PolicyProbe] {
    (0..<count).map { _ in probe() }
  }

  /// Connections between any two ends, to ports on both sides of what rules speak of; those of two ends come together.
  ///
  /// - Returns: one for each two pods, nodes and some addresses of the outside, and each port.
  public func everyProbe() -> [PolicyProbe] {
    let outside = ["10.0.1.77", "203.0.113.9", "2001:db8::1"].compactMap { IPAddress($0) }
    let ends =
      input.pods.map { PolicyEnd.pod($0.key) }
      + (input.nodes.flatMap(\.addresses) + outside).map { PolicyEnd.address($0) }
    let questions: [(IPProtocol, UInt16)] =
      [1, 2, 53, 79, 80, 82, 443, 8081, 9000, 65535].map { (.tcp, $0) } + [53, 80, 8080, 40000].map { (.udp, $0) }
      + [(.sctp, 80), (.sctp, 9000), (.icmp, 0)]
    return ends.flatMap { source in
      ends.flatMap { destination in
        questions.map { PolicyProbe(from: source, to: destination, protocol: $0, port: $1) }
      }
    }
  }

  private mutating func probe() -> PolicyProbe {
    let kind = random.pick([IPProtocol.tcp, .tcp, .tcp, .udp, .udp, .sctp, .icmp, .icmpv6])
    let ports = [random.pick(Self.ports), random.pick(Self.ports) &+ 1, UInt16(random.number(1...65535))]
    let port = kind == .icmp || kind == .icmpv6 ? 0 : max(1, random.pick(ports))
    return PolicyProbe(from: end(), to: end(), protocol: kind, port: port)
  }

  private mutating func end() -> PolicyEnd {
    if random.chance(70), !input.pods.isEmpty { return .pod(random.pick(input.pods).key) }
    return .address(address())
  }
}

// MARK: Changes

extension RandomCluster {
  /// Changes the cluster in one place.
  ///
  /// - Returns: what is different in ``input`` now.
  public mutating func change() -> PolicyChange {
    let change = randomChange()
    input.apply(change)
    return change
  }

  private mutating func randomChange() -> PolicyChange {
    switch random.number(0...14) {
    case 0...1:
      let pod = newPod()
      return .pod(pod.key, pod)
    case 2 where input.pods.count > 1: return .pod(random.pick(input.pods).key, nil)
    case 3...4 where !input.pods.isEmpty:
      var pod = random.pick(input.pods)
      switch random.number(0...2) {
      case 0: pod.ports = containerPorts()
      case 1 where !pod.isHostNetwork: pod.node = random.pick(input.nodes).name
      default: pod.labels = labels()
      }
      return .pod(pod.key, pod)
    case 5: return .namespace(random.pick(Self.namespaces), labels: random.chance(80) ? labels() : nil)
    case 6:
      let number = random.number(1...3)
      return .node("n\(number)", random.chance(80) || input.nodes.count < 2 ? node(number) : nil)
    case 7: let policy = newNetworkPolicy(); return .networkPolicy(policy.key, policy)
    case 8 where !input.networkPolicies.isEmpty:
      let old = random.pick(input.networkPolicies)
      if random.chance(50) { return .networkPolicy(old.key, nil) }
      var policy = newNetworkPolicy()
      policy.metadata = old.metadata
      return .networkPolicy(old.key, policy)
    case 9 where !input.clusterPolicies.isEmpty:
      return .clusterPolicy(random.pick(input.clusterPolicies).reference, nil)
    case 10...11 where !input.clusterPolicies.isEmpty:
      let policy = edited(random.pick(input.clusterPolicies))
      return .clusterPolicy(policy.reference, policy)
    case 12: let policy = newBroadPolicy(); return .clusterPolicy(policy.reference, policy)
    default: let policy = newClusterPolicy(); return .clusterPolicy(policy.reference, policy)
    }
  }
}

extension PolicyInput {
  /// Makes a change.
  ///
  /// - Parameter change: what is different.
  public mutating func apply(_ change: PolicyChange) {
    switch change {
    case .pod(let key, let pod):
      pods.removeAll { $0.key == key }
      if let pod { pods.append(pod) }
    case .namespace(let name, let labels): namespaces[name] = labels
    case .node(let name, let node):
      nodes.removeAll { $0.name == name }
      if let node { nodes.append(node) }
    case .networkPolicy(let key, let policy):
      networkPolicies.removeAll { $0.key == key }
      if let policy { networkPolicies.append(policy) }
    case .clusterPolicy(let reference, let policy):
      clusterPolicies.removeAll { $0.reference == reference }
      if let policy { clusterPolicies.append(policy) }
    }
  }
}
