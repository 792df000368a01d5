// SPDX-License-Identifier: Apache-2.0

/// A kind of object that this module knows.
public protocol KubernetesResource: DocumentReadable, Encodable, Hashable, Sendable {
  /// The group and version, such as `networking.k8s.io/v1`.
  static var apiVersion: String { get }
  /// The kind, such as `NetworkPolicy`.
  static var kind: String { get }
  /// Whether objects of this kind live in a namespace.
  static var isNamespaced: Bool { get }
  /// The object's name, namespace and labels.
  var metadata: ObjectMeta { get set }
  /// Everything about the object that the API server would refuse although its fields have the right types.
  func validationErrors() -> [ValidationError]
  /// Writes everything but `apiVersion`, `kind` and `metadata`.
  func encodeBody(to fields: inout KeyedEncodingContainer<ResourceField>) throws
}

/// One of the kinds of `policy.networking.k8s.io`.
protocol ClusterPolicyKind: KubernetesResource {}

extension AdminNetworkPolicy: ClusterPolicyKind {}
extension BaselineAdminNetworkPolicy: ClusterPolicyKind {}
extension ClusterNetworkPolicy: ClusterPolicyKind {}

/// The fields at the top of the objects of this module.
public enum ResourceField: String, CodingKey {
  /// Group and version.
  case apiVersion
  /// The kind.
  case kind
  /// Name, namespace and labels.
  case metadata
  /// What is wanted.
  case spec
  /// What is.
  case status
  /// What the addresses of an EndpointSlice are.
  case addressType
  /// The backends of an EndpointSlice.
  case endpoints
  /// The ports of an EndpointSlice.
  case ports
}

extension KubernetesResource {
  /// Namespace and name.
  public var key: NamespacedName { metadata.key }

  /// Writes the object as a manifest.
  ///
  /// - Parameter encoder: where it goes.
  /// - Throws: what the encoder throws.
  public func encode(to encoder: any Encoder) throws {
    var fields = encoder.container(keyedBy: ResourceField.self)
    try fields.encode(Self.apiVersion, forKey: .apiVersion)
    try fields.encode(Self.kind, forKey: .kind)
    try fields.encode(metadata, forKey: .metadata)
    try encodeBody(to: &fields)
  }

  /// Reads `apiVersion`, `kind` and `metadata`, and gives a namespaced object without a namespace `default`.
  static func readMetadata(_ reader: inout ObjectReader) throws(ValidationError) -> ObjectMeta {
    let version = try reader.string("apiVersion") ?? apiVersion
    guard version == apiVersion else {
      throw ValidationError(
        reader.path.field("apiVersion"), "\"\(shortened(version))\" is not \"\(apiVersion)\", the version of a \(kind)")
    }
    let foundKind = try reader.string("kind") ?? kind
    guard foundKind == kind else {
      throw ValidationError(reader.path.field("kind"), "\"\(shortened(foundKind))\" is not \"\(kind)\"")
    }
    var metadata = try reader.object("metadata", as: ObjectMeta.self) ?? ObjectMeta(name: "")
    if !isNamespaced {
      // As the server does: it clears the namespace of what has none, whatever the manifest says.
      metadata.namespace = ""
    } else if metadata.namespace.isEmpty {
      metadata.namespace = "default"
    }
    return metadata
  }
}
