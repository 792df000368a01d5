// SPDX-License-Identifier: Apache-2.0

internal import NetworkTypes

extension ObjectReader {
  /// Whether what is not known fails closed.
  var failsClosed: Bool { options.unknownFields == .failClosed }

  /// Skips what is left where unknown fields fail closed.
  mutating func skipUnknown() {
    if failsClosed { ignoreOthers() }
  }

  /// Takes `status`: of a new object the server looks at its fields' names only, then drops it.
  mutating func takeStatus() throws(ValidationError) {
    guard let value = value("status"), !failsClosed, case .map(let fields) = value else { return }
    let path = path.field("status")
    if let name = fields.keys.filter({ $0 != "conditions" }).min() {
      throw ValidationError(path.field(name), "unknown field \"\(shortened(name))\"; remove it")
    }
    guard case .array(let conditions)? = fields["conditions"] else { return }
    let known = ["lastTransitionTime", "message", "observedGeneration", "reason", "status", "type"]
    for (index, condition) in conditions.enumerated() {
      guard case .map(let fields) = condition, let name = fields.keys.filter({ !known.contains($0) }).min() else {
        continue
      }
      throw ValidationError(
        path.field("conditions").item(index).field(name), "unknown field \"\(shortened(name))\"; remove it")
    }
  }

  /// Takes the `spec` of a cluster-scoped policy.
  mutating func clusterPolicySpec(_ dialect: ClusterPolicyDialect) throws(ValidationError) -> ClusterPolicy.Spec {
    refusesNull = true
    guard has("spec") else { throw ValidationError(path.field("spec"), "is missing") }
    let spec = try object("spec") { (reader: inout ObjectReader) throws(ValidationError) in
      let spec = try ClusterPolicy.Spec(reading: &reader, dialect)
      reader.skipUnknown()
      return spec
    }
    skipUnknown()
    guard let spec else { throw ValidationError(path.field("spec"), "is missing") }
    return spec
  }

  /// Takes a field that must be there.
  fileprivate func missing(_ name: String, _ remedy: String) -> ValidationError {
    ValidationError(path.field(name), "is missing; \(remedy)")
  }

  /// The one field of an object that must have exactly one.
  ///
  /// - Returns: nil where it is not known and unknown fields fail closed; `unknown` then is its name.
  func onlyField(of known: [String], unknown: inout String) throws(ValidationError) -> String? {
    let names = remainingNames
    if let name = names.first(where: { !known.contains($0) }) {
      guard failsClosed else { throw unknownField(name) }
      unknown = name
      return nil
    }
    guard names.count == 1, let name = names.first else {
      if names.isEmpty, failsClosed { return nil }
      let choices = known.joined(separator: ", ")
      throw ValidationError(
        path, names.isEmpty ? "is empty; give it one of \(choices)" : "has \(names.count) of \(choices); give it one")
    }
    return name
  }
}

extension ClusterPolicy.Spec {
  fileprivate init(reading reader: inout ObjectReader, _ dialect: ClusterPolicyDialect) throws(ValidationError) {
    switch dialect {
    case .admin: self.tier = .admin
    case .baseline: self.tier = .baseline
    case .cluster:
      guard let tier = try reader.choice("tier", of: ClusterPolicy.Tier.self) else {
        throw reader.missing("tier", "write Admin or Baseline")
      }
      self.tier = tier
    }
    priority = 0
    if dialect != .baseline {
      guard let number = try reader.int32("priority") else { throw reader.missing("priority", "write 0 to 1000") }
      priority = number
    }
    let subject = try reader.object("subject") { (reader: inout ObjectReader) throws(ValidationError) in
      try ClusterPolicy.Subject(reading: &reader, dialect)
    }
    guard let subject else { throw reader.missing("subject", "give it namespaces or pods") }
    self.subject = subject
    ingress =
      try reader.array("ingress") { (reader: inout ObjectReader) throws(ValidationError) in
        try ClusterPolicy.Rule(reading: &reader, dialect, egress: false)
      } ?? []
    egress =
      try reader.array("egress") { (reader: inout ObjectReader) throws(ValidationError) in
        try ClusterPolicy.Rule(reading: &reader, dialect, egress: true)
      } ?? []
  }
}

extension ClusterPolicy.Subject {
  fileprivate init(reading reader: inout ObjectReader, _ dialect: ClusterPolicyDialect) throws(ValidationError) {
    var unknown = ""
    switch try reader.onlyField(of: ["namespaces", "pods"], unknown: &unknown) {
    case "namespaces"?: self = .namespaces(try reader.object("namespaces") ?? LabelSelector())
    case "pods"?: self = .pods(try ClusterPolicy.PodSelector(in: &reader, dialect))
    default:
      throw ValidationError(
        reader.path, "is in a way that is not known (\"\(shortened(unknown))\"); nothing can be said of its pods")
    }
  }
}

