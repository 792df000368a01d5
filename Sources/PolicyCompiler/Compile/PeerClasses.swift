// SPDX-License-Identifier: Apache-2.0

internal import KubernetesModel
internal import NetworkTypes

/// Which addresses the policies tell apart.
struct PeerClasses {
  /// What policies can see of a peer.
  ///
  /// Peers with the same signature share a class.
  struct Signature: Hashable {
    /// Sorted numbers of the sets of peers it belongs to.
    var peerSets: [Int] = []
    /// What names of ports in egress rules mean at this peer: sorted by use.
    var names: [NamedUse] = []
  }

  struct NamedUse: Hashable {
    var transport: TransportProtocol
    var name: String
    var numbers: [UInt16]
  }

  private(set) var prefixes: [CompiledPolicy.PeerPrefix] = []
  /// Class 0 is the one without any signature.
  private(set) var classes = Interner<Signature>()

  init(_ input: PolicyInput, _ rules: PolicyRules, options: PolicyOptions) {
    _ = classes.number(of: Signature())
    let blocks = BlockTree(rules.terms.values)
    let setsOfTerm = Self.setsOfTerm(rules)
    var found: [IPCIDR: CompiledPolicy.PeerPrefix] = [:]
    for (position, prefix) in blocks.prefixes.enumerated() {
      let signature = Signature(peerSets: Self.sets(of: blocks.terms(at: position), setsOfTerm))
      let classID = UInt32(classes.number(of: signature))
      found[prefix] = CompiledPolicy.PeerPrefix(prefix: prefix, classID: classID)
    }
    let podTerms = Self.podTerms(input, rules.terms.values)
    let uses = Self.namedUses(rules)
    for (index, pod) in input.pods.enumerated() where !pod.isHostNetwork {
      for address in pod.addresses {
        let prefix = IPCIDR(host: address)
        if found[prefix]?.pod != nil { continue }
        let sets = Self.sets(of: podTerms[index] + blocks.terms(containing: address), setsOfTerm)
        let signature = Signature(peerSets: sets, names: Self.names(of: pod, in: uses, sets: Set(sets)))
        let classID = UInt32(classes.number(of: signature))
        found[prefix] = CompiledPolicy.PeerPrefix(prefix: prefix, classID: classID, pod: pod.key)
      }
    }
    if options.allowsOwnNode {
      for node in input.nodes {
        for address in node.addresses {
          let prefix = IPCIDR(host: address)
          let sets = Self.sets(of: blocks.terms(containing: address), setsOfTerm)
          let classID = UInt32(classes.number(of: Signature(peerSets: sets)))
          found[prefix, default: CompiledPolicy.PeerPrefix(prefix: prefix, classID: classID)].node = node.name
        }
      }
    }
    prefixes = Self.withoutRedundant(found.values.sorted { precedes($0.prefix, $1.prefix) })
  }

  /// Leaves out prefixes that say what the prefix around them says.
  private static func withoutRedundant(_ sorted: [CompiledPolicy.PeerPrefix]) -> [CompiledPolicy.PeerPrefix] {
    var kept: [CompiledPolicy.PeerPrefix] = []
    // The chain of prefixes around the current one.
    var around: [CompiledPolicy.PeerPrefix] = []
    for entry in sorted {
      while let last = around.last, !last.prefix.contains(entry.prefix) { around.removeLast() }
      let inherited = around.last
      let isRedundant = entry.classID == inherited?.classID ?? 0 && entry.node == nil && inherited?.node == nil
      if !isRedundant {
        kept.append(entry)
        around.append(entry)
      }
    }
    return kept
  }

  private static func setsOfTerm(_ rules: PolicyRules) -> [[Int]] {
    var sets = [[Int]](repeating: [], count: rules.terms.values.count)
    for (number, terms) in rules.peerSets.values.enumerated() {
      for term in terms { sets[term].append(number) }
    }
    return sets
  }

  private static func sets(of terms: [Int], _ setsOfTerm: [[Int]]) -> [Int] {
    Set(terms.flatMap { setsOfTerm[$0] }).sorted()
  }

  /// For each pod the selectors that select it.
  private static func podTerms(_ input: PolicyInput, _ terms: [PeerTerm]) -> [[Int]] {
    var result = [[Int]](repeating: [], count: input.pods.count)
    var podsOfNamespace: [String: [Int]] = [:]
    for (index, pod) in input.pods.enumerated() where !pod.isHostNetwork {
      podsOfNamespace[pod.key.namespace, default: []].append(index)
    }
    for (number, term) in terms.enumerated() {
      guard case .pods(let scope, let selector) = term else { continue }
      let namespaces: [String]
      switch scope {
      case .named(let name): namespaces = [name]
      case .selected(let selector):
        namespaces = podsOfNamespace.keys.filter { selector.matches(input.namespaces[$0] ?? [:]) }
      }
      for index in namespaces.flatMap({ podsOfNamespace[$0] ?? [] }) where selector.matches(input.pods[index].labels) {
        result[index].append(number)
      }
    }
    return result
  }

  /// The names of ports in egress rules, each with the peers it is used for.
  private struct Use: Hashable {
    var peerSet: Int?
    var transport: TransportProtocol
    var name: String
  }

  private static func namedUses(_ rules: PolicyRules) -> Set<Use> {
    var uses: Set<Use> = []
    for rule in rules.rules where rule.hasNames && rule.reference.direction == .egress {
      for case .named(let transport, let name) in rule.ports {
        uses.insert(Use(peerSet: rule.peerSet, transport: transport, name: name))
      }
    }
    return uses
  }

  private static func names(of pod: PolicyPod, in uses: Set<Use>, sets: Set<Int>) -> [NamedUse] {
    if uses.isEmpty || pod.ports.isEmpty { return [] }
    let names = PortNames(pod.ports)
    var found: Set<NamedUse> = []
    for use in uses where use.peerSet.map(sets.contains) ?? true {
      let numbers = names.numbers(use.transport, use.name)
      if !numbers.isEmpty {
        found.insert(NamedUse(transport: use.transport, name: use.name, numbers: numbers))
      }
    }
    return found.sorted { ($0.transport, $0.name) < ($1.transport, $1.name) }
  }
}
