// SPDX-License-Identifier: Apache-2.0

internal import NetworkTypes

extension NetworkPolicy {
  /// What the API server would refuse: selectors, ports and ranges, peers that are two things or none, holes that are
  /// not inside of their block.
  ///
  /// - Returns: one error for each field, though not more of a long list than a person would read; none for a good
  ///   policy.
  public func validationErrors() -> [ValidationError] {
    let path = FieldPath.root.field("spec")
    var errors = metadata.validationErrors(namespaced: true, nameIs: .subdomain)
    errors += spec.podSelector.validationErrors(at: path.field("podSelector"))
    errors += itemErrors(spec.ingress, at: path.field("ingress")) { rule, path in
      itemErrors(rule.ports, at: path.field("ports")) { $0.validationErrors(at: $1) }
        + itemErrors(rule.from, at: path.field("from")) { $0.validationErrors(at: $1) }
    }
    errors += itemErrors(spec.egress, at: path.field("egress")) { rule, path in
      itemErrors(rule.ports, at: path.field("ports")) { $0.validationErrors(at: $1) }
        + itemErrors(rule.to, at: path.field("to")) { $0.validationErrors(at: $1) }
    }
    if spec.policyTypes.count > 2 {
      errors.append(ValidationError(path.field("policyTypes"), "has more than two entries"))
    }
    return errors
  }
}

extension NetworkPolicy.Port {
  fileprivate func validationErrors(at path: FieldPath) -> [ValidationError] {
    switch port {
    case .int(let number):
      var errors = portNumberErrors(number, at: path.field("port"))
      guard let endPort else { return errors }
      errors += portNumberErrors(endPort, at: path.field("endPort"))
      if endPort < number {
        errors.append(ValidationError(path.field("endPort"), "\(endPort) is less than port, which is \(number)"))
      }
      return errors
    case .string(let name):
      let errors = portNameErrors(name, at: path.field("port"))
      if endPort == nil { return errors }
      return errors + [ValidationError(path.field("endPort"), "a range needs port as a number, not as a name")]
    case nil:
      if endPort == nil { return [] }
      return [ValidationError(path.field("endPort"), "a range needs port, its first number")]
    }
  }
}

extension NetworkPolicy.Peer {
  fileprivate func validationErrors(at path: FieldPath) -> [ValidationError] {
    var errors: [ValidationError] = []
    if let podSelector {
      errors += podSelector.validationErrors(at: path.field("podSelector"))
    }
    if let namespaceSelector {
      errors += namespaceSelector.validationErrors(at: path.field("namespaceSelector"))
    }
    let hasSelector = podSelector != nil || namespaceSelector != nil
    if let ipBlock {
      errors += ipBlock.validationErrors(at: path.field("ipBlock"))
      if hasSelector {
        errors.append(ValidationError(path, "has ipBlock and a selector; make two peers of it"))
      }
    } else if !hasSelector {
      errors.append(ValidationError(path, "is empty; give it podSelector, namespaceSelector or ipBlock"))
    }
    return errors
  }
}

extension NetworkPolicy.IPBlock {
  fileprivate func validationErrors(at path: FieldPath) -> [ValidationError] {
    itemErrors(except, at: path.field("except")) { hole, path in
      if hole.family == cidr.family, cidr.contains(hole), hole.prefixLength > cidr.prefixLength { return [] }
      return [ValidationError(path, "\(hole) is not a smaller block inside of \(cidr)")]
    }
  }
}
