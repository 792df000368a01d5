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

  /// Whether the item says that it is of a kind that the module does not know.
  ///
  /// Another version of a kind is not another kind: who has an old one is told. Another group's may have the same name.
  var isOfUnknownKind: Bool {
    guard case .map(let fields) = value, let version = text("apiVersion", fields), let kind = text("kind", fields),
      version != "", kind != ""
    else { return false }
    return !KubernetesObject.resources.contains {
      $0.kind == kind && Self.group(of: $0.apiVersion) == Self.group(of: version)
    }
  }

  /// What is before the slash; nothing for the core group.
  private static func group(of version: String) -> Substring {
    version.lastIndex(of: "/").map { version[..<$0] } ?? ""
  }

  /// Refuses an item of another kind or version; one of a typed list, or that does not say what it is, is left to reading.
  func requireKind(among kinds: [any KubernetesResource.Type]) throws(ValidationError) {
    guard list == nil, case .map(let fields) = value, let version = text("apiVersion", fields),
      let kind = text("kind", fields),
      !kinds.contains(where: { $0.apiVersion == version && $0.kind == kind })
    else { return }
    if let known = kinds.first(where: { $0.kind == kind }) {
      throw ValidationError(
        path: path.field("apiVersion").description,
        message: "\"\(version.prefix(80))\" is not known here as a version of \(kind); write \(known.apiVersion)")
    }
    let known = kinds.map { "\($0.apiVersion) \($0.kind)" }.joined(separator: ", ")
    throw ValidationError(
      path: path.field("kind").description,
      message: "\(version.prefix(80)) \(kind.prefix(80)) is not known here; policies are \(known), and lists of them")
  }

  private func text(_ name: String, _ fields: [String: DocumentValue]) -> String? {
    guard case .string(let text)? = fields[name] else { return nil }
    return text
  }

  /// Visits the items of a document: those of a `List` or of a typed list, else the document itself.
  ///
  /// - Parameters:
  ///   - document: a document that is not null.
  ///   - kinds: the kinds that typed lists may be of.
  ///   - visit: is given one item after the other.
  /// - Throws: where a list is none, and what `visit` throws.
  static func forEach(
    in document: DocumentValue, kinds: [any KubernetesResource.Type],
    _ visit: (ManifestItem) throws(ValidationError) -> Void
  ) throws(ValidationError) {
    guard case .map(let fields) = document, case .string(let version)? = fields["apiVersion"],
      case .string("List")? = fields["kind"]
    else { return try visitTyped(document, .root, kinds, visit) }
    guard version == "v1" else {
      throw ValidationError(path: ".apiVersion", message: "a List has the version v1")
    }
    let path = FieldPath.root.field("items")
    for (index, value) in try values(fields, "List", at: .root).enumerated() {
      try visitTyped(value, path.item(index), kinds, visit)
    }
  }

  /// Visits the items of a typed list, or the value itself where it is none.
  private static func visitTyped(
    _ value: DocumentValue, _ path: FieldPath, _ kinds: [any KubernetesResource.Type],
    _ visit: (ManifestItem) throws(ValidationError) -> Void
  ) throws(ValidationError) {
    guard case .map(let fields) = value, case .string(let version)? = fields["apiVersion"],
      case .string(let kind)? = fields["kind"], kind.hasSuffix("List"),
      let known = kinds.first(where: { $0.apiVersion == version && "\($0.kind)List" == kind })
    else { return try visit(ManifestItem(path: path, value: value)) }
    let items = path.field("items")
    for (index, value) in try values(fields, kind, at: path).enumerated() {
      try visit(ManifestItem(path: items.item(index), value: value, list: (version, known.kind)))
    }
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
