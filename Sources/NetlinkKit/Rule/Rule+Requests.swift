// SPDX-License-Identifier: Apache-2.0

internal import CLibmnl
internal import NetworkTypes

/// `RTM_NEWRULE` and `RTM_DELRULE`.
struct ChangeRule: NetlinkRequest {
  enum Change: Sendable {
    case add, remove
    /// Adds it without asking whether there is one like it.
    case addAnyway
  }

  let change: Change
  let rule: Rule

  var type: Int { change == .remove ? Int(RTM_DELRULE) : Int(RTM_NEWRULE) }
  var name: String { change == .remove ? "RTM_DELRULE" : "RTM_NEWRULE" }
  var flags: Int {
    switch change {
    case .add: Int(NLM_F_CREATE | NLM_F_EXCL)
    case .addAnyway: Int(NLM_F_CREATE)
    case .remove: 0
    }
  }
  var operation: String {
    let verb = change == .remove ? "remove" : "add"
    return "\(verb) \(rule.family) rule with priority \(rule.priority) for table \(rule.table)"
  }

  var objection: String? {
    for block in [rule.source, rule.destination] {
      if let block, block.family != rule.family { return "the rule is \(rule.family), \(block) is not" }
    }
    if rule.markMask != nil, rule.mark == nil { return "a mask without a mark means nothing" }
    if change == .remove { return nil }
    if rule.action == .unspecified { return "a rule that is added does something" }
    if rule.family == .ipv6, rule.realms != nil { return "IPv6 has no realms" }
    return switch (rule.action, rule.target) {
    case (.goTo, nil): "a rule that goes on at another one names it"
    case (.goTo, .some(let target)) where target <= rule.priority: "a rule goes on only at one of a higher number"
    case (.goTo, _), (_, nil): nil
    default: "only a rule that goes on at another one names it"
    }
  }

  func encode(into writer: MessageWriter) { rule.encode(into: writer) }

  func explain(_ failure: KernelFailure) -> (code: NetlinkError.Code, reason: String)? {
    change == .remove && ErrorNumber.meaning(failure.errno).code == .notFound
      ? (.notFound, "there is no such rule") : nil
  }
}

/// `RTM_GETRULE` as a dump of one family.
struct ListRules: NetlinkQuery {
  let family: AddressFamily

  var type: Int { Int(RTM_GETRULE) }
  var name: String { "RTM_GETRULE" }
  var operation: String { "list \(family) rules" }

  func encode(into writer: MessageWriter) {
    var header = fib_rule_hdr()
    header.family = family.rawValue
    writer.put(header: header)
  }

  func decode(_ message: Message, in datagram: RawSpan) throws(WireError) -> Rule? {
    guard Int(message.type) == Int(RTM_NEWRULE), let rule = try Rule(message, in: datagram), rule.family == family
    else { return nil }
    return rule
  }
}
