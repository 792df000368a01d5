// SPDX-License-Identifier: Apache-2.0

internal import NetworkTypes

extension ClusterPolicy.Spec {
  /// What the API server would refuse, or what it would let through although it cannot be evaluated.
  func validationErrors(_ dialect: ClusterPolicyDialect) -> [ValidationError] {
    let path = FieldPath.root.field("spec")
    var errors: [ValidationError] = []
    if !(0...1000).contains(priority) {
      errors.append(ValidationError(path.field("priority"), "\(priority) is not a priority, 0 to 1000"))
    }
    switch dialect {
    case .admin where tier != .admin, .baseline where tier != .baseline || priority != 0:
      errors.append(ValidationError(path, "has a tier or priority that the kind does not have"))
    default: break
    }
    switch subject {
    case .namespaces(let selector):
      errors += selector.validationErrors(at: path.field("subject").field("namespaces"))
    case .pods(let selector): errors += selector.validationErrors(at: path.field("subject").field("pods"))
    }
    for (name, rules) in [("ingress", ingress), ("egress", egress)] {
      let path = path.field(name)
      if rules.count > dialect.countLimit {
        errors.append(ValidationError(path, "has \(rules.count) rules, more than \(dialect.countLimit)"))
        continue
      }
      for (index, rule) in rules.enumerated() {
        errors += rule.validationErrors(dialect, egress: name == "egress", at: path.item(index))
      }
    }
    return errors
  }
}

extension ClusterPolicy.PodSelector {
  fileprivate func validationErrors(at path: FieldPath) -> [ValidationError] {
    namespaceSelector.validationErrors(at: path.field("namespaceSelector"))
      + podSelector.validationErrors(at: path.field("podSelector"))
  }
}

extension ClusterPolicy.Rule {
  fileprivate func validationErrors(
    _ dialect: ClusterPolicyDialect, egress: Bool, at path: FieldPath
  ) -> [ValidationError] {
    var errors: [ValidationError] = []
    if name.unicodeScalars.count > clusterPolicyNameLimit {
      errors.append(
        ValidationError(
          path.field("name"), "\"\(shortened(name))\" is longer than \(clusterPolicyNameLimit) characters"))
    }
    if dialect == .baseline, action == .pass {
      errors.append(ValidationError(path.field("action"), "Pass is not an action of the baseline tier's policy"))
    }
    let side = path.field(egress ? "to" : "from")
    if peers.isEmpty || peers.count > dialect.countLimit {
      errors.append(ValidationError(side, "has \(peers.count) peers; give it 1 to \(dialect.countLimit)"))
      return errors
    }
    for (index, peer) in peers.enumerated() {
      errors += peer.validationErrors(dialect, egress: egress, at: side.item(index))
    }
    guard let ports else { return errors }
    let portsPath = path.field(dialect.portsField)
    if ports.isEmpty || ports.count > dialect.countLimit {
      errors.append(ValidationError(portsPath, "has \(ports.count) entries; give it 1 to \(dialect.countLimit)"))
      return errors
    }
    for (index, entry) in ports.enumerated() {
      switch entry {
      case .range(_, let range):
        if range.lowerBound == 0 {
          errors.append(ValidationError(portsPath.item(index), "0 is not a port number, 1 to 65535"))
        }
      case .named:
        guard egress, peers.contains(where: \.hasNoPortNames) else { continue }
        errors.append(
          ValidationError(
            path,
            "has \(dialect.namedPortField) and a peer of nodes, networks or domainNames, which have no named ports; make "
              + "two rules of it"))
        return errors
      }
    }
    return errors
  }
}

extension ClusterPolicy.Peer {
  /// Whether the peer's addresses have no names for ports, or might have none.
  fileprivate var hasNoPortNames: Bool {
    switch self {
    case .nodes, .networks, .domainNames: true
    case .namespaces, .pods, .unknown: false
    }
  }

  /// The field that the peer is spelt with.
  var fieldName: String {
    switch self {
    case .namespaces: "namespaces"
    case .pods: "pods"
    case .nodes: "nodes"
    case .networks: "networks"
    case .domainNames: "domainNames"
    case .unknown(let name): name
    }
  }

  fileprivate func validationErrors(
    _ dialect: ClusterPolicyDialect, egress: Bool, at path: FieldPath
  ) -> [ValidationError] {
    let path = path.field(fieldName)
    guard dialect.peerFields(egress: egress).contains(fieldName) else {
      return [ValidationError(path, "is not a peer of such a rule")]
    }
    switch self {
    case .namespaces(let selector), .nodes(let selector): return selector.validationErrors(at: path)
    case .pods(let selector): return selector.validationErrors(at: path)
    case .networks(let blocks): return countErrors(blocks.count, at: path)
    case .domainNames(let names):
      var errors = countErrors(names.count, at: path)
      if names.count > clusterPolicyValueLimit { return errors }
      var known: Set<String> = []
      for (index, name) in names.enumerated() {
        if !isDomainNamePattern(name) {
          errors.append(
            ValidationError(
              path.item(index), "\"\(shortened(name))\" is not a domain name such as example.com or *.example.com"))
        } else if !known.insert(name).inserted {
          errors.append(ValidationError(path.item(index), "\"\(shortened(name))\" is there twice; remove one"))
        }
      }
      return errors
    case .unknown: return []
    }
  }

  private func countErrors(_ count: Int, at path: FieldPath) -> [ValidationError] {
    if (1...clusterPolicyValueLimit).contains(count) { return [] }
    return [ValidationError(path, "has \(count) entries; give it 1 to \(clusterPolicyValueLimit)")]
  }
}
