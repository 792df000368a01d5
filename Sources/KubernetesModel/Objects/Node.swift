// SPDX-License-Identifier: Apache-2.0

internal import NetworkTypes

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
    /// What keeps pods off the node that do not tolerate it.
    public var taints: [Taint]
    /// Whether new pods are kept off the node.
    public var unschedulable: Bool

    /// Makes a node specification.
    ///
    /// - Parameters:
    ///   - podCIDRs: CIDRs in text form.
    ///   - taints: what keeps pods off the node that do not tolerate it.
    ///   - unschedulable: whether new pods are kept off the node.
    public init(podCIDRs: [String] = [], taints: [Taint] = [], unschedulable: Bool = false) {
      self.podCIDRs = podCIDRs
      self.taints = taints
      self.unschedulable = unschedulable
    }
  }

  /// What keeps pods off a node that do not tolerate it.
  ///
  /// Kubernetes: `Taint`.
  public struct Taint: Hashable, Sendable, Encodable {
    /// The taint's key.
    public var key: String
    /// The taint's value; empty for none.
    public var value: String
    /// `NoSchedule`, `PreferNoSchedule` or `NoExecute`.
    public var effect: String

    /// Makes a taint.
    ///
    /// - Parameters:
    ///   - key: its key.
    ///   - value: its value; empty for none.
    ///   - effect: `NoSchedule`, `PreferNoSchedule` or `NoExecute`.
    public init(key: String, value: String = "", effect: String) {
      self.key = key
      self.value = value
      self.effect = effect
    }
  }

  /// The label that names a node's zone.
  public static let zoneLabel = "topology.kubernetes.io/zone"
  /// The taint of a node that the cluster autoscaler is about to delete.
  public static let toBeDeletedTaint = "ToBeDeletedByClusterAutoscaler"

  /// The node's zone, from its label; nil without one.
  public var zone: String? { metadata.labels[Self.zoneLabel] }

  /// Whether the node is about to go: deleted, or tainted by the cluster autoscaler.
  ///
  /// Load balancers are to send nothing new to it.
  public var isLeaving: Bool {
    metadata.deletionTimestamp != nil || spec.taints.contains { $0.key == Self.toBeDeletedTaint }
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
    let path = FieldPath.root.field("spec")
    return metadata.validationErrors(namespaced: false, nameIs: .subdomain)
      + itemErrors(spec.podCIDRs, at: path.field("podCIDRs")) { text, path in
        IPCIDR(text) == nil ? [ValidationError(path, "\"\(shortened(text))\" is not a block such as 10.0.0.0/8")] : []
      }
      + itemErrors(spec.taints, at: path.field("taints")) { $0.validationErrors(at: $1) }
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
    self.init(
      podCIDRs: try reader.stringArray("podCIDRs") ?? single.map { [$0] } ?? [],
      taints: try reader.array("taints") ?? [], unschedulable: try reader.bool("unschedulable") ?? false)
    reader.ignoreOthers()
  }
}

extension Node.Taint: DocumentReadable {
  /// Reads a taint.
  ///
  /// - Parameter reader: its fields.
  /// - Throws: ``ValidationError`` for the first field that is wrong.
  public init(reading reader: inout ObjectReader) throws(ValidationError) {
    self.init(
      key: try reader.string("key") ?? "", value: try reader.string("value") ?? "",
      effect: try reader.string("effect") ?? "")
    _ = try reader.timestamp("timeAdded")
  }

  fileprivate func validationErrors(at path: FieldPath) -> [ValidationError] {
    var errors = qualifiedNameErrors(key, at: path.field("key")) + labelValueErrors(value, at: path.field("value"))
    if !["NoSchedule", "PreferNoSchedule", "NoExecute"].contains(effect) {
      errors.append(
        ValidationError(
          path.field("effect"), "\"\(shortened(effect))\" is not one of NoSchedule, PreferNoSchedule, NoExecute"))
    }
    return errors
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
