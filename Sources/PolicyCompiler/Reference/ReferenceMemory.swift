// SPDX-License-Identifier: Apache-2.0

internal import NetworkTypes
internal import Synchronization

/// Remembers the rules that speak of a peer: probes that differ in nothing but the port come one after the other, and
/// pods of one namespace with the same labels have the same rules.
final class ReferenceMemory: Sendable {
  private struct Key: Hashable {
    var group: Int
    var direction: PolicyDirection
    var peer: IPAddress
  }

  private struct State {
    var rules: [Key: RulesOfPeer] = [:]
    var size = 0
  }

  /// How many rules are kept at most, so that memory stays in proportion.
  private static let limit = 1 << 16

  private let state = Mutex(State())

  func rules(
    group: Int, _ direction: PolicyDirection, peer: IPAddress, otherwise find: () -> RulesOfPeer
  ) -> RulesOfPeer {
    let key = Key(group: group, direction: direction, peer: peer)
    if let known = state.withLock({ $0.rules[key] }) { return known }
    let rules = find()
    let size = 1 + rules.admin.count + rules.isolating.count + rules.network.count + rules.baseline.count
    state.withLock {
      if $0.size + size > Self.limit { $0 = State() }
      $0.rules[key] = rules
      $0.size += size
    }
    return rules
  }
}
