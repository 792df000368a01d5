// SPDX-License-Identifier: Apache-2.0

internal import NetworkTypes

extension NetworkPolicy: KubernetesResource {
  /// `networking.k8s.io/v1`.
  public static var apiVersion: String { "networking.k8s.io/v1" }
  /// `NetworkPolicy`.
  public static var kind: String { "NetworkPolicy" }
  /// True.
  public static var isNamespaced: Bool { true }

  /// Reads a policy.
  ///
  /// - Parameter reader: its fields.
  /// - Throws: ``ValidationError`` for the first field that is wrong.
  public init(reading reader: inout ObjectReader) throws(ValidationError) {
    self.init(metadata: try Self.readMetadata(&reader), spec: try reader.object("spec") ?? Spec())
    // There was a status in a few releases; the servers of today do not know the field.
    if reader.failsClosed { reader.ignore("status") }
  }

  /// Writes what the kind has besides its metadata.
  ///
  /// - Parameter fields: where it goes.
  /// - Throws: what the encoder throws.
  public func encodeBody(to fields: inout KeyedEncodingContainer<ResourceField>) throws {
    try fields.encode(spec, forKey: .spec)
  }
}

extension NetworkPolicy.Spec: DocumentReadable {
  /// Reads `spec`.
  ///
  /// - Parameter reader: its fields.
  /// - Throws: ``ValidationError`` for the first field that is wrong.
  public init(reading reader: inout ObjectReader) throws(ValidationError) {
    let types = try reader.stringArray("policyTypes") ?? []
    var policyTypes: [NetworkPolicy.PolicyType] = []
    for (index, text) in types.enumerated() {
      guard let type = NetworkPolicy.PolicyType(rawValue: text) else {
        let path = reader.path.field("policyTypes").item(index)
        throw ValidationError(path, notOneOf(text, NetworkPolicy.PolicyType.self))
      }
      policyTypes.append(type)
    }
    self.init(
      podSelector: try reader.object("podSelector") ?? LabelSelector(),
      ingress: try reader.array("ingress") ?? [], egress: try reader.array("egress") ?? [], policyTypes: policyTypes)
  }
}

extension NetworkPolicy.IngressRule: DocumentReadable {
  /// Reads a rule.
  ///
  /// - Parameter reader: its fields.
  /// - Throws: ``ValidationError`` for the first field that is wrong.
  public init(reading reader: inout ObjectReader) throws(ValidationError) {
    self.init(ports: try reader.array("ports") ?? [], from: try reader.array("from") ?? [])
  }
}

extension NetworkPolicy.EgressRule: DocumentReadable {
  /// Reads a rule.
  ///
  /// - Parameter reader: its fields.
  /// - Throws: ``ValidationError`` for the first field that is wrong.
  public init(reading reader: inout ObjectReader) throws(ValidationError) {
    self.init(ports: try reader.array("ports") ?? [], to: try reader.array("to") ?? [])
  }
}

extension NetworkPolicy.Port: DocumentReadable {
  /// Reads a port.
  ///
  /// - Parameter reader: its fields.
  /// - Throws: ``ValidationError`` for the first field that is wrong.
  public init(reading reader: inout ObjectReader) throws(ValidationError) {
    self.init(
      protocol: try reader.choice("protocol", of: TransportProtocol.self) ?? .tcp,
      port: try reader.intOrString("port"), endPort: try reader.int32("endPort"))
  }
}

extension NetworkPolicy.Peer: DocumentReadable {
  /// Reads a peer.
  ///
  /// - Parameter reader: its fields.
  /// - Throws: ``ValidationError`` for the first field that is wrong.
  public init(reading reader: inout ObjectReader) throws(ValidationError) {
    self.init(
      podSelector: try reader.object("podSelector"), namespaceSelector: try reader.object("namespaceSelector"))
    ipBlock = try reader.object("ipBlock")
  }
}

extension NetworkPolicy.IPBlock: DocumentReadable {
  /// Reads a block.
  ///
  /// - Parameter reader: its fields.
  /// - Throws: ``ValidationError`` for the first field that is wrong.
  public init(reading reader: inout ObjectReader) throws(ValidationError) {
    guard let text = try reader.string("cidr"), !text.isEmpty else {
      throw ValidationError(reader.path.field("cidr"), "is missing; write a block such as 192.0.2.0/24")
    }
    let block = try Self.block(text, at: reader.path.field("cidr"))
    let texts = try reader.stringArray("except") ?? []
    var except: [IPCIDR] = []
    except.reserveCapacity(texts.count)
    for (index, text) in texts.enumerated() {
      except.append(try Self.block(text, at: reader.path.field("except").item(index)))
    }
    self.init(cidr: block, except: except)
  }

  private static func block(_ text: String, at path: FieldPath) throws(ValidationError) -> IPCIDR {
    guard let block = IPCIDR(text) else {
      throw ValidationError(path, "\"\(shortened(text))\" is not a block such as 192.0.2.0/24 or 2001:db8::/64")
    }
    return block
  }
}
