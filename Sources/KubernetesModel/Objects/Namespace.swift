// SPDX-License-Identifier: Apache-2.0

/// A namespace.
///
/// Policies select namespaces by their labels.
public struct Namespace: Hashable, Sendable {
  /// Name and labels, complete as given: nothing is added, not even `kubernetes.io/metadata.name`.
  public var metadata: ObjectMeta

  /// Makes a namespace.
  ///
  /// - Parameter metadata: name and labels.
  public init(metadata: ObjectMeta) {
    self.metadata = metadata
  }
}

extension Namespace: KubernetesResource {
  /// `v1`.
  public static var apiVersion: String { "v1" }
  /// `Namespace`.
  public static var kind: String { "Namespace" }
  /// False.
  public static var isNamespaced: Bool { false }

  /// Reads a namespace; its `spec` and `status` are skipped.
  ///
  /// - Parameter reader: its fields.
  /// - Throws: ``ValidationError`` for the first field that is wrong.
  public init(reading reader: inout ObjectReader) throws(ValidationError) {
    self.init(metadata: try Self.readMetadata(&reader))
    reader.ignore("spec", "status")
  }

  /// What the API server would refuse.
  ///
  /// - Returns: one error for each field; none for a good namespace.
  public func validationErrors() -> [ValidationError] {
    metadata.validationErrors(namespaced: false, nameIs: .label)
  }

  /// Writes what the kind has besides its metadata.
  ///
  /// - Parameter fields: where it goes.
  /// - Throws: what the encoder throws.
  public func encodeBody(to fields: inout KeyedEncodingContainer<ResourceField>) throws {}
}
