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
  /// - Throws: ``NetlinkError`` with code `exists` when there is one that the kernel takes for the same, `invalidArgument`,
  ///   `notSupported` for a code point that the kernel does not know. The kernel takes for the same what agrees in priority,
  ///   table, action and all that ``remove(_:)`` compares: a rule for any source cannot be added beside one for a certain
  ///   source that is otherwise like it. ``ensure(_:)`` can.
  /// - Requires: `CAP_NET_ADMIN`. `RTM_NEWRULE`.
  public func add(_ rule: Rule) async throws(NetlinkError) { try await change(.add, rule) }

  /// Adds a rule unless there is one with the same ``Rule/settings``.
  ///
  /// Who does this at the same time as somebody else may end up with two, when the kernel takes the rule for the same as
  /// another one; otherwise the kernel itself sees to it that there is one.
  ///
  /// - Returns: Whether it was added.
  /// - Throws: ``NetlinkError`` as ``add(_:)``, with code `exists` only for a rule with a code point, and with code
  ///   `interrupted` as ``all(family:)``.
  /// - Requires: `CAP_NET_ADMIN`. `RTM_NEWRULE`.
  @discardableResult
  public func ensure(_ rule: Rule) async throws(NetlinkError) -> Bool {
    do throws(NetlinkError) {
      try await change(.add, rule)
      return true
    } catch  where error.code == .exists {
      let wanted = rule.settings
      if try await all(family: rule.family).contains(where: { $0.settings == wanted }) { return false }
      // A code point that the kernel ignores is taken back by removal, which could not tell the rule from the other one.
      if rule.codePoint != nil { throw error }
      try await change(.addAnyway, rule)
      return true
    }
  }

  /// Removes the first rule that matches in all that `rule` says.
  ///
  /// The kernel compares priority, and what is not left out: action (`unspecified` leaves it out), table (0), protocol tag
  /// (`unspecified`), source, destination, interfaces, mark and mask, users, IP protocol, ports, tunnel, type of service,
  /// VRF, realms and what is suppressed. It does not compare ``Rule/isInverted`` and ``Rule/target``. So a rule that says
  /// little removes the first that fits, and no rule can be told from its inverted twin.
  ///
  /// - Throws: ``NetlinkError`` with code `notFound` when there is none.
  /// - Requires: `CAP_NET_ADMIN`. `RTM_DELRULE`.
  public func remove(_ rule: Rule) async throws(NetlinkError) { try await change(.remove, rule) }

  private func change(_ change: ChangeRule.Change, _ rule: Rule) async throws(NetlinkError) {
    let request = ChangeRule(change: change, rule: rule)
    try await socket.acknowledge(request)
    guard change != .remove, rule.codePoint != nil else { return }
    // A kernel that does not know the code point ignores it, and the rule is for more packets than it should be.
    let wanted = rule.settings
    if try await all(family: rule.family).contains(where: { $0.settings == wanted }) { return }
    var wider = rule
    wider.codePoint = nil
    try await socket.acknowledge(ChangeRule(change: .remove, rule: wider))
    throw NetlinkError(
      .notSupported, operation: request.operation,
      reason: "this kernel ignores code points in rules, Linux 6.13 does not; the rule was removed again",
      request: request.name)
  }
}
