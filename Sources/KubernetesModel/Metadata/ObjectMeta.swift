// SPDX-License-Identifier: Apache-2.0

/// What every object carries: its name, its namespace, its labels.
///
/// Kubernetes: `ObjectMeta`.
public struct ObjectMeta: Hashable, Sendable, Encodable {
  /// The object's name, unique for its kind in its namespace; empty where the server is to make one.
  public var name: String
  /// What the server begins the name with that it makes for an object without one.
  public var generateName: String = ""
  /// The namespace.
  ///
  /// Manifests of namespaced kinds that name none are in `default`; empty for other kinds.
  public var namespace: String
  /// Labels, which selectors look at.
  public var labels: [String: String]
  /// Annotations.
  public var annotations: [String: String]
  /// The object's unique identifier, given by the API server.
  public var uid: String?
  /// The version of the object in the API server's store.
  public var resourceVersion: String?
  /// When the API server made the object.
  public var creationTimestamp: Timestamp?
  /// When the object goes, or went; nil for one that nobody deleted.
  public var deletionTimestamp: Timestamp?
  /// What must be done before the object may go.
  public var finalizers: [String] = []
  /// The objects that the object belongs to.
  public var ownerReferences: [OwnerReference] = []

  /// Makes metadata.
  ///
  /// - Parameters:
  ///   - name: the object's name.
  ///   - namespace: its namespace; empty for kinds that have none.
  ///   - labels: its labels.
  ///   - annotations: its annotations.
  ///   - uid: the identifier the API server gave it.
  ///   - resourceVersion: the version the API server gave it.
  public init(
    name: String, namespace: String = "", labels: [String: String] = [:], annotations: [String: String] = [:],
    uid: String? = nil, resourceVersion: String? = nil
  ) {
    self.name = name
    self.namespace = namespace
    self.labels = labels
    self.annotations = annotations
    self.uid = uid
    self.resourceVersion = resourceVersion
  }

  /// Namespace and name.
  public var key: NamespacedName { NamespacedName(namespace: namespace, name: name) }
}

extension ObjectMeta: DocumentReadable {
  /// Reads metadata; of the fields that only the API server writes the types are checked.
  ///
  /// - Parameter reader: the fields of `metadata`.
  /// - Throws: ``ValidationError`` for the first field that is wrong.
  public init(reading reader: inout ObjectReader) throws(ValidationError) {
    self.init(
      name: try reader.string("name") ?? "", namespace: try reader.string("namespace") ?? "",
      labels: try reader.stringMap("labels") ?? [:], annotations: try reader.stringMap("annotations") ?? [:],
      uid: try reader.string("uid"), resourceVersion: try reader.string("resourceVersion"))
    generateName = try reader.string("generateName") ?? ""
    creationTimestamp = try reader.timestamp("creationTimestamp")
    deletionTimestamp = try reader.timestamp("deletionTimestamp")
    finalizers = try reader.stringArray("finalizers") ?? []
    ownerReferences = try reader.array("ownerReferences") ?? []
    try reader.takeServerFields()
    reader.skipUnknown()
  }
}
