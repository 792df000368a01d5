// SPDX-License-Identifier: Apache-2.0

extension EndpointSlice: KubernetesResource {
  /// `discovery.k8s.io/v1`.
  public static var apiVersion: String { "discovery.k8s.io/v1" }
  /// `EndpointSlice`.
  public static var kind: String { "EndpointSlice" }
  /// True.
  public static var isNamespaced: Bool { true }

  /// Reads a slice.
  ///
  /// - Parameter reader: its fields.
  /// - Throws: ``ValidationError`` for the first field that is wrong.
  public init(reading reader: inout ObjectReader) throws(ValidationError) {
    let metadata = try Self.readMetadata(&reader)
    guard let type = try reader.choice("addressType", of: AddressType.self) else {
      throw ValidationError(reader.path.field("addressType"), "is missing; write IPv4, IPv6 or FQDN")
    }
    self.init(
      metadata: metadata, addressType: type, endpoints: try reader.array("endpoints") ?? [],
      ports: try reader.array("ports") ?? [])
  }

  /// What the API server would refuse.
  ///
  /// - Returns: one error for each field; none for a good slice.
  public func validationErrors() -> [ValidationError] {
    var errors = metadata.validationErrors(namespaced: true, nameIs: .subdomain)
    let endpointsPath = FieldPath.root.field("endpoints")
    if endpoints.count > 1000 {
      errors.append(ValidationError(endpointsPath, "has \(endpoints.count) entries, more than 1000; split it"))
    } else {
      errors += itemErrors(endpoints, at: endpointsPath) { endpoint, path in
        addressErrors(endpoint.addresses, at: path.field("addresses")) + endpoint.validationErrors(at: path)
      }
    }
    let portsPath = FieldPath.root.field("ports")
    if ports.count > 100 {
      errors.append(ValidationError(portsPath, "has \(ports.count) entries, more than 100"))
      return errors
    }
    var names: Set<String> = []
    for (index, port) in ports.enumerated() {
      let path = portsPath.item(index)
      if let number = port.port { errors += portNumberErrors(number, at: path.field("port")) }
      if let name = port.name { errors += labelNameErrors(name, at: path.field("name")) }
      if !names.insert(port.name ?? "").inserted {
        errors.append(ValidationError(path.field("name"), "another port of the slice has the same name"))
      }
      if let appProtocol = port.appProtocol {
        errors += qualifiedNameErrors(appProtocol, at: path.field("appProtocol"))
      }
    }
    return errors
  }

  /// Writes what the kind has besides its metadata.
  ///
  /// - Parameter fields: where it goes.
  /// - Throws: what the encoder throws.
  public func encodeBody(to fields: inout KeyedEncodingContainer<ResourceField>) throws {
    try fields.encode(addressType, forKey: .addressType)
    try fields.encode(endpoints, forKey: .endpoints)
    try fields.encode(ports, forKey: .ports)
  }
}

extension EndpointSlice.Endpoint: DocumentReadable {
  /// Reads a backend.
  ///
  /// - Parameter reader: its fields.
  /// - Throws: ``ValidationError`` for the first field that is wrong.
  public init(reading reader: inout ObjectReader) throws(ValidationError) {
    let hints: Hints? = try reader.object("hints")
    let target: TargetReference? = try reader.object("targetRef")
    self.init(
      addresses: try reader.stringArray("addresses") ?? [],
      conditions: try reader.object("conditions") ?? EndpointSlice.Conditions(),
      nodeName: try reader.string("nodeName"), zone: try reader.string("zone"),
      hostname: try reader.string("hostname"), targetRef: target?.pod,
      hintedZones: hints?.forZones.map(\.name) ?? [], hintedNodes: hints?.forNodes.map(\.name) ?? [])
    // Topology of the beta API, which nothing reads any more.
    if let topology = try reader.stringMap("deprecatedTopology"), topology.count > 16 {
      throw ValidationError(
        reader.path.field("deprecatedTopology"), "has \(topology.count) entries, more than 16")
    }
  }

  private struct TargetReference: DocumentReadable {
    var pod: NamespacedName?

