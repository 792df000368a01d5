// SPDX-License-Identifier: Apache-2.0

internal import BPFMaps
internal import CDatapathABI
internal import KubernetesModel

/// The two phases of putting a generation into force, one step at a time; the caller waits between them.
struct PolicyPublisher {
  let tables: any PolicyTables
  let node: String?
  /// The keys of the generation in force, where this publisher wrote it and has tidied up behind itself.
  private var current: PolicyMapPlan?
  private var generation: UInt32 = 0

  init(_ tables: any PolicyTables, node: String?) {
    self.tables = tables
    self.node = node
  }

  /// Phase one and the switch: everything is written beside the generation in force, then one store puts it into force.
  mutating func publish(
    _ policy: CompiledPolicy, endpoints: [NamespacedName: UInt32]
  ) throws(PolicyError) -> PolicyPublication {
    try check(endpoints)
    let active = try kernel("read the generation in force") { () throws(BPFError) in try tables.generation() }
    let live: PolicyTableSizes
    if let current, generation == active {
      live = PolicyTableSizes(
        classes: current.classes.count, verdicts: current.verdicts.count, endpoints: current.endpoints.count)
    } else {
      // Somebody else wrote last: this process before it was restarted, perhaps in the middle of it.
      live = try removeOthers(than: active)
    }
    let next = Self.generation(after: active)
    let plan = PolicyMapPlan(policy, endpoints: endpoints, node: node, generation: next)
    try checkCapacity(plan, beside: live)
    current = nil
    do {
      try write(plan)
      try tables.publish(next)
    } catch {
      takeBack(plan)
      throw PolicyError(
        .kernel, "policy generation \(next) was not published, \(active) stays in force: \(error.message)",
        underlying: error)
    }
    generation = next
    return PolicyPublication(
      generation: next, classes: plan.classes.count, verdicts: plan.verdicts.count, endpoints: plan.endpoints.count)
  }

  /// Phase two, once no program can be at work with an older generation: everything but the one in force is removed.
  mutating func retire(
    _ policy: CompiledPolicy, endpoints: [NamespacedName: UInt32]
  ) throws(PolicyError) {
    _ = try removeOthers(than: generation)
    current = PolicyMapPlan(policy, endpoints: endpoints, node: node, generation: generation)
  }

  /// The number after a generation: never 0, and of the other parity.
  static func generation(after active: UInt32) -> UInt32 {
    active == .max ? 2 : active + 1
  }

  private func write(_ plan: PolicyMapPlan) throws(BPFError) {
    try tables.write(plan.classes)
    try tables.write(plan.verdicts)
    try tables.write(plan.endpoints)
  }

  /// Removes a generation that was not published, as far as the kernel lets us; the next publication looks again.
  private func takeBack(_ plan: PolicyMapPlan) {
    try? tables.write(plan.endpoints.map { ($0.0, endpoint_policy()) })
    for (key, _) in plan.verdicts { try? tables.remove(key) }
    for (key, _) in plan.classes { try? tables.remove(key) }
  }

  /// Removes what does not belong to a generation, and counts what does.
  private func removeOthers(than active: UInt32) throws(PolicyError) -> PolicyTableSizes {
    try kernel("remove the entries of other generations than \(active)") { () throws(BPFError) in
      var sizes = PolicyTableSizes(classes: 0, verdicts: 0, endpoints: 0)
      var stale: [(UInt32, endpoint_policy)] = []
      for (index, value) in try tables.endpointPolicies().enumerated() where value.generation != 0 {
        if value.generation == active {
          sizes.endpoints += 1
        } else {
          stale.append((UInt32(index), endpoint_policy()))
        }
      }
      try tables.write(stale)
      for key in try tables.verdictKeys() {
        if active != 0, key.rule_set >> 31 == active & 1 {
          sizes.verdicts += 1
        } else {
          try tables.remove(key)
        }
      }
      for key in try tables.classKeys() {
        if active != 0, key.generation == active {
          sizes.classes += 1
        } else {
          try tables.remove(key)
        }
      }
      return sizes
    }
  }

  private func kernel<Value>(
    _ what: String, _ body: () throws(BPFError) -> Value
  ) throws(PolicyError) -> Value {
    do {
      return try body()
    } catch {
      throw PolicyError(.kernel, "cannot \(what): \(error.message)", underlying: error)
    }
  }

  private func check(_ endpoints: [NamespacedName: UInt32]) throws(PolicyError) {
    let limit = UInt32(tables.capacity.endpoints / 2)
    var pods: [UInt32: NamespacedName] = [:]
    for (pod, number) in endpoints.sorted(by: { $0.key < $1.key }) {
      guard number > 0, number < limit else {
        throw PolicyError(.invalidEndpoint, "endpoint \(number) of pod \(pod) is not 1 to \(Int(limit) - 1)")
      }
      if let other = pods.updateValue(pod, forKey: number) {
        throw PolicyError(.invalidEndpoint, "endpoint \(number) is given to pods \(other) and \(pod)")
      }
    }
  }

  private func checkCapacity(_ plan: PolicyMapPlan, beside live: PolicyTableSizes) throws(PolicyError) {
    let capacity = tables.capacity
    if plan.verdicts.count + live.verdicts > capacity.verdicts {
      let costs = plan.costs.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
      let most = costs.prefix(5).map { "\($0.key) \($0.value)" }.joined(separator: ", ")
      throw PolicyError(
        .full,
        "map verdict: \(plan.verdicts.count) entries do not fit beside \(live.verdicts) in force, of "
          + "\(capacity.verdicts); load the datapath with a larger limit or narrow the policies that cost most: \(most)"
      )
    }
    if plan.classes.count + live.classes > capacity.classes {
      throw PolicyError(
        .full,
        "map peer_class: \(plan.classes.count) prefixes do not fit beside \(live.classes) in force, of "
          + "\(capacity.classes); load the datapath with a larger limit")
    }
  }
}
