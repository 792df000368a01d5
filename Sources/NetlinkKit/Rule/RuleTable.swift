// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes

/// The routing rules of a namespace: ``NetlinkSocket/rules``.
public struct RuleTable: Sendable {
  let socket: NetlinkSocket

  /// All rules in the order they are tried, IPv4 before IPv6.
  ///
  /// - Parameter family: only those of this family; nil for both.
  /// - Returns: The rules, the kernel's own among them.
  /// - Throws: ``NetlinkError`` with code `interrupted` when rules kept changing through all attempts.
  public func all(family: AddressFamily? = nil) async throws(NetlinkError) -> [Rule] {
    guard let family else {
      let first = try await all(family: .ipv4)
      return first + (try await all(family: .ipv6))
    }
    return try await socket.dump(ListRules(family: family))
  }

  /// Adds a rule.
  ///
  /// - Throws: ``NetlinkError`` with code `exists` when there is one like it, `invalidArgument`.
  /// - Requires: `CAP_NET_ADMIN`. `RTM_NEWRULE`.
  public func add(_ rule: Rule) async throws(NetlinkError) { try await change(.add, rule) }

  /// Removes the first rule that matches in all that `rule` says.
  ///
  /// - Throws: ``NetlinkError`` with code `notFound` when there is none.
  /// - Requires: `CAP_NET_ADMIN`. `RTM_DELRULE`.
  public func remove(_ rule: Rule) async throws(NetlinkError) { try await change(.remove, rule) }

  private func change(_ change: ChangeRule.Change, _ rule: Rule) async throws(NetlinkError) {
    let request = ChangeRule(change: change, rule: rule)
    for block in [rule.source, rule.destination] where block != nil && block?.family != rule.family {
      throw NetlinkError(
        .invalidArgument, operation: request.operation,
        reason: "the rule is \(rule.family), \(block.map { "\($0)" } ?? "") is not")
    }
    try await socket.acknowledge(request)
  }
}
