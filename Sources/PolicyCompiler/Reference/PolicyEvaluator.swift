// SPDX-License-Identifier: Apache-2.0

internal import KubernetesModel
internal import NetworkTypes

/// What the policies say about one connection, read straight off the API's text: slow, and made to be checked by eye.
///
/// It shares no code with the compiler, so that each can be tested against the other.
public struct PolicyEvaluator: Sendable {
  private let input: PolicyInput
  private let options: PolicyOptions

  /// Makes an evaluator.
  ///
  /// - Parameters:
  ///   - input: policies and cluster.
  ///   - options: choices the API leaves open.
  public init(_ input: PolicyInput, options: PolicyOptions = PolicyOptions()) {
    var input = input
    var last: [NamespacedName: NetworkPolicy] = [:]
    for policy in input.networkPolicies { last[policy.key] = policy }
    input.networkPolicies = last.values.sorted { $0.key < $1.key }
    self.input = input
    self.options = options
  }

  /// Whether a connection may be.
  ///
  /// - Parameter probe: the connection.
  /// - Returns: nil where an end names a pod that is not there, or the ends have no address family in common.
  public func answer(_ probe: PolicyProbe) -> PolicyAnswer? {
    guard let source = party(probe.source), let destination = party(probe.destination) else { return nil }
    for address in destination.addresses {
      guard let other = source.addresses.first(where: { $0.family == address.family }) else { continue }
      if let pod = source.pod, pod.key == destination.pod?.key { return PolicyAnswer(egress: true, ingress: true) }
      return PolicyAnswer(
        egress: allows(source.pod, .egress, peer: destination.pod, at: address, named: destination.pod, probe),
        ingress: allows(destination.pod, .ingress, peer: source.pod, at: other, named: destination.pod, probe))
    }
    return nil
  }

  /// A side of the connection: its pod where it has its own network, and its addresses.
  private func party(_ end: PolicyEnd) -> (pod: PolicyPod?, addresses: [IPAddress])? {
    switch end {
    case .pod(let key):
      guard let pod = input.pods.first(where: { $0.key == key }) else { return nil }
      return (pod.isHostNetwork ? nil : pod, pod.addresses)
    case .address(let address):
      return (input.pods.first { !$0.isHostNetwork && $0.addresses.contains(address) }, [address])
    }
  }

  private func allows(
    _ pod: PolicyPod?, _ direction: PolicyDirection, peer: PolicyPod?, at address: IPAddress, named: PolicyPod?,
    _ probe: PolicyProbe
  ) -> Bool {
    guard let pod else { return true }
    if options.allowsOwnNode, let node = input.nodes.first(where: { $0.name == pod.node }),
      node.addresses.contains(address)
    {
      return true
    }
    let type: NetworkPolicy.PolicyType = direction == .ingress ? .ingress : .egress
    let policies = input.networkPolicies.filter {
      $0.metadata.namespace == pod.key.namespace && $0.spec.podSelector.matches(pod.labels)
        && $0.spec.effectivePolicyTypes.contains(type)
    }
    if policies.isEmpty { return true }
    for policy in policies {
      let rules =
        direction == .ingress
        ? policy.spec.ingress.map { ($0.ports, $0.from) } : policy.spec.egress.map { ($0.ports, $0.to) }
      for (ports, peers) in rules {
        let portFits = ports.isEmpty || ports.contains { fits($0, probe, named) }
        let peerFits =
          peers.isEmpty || peers.contains { fits($0, peer, address, namespace: policy.metadata.namespace) }
        if portFits && peerFits { return true }
      }
    }
    return false
  }

  private func fits(_ port: NetworkPolicy.Port, _ probe: PolicyProbe, _ destination: PolicyPod?) -> Bool {
    guard port.protocol.number == probe.protocol.rawValue else { return false }
    switch port.port {
    case nil: return true
    case .int(let first): return Int32(probe.port) >= first && Int32(probe.port) <= port.endPort ?? first
    case .string(let name):
      return destination?.ports.contains {
        $0.name == name && $0.protocol == port.protocol && $0.containerPort == Int32(probe.port)
      } ?? false
    }
  }

  private func fits(
    _ peer: NetworkPolicy.Peer, _ pod: PolicyPod?, _ address: IPAddress, namespace: String
  ) -> Bool {
    if let block = peer.ipBlock {
      return block.cidr.contains(address) && !block.except.contains { $0.contains(address) }
    }
    guard let pod else { return false }
    if let selector = peer.namespaceSelector {
      guard selector.matches(input.namespaces[pod.key.namespace] ?? [:]) else { return false }
    } else {
      guard pod.key.namespace == namespace else { return false }
    }
    return peer.podSelector?.matches(pod.labels) ?? true
  }
}
