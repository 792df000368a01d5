// SPDX-License-Identifier: Apache-2.0

public import KubernetesModel
public import NetworkTypes

extension PolicyTables {
  /// What a pod's stages say of a packet, as the kernel would find it.
  ///
  /// - Parameters:
  ///   - stages: what is asked about the pod in the packet's direction.
  ///   - peer: the other side's address.
  ///   - isOwnNode: whether that is an address of the pod's own node.
  ///   - protocol: the protocol.
  ///   - port: the destination port; 0 for protocols without ports.
  /// - Returns: never ``PolicyVerdict/pass``; nil where a rule set or port table is missing.
  public func verdict(
    of stages: Stages, peer: IPAddress, isOwnNode: Bool, protocol: IPProtocol, port: UInt16
  ) -> PolicyVerdict? {
    func ask(_ set: RuleSetID, _ plane: PolicyPlane) -> PolicyVerdict? {
      guard let set = ruleSets[set] else { return nil }
      return verdict(in: set.table(of: peer, in: self[plane][peer] ?? .none), `protocol`, port)
    }
    if let admin = tiers[stages.admin] {
      let verdict = ask(admin, .cluster)
      if verdict != .pass { return verdict }
    }
    let last: PolicyVerdict?
    if stages.policy != .unrestricted {
      var set = stages.policy
      if isOwnNode {
        guard let own = ruleSets[set]?.ownNode else { return nil }
        if own == .unrestricted { return .allow }
        set = own
      }
      last = ask(set, .namespaced)
    } else {
      last = tiers[stages.baseline].map { ask($0, .cluster) } ?? .allow
    }
    return last == .pass ? .noMatch : last
  }

  private func verdict(in table: PortTableID, _ protocol: IPProtocol, _ port: UInt16) -> PolicyVerdict? {
    if table.isOfEverything { return PolicyVerdict(rawValue: UInt8(truncatingIfNeeded: table.rawValue)) }
    return portTables[table]?.verdict(`protocol`, port)
  }
}

extension PolicyTables.RuleSet {
  /// The port table of an address.
  ///
  /// - Parameters:
  ///   - address: the address.
  ///   - peerClass: its class, of the kind that the stage of the rule set knows peers by.
  /// - Returns: that of the class, else that of the address's range, else the default.
  public func table(of address: IPAddress, in peerClass: PeerClassID) -> PortTableID {
    if peerClass != .none, let table = verdicts[peerClass] { return table }
    var (low, high) = (0, ranges.count)
    while low < high {
      let middle = (low + high) / 2
      if address < ranges[middle].first {
        high = middle
      } else if ranges[middle].last < address {
        low = middle + 1
      } else {
        return ranges[middle].table
      }
    }
    return defaultTable
  }
}

extension CompiledPolicy {
  /// What one side of a connection says, from the tables alone.
  ///
  /// - Parameters:
  ///   - pod: the pod whose policies are asked.
  ///   - direction: whether the connection comes to the pod or from it.
  ///   - peer: the other side's address.
  ///   - protocol: the protocol.
  ///   - port: the destination port, whichever side the pod is; 0 for protocols without ports.
  /// - Returns: ``PolicyVerdict/allow`` for a pod that has no entry, and for a pod's own addresses.
  public func verdict(
    for pod: NamespacedName, _ direction: PolicyDirection, peer: IPAddress, protocol: IPProtocol, port: UInt16
  ) -> PolicyVerdict {
    guard let endpoint = state.tables.endpoints[pod], !endpoint.addresses.contains(peer) else { return .allow }
    let isOwnNode = endpoint.node.flatMap { state.tables.nodes[$0] }?.contains(peer) ?? false
    return state.tables.verdict(
      of: direction == .ingress ? endpoint.ingress : endpoint.egress, peer: peer, isOwnNode: isOwnNode,
      protocol: `protocol`, port: port) ?? .noMatch
  }

  /// Whether a connection may be, from the tables alone.
  ///
  /// - Parameter probe: the connection.
  /// - Returns: nil where an end names a pod that is not there, or the ends have no address family in common.
  public func answer(_ probe: PolicyProbe) -> PolicyAnswer? {
    guard let (source, destination) = parties(probe) else { return nil }
    if let pod = source.pod, pod == destination.pod { return PolicyAnswer(egress: true, ingress: true) }
    let egress = source.pod.map {
      verdict(for: $0, .egress, peer: destination.address, protocol: probe.protocol, port: probe.port).isAllowed
    }
    let ingress = destination.pod.map {
      verdict(for: $0, .ingress, peer: source.address, protocol: probe.protocol, port: probe.port).isAllowed
    }
    return PolicyAnswer(egress: egress ?? true, ingress: ingress ?? true)
  }

  /// A side of a connection: its pod where that has a network of its own, and the address in use.
  struct Party {
    var pod: NamespacedName?
    var address: IPAddress
  }

  func parties(_ probe: PolicyProbe) -> (source: Party, destination: Party)? {
    guard let source = party(probe.source), let destination = party(probe.destination) else { return nil }
    for address in destination.addresses {
      guard let other = source.addresses.first(where: { $0.family == address.family }) else { continue }
      return (Party(pod: source.pod, address: other), Party(pod: destination.pod, address: address))
    }
    return nil
  }

  private func party(_ end: PolicyEnd) -> (pod: NamespacedName?, addresses: [IPAddress])? {
    switch end {
    case .pod(let key):
      guard let pod = state.pods[key].flatMap({ state.podRecords[Int($0)]?.pod }) else { return nil }
      return (pod.isHostNetwork ? nil : key, pod.addresses)
    case .address(let address): return (state.pod(at: address)?.pod.key, [address])
    }
  }
}

extension CompilerState {
  /// The pod with a network of its own that has an address.
  func pod(at address: IPAddress) -> PodRecord? {
    addresses.number(of: address).flatMap { firstPod(addressRecords[Int($0)].owners.all) }
  }
}
