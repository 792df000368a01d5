// SPDX-License-Identifier: Apache-2.0

internal import NetworkTypes
internal import Synchronization

/// Remembers which policies select a pod, and which rules speak of a peer: pods of one namespace with the same labels
/// have the same rules, and probes that differ in nothing but the port come one after the other.
final class ReferenceMemory: Sendable {
  private struct Key: Hashable {
    var group: Int
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
    var selections: [Scope: [Int]] = [:]
    var selectionCount = 0
  }

  /// How many rules are kept at most, so that memory stays in proportion.
  private static let ruleLimit = 1 << 16
  /// How many policies.
  private static let selectionLimit = 1 << 20

  private let state = Mutex(State())

  func rules(
    group: Int, _ direction: PolicyDirection, peer: IPAddress, otherwise find: () -> RulesOfPeer
  ) -> RulesOfPeer {
    let key = Key(group: group, direction: direction, peer: peer)
    if let known = state.withLock({ $0.rules[key] }) { return known }
    let rules = find()
    let size = 1 + rules.admin.count + rules.isolating.count + rules.network.count + rules.baseline.count
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

  /// The positions of the policies that select a pod of the group.
  func selection(group: Int, _ direction: PolicyDirection, otherwise find: () -> [Int]) -> [Int] {
    let scope = Scope(group: group, direction: direction)
    if let known = state.withLock({ $0.selections[scope] }) { return known }
    let selection = find()
    state.withLock {
      if $0.selectionCount + selection.count + 1 > Self.selectionLimit {
        $0.selections = [:]
        $0.selectionCount = 0
      }
      $0.selections[scope] = selection
      $0.selectionCount += selection.count + 1
    }
    return selection
  }
}
