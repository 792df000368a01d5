// SPDX-License-Identifier: Apache-2.0

/// The name of an object in its namespace.
public struct NamespacedName: Hashable, Sendable, Codable {
  /// The namespace; empty for an object that has none.
  public var namespace: String
  /// The object's name.
  public var name: String

  /// Makes a name.
  ///
  /// - Parameters:
  ///   - namespace: the namespace; empty for an object that has none.
  ///   - name: the object's name.
  public init(namespace: String, name: String) {
    self.namespace = namespace
    self.name = name
  }
}

extension NamespacedName: CustomStringConvertible {
  /// `namespace/name`, or just the name where there is no namespace.
  public var description: String { namespace.isEmpty ? name : "\(namespace)/\(name)" }
}

extension NamespacedName: Comparable {
  /// Orders by namespace, then by name.
  public static func < (left: NamespacedName, right: NamespacedName) -> Bool {
    (left.namespace, left.name) < (right.namespace, right.name)
  }
}
