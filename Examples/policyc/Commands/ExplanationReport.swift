// SPDX-License-Identifier: Apache-2.0

import DatapathPrograms
import KubernetesModel
import PolicyCompiler

/// Why a connection may be or may not, for people and as JSON.
struct ExplanationReport {
  var probe: PolicyProbe
  var explanation: PolicyProbeExplanation
  var file: PolicyFile

  private var sides: [(PolicyDirection, PolicyEnd, PolicyExplanation)] {
    [(.egress, probe.source, explanation.egress), (.ingress, probe.destination, explanation.ingress)]
  }

  var text: String {
    let verdict = explanation.answer.isAllowed ? "allowed" : "denied"
    var lines = ["\(probe.source.text) -> \(probe.destination.text) \(probe.protocol)/\(probe.port): \(verdict)"]
    for (direction, end, side) in sides {
      let drop = side.dropReason.map { ", dropped as \($0)" } ?? ""
      lines.append("  \(direction) of \(end.text): \(side.isAllowed ? "allowed" : "denied")\(drop)")
      lines.append("    \(side.words)")
      for rule in side.passedBy { lines.append("    passed on by \(rule)  (\(file.place(rule)))") }
      for rule in side.rules { lines.append("    \(rule)  (\(file.place(rule)))") }
      // Where rules decided, their policies are named already.
      if side.rules.isEmpty {
        for policy in side.policies { lines.append("    \(policy)  (\(file.place(policy)))") }
      }
    }
    return lines.joined(separator: "\n")
  }

  var json: JSONOutput {
    var output = JSONOutput()
    output.object { output in
      output.member("formatVersion", 1)
      output.member("from", probe.source.text)
      output.member("to", probe.destination.text)
      output.member("port", "\(probe.protocol)/\(probe.port)")
      output.member("verdict", explanation.answer.isAllowed ? "allow" : "deny")
      for (direction, _, side) in sides {
        output.member("\(direction)") { output in
          output.object { output in
            output.member("verdict", side.isAllowed ? "allow" : "deny")
            output.member("reason", side.reason.rawValue)
            output.member("text", side.words)
            if let reason = side.dropReason { output.member("dropReason", Int(reason.rawValue)) }
            output.member("rules") { $0.array(side.rules) { file.write($1, to: &$0) } }
            output.member("passedBy") { $0.array(side.passedBy) { file.write($1, to: &$0) } }
            output.member("policies") { $0.array(side.policies) { file.write($1, to: &$0) } }
          }
        }
      }
    }
    return output
  }
}

extension PolicyExplanation {
  /// The reason as a sentence.
  var words: String {
    switch reason {
    case .notAPod: "not restricted: it is not a pod with a network of its own"
    case .itself: "a pod always reaches itself"
    case .ownNode: "the other end is the pod's own node, which NetworkPolicy does not restrict"
    case .unrestricted:
      passedBy.isEmpty
        ? "no policy for the pod says anything of this connection"
        : "passed on, and no policy of a later tier says anything of this connection"
    case .adminRule: "a rule of the admin tier \(isAllowed ? "accepts" : "denies") it"
    case .networkPolicyRule:
      rules.count == 1 ? "a rule of a NetworkPolicy allows it" : "\(rules.count) rules of NetworkPolicies allow it"
    case .isolated:
      policies.count == 1
        ? "a NetworkPolicy isolates the pod, and none of its rules allows this"
        : "\(policies.count) NetworkPolicies isolate the pod, and none of their rules allows this"
    case .baselineRule: "a rule of the baseline tier \(isAllowed ? "accepts" : "denies") it"
    }
  }
}

extension PolicyFile {
  func write(_ rule: PolicyRuleReference, to output: inout JSONOutput) {
    output.object { output in
      write(members: rule.policy, to: &output)
      output.member("direction", "\(rule.direction)")
      output.member("rule", rule.index)
      write(members: lines(rule), place(rule), to: &output)
    }
  }

  func write(_ policy: PolicyReference, to output: inout JSONOutput) {
    output.object { output in
      write(members: policy, to: &output)
      write(members: lines(policy), place(policy), to: &output)
    }
  }

  private func write(members lines: ClosedRange<Int>?, _ place: String, to output: inout JSONOutput) {
    output.member("place", place)
    guard let lines else { return }
    output.member("firstLine", lines.lowerBound)
    output.member("lastLine", lines.upperBound)
  }

  private func write(members policy: PolicyReference, to output: inout JSONOutput) {
    output.member("kind", policy.kind.rawValue)
    if !policy.name.namespace.isEmpty { output.member("namespace", policy.name.namespace) }
    output.member("name", policy.name.name)
  }
}
