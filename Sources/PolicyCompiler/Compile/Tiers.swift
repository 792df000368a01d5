// SPDX-License-Identifier: Apache-2.0

internal import KubernetesModel

/// The cluster-scoped policies of one tier that select some pods in one direction.
struct TierForm: Hashable, Sendable {
  var stage: PolicyStage
  var direction: PolicyDirection
  /// Numbers of policies, sorted.
  var policies: [UInt32]
  /// The pods' list of named ports where rules for ingress name any, else ``noNumber``.
  var ports: UInt32
}

/// What is known of a tier.
struct TierRecord: Sendable {
  var id = TierID.none
  /// The number of its rule set, or ``unrestrictedSet``.
  var set = unrestrictedSet
}

/// A kind's stages in one direction: numbers of tiers or ``noNumber``, and of a rule set.
struct KindStages: Hashable, Sendable {
  var admin = noNumber
  /// ``noNumber`` before it was selected, ``unrestrictedSet`` where no NetworkPolicy isolates.
  var policy = noNumber
  var baseline = noNumber
}

/// Tiers: what is shared by all pods that the same cluster-scoped policies select.
extension CompilerState {
  /// The tier, held once more, of these policies; ``noNumber`` for none.
  mutating func holdTier(
    _ stage: PolicyStage, _ direction: PolicyDirection, _ policies: [UInt32], ports list: UInt32
  ) -> UInt32 {
    if policies.isEmpty { return noNumber }
    let needsNames = direction == .ingress && policies.contains { policyTraits[Int($0)].hasIngressNames }
    let form = TierForm(
      stage: stage, direction: direction, policies: policies.sorted(), ports: needsNames ? list : noNumber)
    let (number, isNew) = tiers.hold(form)
    guard isNew else { return number }
    nextTier += 1
    PolicyCompiler.set(&tierRecords, number, TierRecord(id: TierID(rawValue: nextTier)))
    for policy in form.policies { policyTiers[Int(policy)].append(number) }
    write(tier: number)
    return number
  }

  mutating func releaseTier(_ number: UInt32) {
    if number != noNumber { releasedTiers.append(number) }
  }

  /// Takes tiers out that nothing uses any more.
  mutating func buryReleasedTiers() {
    for number in releasedTiers {
      guard let form = tiers.release(number) else { continue }
      for policy in form.policies { policyTiers[Int(policy)].removeOne(number) }
      let record = tierRecords[Int(number)]
      releaseSet(record.set)
      if tables.tiers.removeValue(forKey: record.id) != nil { delta?.tiers.insert(record.id) }
    }
    releasedTiers.removeAll()
  }

  /// The rule sets of tiers whose policies say something else now.
  mutating func selectTiers() {
    for number in dirtyTiers.drain() where tiers.isUsed(number) { write(tier: number) }
  }

  private mutating func write(tier number: UInt32) {
    let new = holdSet(tierContent(tiers[number]))
    let old = tierRecords[Int(number)].set
    releaseSet(old)
    if new == old { return }
    tierRecords[Int(number)].set = new
    let id = tierRecords[Int(number)].id
    tables.tiers[id] = new == unrestrictedSet ? nil : self.id(of: new)
    delta?.tiers.insert(id)
  }

  /// The rules of a tier in order, without those that can never decide.
  private mutating func tierContent(_ form: TierForm) -> SetContent {
    let records = form.policies.compactMap { policyRecords[Int($0)] }.filter { $0.stage == form.stage }.sorted {
      $0.priority == $1.priority ? $0.reference < $1.reference : $0.priority < $1.priority
    }
    var content = SetContent(stage: form.stage)
    content.rules = rules(of: records, form.direction, ports: form.ports)
    while let last = content.rules.last, isIdle(rules[last].action, form.stage) {
      content.rules.removeLast()
      releaseRule(last)
    }
    return content
  }

  /// Whether a rule at the end of its tier says what would be said without it.
  private func isIdle(_ action: ClusterPolicy.Action, _ stage: PolicyStage) -> Bool {
    stage == .admin ? action == .pass : action != .deny
  }

  private mutating func rules(
    of policies: [PolicyRecord], _ direction: PolicyDirection, ports list: UInt32
  ) -> [UInt32] {
    var numbers: [UInt32] = []
    var seen: Set<UInt32> = []
    for policy in policies {
      for rule in policy.rules(direction) ?? [] {
        guard !rule.peers.isEmpty, let resolved = holdPorts(rule.ports, direction, list) else { continue }
        let form = RuleForm(action: rule.action, peers: rule.peers, ports: resolved)
        let number = hold(form)
        releasePorts(resolved)
        guard seen.insert(number).inserted else {
          releaseRule(number)
          continue
        }
        numbers.append(number)
        if ports[form.ports].isAll, form.peers.contains(where: { peers[$0] == .any }) { return numbers }
      }
    }
    return numbers
  }
}
