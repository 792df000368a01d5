// SPDX-License-Identifier: Apache-2.0

public import KubernetesModel
public import NetworkTypes

extension CompiledPolicy {
  /// Why one side of a connection says what it says: from the policies' rules, not from the tables.
  ///
  /// - Parameters:
  ///   - pod: the pod whose policies are asked.
  ///   - direction: whether the connection comes to the pod or from it.
  ///   - peer: the other side's address.
  ///   - protocol: the protocol.
  ///   - port: the destination port, whichever side the pod is; 0 for protocols without ports.
  /// - Returns: what decided; ``PolicyExplanation/Reason/notAPod`` where there is no such pod with a network of its own.
  public func explain(
    _ pod: NamespacedName, _ direction: PolicyDirection, peer: IPAddress, protocol: IPProtocol, port: UInt16
  ) -> PolicyExplanation {
    guard let record = record(of: pod) else { return PolicyExplanation(isAllowed: true, reason: .notAPod) }
    if record.pod.addresses.contains(peer) { return PolicyExplanation(isAllowed: true, reason: .itself) }
    return RuleQuestion(state, subject: record, direction, peer: peer).explanation(at: port, of: `protocol`)
  }

  /// Why both sides of a connection say what they say.
  ///
  /// - Parameter probe: the connection.
  /// - Returns: nil where ``answer(_:)`` is nil.
  public func explain(_ probe: PolicyProbe) -> PolicyProbeExplanation? {
    guard let (source, destination) = parties(probe) else { return nil }
    if let pod = source.pod, pod == destination.pod {
      let itself = PolicyExplanation(isAllowed: true, reason: .itself)
      return PolicyProbeExplanation(egress: itself, ingress: itself)
    }
    let free = PolicyExplanation(isAllowed: true, reason: .notAPod)
    return PolicyProbeExplanation(
      egress: source.pod.map {
        explain($0, .egress, peer: destination.address, protocol: probe.protocol, port: probe.port)
      } ?? free,
      ingress: destination.pod.map {
        explain($0, .ingress, peer: source.address, protocol: probe.protocol, port: probe.port)
      } ?? free
    )
  }
}

extension CompiledPolicy {
  /// The policies of a pod, to be asked about the packets of one peer; nil where there is no such pod with a network of its own.
  func question(
    for pod: NamespacedName, _ direction: PolicyDirection, peer: IPAddress
  ) -> RuleQuestion? {
    record(of: pod).map { RuleQuestion(state, subject: $0, direction, peer: peer) }
  }

  /// Nil where there is no such pod with a network of its own.
  private func record(of pod: NamespacedName) -> PodRecord? {
    guard let record = state.pods[pod].flatMap({ state.podRecords[Int($0)] }), record.kind != noNumber else {
      return nil
    }
    return record
  }
}

/// One side's policies, asked about the packets of one peer.
struct RuleQuestion {
  /// A rule that names the peer.
  private struct Candidate {
    var reference: PolicyRuleReference
    var action: ClusterPolicy.Action
    var ports: UInt32
  }

  private let state: CompilerState
  private let peer: IPAddress
  private let isOwnNode: Bool
  /// What names of ports mean.
  private var named: [NamedPort] = []
  /// The NetworkPolicies that isolate the pod.
  private var isolating: [PolicyReference] = []
  /// By stage, in the order in which they are asked.
  private var candidates: [[Candidate]] = PolicyStage.allCases.map { _ in [] }

  init(_ state: CompilerState, subject: PodRecord, _ direction: PolicyDirection, peer: IPAddress) {
    self.state = state
    self.peer = peer
    let node = subject.pod.node.flatMap { state.tables.nodes[$0] } ?? []
    isOwnNode = state.options.allowsOwnNode && node.contains(peer)
    let owner = state.pod(at: peer)
    let destination = direction == .ingress ? subject : owner
    if let destination { named = NamedPort.list(of: destination.pod.ports) }
    let elements = elements(of: owner)
    let policies = state.elements(selecting: state.kinds[subject.kind].group).flatMap {
      state.elementRecords[Int($0)].subjects
    }.compactMap { state.policyRecords[Int($0)] }.filter { $0.rules(direction) != nil }
    for policy in policies.sorted(by: Self.precedes) {
      if policy.stage == .policy { isolating.append(policy.reference) }
      for (index, rule) in (policy.rules(direction) ?? []).enumerated()
      where rule.peers.contains(where: { isPeer(among: $0, elements) }) {
        candidates[Int(policy.stage.rawValue)].append(
          Candidate(
            reference: PolicyRuleReference(policy: policy.reference, direction: direction, index: index),
            action: rule.action, ports: rule.ports))
      }
    }
  }

