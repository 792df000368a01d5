// SPDX-License-Identifier: Apache-2.0

public import KubernetesModel

/// Policies that say more to a pod, together, than tables can hold.
///
/// The size of tables is bound by what the policies say: where each of many blocks has ports of its own beside those of all
/// others, it would grow with the product of both. Nothing is let through in the direction that this is about, to or from
/// these pods; all others are judged as their policies say.
public struct PolicyExcess: Error, Hashable, Sendable, CustomStringConvertible {
  /// The policies, those that say most first.
  public var policies: [PolicyReference]
  /// The direction.
  public var direction: PolicyDirection
  /// A pod that they select.
  public var pod: NamespacedName
  /// How many pods it concerns.
  public var podCount: Int

  /// What was attempted, why it failed, and what helps.
  public var description: String {
    let names = policies.prefix(3).map(\.description).joined(separator: ", ")
    let more = policies.count > 3 ? " and \(policies.count - 3) more" : ""
    let pods = podCount > 1 ? "\(pod) and \(podCount - 1) more pods" : "\(pod)"
    return
      "\(names)\(more): the peers and ports of the rules for \(direction) multiply to more port ranges than tables "
      + "hold; \(pods) get no \(direction) traffic; give the peers the same ports, or fewer"
  }
}

extension CompiledPolicy {
  /// The policies that say more than tables can hold; empty but for hostile ones.
  public var excesses: [PolicyExcess] {
    if state.refusedSets.isEmpty { return [] }
    var found: [UInt64: PolicyExcess] = [:]
    for (number, record) in state.kindRecords.enumerated()
    where state.kinds.isUsed(UInt32(number)) && record.scoped > 0 {
      for (direction, stages) in [(PolicyDirection.ingress, record.ingress), (.egress, record.egress)] {
        for (set, policies) in state.refused(stages, UInt32(number), direction) {
          let keys = record.pods.compactMap { state.podRecords[Int($0)]?.pod }.filter { state.isScoped($0) }.map(\.key)
          guard let first = keys.min() else { continue }
          let key = CompilerState.key(set, UInt32(direction.rawValue))
          var excess =
            found[key] ?? PolicyExcess(policies: [], direction: direction, pod: first, podCount: 0)
          excess.pod = min(excess.pod, first)
          excess.podCount += keys.count
          excess.policies = Array(Set(excess.policies + policies))
          found[key] = excess
        }
      }
    }
    return found.values.map { excess in
      var sorted = excess
      let sizes = Dictionary(
        uniqueKeysWithValues: excess.policies.map { ($0, state.size(of: $0, excess.direction)) })
      sorted.policies.sort { (sizes[$1] ?? 0, $0) < (sizes[$0] ?? 0, $1) }
      return sorted
    }.sorted { ($0.pod, $0.direction.rawValue) < ($1.pod, $1.direction.rawValue) }
  }
}

extension CompilerState {
  /// Those of a kind's rule sets that were refused, with their policies.
  fileprivate func refused(
    _ stages: KindStages, _ kind: UInt32, _ direction: PolicyDirection
  ) -> [(set: UInt32, policies: [PolicyReference])] {
    var found: [(UInt32, [PolicyReference])] = []
    for tier in [stages.admin, stages.baseline] where tier != noNumber {
      let set = tierRecords[Int(tier)].set
      guard refusedSets.contains(set) else { continue }
      found.append((set, tiers[tier].policies.compactMap { policyRecords[Int($0)]?.reference }))
    }
    if refusedSets.contains(stages.policy) {
      let policies = elements(selecting: kinds[kind].group).flatMap { elementRecords[Int($0)].subjects }
        .compactMap { policyRecords[Int($0)] }.filter { $0.stage == .policy && $0.rules(direction) != nil }
      found.append((stages.policy, policies.map(\.reference)))
    }
    return found
  }

  /// How much a policy says in a direction.
  fileprivate func size(of policy: PolicyReference, _ direction: PolicyDirection) -> Int {
    let rules = policies[policy].flatMap { policyRecords[Int($0)]?.rules(direction) } ?? []
    return rules.reduce(0) { $0 + 1 + $1.peers.count + ports[$1.ports].spans.count }
  }
}
