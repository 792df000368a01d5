// SPDX-License-Identifier: Apache-2.0

extension AdminNetworkPolicy: KubernetesResource {
  /// `policy.networking.k8s.io/v1alpha1`.
  public static var apiVersion: String { "policy.networking.k8s.io/v1alpha1" }
  /// `AdminNetworkPolicy`.
  public static var kind: String { "AdminNetworkPolicy" }
  /// False.
  public static var isNamespaced: Bool { false }

  /// Reads a policy.
  ///
  /// - Parameter reader: its fields.
  /// - Throws: ``ValidationError`` for the first field that is wrong.
  public init(reading reader: inout ObjectReader) throws(ValidationError) {
    metadata = try Self.readMetadata(&reader)
    try reader.takeStatus()
    spec = try reader.clusterPolicySpec(.admin)
  }

  /// What the API server would refuse, and what it would let through although it cannot be evaluated.
  ///
  /// - Returns: one error for each field; none for a good policy.
  public func validationErrors() -> [ValidationError] {
    metadata.validationErrors(namespaced: false, nameIs: .subdomain, isCustom: true) + spec.validationErrors(.admin)
  }

  /// Writes what the kind has besides its metadata.
  ///
  /// - Parameter fields: where it goes.
  /// - Throws: what the encoder throws.
  public func encodeBody(to fields: inout KeyedEncodingContainer<ResourceField>) throws {
    try fields.encode(spec.document(.admin), forKey: .spec)
  }
}

extension BaselineAdminNetworkPolicy: KubernetesResource {
  /// `policy.networking.k8s.io/v1alpha1`.
  public static var apiVersion: String { "policy.networking.k8s.io/v1alpha1" }
  /// `BaselineAdminNetworkPolicy`.
  public static var kind: String { "BaselineAdminNetworkPolicy" }
  /// False.
  public static var isNamespaced: Bool { false }

  /// Reads a policy.
  ///
  /// - Parameter reader: its fields.
  /// - Throws: ``ValidationError`` for the first field that is wrong.
  public init(reading reader: inout ObjectReader) throws(ValidationError) {
    metadata = try Self.readMetadata(&reader)
    try reader.takeStatus()
    spec = try reader.clusterPolicySpec(.baseline)
  }

  /// What the API server would refuse, and what it would let through although it cannot be evaluated.
  ///
  /// - Returns: one error for each field; none for a good policy.
  public func validationErrors() -> [ValidationError] {
    var errors = metadata.validationErrors(namespaced: false, nameIs: .subdomain, isCustom: true)
    if errors.isEmpty, metadata.name != "default" {
      let path = FieldPath.root.field("metadata").field("name")
      errors.append(ValidationError(path, "must be \"default\": there is one policy of this kind"))
    }
    return errors + spec.validationErrors(.baseline)
  }

  /// Writes what the kind has besides its metadata.
  ///
  /// - Parameter fields: where it goes.
  /// - Throws: what the encoder throws.
  public func encodeBody(to fields: inout KeyedEncodingContainer<ResourceField>) throws {
    try fields.encode(spec.document(.baseline), forKey: .spec)
  }
}

extension ClusterNetworkPolicy: KubernetesResource {
  /// `policy.networking.k8s.io/v1alpha2`.
  public static var apiVersion: String { "policy.networking.k8s.io/v1alpha2" }
  /// `ClusterNetworkPolicy`.
  public static var kind: String { "ClusterNetworkPolicy" }
  /// False.
  public static var isNamespaced: Bool { false }

  /// Reads a policy.
  ///
  /// - Parameter reader: its fields.
  /// - Throws: ``ValidationError`` for the first field that is wrong.
  public init(reading reader: inout ObjectReader) throws(ValidationError) {
    metadata = try Self.readMetadata(&reader)
    try reader.takeStatus()
    spec = try reader.clusterPolicySpec(.cluster)
  }

  /// What the API server would refuse, and what it would let through although it cannot be evaluated.
  ///
  /// - Returns: one error for each field; none for a good policy.
  public func validationErrors() -> [ValidationError] {
    metadata.validationErrors(namespaced: false, nameIs: .subdomain, isCustom: true) + spec.validationErrors(.cluster)
  }

  /// Writes what the kind has besides its metadata.
  ///
  /// - Parameter fields: where it goes.
  /// - Throws: what the encoder throws.
  public func encodeBody(to fields: inout KeyedEncodingContainer<ResourceField>) throws {
    try fields.encode(spec.document(.cluster), forKey: .spec)
  }
}
