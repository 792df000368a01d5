// SPDX-License-Identifier: Apache-2.0

internal import KubernetesModel
internal import NetworkTypes

extension CompiledPolicy: CustomStringConvertible {
  /// The tables as text for people, the same for the same input.
  public var description: String {
    var lines = ["classes"]
    let members = Dictionary(grouping: prefixes, by: \.classID)
    lines.append("  0: every other address")
    for id in 0..<UInt32(classCount) {
      for member in members[id] ?? [] {
        var line = "  \(id): \(member.prefix)"
        if let pod = member.pod { line += " pod \(pod)" }
        if let node = member.node { line += " node \(node)" }
        lines.append(line)
      }
    }
    let keys = Dictionary(grouping: verdicts.keys.sorted(), by: \.ruleSet)
    for set in ruleSets {
      lines.append("rule set \(set.id): \(set.direction) of \(set.policies.map(\.description).joined(separator: ", "))")
      for key in keys[set.id] ?? [] {
        guard let verdict = verdicts[key] else { continue }
        let rules = rules(of: verdict.decision).map(\.description).joined(separator: ", ")
        lines.append("  class \(key.classID) \(key): \(verdict.isAllowed ? "allow" : "deny") by \(rules)")
      }
    }
    lines.append("pods")
    for (pod, endpoint) in endpoints.sorted(by: { $0.key < $1.key }) {
      lines.append("  \(pod): ingress \(name(endpoint.ingressSet)), egress \(name(endpoint.egressSet))")
    }
    return lines.joined(separator: "\n") + "\n"
  }

  /// The rules a decision came from.
  ///
  /// - Parameter decision: a decision's number.
  /// - Returns: nothing for 0 and for numbers that are not in use.
  public func rules(of decision: UInt32) -> [PolicyRuleReference] {
    let position = Int(decision) - 1
    return decisions.indices.contains(position) ? decisions[position] : []
  }

  private func name(_ set: UInt32) -> String { set == 0 ? "not restricted" : "rule set \(set)" }
}
