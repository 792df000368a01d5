// SPDX-License-Identifier: Apache-2.0

internal import KubernetesModel
internal import NetworkTypes

// MARK: NetworkPolicy

extension PolicyEvaluator {
  /// No peers at all are everyone.
  func fits(_ peers: [NetworkPolicy.Peer], _ party: Party, _ policy: NetworkPolicy) -> Bool {
    peers.isEmpty || peers.contains { fits($0, party, policy) }
  }

  private func fits(_ peer: NetworkPolicy.Peer, _ party: Party, _ policy: NetworkPolicy) -> Bool {
    if let block = peer.ipBlock {
      return block.cidr.contains(party.address) && !block.except.contains { $0.contains(party.address) }
    }
    guard let pod = party.pod?.pod else { return false }
    switch (peer.namespaceSelector, peer.podSelector) {
    case (nil, let pods?):
      return pod.key.namespace == policy.metadata.namespace && pods.matches(pod.labels)
    case (let namespaces?, nil):
      return namespaces.matches(cluster.labels(ofNamespace: pod.key.namespace))
    case (let namespaces?, let pods?):
      return namespaces.matches(cluster.labels(ofNamespace: pod.key.namespace)) && pods.matches(pod.labels)
    case (nil, nil):
      return false
    }
  }

  /// A name is what the destination pod's containers call a port of this protocol.
  func fits(_ port: NetworkPolicy.Port, _ connection: Connection) -> Bool {
    guard port.protocol.number == connection.protocol.rawValue else { return false }
    let number = Int32(connection.port)
    switch port.port {
    case nil: return true
    case .int(let first): return first <= number && number <= (port.endPort ?? first)
    case .string(let name):
      guard let pod = connection.destination.pod?.pod else { return false }
      return pod.ports.contains {
        $0.name == name && $0.protocol == port.protocol && $0.containerPort == number
      }
    }
  }
}

// MARK: The cluster-scoped kinds

extension PolicyEvaluator {
  func fits(_ subject: ClusterPolicy.Subject, _ pod: PolicyPod) -> Bool {
    switch subject {
    case .namespaces(let selector): selector.matches(cluster.labels(ofNamespace: pod.key.namespace))
    case .pods(let selector): fits(selector, pod)
    }
  }

  func fits(_ peer: ClusterPolicy.Peer, _ party: Party) -> Bool {
    switch peer {
    case .namespaces(let selector):
      guard let pod = party.pod?.pod else { return false }
      return selector.matches(cluster.labels(ofNamespace: pod.key.namespace))
    case .pods(let selector):
      guard let pod = party.pod?.pod else { return false }
      return fits(selector, pod)
    case .nodes(let selector):
      return cluster.nodes(at: party.address).contains { selector.matches($0.labels) }
    case .networks(let blocks):
      return blocks.contains { $0.contains(party.address) }
    case .domainNames, .unknown:
      return false
    }
  }

  private func fits(_ selector: ClusterPolicy.PodSelector, _ pod: PolicyPod) -> Bool {
    selector.namespaceSelector.matches(cluster.labels(ofNamespace: pod.key.namespace))
      && selector.podSelector.matches(pod.labels)
  }

  /// A name is what the destination pod's containers call a port, of whatever protocol the container says.
  func fits(_ ports: ClusterPolicy.Ports, _ connection: Connection) -> Bool {
    switch ports {
    case .range(let transport, let numbers):
      return transport.number == connection.protocol.rawValue && numbers.contains(connection.port)
    case .named(let name):
      guard let pod = connection.destination.pod?.pod else { return false }
      return pod.ports.contains {
        $0.name == name && $0.protocol.number == connection.protocol.rawValue
          && $0.containerPort == Int32(connection.port)
      }
    }
  }
}
