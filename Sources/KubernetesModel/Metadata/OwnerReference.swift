// SPDX-License-Identifier: Apache-2.0

/// The object that an object belongs to; the object goes when its last owner does.
///
/// Kubernetes: `OwnerReference`.
public struct OwnerReference: Hashable, Sendable, Encodable {
  /// The owner's group and version.
  public var apiVersion: String
  /// The owner's kind.
  public var kind: String
  /// The owner's name.
  public var name: String
  /// The owner's unique identifier.
  public var uid: String
  /// Whether the owner manages the object; at most one does.
  public var controller: Bool?
  /// Whether the owner cannot be deleted, in the foreground, before the object.
  public var blockOwnerDeletion: Bool?

  /// Makes a reference.
  ///
  /// - Parameters:
  ///   - apiVersion: the owner's group and version.
  ///   - kind: the owner's kind.
  ///   - name: the owner's name.
  ///   - uid: the owner's unique identifier.
  ///   - controller: whether the owner manages the object.
  ///   - blockOwnerDeletion: whether the owner cannot be deleted before the object.
  public init(
    apiVersion: String, kind: String, name: String, uid: String, controller: Bool? = nil,
    blockOwnerDeletion: Bool? = nil
  ) {
    self.apiVersion = apiVersion
    self.kind = kind
    self.name = name
    self.uid = uid
    self.controller = controller
    self.blockOwnerDeletion = blockOwnerDeletion
  }
}

extension OwnerReference: DocumentReadable {
  /// Reads a reference.
  ///
  /// - Parameter reader: its fields.
  /// - Throws: ``ValidationError`` for the first field that is wrong.
  public init(reading reader: inout ObjectReader) throws(ValidationError) {
    self.init(
      apiVersion: try reader.string("apiVersion") ?? "", kind: try reader.string("kind") ?? "",
      name: try reader.string("name") ?? "", uid: try reader.string("uid") ?? "",
      controller: try reader.bool("controller"), blockOwnerDeletion: try reader.bool("blockOwnerDeletion"))
  }
}

extension OwnerReference {
  func validationErrors(at path: FieldPath) -> [ValidationError] {
    var errors: [ValidationError] = []
    for (name, value) in [("apiVersion", apiVersion), ("kind", kind), ("name", name), ("uid", uid)] where value.isEmpty
    {
      errors.append(ValidationError(path.field(name), "is missing"))
    }
    let parts = apiVersion.split(separator: "/", omittingEmptySubsequences: false)
    if !apiVersion.isEmpty, parts.count > 2 || parts.last?.isEmpty ?? true {
      errors.append(
        ValidationError(path.field("apiVersion"), "\"\(shortened(apiVersion))\" is not a version or group/version"))
    }
    if apiVersion == "v1", kind == "Event" {
      errors.append(ValidationError(path, "an Event owns nothing"))
    }
    return errors
  }
}
