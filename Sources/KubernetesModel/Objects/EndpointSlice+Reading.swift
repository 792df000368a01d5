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
    }
    for (index, endpoint) in endpoints.enumerated() {
      errors += addressErrors(endpoint.addresses, at: endpointsPath.item(index).field("addresses"))
    }
    let portsPath = FieldPath.root.field("ports")
    var names: Set<String> = []
    for (index, port) in ports.enumerated() {
      let path = portsPath.item(index)
      if let number = port.port { errors += portNumberErrors(number, at: path.field("port")) }
      if !names.insert(port.name ?? "").inserted {
        errors.append(ValidationError(path.field("name"), "another port of the slice has the same name"))
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
      hintedZones: hints?.forZones.map(\.name) ?? [])
    reader.ignore("deprecatedTopology")
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

    init(reading reader: inout ObjectReader) throws(ValidationError) {
      forZones = try reader.array("forZones") ?? []
      reader.ignore("forNodes")
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
    if !hintedZones.isEmpty {
      try fields.encode(["forZones": hintedZones.map { ["name": $0] }], forKey: .hints)
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
