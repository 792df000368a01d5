// SPDX-License-Identifier: Apache-2.0

internal import BPFMaps
internal import CDatapathABI
internal import DatapathPrograms
internal import KubernetesModel

/// Carries plans out, one step after the other.
///
/// It knows what is published for as long as everything goes well. Where the kernel refuses something, it forgets, and the
/// next publication reads the maps, as after a restart.
final class PolicyPublisher {
  private let maps: any PolicyMaps
  private(set) var store: PolicyStore?
  /// What the publication before left to do.
  private var tail: PolicyMapPlan.Tail?

  init(_ maps: any PolicyMaps) { self.maps = maps }

  /// Takes the maps to a new generation.
  ///
  /// - Parameters:
  ///   - target: What shall be published.
  ///   - delta: Which entries of the tables are others than those published last by this publisher; nil: any.
  /// - Returns: What is in force.
  /// - Throws: ``PolicyError``; what was published stays in force.
  func publish(_ target: PolicyTarget, delta: PolicyDelta?) async throws(PolicyError) -> PolicyPublication {
    try check(target.endpoints)
    await finish()
    var delta = delta
    if store == nil || store?.generation != maps.generation() {
      store = try await takeOver()
      delta = nil
    }
    store?.look(at: maps)
    guard var next = store.take() else { preconditionFailure("taking over ends with a store or an error") }
    let plan: PolicyMapPlan
    do {
      plan = try next.plan(target, delta: delta)
    } catch {
      // The names of its entries may be half new.
      store = next
      throw error
    }
    if !plan.isEmpty || plan.generation != maps.generation() { try await carryOut(plan) }
    store = next
    return PolicyPublication(plan, next)
  }

  private func carryOut(_ plan: PolicyMapPlan) async throws(PolicyError) {
    do {
      try write(plan)
      #if !(arch(x86_64) || arch(i386))
      // Elsewhere a program may read a word before it reads the generation: none that began before may be left.
      try await maps.waitForPrograms()
      #endif
    } catch {
      takeBack(plan)
      throw PolicyError(
        .kernel,
        "policy generation \(plan.generation) was not published, \(maps.generation()) stays in force: \(error.message)",
        underlying: error)
    }
    maps.setGeneration(plan.generation)
    tail = plan.tail
  }

  private func write(_ plan: PolicyMapPlan) throws(BPFError) {
    // What a program can reach is last: each entry refers to entries that are there.
    if !plan.portRanges.isEmpty { try maps.write(portRanges: plan.portRanges) }
    if !plan.portTables.isEmpty { try maps.write(portTables: plan.portTables) }
    if !plan.addressRanges4.isEmpty { try maps.write(addressRanges4: plan.addressRanges4) }
    if !plan.addressRanges6.isEmpty { try maps.write(addressRanges6: plan.addressRanges6) }
    if !plan.recycledDecisions.isEmpty { try maps.reset(decisions: plan.recycledDecisions) }
    if !plan.ruleSets.isEmpty { try maps.write(ruleSets: plan.ruleSets) }
    if !plan.verdicts.isEmpty { try maps.insert(verdicts: plan.verdicts) }
    for word in plan.words {
      maps.setWord(version_word(before: word.before, after: word.after, since: plan.generation), word.place)
    }
    if !plan.peers.isEmpty { try maps.insert(peers: plan.peers.map { (ip_address($0.0), $0.1) }) }
  }

  /// Takes back what was written of a plan, as far as the kernel lets us; the next publication looks again.
  private func takeBack(_ plan: PolicyMapPlan) {
    for word in plan.words { maps.setWord(version_word(word.before), word.place) }
    if !plan.peers.isEmpty { try? maps.remove(peers: plan.peers.map { ip_address($0.0) }) }
    if !plan.verdicts.isEmpty { try? maps.remove(verdicts: plan.verdicts.map(\.0)) }
  }

  /// Removes what the last publication replaced, once no program can be at work with it.
  func finish() async {
    guard let tail = tail.take() else { return }
    do {
      try await carryOut(tail)
      store?.finish(tail)
    } catch {
      // The next publication reads what is left, and removes it.
      store = nil
    }
  }

  private func carryOut(_ tail: PolicyMapPlan.Tail) async throws(BPFError) {
    if tail.isEmpty { return }
    try await maps.waitForPrograms()
    try await tidyUp(tail)
  }

  private func tidyUp(_ tail: PolicyMapPlan.Tail) async throws(BPFError) {
    for (place, value) in tail.settled { maps.setWord(version_word(value), place) }
    if !tail.verdicts.isEmpty { try maps.remove(verdicts: tail.verdicts) }
    if !tail.peers.isEmpty {
      try maps.remove(peers: tail.peers.map { ip_address($0) })
      // A program may have found an entry before it was removed: until it ends, neither may the entry's memory hold another
      // address nor the slot another class.
      try await maps.waitForPrograms()
    }
  }

  private func takeOver() async throws(PolicyError) -> PolicyStore {
    do {
      // Whoever wrote last may have put its generation into force just now.
      try await maps.waitForPrograms()
      let (store, tail) = try PolicyStore.reading(maps)
      try await tidyUp(tail)
      return store
    } catch {
      throw PolicyError(.kernel, "cannot take over the policies in force: \(error.message)", underlying: error)
    }
  }

  private func check(_ endpoints: [NamespacedName: UInt32]) throws(PolicyError) {
    let limit = maps.capacity.endpoints
    var pods: [UInt32: NamespacedName] = [:]
    for (pod, number) in endpoints {
      guard number > 0, number < limit else {
        throw PolicyError(.invalidEndpoint, "endpoint \(number) of pod \(pod) is not 1 to \(Int(limit) - 1)")
      }
      if let other = pods.updateValue(pod, forKey: number) {
        let (first, second) = (min(pod, other), max(pod, other))
        throw PolicyError(.invalidEndpoint, "endpoint \(number) is given to pods \(first) and \(second)")
      }
    }
  }
}