extension ClusterPolicy.PodSelector {
  fileprivate init(in reader: inout ObjectReader, _ dialect: ClusterPolicyDialect) throws(ValidationError) {
    let pods = try reader.object("pods") { (reader: inout ObjectReader) throws(ValidationError) in
      let namespaces: LabelSelector? = try reader.object("namespaceSelector")
      if namespaces == nil, dialect.isFirst {
        throw reader.missing("namespaceSelector", "write {} for every namespace")
      }
      guard let pods: LabelSelector = try reader.object("podSelector") else {
        throw reader.missing("podSelector", "write {} for every pod")
      }
      return Self(namespaceSelector: namespaces ?? LabelSelector(), podSelector: pods)
    }
    guard let pods else { throw reader.missing("pods", "give it a selector") }
    self = pods
  }
}

extension ClusterPolicy.Rule {
  fileprivate init(
    reading reader: inout ObjectReader, _ dialect: ClusterPolicyDialect, egress: Bool
  ) throws(ValidationError) {
    name = try reader.string("name") ?? ""
    let spellings = dialect.actions.map(\.spelling).joined(separator: ", ")
    guard let text = try reader.string("action") else { throw reader.missing("action", "write one of \(spellings)") }
    guard let action = dialect.actions.first(where: { $0.spelling == text })?.action else {
      throw ValidationError(reader.path.field("action"), "\"\(shortened(text))\" is not one of \(spellings)")
    }
    self.action = action
    let side = egress ? "to" : "from"
    let peers = try reader.array(side) { (reader: inout ObjectReader) throws(ValidationError) in
      try ClusterPolicy.Peer(reading: &reader, dialect, egress: egress)
    }
    guard let peers else { throw reader.missing(side, "give it at least one peer") }
    self.peers = peers
    let ports = try reader.array(dialect.portsField) {
      (reader: inout ObjectReader) throws(ValidationError) -> ClusterPolicy.Ports? in
      try ClusterPolicy.Ports.read(&reader, dialect)
    }
    if let ports, ports.isEmpty {
      throw ValidationError(
        reader.path.field(dialect.portsField), "is empty; give it at least one entry, or leave it out for every port")
    }
    self.ports = ports?.compactMap { $0 }
    if let unknown = reader.remainingNames.first, reader.failsClosed {
      // Whatever it narrows, no connection may pass that it would have stopped.
      self.peers = [.unknown(unknown)]
      reader.skipUnknown()
    } else if let ports, ports.contains(nil), action != .accept || self.ports == [] {
      self.peers = [.unknown(dialect.portsField)]
      self.ports = nil
    }
  }
}

extension ClusterPolicy.Peer {
  fileprivate init(
    reading reader: inout ObjectReader, _ dialect: ClusterPolicyDialect, egress: Bool
  ) throws(ValidationError) {
    var unknown = ""
    guard let name = try reader.onlyField(of: dialect.peerFields(egress: egress), unknown: &unknown) else {
      self = .unknown(unknown)
      reader.skipUnknown()
      return
    }
    do {
      switch name {
      case "namespaces": self = .namespaces(try reader.object(name) ?? LabelSelector())
      case "pods": self = .pods(try ClusterPolicy.PodSelector(in: &reader, dialect))
      case "nodes": self = .nodes(try reader.object(name) ?? LabelSelector())
      case "networks": self = .networks(try reader.networks())
      default: self = .domainNames(try reader.stringArray(name) ?? [])
      }
    } catch {
      guard reader.failsClosed else { throw error }
      self = .unknown(name)
    }
  }
}

extension ObjectReader {
  /// Takes `networks`: a set of texts, so that no text comes twice, though a network may.
  fileprivate mutating func networks() throws(ValidationError) -> [IPCIDR] {
    let path = path.field("networks")
    var blocks: [IPCIDR] = []
    var known: Set<String> = []
    for (index, text) in (try stringArray("networks") ?? []).enumerated() {
      guard text.unicodeScalars.count <= 43, let block = IPCIDR(text) else {
        throw ValidationError(
          path.item(index), "\"\(shortened(text))\" is not a block such as 192.0.2.0/24 or 2001:db8::/64")
      }
      guard known.insert(text).inserted else {
        throw ValidationError(path.item(index), "\"\(text)\" is there twice; remove one")
      }
      blocks.append(block)
    }
    return blocks
  }
}
