// SPDX-License-Identifier: Apache-2.0

internal import KubernetesModel
internal import NetworkTypes

extension PolicyError {
  /// The same, with the policies behind a shortage.
  func naming(_ policies: [PolicyCost]) -> PolicyError {
    guard var shortage, !policies.isEmpty else { return self }
    shortage.policies = policies
    return PolicyError(
      code, message + "; by policy: " + policies.map(\.description).joined(separator: ", "), shortage: shortage,
      underlying: underlying)
  }
}

extension PolicyError.PolicyCost: CustomStringConvertible {
  /// Such as `AdminNetworkPolicy guard: 120 in 3 rule sets`.
  public var description: String {
    "\(policy): \(entries) in \(ruleSets) rule set\(ruleSets == 1 ? "" : "s")"
  }
}

extension CompiledPolicy {
  /// The policies that take most of a map on a node.
  ///
  /// - Parameters:
  ///   - map: The map, as ``PolicyError/Shortage/map`` has it.
  ///   - pods: The pods of the node.
  /// - Returns: At most five, the largest first.
  func costs(of map: String, for pods: some Sequence<NamespacedName>) -> [PolicyError.PolicyCost] {
    var counter = PolicyCosts(state: state, map: map)
    return counter.costs(for: pods)
  }
}

/// Counts what each policy's rules take of a map.
private struct PolicyCosts {
  /// A policy in one rule set.
  private struct Use: Hashable {
    var policy: UInt32
    var set: UInt32
    var direction: PolicyDirection
  }

  let state: CompilerState
  let map: String
  /// Addresses by class.
  private var members: [PeerClassID: Int] = [:]

  init(state: CompilerState, map: String) {
    self.state = state
    self.map = map
    guard map == "peer" || map.hasPrefix("peer_class") else { return }
    for plane in PolicyPlane.allCases {
      for peerClass in state.tables[plane].values { members[peerClass, default: 0] += 1 }
    }
  }

  mutating func costs(for pods: some Sequence<NamespacedName>) -> [PolicyError.PolicyCost] {
    var entries: [UInt32: (sets: Int, entries: Int)] = [:]
    for use in uses(of: pods) {
      let count = count(use)
      guard count > 0 else { continue }
      entries[use.policy, default: (0, 0)].sets += 1
      entries[use.policy, default: (0, 0)].entries += count
    }
    let costs = entries.compactMap { number, cost in
      state.policyRecords[Int(number)].map {
        PolicyError.PolicyCost(policy: $0.reference, ruleSets: cost.sets, entries: cost.entries)
      }
    }
    return Array(costs.sorted { ($1.entries, $0.policy) < ($0.entries, $1.policy) }.prefix(5))
  }

  private func uses(of pods: some Sequence<NamespacedName>) -> Set<Use> {
    var uses: Set<Use> = []
    let kinds = Set(pods.compactMap { state.pods[$0].flatMap { state.podRecords[Int($0)]?.kind } })
    for kind in kinds where kind != noNumber {
      let record = state.kindRecords[Int(kind)]
      let subjects = state.elements(selecting: state.kinds[kind].group).flatMap {
        state.elementRecords[Int($0)].subjects
      }
      for (direction, stages) in [(PolicyDirection.ingress, record.ingress), (.egress, record.egress)] {
        for tier in [stages.admin, stages.baseline] where tier != noNumber {
          for policy in state.tiers[tier].policies {
            uses.insert(Use(policy: policy, set: state.tierRecords[Int(tier)].set, direction: direction))
          }
        }
        for policy in subjects {
          let traits = state.policyTraits[Int(policy)]
          guard traits.stage == .policy, direction == .ingress ? traits.isForIngress : traits.isForEgress else {
            continue
          }
          uses.insert(Use(policy: policy, set: stages.policy, direction: direction))
        }
      }
    }
    return uses.filter { $0.set != unrestrictedSet && $0.set != noNumber }
  }

  private func count(_ use: Use) -> Int {
    let record = state.setRecords[Int(use.set)]
    guard let set = state.tables.ruleSets[record.id] else { return 0 }
    if map == "rule_set" { return 1 }
    var classes: Set<PeerClassID> = []
    var blocks: Set<UInt32> = []
    var isForAll = false
    for rule in state.policyRecords[Int(use.policy)]?.rules(use.direction) ?? [] {
      for peer in rule.peers {
        switch state.peers[peer] {
        case .any: isForAll = true
        case .element(let element): classes.formUnion(self.classes(with: element, in: record.plane))
        case .block(let block, _): blocks.insert(block)
        }
      }
    }
    classes.formIntersection(set.verdicts.keys)
    let tree = BlockTree(blocks.map { ($0, state.blocks[$0]) })
    let ranges = set.ranges.filter { tree.touches($0.first, $0.last) }
    switch map {
    case "verdict": return classes.count
    case "decision_counter": return classes.count + ranges.count + (isForAll ? 1 : 0)
    case "address_range4": return ranges.count { $0.first.family == .ipv4 }
    case "address_range6": return ranges.count { $0.first.family == .ipv6 }
    case "peer", "peer_class": return classes.reduce(0) { $0 + members[$1, default: 0] }
    case _ where map.hasPrefix("peer_class"): return classes.count
    default:
      let named = classes.compactMap { set.verdicts[$0] } + ranges.map(\.table) + (isForAll ? [set.defaultTable] : [])
      let tables = Set(named).compactMap { state.tables.portTables[$0] }
      return map == "port_range" ? tables.reduce(0) { $0 + $1.runs.reduce(0) { $0 + $1.count } } : tables.count
    }
  }

  private func classes(with element: UInt32, in plane: PolicyPlane) -> Set<PeerClassID> {
    var found: Set<PeerClassID> = []
    for core in state.planes[plane].uses[Int(element)].cores {
      for number in state.planes[plane].coreRecords[Int(core)].classes {
        found.insert(state.planes[plane].classIDs[Int(number)])
      }
    }
    return found
  }
}
