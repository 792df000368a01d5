// SPDX-License-Identifier: Apache-2.0

internal import KubernetesModel
internal import NetworkTypes

extension CompiledPolicy: CustomStringConvertible {
  /// The tables as text for people: the same for the same content, whatever the identifiers.
  ///
  /// A class is named by its addresses, a rule set by the pods that have it. A decision names the rules it came from in the
  /// first of those pods; the others have rules that say the same.
  public var description: String {
    var text = CanonicalText(self)
    return text.make()
  }
}

/// Writes the tables as text.
private struct CanonicalText {
  private let policy: CompiledPolicy
  private let tables: PolicyTables
  private var lines: [String] = []
  private var classNames: [PeerClassID: (name: String, first: IPAddress)] = [:]

  init(_ policy: CompiledPolicy) {
    self.policy = policy
    tables = policy.tables
  }

  mutating func make() -> String {
    writeClasses()
    writeSets()
    lines.append("nodes")
    for (name, addresses) in tables.nodes.sorted(by: { $0.key < $1.key }) {
      lines.append("  \(name): \(list(addresses))")
    }
    return lines.joined(separator: "\n") + "\n"
  }

  private func list(_ values: [some CustomStringConvertible]) -> String {
    values.map(\.description).joined(separator: ", ")
  }

  private mutating func writeClasses() {
    lines.append("classes")
    let members = Dictionary(grouping: tables.peers.keys) { tables.peers[$0] ?? .none }
      .mapValues { $0.sorted() }
    for (id, addresses) in members.sorted(by: { precedes($0.value, $1.value) }) {
      guard let first = addresses.first else { continue }
      classNames[id] = ("class of \(first)\(addresses.count > 1 ? " (\(addresses.count))" : "")", first)
      lines.append("  class of \(first)")
      for address in addresses {
        var line = "    \(address)"
        if let pod = policy.state.pod(at: address) { line += " pod \(pod.pod.key)" }
        for (name, own) in tables.nodes.sorted(by: { $0.key < $1.key }) where own.contains(address) {
          line += " node \(name)"
        }
        lines.append(line)
      }
    }
  }

  private func precedes(_ left: [IPAddress], _ right: [IPAddress]) -> Bool {
    guard let left = left.first, let right = right.first else { return false }
    return left < right
  }

  private struct User: Comparable {
    var pod: NamespacedName
    var direction: PolicyDirection

    static func < (left: User, right: User) -> Bool {
      (left.pod, left.direction) < (right.pod, right.direction)
    }
  }

  private mutating func writeSets() {
    var users: [RuleSetID: [User]] = [:]
    for (pod, endpoint) in tables.endpoints {
      users[endpoint.ingress, default: []].append(User(pod: pod, direction: .ingress))
      users[endpoint.egress, default: []].append(User(pod: pod, direction: .egress))
    }
    let sorted = users.mapValues { $0.sorted() }
    let order = sorted.filter { $0.key != .unrestricted }.sorted { left, right in
      guard let left = left.value.first, let right = right.value.first else { return false }
      return left < right
    }
    for (id, users) in order {
      guard let set = tables.ruleSets[id], let first = users.first else { continue }
      lines.append("rule set of \(first.pod) \(first.direction)")
      for user in users { lines.append("  for \(user.pod) \(user.direction)") }
      write(set, first, indent: "  ", isOwnNode: false)
      if set.ownNode == .unrestricted {
        lines.append("  own node: unrestricted")
      } else if set.ownNode != id, let own = tables.ruleSets[set.ownNode] {
        lines.append("  own node")
        write(own, first, indent: "    ", isOwnNode: true)
      }
    }
    lines.append("unrestricted")
    for user in sorted[.unrestricted] ?? [] { lines.append("  \(user.pod) \(user.direction)") }
  }

  private mutating func write(_ set: PolicyTables.RuleSet, _ user: User, indent: String, isOwnNode: Bool) {
    lines.append("\(indent)default: \(text(set.defaultTable))")
    for range in set.ranges {
      let rules = isOwnNode ? "" : rules(user, range.first, range.table)
      lines.append("\(indent)\(range.first)-\(range.last): \(text(range.table))\(rules)")
    }
    let verdicts = set.verdicts.compactMap { id, table in classNames[id].map { (name: $0.name, first: $0.first, table) }
    }
    for (name, first, table) in verdicts.sorted(by: { $0.1 < $1.1 }) {
      lines.append("\(indent)\(name): \(text(table))\(isOwnNode ? "" : rules(user, first, table))")
    }
  }

  /// The rules behind a verdict for a class, asked at the first port of each range.
  private func rules(_ user: User, _ address: IPAddress, _ table: PortTableID) -> String {
    var questions: [(IPProtocol, UInt16)] = [(IPProtocol(rawValue: 1), 0)]
    if let ports = tables.portTables[table] {
      for (transport, list) in [(IPProtocol.tcp, ports.tcp), (.udp, ports.udp), (.sctp, ports.sctp)] {
        for range in list.ranges { questions.append((transport, range.first)) }
        questions.append((transport, list.ranges.last.map { $0.last == .max ? 0 : $0.last + 1 } ?? 0))
      }
    }
    var found: Set<PolicyRuleReference> = []
    for (transport, port) in questions {
      found.formUnion(
        policy.explain(user.pod, user.direction, peer: address, protocol: transport, port: port).rules)
    }
    return found.isEmpty ? "" : " by \(list(found.sorted()))"
  }

  private func text(_ id: PortTableID) -> String {
    guard let table = tables.portTables[id] else {
      return UInt8(exactly: id.rawValue).flatMap { PolicyVerdict(rawValue: $0) }.map { "\($0)" } ?? "?"
    }
    var parts: [String] = []
    for (name, ports) in [("TCP", table.tcp), ("UDP", table.udp), ("SCTP", table.sctp)] {
      for range in ports.ranges {
        let numbers = range.first == range.last ? "\(range.first)" : "\(range.first)-\(range.last)"
        parts.append("\(name) \(numbers) \(range.verdict)")
      }
      if ports.rest != table.other { parts.append("\(name) \(ports.ranges.isEmpty ? "" : "else ")\(ports.rest)") }
    }
    parts.append(parts.isEmpty ? "\(table.other)" : "else \(table.other)")
    return parts.joined(separator: ", ")
  }
}
