// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes

extension Service.Spec {
  /// What the API server would refuse in the list of ports.
  func portErrors(at path: FieldPath) -> [ValidationError] {
    if ports.isEmpty, type != .externalName, !isHeadless {
      return [ValidationError(path, "a Service that is not headless needs at least one port")]
    }
    var names: Set<String> = []
    var numbers: Set<[Int32]> = []
    var nodePorts: Set<[Int32]> = []
    return itemErrors(ports, at: path) { port, path in
      var errors = port.validationErrors(at: path)
      if let name = port.name {
        errors += labelNameErrors(name, at: path.field("name"))
        if !names.insert(name).inserted {
          errors.append(ValidationError(path.field("name"), "another port has the same name"))
        }
      } else if ports.count > 1 {
        errors.append(ValidationError(path.field("name"), "is missing; a Service with several ports names them all"))
      }
      if !numbers.insert([port.port, Int32(port.protocol.number)]).inserted {
        errors.append(ValidationError(path, "another port has the same number and protocol"))
      }
      if let nodePort = port.nodePort, nodePort != 0 {
        if type == .clusterIP {
          errors.append(ValidationError(path.field("nodePort"), "is not for the type ClusterIP"))
        }
        if !nodePorts.insert([nodePort, Int32(port.protocol.number)]).inserted {
          errors.append(ValidationError(path.field("nodePort"), "another port has the same node port and protocol"))
        }
      }
      return errors
    }
  }

  /// What the API server would refuse in the fields of an `ExternalName` Service.
  func externalNameErrors(at path: FieldPath) -> [ValidationError] {
    var errors: [ValidationError] = []
    let name = externalName ?? ""
    if name.isEmpty {
      errors.append(ValidationError(path.field("externalName"), "is missing; the type ExternalName needs it"))
    } else {
      let relative = name.utf8.last == 46 ? String(name.dropLast()) : name
      errors += subdomainErrors(relative, at: path.field("externalName"))
    }
    for (field, isEmpty) in [
      ("clusterIPs", clusterIPs.isEmpty), ("ipFamilies", ipFamilies.isEmpty), ("ipFamilyPolicy", ipFamilyPolicy == nil),
    ] where !isEmpty {
      errors.append(ValidationError(path.field(field), "is not for the type ExternalName"))
    }
    return errors
  }

  /// What the API server would refuse in cluster IPs and families.
  func familyErrors(at path: FieldPath) -> [ValidationError] {
    var errors: [ValidationError] = []
    let ipsPath = path.field("clusterIPs")
    let familiesPath = path.field("ipFamilies")
    for (index, family) in ipFamilies.enumerated() where ipFamilies[..<index].contains(family) {
      errors.append(ValidationError(familiesPath.item(index), "\(family.rawValue) is in the list already"))
      break
    }
    if isHeadless {
      if clusterIPs.count > 1 { errors.append(ValidationError(ipsPath, "None must be the only value")) }
      if type != .clusterIP {
        errors.append(ValidationError(ipsPath.item(0), "must not be None for the type \(type.rawValue)"))
      }
      return errors
    }
    if clusterIPs.count > 2 {
      errors.append(ValidationError(ipsPath, "has \(clusterIPs.count) entries, more than one for each family"))
      return errors
    }
    var families: [AddressFamily] = []
    for (index, text) in clusterIPs.enumerated() {
      let found = addressErrors(text, at: ipsPath.item(index))
      errors += found
      if found.isEmpty, let address = IPAddress(text) { families.append(address.family) }
    }
    guard families.count == clusterIPs.count else { return errors }
    if families.count == 2, families[0] == families[1] {
      errors.append(ValidationError(ipsPath, "has two addresses of one family"))
    }
    for (index, pair) in zip(ipFamilies, families).enumerated() where pair.0.addressFamily != pair.1 {
      errors.append(
        ValidationError(ipsPath.item(index), "must be an \(pair.0.rawValue) address, as ipFamilies[\(index)] says"))
    }
    return errors
  }

  /// What the API server would refuse in fields for load balancers.
  func loadBalancerErrors(at path: FieldPath) -> [ValidationError] {
    var errors: [ValidationError] = []
    if type != .loadBalancer {
      for (field, isSet) in [
        ("loadBalancerClass", loadBalancerClass != nil),
        ("allocateLoadBalancerNodePorts", allocateLoadBalancerNodePorts != nil),
      ] where isSet {
        errors.append(ValidationError(path.field(field), "is only for the type LoadBalancer"))
      }
    } else if let loadBalancerClass {
      errors += qualifiedNameErrors(loadBalancerClass, at: path.field("loadBalancerClass"))
    }
    if let port = healthCheckNodePort, port != 0 {
      if !needsHealthCheck {
        errors.append(
          ValidationError(
            path.field("healthCheckNodePort"), "is only for the type LoadBalancer with externalTrafficPolicy Local"))
      } else {
        errors += portNumberErrors(port, at: path.field("healthCheckNodePort"))
      }
    }
    return errors
  }
}

extension Service.IPFamily {
  /// The family as addresses have it.
  public var addressFamily: AddressFamily { self == .ipv4 ? .ipv4 : .ipv6 }
}

extension Service.Port {
  fileprivate func validationErrors(at path: FieldPath) -> [ValidationError] {
    var errors = portNumberErrors(port, at: path.field("port"))
    if let nodePort, nodePort != 0 { errors += portNumberErrors(nodePort, at: path.field("nodePort")) }
    switch targetPort {
    case .int(let number): errors += portNumberErrors(number, at: path.field("targetPort"))
    case .string(let name): errors += portNameErrors(name, at: path.field("targetPort"))
    case nil: break
    }
    return errors + (appProtocol.map { qualifiedNameErrors($0, at: path.field("appProtocol")) } ?? [])
  }
}