  private static func precedes(_ left: PolicyRecord, _ right: PolicyRecord) -> Bool {
    left.priority == right.priority ? left.reference < right.reference : left.priority < right.priority
  }

  /// The elements that the peer has.
  private func elements(of owner: PodRecord?) -> Set<UInt32> {
    var elements: Set<UInt32> = []
    if let owner { elements = Set(state.elements(selecting: state.kinds[owner.kind].group)) }
    if let number = state.addresses.number(of: peer) {
      for owner in state.addressRecords[Int(number)].owners.all where owner & 1 == 1 {
        for element in state.nodeElements {
          guard case .nodes(let selector) = state.elements[element] else { continue }
          let features = state.nodeRecords[Int(owner >> 1)]?.features ?? []
          if state.selectors[selector].matches(features) { elements.insert(element) }
        }
      }
    }
    return elements
  }

  private func isPeer(among number: UInt32, _ elements: Set<UInt32>) -> Bool {
    switch state.peers[number] {
    case .any: true
    case .element(let element): elements.contains(element)
    case .block(let block, let except):
      state.blocks[block].contains(peer) && !except.contains { state.blocks[$0].contains(peer) }
    }
  }

  private func matches(_ candidate: Candidate, _ port: UInt16, _ transport: UInt8) -> Bool {
    let spec = state.ports[candidate.ports]
    if spec.isAll { return true }
    if spec.span(at: port, of: transport) != nil { return true }
    return spec.names.contains { name in
      guard case .portName(let text) = state.elements[name.element] else { return false }
      return (name.transport == PortSpec.anyTransport || name.transport == transport)
        && named.contains(NamedPort(name: text, transport: transport, port: port))
    }
  }

  /// The rules of one stage that decide there, whatever the stages before say.
  func rules(of stage: PolicyStage, at port: UInt16, of ipProtocol: IPProtocol) -> [PolicyRuleReference] {
    stage == .policy
      ? allowing(at: port, of: ipProtocol) : tier(stage, at: port, of: ipProtocol).map { [$0.0] } ?? []
  }

  private func tier(
    _ stage: PolicyStage, at port: UInt16, of ipProtocol: IPProtocol
  ) -> (PolicyRuleReference, ClusterPolicy.Action)? {
    let transport = Self.transport(ipProtocol)
    return candidates[Int(stage.rawValue)].first { matches($0, port, transport) }.map { ($0.reference, $0.action) }
  }

  /// Every rule of NetworkPolicies that allows.
  private func allowing(at port: UInt16, of ipProtocol: IPProtocol) -> [PolicyRuleReference] {
    let transport = Self.transport(ipProtocol)
    return candidates[Int(PolicyStage.policy.rawValue)].filter { matches($0, port, transport) }.map(\.reference)
      .sorted()
  }

  private static func transport(_ ipProtocol: IPProtocol) -> UInt8 {
    TransportProtocol.allCases.first { $0.number == ipProtocol.rawValue }?.position ?? UInt8.max
  }

  /// What the peer's packets to a port come to.
  func explanation(at port: UInt16, of ipProtocol: IPProtocol) -> PolicyExplanation {
    var passedBy: [PolicyRuleReference] = []
    if let (rule, action) = tier(.admin, at: port, of: ipProtocol) {
      if action != .pass {
        return PolicyExplanation(
          isAllowed: action == .accept, reason: .adminRule, rules: [rule], policies: [rule.policy])
      }
      passedBy.append(rule)
    }
    if !isolating.isEmpty {
      if isOwnNode {
        return PolicyExplanation(
          isAllowed: true, reason: .ownNode, policies: isolating.sorted(), passedBy: passedBy)
      }
      let rules = allowing(at: port, of: ipProtocol)
      if rules.isEmpty {
        return PolicyExplanation(
          isAllowed: false, reason: .isolated, policies: isolating.sorted(), passedBy: passedBy)
      }
      return PolicyExplanation(
        isAllowed: true, reason: .networkPolicyRule, rules: rules, policies: Set(rules.map(\.policy)).sorted(),
        passedBy: passedBy)
    }
    if let (rule, action) = tier(.baseline, at: port, of: ipProtocol) {
      if action != .pass {
        return PolicyExplanation(
          isAllowed: action == .accept, reason: .baselineRule, rules: [rule], policies: [rule.policy],
          passedBy: passedBy)
      }
      passedBy.append(rule)
    }
    return PolicyExplanation(isAllowed: true, reason: .unrestricted, passedBy: passedBy)
  }
}
