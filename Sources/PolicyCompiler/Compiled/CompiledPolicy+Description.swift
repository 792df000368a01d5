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
    writeClasses("classes", .namespaced)
    writeClasses("classes of the cluster's policies", .cluster)
  }

  private mutating func writeClasses(_ title: String, _ plane: PolicyPlane) {
    let peers = tables[plane]
    if peers.isEmpty, plane == .cluster { return }
    lines.append(title)
    let members = Dictionary(grouping: peers.keys) { peers[$0] ?? .none }.mapValues { $0.sorted() }
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
    var users: [[RuleSetID: [User]]] = [[:], [:], [:]]
    var free: [User] = []
    for (pod, endpoint) in tables.endpoints {
      for (direction, stages) in [(PolicyDirection.ingress, endpoint.ingress), (.egress, endpoint.egress)] {
        let user = User(pod: pod, direction: direction)
        let sets = [tables.tiers[stages.admin], stages.policy, tables.tiers[stages.baseline]]
        for (stage, set) in sets.enumerated() {
          if let set, set != .unrestricted { users[stage][set, default: []].append(user) }
        }
        if sets.allSatisfy({ $0 == nil || $0 == .unrestricted }) { free.append(user) }
      }
    }
    for stage in PolicyStage.allCases { writeSets(of: stage, users[Int(stage.rawValue)].mapValues { $0.sorted() }) }
    lines.append("unrestricted")
    for user in free.sorted() { lines.append("  \(user.pod) \(user.direction)") }
  }

  private mutating func writeSets(of stage: PolicyStage, _ users: [RuleSetID: [User]]) {
    let order = users.sorted { left, right in
      guard let left = left.value.first, let right = right.value.first else { return false }
      return left < right
    }
    let title =
      switch stage {
      case .admin: "admin tier"
      case .policy: "rule set"
      case .baseline: "baseline tier"
      }
    for (id, users) in order {
      guard let set = tables.ruleSets[id], let first = users.first else { continue }
      lines.append("\(title) of \(first.pod) \(first.direction)")
      for user in users { lines.append("  for \(user.pod) \(user.direction)") }
      write(set, stage, first)
      if set.ownNode == .unrestricted { lines.append("  own node: unrestricted") }
    }
  }

  private mutating func write(_ set: PolicyTables.RuleSet, _ stage: PolicyStage, _ user: User) {
    lines.append("  default: \(text(set.defaultTable))")
    for range in set.ranges {
      let rules = rules(stage, user, range.first, range.table)
      lines.append("  \(range.first)-\(range.last): \(text(range.table))\(rules)")
    }
    let verdicts = set.verdicts.compactMap { id, table in classNames[id].map { (name: $0.name, first: $0.first, table) }
    }
    for (name, first, table) in verdicts.sorted(by: { $0.1 < $1.1 }) {
      lines.append("  \(name): \(text(table))\(rules(stage, user, first, table))")
    }
  }

  /// The rules of a stage behind a verdict for a class, asked at the first port of each range.
  private func rules(_ stage: PolicyStage, _ user: User, _ address: IPAddress, _ table: PortTableID) -> String {
    guard let question = policy.question(for: user.pod, user.direction, peer: address) else { return "" }
    var questions: [(IPProtocol, UInt16)] = [(IPProtocol(rawValue: 1), 0)]
    if let ports = tables.portTables[table] {
      for (transport, list) in [(IPProtocol.tcp, ports.tcp), (.udp, ports.udp), (.sctp, ports.sctp)] {
        for range in list.ranges { questions.append((transport, range.first)) }
        questions.append((transport, list.ranges.last.map { $0.last == .max ? 0 : $0.last + 1 } ?? 0))
      }
    }
    var found: Set<PolicyRuleReference> = []
    for (transport, port) in questions {
      found.formUnion(question.rules(of: stage, at: port, of: transport))
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
