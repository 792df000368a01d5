// SPDX-License-Identifier: Apache-2.0

// `struct fib_rule_hdr`: family 0, destination's prefix length 1, source's 2, service 3, table 4, action 7, flags 8.
extension WireObject {
  var rulePriority: UInt32 { attributes.number(FRA.priority) ?? 0 }
  /// All that two rules are told apart by: not who put it there.
  fileprivate var ruleIdentity: WireObject {
    var rule = self
    rule.header[4] = 0
    rule.attributes.set(FRA.table, table)
    if attributes.number(FRA.suppressedPrefixLength) == .max { rule.attributes[FRA.suppressedPrefixLength] = nil }
    if rulePriority == 0 { rule.attributes[FRA.priority] = nil }
    rule.attributes[FRA.protocolNumber] = nil
    rule.attributes.elements.sort { $0.type < $1.type }
    return rule
  }
}

extension KernelState {
  static let headerOfRules = 12

  /// In the order they are tried.
  var rulesInOrder: [WireObject] {
    rules.enumerated().sorted { ($0.element.rulePriority, $0.offset) < ($1.element.rulePriority, $1.offset) }
      .map(\.element)
  }

  private func rule(in message: WireMessage) throws(Refusal) -> WireObject {
    let request = try WireObject(message.body, headerSize: KernelState.headerOfRules)
    guard request.family == Family.ipv4 || request.family == Family.ipv6 else { throw Refusal(.notSupported) }
    for (type, length) in [(FRA.destination, 1), (FRA.source, 2)] {
      guard let address = request.attributes[type] else { continue }
      guard address.count == (request.family == Family.ipv4 ? 4 : 16),
        Int(request.header[length]) <= address.count * 8
      else { throw Refusal(.invalidArgument) }
    }
    return request
  }

  mutating func newRule(_ message: WireMessage) throws(Refusal) {
    var request = try rule(in: message)
    if request.attributes[FRA.priority] == nil {
      // In front of the first one that is not at 0.
      let first = rules.filter { $0.family == request.family && $0.rulePriority > 0 }.map(\.rulePriority).min()
      if let first { request.attributes.set(FRA.priority, first - 1) }
    }
    if request.attributes[FRA.suppressedPrefixLength] == nil {
      request.attributes.set(FRA.suppressedPrefixLength, UInt32.max)
    }
    let identity = request.ruleIdentity
    if message.has(Flag.exclusive), rules.contains(where: { $0.ruleIdentity == identity }) { throw Refusal(.exists) }
    if request.rulePriority == 0 { request.attributes[FRA.priority] = nil }
    if request.family == Family.ipv4 { hasOwnIPv4Rules = true }
    rules.append(request)
    tell(.newRule, request)
  }

  mutating func removeRule(_ message: WireMessage) throws(Refusal) {
    let request = try rule(in: message)
    let place = rulesInOrder.firstIndex { rule in
      rule.family == request.family && (request.header[7] == 0 || rule.header[7] == request.header[7])
        && (request.table == 0 || rule.table == request.table) && rule.header[1] == request.header[1]
        && rule.header[2] == request.header[2] && rule.header[3] == request.header[3]
        && request.attributes.elements.allSatisfy { element in
          switch element.type {
          case FRA.table: true
          case FRA.priority: rule.rulePriority == request.rulePriority
          default: rule.attributes[element.type] == element.payload
          }
        }
    }
    guard let place, let index = rules.firstIndex(of: rulesInOrder[place]) else { throw Refusal(.noEntry) }
    if request.family == Family.ipv4 { hasOwnIPv4Rules = true }
    tell(.removeRule, rules.remove(at: index))
  }

  func listRules(_ message: WireMessage) throws(Refusal) -> [WireObject] {
    let request = try WireObject(message.body, headerSize: KernelState.headerOfRules)
    return rulesInOrder.filter { request.family == Family.unspecified || $0.family == request.family }
  }
}
