// SPDX-License-Identifier: Apache-2.0

internal import NetworkTypes

extension Service {
  /// An annotation with the CIDRs that may use the load balancer, with commas between them.
  ///
  /// `spec.loadBalancerSourceRanges` goes before it.
  public static let sourceRangesAnnotation = "service.beta.kubernetes.io/load-balancer-source-ranges"

  /// What the API server would refuse.
  ///
  /// Names may begin with a digit, as newer servers allow. Addresses and CIDRs with leading zeros, which servers still
  /// take, are refused: readers disagree about what they mean.
  ///
  /// - Returns: one error for each field; none for a good Service.
  public func validationErrors() -> [ValidationError] {
    let path = FieldPath.root.field("spec")
    var errors = metadata.validationErrors(namespaced: true, nameIs: .label)
    errors += topologyErrors() + spec.portErrors(at: path.field("ports"))
    errors += labelErrors(spec.selector, at: path.field("selector"))
    if spec.sessionAffinity == .clientIP, !(1...86400).contains(spec.sessionAffinityTimeoutSeconds) {
      let timeout = path.field("sessionAffinityConfig").field("clientIP").field("timeoutSeconds")
      errors.append(ValidationError(timeout, "\(spec.sessionAffinityTimeoutSeconds) is not 1 to 86400"))
    }
    if spec.type == .externalName {
      errors += spec.externalNameErrors(at: path)
    } else {
      errors += spec.familyErrors(at: path)
    }
    errors += itemErrors(spec.externalIPs, at: path.field("externalIPs")) { externalAddressErrors($0, at: $1) }
    errors += sourceRangeErrors() + spec.loadBalancerErrors(at: path)
    if let preference = spec.trafficDistribution,
      !["PreferClose", "PreferSameZone", "PreferSameNode"].contains(preference)
    {
      errors.append(
        ValidationError(
          path.field("trafficDistribution"),
          "\"\(shortened(preference))\" is not one of PreferClose, PreferSameZone, PreferSameNode"))
    }
    return errors + ingressErrors()
  }

  /// The two names of the annotation that turns on hints must agree.
  private func topologyErrors() -> [ValidationError] {
    let name = "service.kubernetes.io/topology-mode"
    let oldName = "service.kubernetes.io/topology-aware-hints"
    guard let mode = metadata.annotations[name], let old = metadata.annotations[oldName], mode != old else { return [] }
    let path = FieldPath.root.field("metadata").field("annotations").key(name)
    return [ValidationError(path, "\"\(shortened(mode))\" must be the same as the annotation \(oldName)")]
  }

  private func sourceRangeErrors() -> [ValidationError] {
    var path = FieldPath.root.field("spec").field("loadBalancerSourceRanges")
    var ranges = spec.loadBalancerSourceRanges
    var paths = ranges.indices.map { path.item($0) }
    if ranges.isEmpty, let text = metadata.annotations[Self.sourceRangesAnnotation] {
      path = FieldPath.root.field("metadata").field("annotations").key(Self.sourceRangesAnnotation)
      ranges =
        trimmed(text).isEmpty ? [] : text.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
      paths = ranges.map { _ in path }
    } else if ranges.isEmpty {
      return []
    }
    var errors: [ValidationError] = []
    if spec.type != .loadBalancer { errors.append(ValidationError(path, "is only for the type LoadBalancer")) }
    for (range, path) in zip(ranges, paths) where IPCIDR(trimmed(range)) == nil {
      if errors.count >= validationErrorLimit { break }
      errors.append(ValidationError(path, "\"\(shortened(range))\" is not a block such as 10.0.0.0/8"))
    }
    return errors
  }

  private func ingressErrors() -> [ValidationError] {
    let path = FieldPath.root.field("status").field("loadBalancer").field("ingress")
    if status.ingress.isEmpty { return [] }
    if spec.type != .loadBalancer { return [ValidationError(path, "is only for the type LoadBalancer")] }
    return itemErrors(status.ingress, at: path) { $0.validationErrors(at: $1) }
  }
}

extension Service.Ingress {
  fileprivate func validationErrors(at path: FieldPath) -> [ValidationError] {
    var errors: [ValidationError] = []
    if let ip {
      errors += addressErrors(ip, at: path.field("ip"))
    } else if ipMode != nil {
      errors.append(ValidationError(path.field("ipMode"), "is only for an entry with ip"))
    }
    if let hostname {
      errors += subdomainErrors(hostname, at: path.field("hostname"))
      if IPAddress(hostname) != nil {
        errors.append(ValidationError(path.field("hostname"), "\"\(shortened(hostname))\" is an address, not a name"))
      }
    }
    return errors
      + itemErrors(ports, at: path.field("ports")) { port, path in
        portNumberErrors(port.port, at: path.field("port"))
          + (port.error.map { qualifiedNameErrors($0, at: path.field("error")) } ?? [])
      }
  }
}

/// A text without the blanks around it.
func trimmed(_ text: some StringProtocol) -> String {
  var rest = Substring(text)
  while let first = rest.first, first.isWhitespace { rest = rest.dropFirst() }
  while let last = rest.last, last.isWhitespace { rest = rest.dropLast() }
  return String(rest)
}