    init(reading reader: inout ObjectReader) throws(ValidationError) {
      let kind = try reader.string("kind") ?? ""
      let name = NamespacedName(
        namespace: try reader.string("namespace") ?? "", name: try reader.string("name") ?? "")
      pod = kind == "Pod" ? name : nil
      reader.ignore("apiVersion", "uid", "resourceVersion", "fieldPath")
    }
  }

  private struct Hints: DocumentReadable {
    var forZones: [Hint]
    var forNodes: [Hint]

    init(reading reader: inout ObjectReader) throws(ValidationError) {
      forZones = try reader.array("forZones") ?? []
      forNodes = try reader.array("forNodes") ?? []
    }

    struct Hint: DocumentReadable {
      var name: String

      init(reading reader: inout ObjectReader) throws(ValidationError) {
        name = try reader.string("name") ?? ""
      }
    }
  }

  private enum CodingKeys: String, CodingKey {
    case addresses, conditions, nodeName, zone, hostname, targetRef, hints
  }

  /// Writes a backend as the API does.
  ///
  /// - Parameter encoder: where it goes.
  /// - Throws: what the encoder throws.
  public func encode(to encoder: any Encoder) throws {
    var fields = encoder.container(keyedBy: CodingKeys.self)
    try fields.encode(addresses, forKey: .addresses)
    try fields.encode(conditions, forKey: .conditions)
    try fields.encodeIfPresent(nodeName, forKey: .nodeName)
    try fields.encodeIfPresent(zone, forKey: .zone)
    try fields.encodeIfPresent(hostname, forKey: .hostname)
    if let targetRef {
      let reference = ["kind": "Pod", "namespace": targetRef.namespace, "name": targetRef.name]
      try fields.encode(reference, forKey: .targetRef)
    }
    let hints = ["forZones": hintedZones, "forNodes": hintedNodes].filter { !$0.value.isEmpty }
    if !hints.isEmpty {
      try fields.encode(hints.mapValues { names in names.map { ["name": $0] } }, forKey: .hints)
    }
  }
}

extension EndpointSlice.Endpoint {
  /// What the API server would refuse, apart from the addresses.
  fileprivate func validationErrors(at path: FieldPath) -> [ValidationError] {
    var errors: [ValidationError] = []
    if let nodeName { errors += subdomainErrors(nodeName, at: path.field("nodeName")) }
    if let hostname { errors += labelNameErrors(hostname, at: path.field("hostname")) }
    let hints = path.field("hints")
    errors += Self.hintErrors(hintedZones, at: hints.field("forZones")) { labelValueErrors($0, at: $1) }
    return errors + Self.hintErrors(hintedNodes, at: hints.field("forNodes")) { subdomainErrors($0, at: $1) }
  }

  private static func hintErrors(
    _ names: [String], at path: FieldPath, _ check: (String, FieldPath) -> [ValidationError]
  ) -> [ValidationError] {
    if names.count > 8 { return [ValidationError(path, "has \(names.count) entries, more than 8")] }
    var seen: Set<String> = []
    return names.enumerated().flatMap { index, name in
      let path = path.item(index).field("name")
      if !seen.insert(name).inserted { return [ValidationError(path, "\"\(shortened(name))\" is in the list already")] }
      return check(name, path)
    }
  }
}

extension EndpointSlice.Conditions: DocumentReadable {
  /// Reads conditions.
  ///
  /// - Parameter reader: their fields.
  /// - Throws: ``ValidationError`` for the first field that is wrong.
  public init(reading reader: inout ObjectReader) throws(ValidationError) {
    self.init(
      ready: try reader.bool("ready"), serving: try reader.bool("serving"),
      terminating: try reader.bool("terminating"))
  }
}

extension EndpointSlice.Port: DocumentReadable {
  /// Reads a port.
  ///
  /// - Parameter reader: its fields.
  /// - Throws: ``ValidationError`` for the first field that is wrong.
  public init(reading reader: inout ObjectReader) throws(ValidationError) {
    let name = try reader.string("name")
    self.init(
      name: name == "" ? nil : name, protocol: try reader.choice("protocol", of: TransportProtocol.self) ?? .tcp,
      port: try reader.int32("port"), appProtocol: try reader.string("appProtocol"))
  }
}
