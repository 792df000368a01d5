// SPDX-License-Identifier: Apache-2.0

public import KubernetesModel
public import NetworkTypes

extension CompiledPolicy {
  /// The class of an address, as the kernel would find it.
  ///
  /// - Parameter address: any address.
  /// - Returns: 0 for an address that no prefix contains.
  public func classID(of address: IPAddress) -> UInt32 {
    classIndex.position(of: address).map { prefixes[$0].classID } ?? 0
  }

  /// The verdict of a rule set, as the kernel would find it.
  ///
  /// - Parameters:
  ///   - ruleSet: the set's number.
  ///   - classID: the peer's class.
  ///   - protocol: the packet's protocol.
  ///   - port: the destination port; 0 for protocols without ports.
  /// - Returns: nil where no verdict fits, which means "denied".
  public func verdict(
    ruleSet: UInt32, classID: UInt32, protocol: IPProtocol, port: UInt16
  ) -> Verdict? {
    if let transport = TransportProtocol.allCases.first(where: { $0.ipProtocol == `protocol` }) {
      for length in stride(from: 16, through: 1, by: -1) {
        let key = VerdictKey(
          ruleSet: ruleSet, classID: classID, protocol: transport,
          ports: PortBlock(around: port, prefixLength: length))
        if let verdict = verdicts[key] { return verdict }
      }
      let key = VerdictKey(ruleSet: ruleSet, classID: classID, protocol: transport, ports: nil)
      if let verdict = verdicts[key] { return verdict }
    }
    return verdicts[VerdictKey(ruleSet: ruleSet, classID: classID, protocol: nil, ports: nil)]
  }

  /// What one side of a connection says.
  ///
  /// - Parameters:
  ///   - pod: the pod whose policies are asked.
  ///   - direction: whether the connection comes to the pod or from it.
  ///   - peer: the other side's address.
  ///   - protocol: the protocol.
  ///   - port: the destination port, whichever side the pod is.
  /// - Returns: decision 0 where no rule was needed: nothing restricts the pod, it talks to itself or to its node.
  public func verdict(
    for pod: NamespacedName, _ direction: PolicyDirection, peer: IPAddress, protocol: IPProtocol, port: UInt16
  ) -> Verdict {
    let free = Verdict(decision: 0, isAllowed: true)
    guard let endpoint = endpoints[pod] else { return free }
    let set = direction == .ingress ? endpoint.ingressSet : endpoint.egressSet
    if set == 0 || endpoint.addresses.contains(peer) { return free }
    let entry = classIndex.position(of: peer).map { prefixes[$0] }
    if let node = entry?.node, node == endpoint.node { return free }
    return verdict(ruleSet: set, classID: entry?.classID ?? 0, protocol: `protocol`, port: port)
      ?? Verdict(decision: 0, isAllowed: false)
  }

  /// Whether a connection may be.
  ///
  /// - Parameter probe: the connection.
  /// - Returns: nil where an end names a pod that is not there, or the ends have no address family in common.
  public func answer(_ probe: PolicyProbe) -> PolicyAnswer? {
    guard let sources = addresses(of: probe.source), let destinations = addresses(of: probe.destination) else {
      return nil
    }
    for destination in destinations {
      guard let source = sources.first(where: { $0.family == destination.family }) else { continue }
      let from = pod(probe.source)
      let to = pod(probe.destination)
      if let from, from == to { return PolicyAnswer(egress: true, ingress: true) }
      let egress = from.map {
        verdict(for: $0, .egress, peer: destination, protocol: probe.protocol, port: probe.port).isAllowed
      }
      let ingress = to.map {
        verdict(for: $0, .ingress, peer: source, protocol: probe.protocol, port: probe.port).isAllowed
      }
      return PolicyAnswer(egress: egress ?? true, ingress: ingress ?? true)
    }
    return nil
  }

  private func addresses(of end: PolicyEnd) -> [IPAddress]? {
    switch end {
    case .pod(let key): endpoints[key]?.addresses ?? hostPods[key]
    case .address(let address): [address]
    }
  }

  private func pod(_ end: PolicyEnd) -> NamespacedName? {
    switch end {
    case .pod(let key): endpoints[key] == nil ? nil : key
    case .address(let address): podsByAddress[address]
    }
  }
}
