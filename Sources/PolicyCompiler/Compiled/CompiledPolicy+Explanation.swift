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
    guard let record = state.pods[pod].flatMap({ state.podRecords[Int($0)] }), record.kind != noNumber else {
      return PolicyExplanation(isAllowed: true, reason: .notAPod)
    }
    if record.pod.addresses.contains(peer) { return PolicyExplanation(isAllowed: true, reason: .itself) }
    let question = RuleQuestion(
      state, subject: record, direction, peer: peer, protocol: `protocol`, port: port)
    return question.explanation
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
  /// The rules of one stage that decide there, whatever the stages before say.
  func rules(
    of stage: PolicyStage, for pod: NamespacedName, _ direction: PolicyDirection, peer: IPAddress, protocol: IPProtocol,
    port: UInt16
  ) -> [PolicyRuleReference] {
    guard let record = state.pods[pod].flatMap({ state.podRecords[Int($0)] }), record.kind != noNumber else {
      return []
    }
    let question = RuleQuestion(
      state, subject: record, direction, peer: peer, protocol: `protocol`, port: port)
    return stage == .policy ? question.allowing() : question.tier(stage).map { [$0.0] } ?? []
  }
}

/// One side's policies, asked about one packet.
struct RuleQuestion {
  private let state: CompilerState
  private let direction: PolicyDirection
  private let peer: IPAddress
  private let transport: UInt8
  private let port: UInt16
  private let isOwnNode: Bool
  /// The elements that the peer has.
  private var elements: Set<UInt32> = []
  /// What names of ports mean.
  private var named: [NamedPort] = []
  private var policies: [PolicyRecord] = []

  init(
    _ state: CompilerState, subject: PodRecord, _ direction: PolicyDirection, peer: IPAddress, protocol: IPProtocol,
    port: UInt16
  ) {
    self.state = state
    self.direction = direction
    self.peer = peer
    transport = TransportProtocol.allCases.first { $0.number == `protocol`.rawValue }?.position ?? UInt8.max
    self.port = port
    let node = subject.pod.node.flatMap { state.tables.nodes[$0] } ?? []
    isOwnNode = state.options.allowsOwnNode && node.contains(peer)
    let owner = state.pod(at: peer)
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
    let destination = direction == .ingress ? subject : owner
    if let destination { named = NamedPort.list(of: destination.pod.ports) }
    policies = state.elements(selecting: state.kinds[subject.kind].group).flatMap {
      state.elementRecords[Int($0)].subjects
    }.compactMap { state.policyRecords[Int($0)] }.filter { $0.rules(direction) != nil }
  }

  private func matches(_ rule: RuleForm) -> Bool {
    rule.peers.contains(where: matchesPeer) && matchesPorts(state.ports[rule.ports])
  }

  private func matchesPeer(_ number: UInt32) -> Bool {
    switch state.peers[number] {
    case .any: true
    case .element(let element): elements.contains(element)
    case .block(let block, let except):
      state.blocks[block].contains(peer) && !except.contains { state.blocks[$0].contains(peer) }
    }
  }

  private func matchesPorts(_ spec: PortSpec) -> Bool {
    if spec.isAll { return true }
    if spec.span(at: port, of: transport) != nil { return true }
    return spec.names.contains { name in
      guard case .portName(let text) = state.elements[name.element] else { return false }
      return (name.transport == PortSpec.anyTransport || name.transport == transport)
        && named.contains(NamedPort(name: text, transport: transport, port: port))
    }
  }

  func tier(_ stage: PolicyStage) -> (PolicyRuleReference, ClusterPolicy.Action)? {
    let ordered = policies.filter { $0.stage == stage }.sorted {
      $0.priority == $1.priority ? $0.reference < $1.reference : $0.priority < $1.priority
    }
    for policy in ordered {
      for (index, rule) in (policy.rules(direction) ?? []).enumerated() where matches(rule) {
        return (PolicyRuleReference(policy: policy.reference, direction: direction, index: index), rule.action)
      }
    }
    return nil
  }

  /// Every rule of NetworkPolicies that allows.
  func allowing() -> [PolicyRuleReference] {
    var rules: [PolicyRuleReference] = []
    for policy in policies where policy.stage == .policy {
      for (index, rule) in (policy.rules(direction) ?? []).enumerated() where matches(rule) {
        rules.append(PolicyRuleReference(policy: policy.reference, direction: direction, index: index))
      }
    }
    return rules.sorted()
  }

  var explanation: PolicyExplanation {
    var passedBy: [PolicyRuleReference] = []
    if let (rule, action) = tier(.admin) {
      if action != .pass {
        return PolicyExplanation(
          isAllowed: action == .accept, reason: .adminRule, rules: [rule], policies: [rule.policy])
      }
      passedBy.append(rule)
    }
    let isolating = policies.filter { $0.stage == .policy }
    if !isolating.isEmpty {
      if isOwnNode {
        return PolicyExplanation(
          isAllowed: true, reason: .ownNode, policies: isolating.map(\.reference).sorted(), passedBy: passedBy)
      }
      let rules = allowing()
      if rules.isEmpty {
        return PolicyExplanation(
          isAllowed: false, reason: .isolated, policies: isolating.map(\.reference).sorted(), passedBy: passedBy)
      }
      return PolicyExplanation(
        isAllowed: true, reason: .networkPolicyRule, rules: rules, policies: Set(rules.map(\.policy)).sorted(),
        passedBy: passedBy)
    }
    if let (rule, action) = tier(.baseline) {
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
