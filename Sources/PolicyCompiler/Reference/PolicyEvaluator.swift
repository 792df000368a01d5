// SPDX-License-Identifier: Apache-2.0

internal import KubernetesModel
internal import NetworkTypes

/// What the policies say about one connection, read straight off the API's text and made to be checked by eye.
///
/// It shares no code with the compiler, so that each can be tested against the other. Each probe walks the rules of the
/// policies that select its ends; ``CompiledPolicy`` is for where that is too slow.
public struct PolicyEvaluator: Sendable {
  let cluster: ReferenceCluster
  let options: PolicyOptions
  let memory = ReferenceMemory()

  /// Makes an evaluator.
  ///
  /// - Parameters:
  ///   - input: policies and cluster.
  ///   - options: choices the API leaves open.
  public init(_ input: PolicyInput, options: PolicyOptions = PolicyOptions()) {
    self.cluster = ReferenceCluster(input)
    self.options = options
  }

  /// Whether a connection may be.
  ///
  /// - Parameter probe: the connection.
  /// - Returns: nil where an end names a pod that is not there, or the ends have no address family in common.
  public func answer(_ probe: PolicyProbe) -> PolicyAnswer? {
    guard let connection = connection(probe) else { return nil }
    return PolicyAnswer(
      egress: side(.egress, of: connection, isBrief: true).isAllowed,
      ingress: side(.ingress, of: connection, isBrief: true).isAllowed)
  }

  /// What each end says of a connection, and why.
  ///
  /// - Parameter probe: the connection.
  /// - Returns: nil where an end names a pod that is not there, or the ends have no address family in common.
  public func explain(_ probe: PolicyProbe) -> PolicyProbeExplanation? {
    guard let connection = connection(probe) else { return nil }
    return PolicyProbeExplanation(egress: side(.egress, of: connection), ingress: side(.ingress, of: connection))
  }

  // MARK: The connection

  /// One end: its pod, where it is one with a network of its own, and the address that is used.
  struct Party {
    var pod: ReferenceCluster.Member?
    var address: IPAddress
  }

  struct Connection {
    var source: Party
    var destination: Party
    var `protocol`: IPProtocol
    var port: UInt16
  }

  /// The first address of the destination counts for which the source has one of the same family.
  private func connection(_ probe: PolicyProbe) -> Connection? {
    guard let (source, sourceAddresses) = end(probe.source),
      let (destination, destinationAddresses) = end(probe.destination)
    else { return nil }
    for address in destinationAddresses {
      guard let own = sourceAddresses.first(where: { $0.family == address.family }) else { continue }
      return Connection(
        source: Party(pod: source, address: own), destination: Party(pod: destination, address: address),
        protocol: probe.protocol, port: probe.port)
    }
    return nil
  }

  /// A pod on the host network is nothing but its addresses; an address of any other pod is that pod.
  private func end(_ end: PolicyEnd) -> (pod: ReferenceCluster.Member?, addresses: [IPAddress])? {
    switch end {
    case .pod(let key):
      guard let member = cluster.member(named: key) else { return nil }
      return (member.pod.isHostNetwork ? nil : member, member.pod.addresses)
    case .address(let address):
      return (cluster.member(at: address), [address])
    }
  }

  // MARK: The tiers

  /// One end of the connection: the admin tier, then NetworkPolicy, then the baseline tier, and else it is allowed.
  ///
  /// Where it is to be brief, the first rule that allows the connection is enough.
  private func side(
    _ direction: PolicyDirection, of connection: Connection, isBrief: Bool = false
  ) -> PolicyExplanation {
    let (own, peer) =
      direction == .ingress
      ? (connection.destination, connection.source) : (connection.source, connection.destination)
    guard let member = own.pod else { return PolicyExplanation(isAllowed: true, reason: .notAPod) }
    if member.pod.key == peer.pod?.pod.key { return PolicyExplanation(isAllowed: true, reason: .itself) }
    let selection = memory.selection(group: member.group, direction) { policies(selecting: member.pod, direction) }
    let rules = memory.rules(selection: selection.number, direction, peer: peer.address) {
      rulesOfPeer(selection.policies, direction, peer)
    }

    var passedBy: [PolicyRuleReference] = []
    if let decided = decide(rules.admin, connection, reason: .adminRule, &passedBy) { return decided }

    if !selection.policies.network.isEmpty {
      let isolating = isBrief ? [] : isolating(selection.policies, direction)
      if isOwnNode(peer.address, of: member.pod) {
        return PolicyExplanation(
          isAllowed: true, reason: .ownNode, policies: isolating, passedBy: passedBy)
      }
      let allows = { (rule: RulesOfPeer.NetworkRule) in
        rule.ports.isEmpty || rule.ports.contains { fits($0, connection) }
      }
      let allowing = isBrief ? rules.network.first(where: allows).map { [$0] } ?? [] : rules.network.filter(allows)
      if allowing.isEmpty {
        return PolicyExplanation(
          isAllowed: false, reason: .isolated, policies: isolating, passedBy: passedBy)
      }
      let references = allowing.map(\.reference)
      return PolicyExplanation(
        isAllowed: true, reason: .networkPolicyRule, rules: references,
        policies: Set(references.map(\.policy)).sorted(),
        passedBy: passedBy)
    }

    if let decided = decide(rules.baseline, connection, reason: .baselineRule, &passedBy) { return decided }
    return PolicyExplanation(isAllowed: true, reason: .unrestricted, passedBy: passedBy)
  }

  /// The first rule of a tier that fits: accepts or denies, or passes the connection on, which ends the tier.
  private func decide(
    _ rules: [RulesOfPeer.ClusterRule], _ connection: Connection, reason: PolicyExplanation.Reason,
    _ passedBy: inout [PolicyRuleReference]
  ) -> PolicyExplanation? {
    let first = rules.first { rule in
      guard let ports = rule.ports else { return true }
      return ports.contains { fits($0, connection) }
    }
    guard let first else { return nil }
    if first.action == .pass {
      passedBy.append(first.reference)
      return nil
    }
    return PolicyExplanation(
      isAllowed: first.action == .accept, reason: reason, rules: [first.reference],
      policies: [first.reference.policy], passedBy: passedBy)
  }

  /// Between a pod and the node it runs on, NetworkPolicy restricts nothing.
  private func isOwnNode(_ address: IPAddress, of pod: PolicyPod) -> Bool {
    guard options.allowsOwnNode, let name = pod.node else { return false }
    return cluster.node(named: name)?.addresses.contains(address) ?? false
  }
}

/// What both ends of a connection say, and why.
public struct PolicyProbeExplanation: Hashable, Sendable {
  /// What the source's policies say.
  public var egress: PolicyExplanation
  /// What the destination's policies say.
  public var ingress: PolicyExplanation

  /// Makes an explanation.
  ///
  /// - Parameters:
  ///   - egress: what the source's policies say.
  ///   - ingress: what the destination's policies say.
  public init(egress: PolicyExplanation, ingress: PolicyExplanation) {
    self.egress = egress
    self.ingress = ingress
  }

  /// The verdicts alone.
  public var answer: PolicyAnswer { PolicyAnswer(egress: egress.isAllowed, ingress: ingress.isAllowed) }
}
