// SPDX-License-Identifier: Apache-2.0

internal import KubernetesModel

/// An object of a document, before it is read.
struct ManifestItem {
  /// Where it stands in its document.
  var path: FieldPath
  var value: DocumentValue
  /// The kind and version of an item that does not say, and must have where it does; nil outside of typed lists.
  var list: (apiVersion: String, kind: String)?

  /// Reads the item, without validation.
  func decoded(options: ReadingOptions) throws(ValidationError) -> KubernetesObject {
    let object = try KubernetesObject(
      decoding: value, at: path, apiVersion: list?.apiVersion, kind: list?.kind, options: options)
    if let kind = list?.kind, kind != object.kind {
      throw ValidationError(
        path: path.field("kind").description, message: "\(object.kind) does not belong in a \(kind)List")
    }
    return object
  }

  /// The items of a document: those of a `List` or of a typed list, else the document itself.
  ///
  /// - Parameters:
  ///   - document: a document that is not null.
  ///   - kinds: the kinds that typed lists may be of.
  static func items(
    of document: DocumentValue, kinds: [any KubernetesResource.Type]
  ) throws(ValidationError) -> [ManifestItem] {
    guard case .map(let fields) = document, case .string(let version)? = fields["apiVersion"],
      case .string("List")? = fields["kind"]
    else {
      return try typedItems(of: document, at: .root, kinds: kinds) ?? [ManifestItem(path: .root, value: document)]
    }
    guard version == "v1" else {
      throw ValidationError(path: ".apiVersion", message: "a List has the version v1")
    }
    var items: [ManifestItem] = []
    for (index, value) in try values(fields, "List", at: .root).enumerated() {
      let path = FieldPath.root.field("items").item(index)
      if let typed = try typedItems(of: value, at: path, kinds: kinds) {
        items += typed
      } else {
        items.append(ManifestItem(path: path, value: value))
      }
    }
    return items
  }

  /// Nil for a value that is no typed list.
  private static func typedItems(
    of value: DocumentValue, at path: FieldPath, kinds: [any KubernetesResource.Type]
  ) throws(ValidationError) -> [ManifestItem]? {
    guard case .map(let fields) = value, case .string(let version)? = fields["apiVersion"],
      case .string(let kind)? = fields["kind"], kind.hasSuffix("List"),
      let known = kinds.first(where: { $0.apiVersion == version && "\($0.kind)List" == kind })
    else { return nil }
    var items: [ManifestItem] = []
    for (index, value) in try values(fields, kind, at: path).enumerated() {
      items.append(
        ManifestItem(path: path.field("items").item(index), value: value, list: (version, known.kind)))
    }
    return items
  }

  private static func values(
    _ fields: [String: DocumentValue], _ kind: String, at path: FieldPath
  ) throws(ValidationError) -> [DocumentValue] {
    func check(_ fields: [String: DocumentValue], _ known: [String], _ path: FieldPath) throws(ValidationError) {
      guard let name = fields.keys.filter({ !known.contains($0) }).min() else { return }
      throw ValidationError(path: path.field(name).description, message: "unknown field in a \(kind); remove it")
    }
    try check(fields, ["apiVersion", "kind", "metadata", "items"], path)
    switch fields["metadata"] {
    case .map(let metadata)?:
      try check(
        metadata, ["selfLink", "resourceVersion", "continue", "remainingItemCount", "shardInfo"],
        path.field("metadata"))
    case .null?, nil: break
    default: throw ValidationError(path: path.field("metadata").description, message: "must be an object")
    }
    switch fields["items"] {
    case .array(let array)?: return array
    case .null?, nil: return []
    default: throw ValidationError(path: path.field("items").description, message: "must be a list")
    }
  }
}
