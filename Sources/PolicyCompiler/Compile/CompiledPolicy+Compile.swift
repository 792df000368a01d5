// SPDX-License-Identifier: Apache-2.0

internal import KubernetesModel
internal import NetworkTypes

extension CompiledPolicy {
  /// Compiles policies.
  ///
  /// The same input gives the same tables, whatever the order of its parts.
  ///
  /// - Parameters:
  ///   - input: policies and cluster.
  ///   - options: choices the API leaves open.
  /// - Returns: the tables.
  public static func compile(_ input: PolicyInput, options: PolicyOptions = PolicyOptions()) -> CompiledPolicy {
    var input = input
    input.pods.sort { $0.key < $1.key }
    input.nodes.sort { $0.name < $1.name }
    let rules = PolicyRules(input.networkPolicies)
    let classes = PeerClasses(input, rules, options: options)
    var sets = RuleSets(rules)
    var endpoints: [NamespacedName: Endpoint] = [:]
    var hostPods: [NamespacedName: [IPAddress]] = [:]
    var podsByAddress: [IPAddress: NamespacedName] = [:]
    for pod in input.pods {
      if pod.isHostNetwork {
        hostPods[pod.key] = pod.addresses
        continue
      }
      endpoints[pod.key] = Endpoint(
        ingressSet: sets.number(for: pod, .ingress), egressSet: sets.number(for: pod, .egress),
        addresses: pod.addresses, node: pod.node)
      for address in pod.addresses where podsByAddress[address] == nil { podsByAddress[address] = pod.key }
    }
    var table = VerdictBuilder(rules, classes)
    for set in sets.sets.values.enumerated() {
      table.add(set: set.element, id: UInt32(set.offset + 1))
    }
    return CompiledPolicy(
      prefixes: classes.prefixes, classCount: classes.classes.values.count,
      ruleSets: sets.sets.values.enumerated().map { index, set in
        RuleSet(
          id: UInt32(index + 1), direction: set.direction, policies: set.policies.map { rules.policies[$0].key })
      },
      endpoints: endpoints,
      decisions: table.decisions.values.map { $0.map { rules.rules[$0].reference } },
      verdicts: table.verdicts, classIndex: PrefixIndex(classes.prefixes.map(\.prefix)),
      podsByAddress: podsByAddress, hostPods: hostPods)
  }
}

/// Which pods share their rules.
struct RuleSets {
  struct Key: Hashable {
    var direction: PolicyDirection
    var policies: [Int]
    /// What the names in ingress rules mean at the pod itself, which is the destination.
    var names: [PeerClasses.NamedUse]
  }

  private let rules: PolicyRules
  private let policiesOfNamespace: [String: [Int]]
  private(set) var sets = Interner<Key>()

  init(_ rules: PolicyRules) {
    self.rules = rules
    policiesOfNamespace = Dictionary(grouping: rules.policies.indices) { rules.policies[$0].key.namespace }
  }

  /// The number of a pod's set, from 1; 0 where no policy selects it in this direction.
  mutating func number(for pod: PolicyPod, _ direction: PolicyDirection) -> UInt32 {
    let policies = (policiesOfNamespace[pod.key.namespace] ?? []).filter {
      rules.policies[$0].rules[direction] != nil && rules.policies[$0].selector.matches(pod.labels)
    }
    if policies.isEmpty { return 0 }
    let names = direction == .ingress ? names(of: pod, policies) : []
    return UInt32(sets.number(of: Key(direction: direction, policies: policies, names: names)) + 1)
  }

  private func names(of pod: PolicyPod, _ policies: [Int]) -> [PeerClasses.NamedUse] {
    let numbers = PortNames(pod.ports)
    var uses: Set<PeerClasses.NamedUse> = []
    for rule in policies.flatMap({ rules.policies[$0].rules[.ingress] ?? [] }) where rules.rules[rule].hasNames {
      for case .named(let transport, let name) in rules.rules[rule].ports {
        let found = numbers.numbers(transport, name)
        if !found.isEmpty {
          uses.insert(PeerClasses.NamedUse(transport: transport, name: name, numbers: found))
        }
      }
    }
    return uses.sorted { ($0.transport, $0.name) < ($1.transport, $1.name) }
  }
}

/// The verdicts of every rule set and class.
struct VerdictBuilder {
  private let rules: PolicyRules
  private let classes: [PeerClasses.Signature]
  private let classesOfSet: [Int: [Int]]
  private(set) var decisions = Interner<[Int]>()
  private(set) var verdicts: [CompiledPolicy.VerdictKey: CompiledPolicy.Verdict] = [:]

  init(_ rules: PolicyRules, _ classes: PeerClasses) {
    self.rules = rules
    self.classes = classes.classes.values
    var classesOfSet: [Int: [Int]] = [:]
    for (number, signature) in self.classes.enumerated() {
      for set in signature.peerSets { classesOfSet[set, default: []].append(number) }
    }
    self.classesOfSet = classesOfSet
  }

  mutating func add(set: RuleSets.Key, id: UInt32) {
    let numbers = set.policies.flatMap { rules.policies[$0].rules[set.direction] ?? [] }.sorted()
    let general = numbers.filter { rules.rules[$0].peerSet == nil }
    var special: [Int: [Int]] = [:]
    for number in numbers {
      guard let peerSet = rules.rules[number].peerSet else { continue }
      for classID in classesOfSet[peerSet] ?? [] { special[classID, default: []].append(number) }
    }
    let affected = general.isEmpty ? special.keys.sorted() : Array(classes.indices)
    var rowsOf: [[Int]: [VerdictTable.Row]] = [:]
    for classID in affected {
      let numbers = (general + (special[classID] ?? [])).sorted()
      let names = set.direction == .ingress ? set.names : classes[classID].names
      let depends = set.direction == .egress && !names.isEmpty
      let rows = depends ? nil : rowsOf[numbers]
      let found =
        rows
        ?? VerdictTable.rows(of: numbers, in: rules.rules) { transport, name in
          names.first { $0.transport == transport && $0.name == name }?.numbers ?? []
        }
      if !depends { rowsOf[numbers] = found }
      for row in found {
        let key = CompiledPolicy.VerdictKey(
          ruleSet: id, classID: UInt32(classID), protocol: row.transport, ports: row.ports)
        let decision = UInt32(decisions.number(of: row.rules) + 1)
        verdicts[key] = CompiledPolicy.Verdict(decision: decision, isAllowed: true)
      }
    }
  }
}
