// SPDX-License-Identifier: Apache-2.0

extension Service {
  /// What the API server would refuse: ports, names of ports, affinity time.
  ///
  /// - Returns: one error for each field; none for a good Service.
  public func validationErrors() -> [ValidationError] {
    var errors = metadata.validationErrors(namespaced: true, nameIs: .label)
    let path = FieldPath.root.field("spec")
    let portsPath = path.field("ports")
    if spec.ports.isEmpty, spec.type != .externalName, !spec.isHeadless {
      errors.append(ValidationError(portsPath, "a Service that is not headless needs at least one port"))
    }
    var names: Set<String?> = []
    var numbers: Set<[Int32]> = []
    for (index, port) in spec.ports.enumerated() {
      let path = portsPath.item(index)
      errors += portNumberErrors(port.port, at: path.field("port"))
      if let nodePort = port.nodePort, nodePort != 0 {
        errors += portNumberErrors(nodePort, at: path.field("nodePort"))
      }
      switch port.targetPort {
      case .int(let number): errors += portNumberErrors(number, at: path.field("targetPort"))
      case .string(let name): errors += portNameErrors(name, at: path.field("targetPort"))
      case nil: break
      }
      if let name = port.name {
        errors += labelNameErrors(name, at: path.field("name"))
      } else if spec.ports.count > 1 {
        errors.append(ValidationError(path.field("name"), "is missing; a Service with several ports names them all"))
      }
      if !names.insert(port.name).inserted, port.name != nil {
        errors.append(ValidationError(path.field("name"), "another port has the same name"))
      }
      if !numbers.insert([port.port, Int32(port.protocol.number)]).inserted {
        errors.append(ValidationError(path, "another port has the same number and protocol"))
      }
    }
    if spec.sessionAffinity == .clientIP, !(1...86400).contains(spec.sessionAffinityTimeoutSeconds) {
      let timeout = path.field("sessionAffinityConfig").field("clientIP").field("timeoutSeconds")
      errors.append(ValidationError(timeout, "\(spec.sessionAffinityTimeoutSeconds) is not 1 to 86400"))
    }
    if spec.type == .externalName, spec.externalName?.isEmpty ?? true {
      errors.append(ValidationError(path.field("externalName"), "is missing; the type ExternalName needs it"))
    }
    return errors
  }
}
