// SPDX-License-Identifier: Apache-2.0

internal import NetworkTypes

extension ClusterPolicy.Spec {
  /// The specification as the kind spells it.
  func document(_ dialect: ClusterPolicyDialect) -> DocumentValue {
    var fields: [String: DocumentValue] = [:]
    if dialect == .cluster { fields["tier"] = .string(tier.rawValue) }
    if dialect != .baseline { fields["priority"] = .int(Int64(priority)) }
    switch subject {
    case .namespaces(let selector): fields["subject"] = .map(["namespaces": selector.document])
    case .pods(let selector): fields["subject"] = .map(["pods": selector.document])
    }
    if !ingress.isEmpty { fields["ingress"] = .array(ingress.map { $0.document(dialect, side: "from") }) }
    if !egress.isEmpty { fields["egress"] = .array(egress.map { $0.document(dialect, side: "to") }) }
    return .map(fields)
  }
}

extension ClusterPolicy.Rule {
  fileprivate func document(_ dialect: ClusterPolicyDialect, side: String) -> DocumentValue {
    let spelling = dialect.actions.first { $0.action == action }?.spelling ?? action.rawValue
    var fields: [String: DocumentValue] = [
      "action": .string(spelling), side: .array(peers.map { .map([$0.fieldName: $0.document]) }),
    ]
    if !name.isEmpty { fields["name"] = .string(name) }
    if let ports { fields[dialect.portsField] = .array(ports.map { $0.document(dialect) }) }
    return .map(fields)
  }
}

extension ClusterPolicy.Peer {
  fileprivate var document: DocumentValue {
    switch self {
    case .namespaces(let selector), .nodes(let selector): selector.document
    case .pods(let selector): selector.document
    case .networks(let blocks): .array(blocks.map { .string($0.description) })
    case .domainNames(let names): .array(names.map(DocumentValue.string))
    case .unknown: .map([:])
    }
  }
}

extension ClusterPolicy.Ports {
  fileprivate func document(_ dialect: ClusterPolicyDialect) -> DocumentValue {
    guard case .range(let transport, let range) = self else {
      guard case .named(let name) = self else { return .map([:]) }
      return .map([dialect.namedPortField: .string(name)])
    }
    let isOne = range.lowerBound == range.upperBound
    let ends: [String: DocumentValue] = [
      "start": .int(Int64(range.lowerBound)), "end": .int(Int64(range.upperBound)),
    ]
    if dialect.isFirst {
      let name: DocumentValue = .string(transport.rawValue)
      let number: [String: DocumentValue] = ["protocol": name, "port": .int(Int64(range.lowerBound))]
      return .map(
        isOne
          ? ["portNumber": .map(number)] : ["portRange": .map(ends.merging(["protocol": name]) { old, _ in old })])
    }
    let ports: [String: DocumentValue] =
      isOne ? ["number": .int(Int64(range.lowerBound))] : ["range": .map(ends)]
    return .map([transport.fieldName: .map(["destinationPort": .map(ports)])])
  }
}

extension ClusterPolicy.PodSelector {
  fileprivate var document: DocumentValue {
    .map(["namespaceSelector": namespaceSelector.document, "podSelector": podSelector.document])
  }
}

extension LabelSelector {
  fileprivate var document: DocumentValue {
    var fields: [String: DocumentValue] = [:]
    if !matchLabels.isEmpty { fields["matchLabels"] = .map(matchLabels.mapValues(DocumentValue.string)) }
    if !matchExpressions.isEmpty {
      fields["matchExpressions"] = .array(
        matchExpressions.map { requirement in
          var fields: [String: DocumentValue] = [
            "key": .string(requirement.key), "operator": .string(requirement.operator.rawValue),
          ]
          if !requirement.values.isEmpty { fields["values"] = .array(requirement.values.map(DocumentValue.string)) }
          return .map(fields)
        })
    }
    return .map(fields)
  }
}
