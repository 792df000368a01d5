// SPDX-License-Identifier: Apache-2.0

/// A node, as far as the datapath needs it.
///
/// Fields that are not modelled are skipped when read.
public struct Node: Hashable, Sendable {
  /// Name and labels.
  public var metadata: ObjectMeta
  /// What the node runs pods with.
  public var spec: Spec
  /// The node's addresses.
  public var status: Status

  /// The part of `spec` that is modelled.
  ///
  /// Kubernetes: `NodeSpec`.
  public struct Spec: Hashable, Sendable, Encodable {
    /// The CIDRs pods on this node take addresses from, where a controller assigned any.
    public var podCIDRs: [String]

    /// Makes a node specification.
    ///
    /// - Parameter podCIDRs: CIDRs in text form.
    public init(podCIDRs: [String] = []) {
      self.podCIDRs = podCIDRs
    }
  }

  /// The part of `status` that is modelled.
  ///
  /// Kubernetes: `NodeStatus`.
  public struct Status: Hashable, Sendable, Encodable {
    /// The node's addresses and names.
    public var addresses: [Address]

    /// Makes a node status.
    ///
    /// - Parameter addresses: the node's addresses and names.
    public init(addresses: [Address] = []) {
      self.addresses = addresses
    }
  }

  /// One address or name of a node.
  ///
  /// Kubernetes: `NodeAddress`.
  public struct Address: Hashable, Sendable, Encodable {
    /// `InternalIP`, `ExternalIP`, `Hostname`, `InternalDNS` or `ExternalDNS`.
    public var type: String
    /// The address or name in text form.
    public var address: String

    /// Makes an address.
    ///
    /// - Parameters:
    ///   - type: `InternalIP`, `ExternalIP`, `Hostname`, `InternalDNS` or `ExternalDNS`.
    ///   - address: the address or name.
    public init(type: String, address: String) {
      self.type = type
      self.address = address
    }
  }

  /// Makes a node.
  ///
  /// - Parameters:
  ///   - metadata: name and labels.
  ///   - spec: what the node runs pods with.
  ///   - status: its addresses.
  public init(metadata: ObjectMeta, spec: Spec = Spec(), status: Status = Status()) {
    self.metadata = metadata
    self.spec = spec
    self.status = status
  }
}

extension Node: KubernetesResource {
  /// `v1`.
  public static var apiVersion: String { "v1" }
  /// `Node`.
  public static var kind: String { "Node" }
  /// False.
  public static var isNamespaced: Bool { false }

  /// Reads a node.
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
  /// - Returns: one error for each field; none for a good node.
  public func validationErrors() -> [ValidationError] {
    metadata.validationErrors(namespaced: false, nameIs: .subdomain)
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

extension Node.Spec: DocumentReadable {
  /// Reads the modelled part of `spec`.
  ///
  /// - Parameter reader: its fields.
  /// - Throws: ``ValidationError`` for the first field that is wrong.
  public init(reading reader: inout ObjectReader) throws(ValidationError) {
    let single = try reader.string("podCIDR")
    self.init(podCIDRs: try reader.stringArray("podCIDRs") ?? single.map { [$0] } ?? [])
    reader.ignoreOthers()
  }
}

extension Node.Status: DocumentReadable {
  /// Reads the modelled part of `status`.
  ///
  /// - Parameter reader: its fields.
  /// - Throws: ``ValidationError`` for the first field that is wrong.
  public init(reading reader: inout ObjectReader) throws(ValidationError) {
    self.init(addresses: try reader.array("addresses") ?? [])
    reader.ignoreOthers()
  }
}

extension Node.Address: DocumentReadable {
  /// Reads one address.
  ///
  /// - Parameter reader: its fields.
  /// - Throws: ``ValidationError`` for the first field that is wrong.
  public init(reading reader: inout ObjectReader) throws(ValidationError) {
    self.init(type: try reader.string("type") ?? "", address: try reader.string("address") ?? "")
  }
}
