// SPDX-License-Identifier: Apache-2.0

extension Pod: KubernetesResource {
  /// `v1`.
  public static var apiVersion: String { "v1" }
  /// `Pod`.
  public static var kind: String { "Pod" }
  /// True.
  public static var isNamespaced: Bool { true }

  /// Reads a pod.
  ///
  /// - Parameter reader: its fields.
  /// - Throws: ``ValidationError`` for the first field that is wrong.
  public init(reading reader: inout ObjectReader) throws(ValidationError) {
    self.init(
      metadata: try Self.readMetadata(&reader), spec: try reader.object("spec") ?? Spec(),
      status: try reader.object("status") ?? Status())
  }

  /// What the API server would refuse.
  ///
  /// - Returns: one error for each field; none for a good pod.
  public func validationErrors() -> [ValidationError] {
    let path = FieldPath.root.field("spec")
    var errors = metadata.validationErrors(namespaced: true, nameIs: .subdomain)
    for (field, containers) in [("containers", spec.containers), ("initContainers", spec.initContainers)] {
      errors += itemErrors(containers, at: path.field(field)) { container, path in
        container.portErrors(hostNetwork: spec.hostNetwork, at: path.field("ports"))
      }
    }
    return errors
  }

  /// Writes what the kind has besides its metadata.
  ///
  /// - Parameter fields: where it goes.
  /// - Throws: what the encoder throws.
  public func encodeBody(to fields: inout KeyedEncodingContainer<ResourceField>) throws {
    try fields.encode(spec, forKey: .spec)
    try fields.encode(status, forKey: .status)
  }
}

extension Pod.Container {
  /// What the API server would refuse in a container's ports.
  fileprivate func portErrors(hostNetwork: Bool, at path: FieldPath) -> [ValidationError] {
    var names: Set<String> = []
    return itemErrors(ports, at: path) { port, path in
      var errors = portNumberErrors(port.containerPort, at: path.field("containerPort"))
      if let name = port.name, !name.isEmpty {
        errors += portNameErrors(name, at: path.field("name"))
        if !names.insert(name).inserted {
          errors.append(ValidationError(path.field("name"), "another port of the container has the same name"))
        }
      }
      if let hostPort = port.hostPort, hostPort != 0 {
        errors += portNumberErrors(hostPort, at: path.field("hostPort"))
        if hostNetwork, hostPort != port.containerPort {
          errors.append(
            ValidationError(path.field("hostPort"), "must be the same as containerPort with hostNetwork"))
        }
      }
      if let hostIP = port.hostIP, !hostIP.isEmpty { errors += addressErrors(hostIP, at: path.field("hostIP")) }
      return errors
    }
  }
}

extension Pod.Spec: DocumentReadable {
  /// Reads the modelled part of `spec`.
  ///
  /// - Parameter reader: its fields.
  /// - Throws: ``ValidationError`` for the first field that is wrong.
  public init(reading reader: inout ObjectReader) throws(ValidationError) {
    self.init(
      nodeName: try reader.string("nodeName"), hostNetwork: try reader.bool("hostNetwork") ?? false,
      containers: try reader.array("containers") ?? [], initContainers: try reader.array("initContainers") ?? [])
    reader.ignoreOthers()
  }
}

extension Pod.Container: DocumentReadable {
  /// Reads the modelled part of a container.
  ///
  /// - Parameter reader: its fields.
  /// - Throws: ``ValidationError`` for the first field that is wrong.
  public init(reading reader: inout ObjectReader) throws(ValidationError) {
    self.init(
      name: try reader.string("name") ?? "", ports: try reader.array("ports") ?? [],
      restartPolicy: try reader.string("restartPolicy"))
    reader.ignoreOthers()
  }
}

extension Pod.ContainerPort: DocumentReadable {
  /// Reads a container's port.
  ///
  /// - Parameter reader: its fields.
  /// - Throws: ``ValidationError`` for the first field that is wrong.
  public init(reading reader: inout ObjectReader) throws(ValidationError) {
    // An empty name is none.
    let name = try reader.string("name") ?? ""
    self.init(
      name: name.isEmpty ? nil : name, containerPort: try reader.int32("containerPort") ?? 0,
      protocol: try reader.choice("protocol", of: TransportProtocol.self) ?? .tcp,
      hostPort: try reader.int32("hostPort"), hostIP: try reader.string("hostIP"))
  }
}

extension Pod.Status: DocumentReadable {
  /// Reads the modelled part of `status`; a `podIP` without `podIPs` counts.
  ///
  /// - Parameter reader: its fields.
  /// - Throws: ``ValidationError`` for the first field that is wrong.
  public init(reading reader: inout ObjectReader) throws(ValidationError) {
    let single = try reader.string("podIP")
    let addresses: [PodIP] = try reader.array("podIPs") ?? []
    self.init(
      phase: try reader.string("phase"), hostIP: try reader.string("hostIP"),
      podIPs: addresses.isEmpty ? single.map { [$0] } ?? [] : addresses.map(\.ip))
    reader.ignoreOthers()
  }

  /// An item of `podIPs`.
  private struct PodIP: DocumentReadable {
    var ip: String

    init(reading reader: inout ObjectReader) throws(ValidationError) {
      ip = try reader.string("ip") ?? ""
    }
  }
}

extension Pod.Status {
  private enum CodingKeys: String, CodingKey {
    case phase, hostIP, podIP, podIPs
  }

  /// Writes `status` as the API does: `podIPs` as a list of objects, with the first again as `podIP`.
  ///
  /// - Parameter encoder: where it goes.
  /// - Throws: what the encoder throws.
  public func encode(to encoder: any Encoder) throws {
    var fields = encoder.container(keyedBy: CodingKeys.self)
    try fields.encodeIfPresent(phase, forKey: .phase)
    try fields.encodeIfPresent(hostIP, forKey: .hostIP)
    try fields.encodeIfPresent(podIPs.first, forKey: .podIP)
    try fields.encode(podIPs.map { ["ip": $0] }, forKey: .podIPs)
  }
}
