// SPDX-License-Identifier: Apache-2.0

internal import NetworkTypes
internal import Synchronization

/// The policies that select a pod in one direction, by their positions in the lists of ``ReferenceCluster``.
struct PolicySelection: Hashable, Sendable {
  /// Where the NetworkPolicies are.
  var namespace: String
  var network: [Int]
  var admin: [Int]
  var baseline: [Int]

  var count: Int { network.count + admin.count + baseline.count }
}

/// Remembers which policies select a pod, and which of their rules speak of a peer: pods that the same policies select have
/// the same rules, and probes that differ in nothing but the port come one after the other.
final class ReferenceMemory: Sendable {
  private struct Key: Hashable {
    var selection: Int
    var direction: PolicyDirection
    var peer: IPAddress
  }

  private struct Scope: Hashable {
    var group: Int
    var direction: PolicyDirection
  }

  private struct State {
    var rules: [Key: RulesOfPeer] = [:]
    var ruleCount = 0
    var selections: [Scope: (number: Int, policies: PolicySelection)] = [:]
    var known: [PolicySelection: (number: Int, policies: PolicySelection)] = [:]
    var selectionCount = 0
    var nextNumber = 0
  }

  /// How many rules are kept at most, so that memory stays in proportion.
  private static let ruleLimit = 1 << 16
  /// How many policies.
  private static let selectionLimit = 1 << 20

  private let state = Mutex(State())

  func rules(
    selection: Int, _ direction: PolicyDirection, peer: IPAddress, otherwise find: () -> RulesOfPeer
  ) -> RulesOfPeer {
    let key = Key(selection: selection, direction: direction, peer: peer)
    if let known = state.withLock({ $0.rules[key] }) { return known }
    let rules = find()
    let size = 1 + rules.admin.count + rules.network.count + rules.baseline.count
    state.withLock {
      if $0.ruleCount + size > Self.ruleLimit {
        $0.rules = [:]
        $0.ruleCount = 0
      }
      $0.rules[key] = rules
      $0.ruleCount += size
    }
    return rules
  }

  /// The policies that select a pod of the group, and a number that other groups with the same have too.
  func selection(
    group: Int, _ direction: PolicyDirection, otherwise find: () -> PolicySelection
  ) -> (number: Int, policies: PolicySelection) {
    let scope = Scope(group: group, direction: direction)
    if let known = state.withLock({ $0.selections[scope] }) { return known }
    let policies = find()
    return state.withLock {
      if let known = $0.known[policies] {
        // Held once, whoever has it.
        $0.selections[scope] = known
        return known
      }
      if $0.selectionCount + policies.count + 1 > Self.selectionLimit {
        $0.selections = [:]
        $0.known = [:]
        $0.selectionCount = 0
      }
      let new = (number: $0.nextNumber, policies: policies)
      $0.nextNumber += 1
      $0.known[policies] = new
      $0.selections[scope] = new
      $0.selectionCount += policies.count + 1
      return new
    }
  }
}
