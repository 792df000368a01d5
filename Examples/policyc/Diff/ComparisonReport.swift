// SPDX-License-Identifier: Apache-2.0

import ExampleSupport
import NetworkTypes
import PolicyCompiler

/// What changes between two sets of policies, for people and as JSON.
struct ComparisonReport {
  var comparison: PolicyComparison
  var old: PolicyFile
  var new: PolicyFile

  private struct Change {
    var source: Int
    var destination: Int
    var families: [AddressFamily]
    var ports: [PortClass]
    var isAllowed: Bool
    var reason: String
  }

  /// Each change once: both families together where they change alike.
  private let changes: [Change]

  init(comparison: PolicyComparison, old: PolicyFile, new: PolicyFile) throws {
    self.comparison = comparison
    self.old = old
    self.new = new
    changes = try Self.changes(comparison, new)
  }

  private static func changes(_ comparison: PolicyComparison, _ file: PolicyFile) throws -> [Change] {
    var changes: [Change] = []
    for isAllowed in [true, false] {
      for pair in comparison.pairs where pair.isChanged {
        let ports = comparison.ports.indices.filter { pair.old[$0] != pair.new[$0] && pair.new[$0] == isAllowed }
        guard let first = ports.first, var probe = pair.example else { continue }
        probe.protocol = comparison.ports[first].protocol
        probe.port = comparison.ports[first].first
        let change = Change(
          source: pair.source, destination: pair.destination, families: [pair.family],
          ports: ports.map { comparison.ports[$0] }, isAllowed: isAllowed, reason: try reason(probe, comparison, file))
        if let last = changes.last, last.source == change.source, last.destination == change.destination,
          last.ports == change.ports, last.reason == change.reason, last.isAllowed == isAllowed
        {
          changes[changes.count - 1].families += change.families
        } else {
          changes.append(change)
        }
      }
    }
    return changes
  }

  /// What decides now at the end that decides otherwise than before.
  private static func reason(
    _ probe: PolicyProbe, _ comparison: PolicyComparison, _ new: PolicyFile
  ) throws -> String {
    guard let before = try comparison.oldPolicies.explain(probe), let now = try comparison.newPolicies.explain(probe)
    else { return "" }
    let isEgress = before.egress.isAllowed != now.egress.isAllowed
    let side = isEgress ? now.egress : now.ingress
    let rule = side.rules.first.map { "\($0) (\(new.place($0)))" }
    let policy = side.policies.first.map { "\($0) (\(new.place($0)))" }
    let words = isEgress ? "egress" : "ingress"
    switch side.reason {
    case .isolated: return "\(words): no rule allows it; isolated by \(policy ?? "")"
    case .adminRule, .baselineRule, .networkPolicyRule: return "\(words): \(rule ?? "")"
    case .unrestricted, .itself, .notAPod, .ownNode: return "\(words): \(side.words)"
    }
  }

  private func label(_ end: Int) -> String { comparison.ends[end].label }

  private func ports(_ change: Change) -> String {
    let text = PortClass.text(change.ports, of: comparison.ports)
    return change.families.count == 1 && hasBothFamilies(change)
      ? "\(text) over \(change.families[0] == .ipv4 ? "IPv4" : "IPv6")" : text
  }

  private func hasBothFamilies(_ change: Change) -> Bool {
    [change.source, change.destination].allSatisfy { index in
      let end = comparison.ends[index]
      return end.kind == .ownNode || Set(end.samples.flatMap(\.addresses).map(\.family)).count == 2
    }
  }

  var text: String {
    let pairs = Set(comparison.pairs.map { [$0.source, $0.destination] })
    let changed = Set(comparison.pairs.filter(\.isChanged).map { [$0.source, $0.destination] })
    var lines = [
      "\(old.name) -> \(new.name): \(comparison.ends.count) ends, \(comparison.ports.count) classes of ports; "
        + "\(changed.count) of \(pairs.count) pairs change"
    ]
    if !changes.isEmpty {
      var table = TextTable(["CHANGE", "FROM", "TO", "PORTS", "BECAUSE"])
      for change in changes {
        table.append([
          change.isAllowed ? "+ allow" : "- deny", label(change.source), label(change.destination), ports(change),
          change.reason,
        ])
      }
      lines += ["", table.description]
    }
    let groups = comparison.ends.filter { $0.members.count > 1 }
    if !groups.isEmpty {
      lines += ["", "Ends that no policy tells apart:"]
      for end in groups {
        let shown = end.members.prefix(8).joined(separator: ", ")
        lines.append("  \(end.label): \(shown)" + (end.members.count > 8 ? ", and \(end.members.count - 8) more" : ""))
      }
    }
    return lines.joined(separator: "\n")
  }

  var json: JSONOutput {
    var output = JSONOutput()
    output.object { output in
      output.member("formatVersion", 1)
      output.member("ends") { output in
        output.array(comparison.ends) { output, end in
          output.object { output in
            output.member("label", end.label)
            output.member("kind", end.kind.rawValue)
            output.member("members") { $0.array(end.members) { $0.string($1) } }
          }
        }
      }
      output.member("ports") { $0.array(comparison.ports) { $0.string($1.text) } }
      output.member("changes") { output in
        output.array(changes) { output, change in
          output.object { output in
            output.member("from", label(change.source))
            output.member("to", label(change.destination))
            output.member("ports", PortClass.text(change.ports, of: comparison.ports))
            output.member("families") { $0.array(change.families) { $0.string($1 == .ipv4 ? "IPv4" : "IPv6") } }
            output.member("old", change.isAllowed ? "deny" : "allow")
            output.member("new", change.isAllowed ? "allow" : "deny")
            output.member("because", change.reason)
          }
        }
      }
    }
    return output
  }
}
