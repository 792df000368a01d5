// SPDX-License-Identifier: Apache-2.0

internal import NetworkTypes

extension NetworkPolicy {
  /// What the API server would refuse: selectors, ports and ranges, peers that are two things or none, holes that are
  /// not inside of their block.
  ///
  /// - Returns: one error for each field; none for a good policy.
  public func validationErrors() -> [ValidationError] {
    let path = FieldPath.root.field("spec")
    var errors = metadata.validationErrors(namespaced: true, nameIs: .subdomain)
    errors += spec.podSelector.validationErrors(at: path.field("podSelector"))
    for (index, rule) in spec.ingress.enumerated() {
      let path = path.field("ingress").item(index)
      errors += portErrors(rule.ports, at: path.field("ports"))
      errors += peerErrors(rule.from, at: path.field("from"))
    }
    for (index, rule) in spec.egress.enumerated() {
      let path = path.field("egress").item(index)
      errors += portErrors(rule.ports, at: path.field("ports"))
      errors += peerErrors(rule.to, at: path.field("to"))
    }
    if spec.policyTypes.count > 2 {
      errors.append(ValidationError(path.field("policyTypes"), "has more than two entries"))
    }
    return errors
  }

  private func portErrors(_ ports: [Port], at path: FieldPath) -> [ValidationError] {
    var errors: [ValidationError] = []
    for (index, port) in ports.enumerated() {
      errors += port.validationErrors(at: path.item(index))
    }
    return errors
  }

  private func peerErrors(_ peers: [Peer], at path: FieldPath) -> [ValidationError] {
    var errors: [ValidationError] = []
    for (index, peer) in peers.enumerated() {
      errors += peer.validationErrors(at: path.item(index))
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
    var errors: [ValidationError] = []
    for (index, hole) in except.enumerated()
    where hole.family != cidr.family || !cidr.contains(hole) || hole.prefixLength == cidr.prefixLength {
      let path = path.field("except").item(index)
      errors.append(ValidationError(path, "\(hole) is not a smaller block inside of \(cidr)"))
    }
    return errors
  }
}
