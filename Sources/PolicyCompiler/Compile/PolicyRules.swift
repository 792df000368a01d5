// SPDX-License-Identifier: Apache-2.0

internal import KubernetesModel
internal import NetworkTypes

/// The rules of all policies, with their peers numbered.
struct PolicyRules {
  /// The ports of a rule.
  enum PortMatch: Hashable {
    case everything
    case range(TransportProtocol, ClosedRange<UInt16>?)
    case named(TransportProtocol, String)
  }

  struct Rule {
    var reference: PolicyRuleReference
    /// The number of the set of peers; nil for every peer.
    var peerSet: Int?
    var ports: [PortMatch]
    var hasNames: Bool
  }

  struct Policy {
    var key: NamespacedName
    var selector: LabelSelector
    /// The numbers of the rules for a direction; nil where the policy is not for that direction.
    var rules: [PolicyDirection: [Int]]
  }

  private(set) var policies: [Policy] = []
  private(set) var rules: [Rule] = []
  private(set) var terms = Interner<PeerTerm>()
  /// Each a sorted list of numbers of terms: one that fits is enough.
  private(set) var peerSets = Interner<[Int]>()

  init(_ input: [NetworkPolicy]) {
    var last: [NamespacedName: NetworkPolicy] = [:]
    for policy in input { last[policy.key] = policy }
    for policy in last.values.sorted(by: { $0.key < $1.key }) { add(policy) }
  }

  private mutating func add(_ policy: NetworkPolicy) {
    let types = policy.spec.effectivePolicyTypes
    var rules: [PolicyDirection: [Int]] = [:]
    if types.contains(.ingress) {
      rules[.ingress] = policy.spec.ingress.enumerated().map { index, rule in
        add(policy, .ingress, index, rule.ports, rule.from)
      }
    }
    if types.contains(.egress) {
      rules[.egress] = policy.spec.egress.enumerated().map { index, rule in
        add(policy, .egress, index, rule.ports, rule.to)
      }
    }
    policies.append(Policy(key: policy.key, selector: policy.spec.podSelector, rules: rules))
  }

  private mutating func add(
    _ policy: NetworkPolicy, _ direction: PolicyDirection, _ index: Int, _ ports: [NetworkPolicy.Port],
    _ peers: [NetworkPolicy.Peer]
  ) -> Int {
    var peerSet: Int?
    if !peers.isEmpty {
      let numbers = peers.map { terms.number(of: PeerTerm($0, namespace: policy.metadata.namespace)) }
      peerSet = peerSets.number(of: Set(numbers).sorted())
    }
    let matches = ports.isEmpty ? [PortMatch.everything] : ports.map(Self.match)
    let hasNames = matches.contains { if case .named = $0 { true } else { false } }
    let reference = PolicyRuleReference(policy: policy.key, direction: direction, index: index)
    rules.append(Rule(reference: reference, peerSet: peerSet, ports: matches, hasNames: hasNames))
    return rules.count - 1
  }

  private static func match(_ port: NetworkPolicy.Port) -> PortMatch {
    switch port.port {
    case nil: return .range(port.protocol, nil)
    case .string(let name): return .named(port.protocol, name)
    case .int(let number):
      let first = UInt16(clamping: number)
      return .range(port.protocol, first...max(first, UInt16(clamping: port.endPort ?? number)))
    }
  }
}

/// The ports that a pod's containers gave names to.
struct PortNames: Hashable {
  /// Sorted numbers by protocol and name.
  private var numbers: [Key: [UInt16]] = [:]

  struct Key: Hashable {
    var transport: TransportProtocol
    var name: String
  }

  init(_ ports: [Pod.ContainerPort]) {
    for port in ports {
      guard let name = port.name, let number = UInt16(exactly: port.containerPort), number > 0 else { continue }
      let key = Key(transport: port.protocol, name: name)
      if !(numbers[key] ?? []).contains(number) {
        numbers[key] = ((numbers[key] ?? []) + [number]).sorted()
      }
    }
  }

  func numbers(_ transport: TransportProtocol, _ name: String) -> [UInt16] {
    numbers[Key(transport: transport, name: name)] ?? []
  }
}
