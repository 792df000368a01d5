// SPDX-License-Identifier: Apache-2.0

public import KubernetesModel

/// The objects of one stream of YAML or JSON documents.
public struct ManifestStream: Sendable {
  /// What happens to objects of kinds that are not known.
  public enum UnknownKinds: Sendable {
    /// They are errors.
    case refused
    /// They are skipped.
    case skipped
  }

  /// The largest stream that is read, in bytes: 16 MiB.
  public static let sizeLimit = 16 << 20

  /// The objects in the order of the stream; the items of lists stand where their list stands.
  public let objects: [KubernetesObject]

  /// Reads a stream: documents separated by `---`, each an object, a `List`, a typed list such as `PodList`, or empty.
  ///
  /// - Parameters:
  ///   - bytes: the stream, in UTF-8, at most ``sizeLimit`` bytes.
  ///   - name: what errors call the stream; usually the file's path.
  ///   - unknownKinds: what happens to objects of kinds that are not known.
  /// - Throws: `.malformed` where the stream is no YAML, nests too deep, or grows by its aliases; `.refused` with
  ///   document and path where the API server would refuse an object. An empty stream is not an error.
  public init(
    bytes: [UInt8], name: String, unknownKinds: UnknownKinds = .refused
  ) throws(ManifestError) {
    guard bytes.count <= Self.sizeLimit else {
      throw ManifestError(
        .malformed, file: name, message: "has \(bytes.count) bytes, more than \(Self.sizeLimit); split it")
    }
    var composer = YAMLComposer(bytes)
    var objects: [KubernetesObject] = []
    var index = 0
    do {
      while let document = try composer.nextDocument() {
        do {
          try Self.read(document, unknownKinds: unknownKinds, into: &objects)
        } catch {
          throw ManifestError(.refused, file: name, document: index, path: error.path, message: error.message)
        }
        index += 1
      }
    } catch let error as YAMLError {
      throw ManifestError(.malformed, file: name, message: "line \(error.line): \(error.message)")
    } catch let error as ManifestError {
      throw error
    } catch {
      throw ManifestError(.malformed, file: name, message: "\(error)")
    }
    self.objects = objects
  }

  private static func read(
    _ document: DocumentValue, unknownKinds: UnknownKinds, into objects: inout [KubernetesObject]
  ) throws(ValidationError) {
    if document == .null { return }
    let list = try ManifestList(document)
    guard let list else {
      if unknownKinds == .skipped, !KubernetesObject.knows(document) { return }
      objects.append(try KubernetesObject(document))
      return
    }
    let items = FieldPath.root.field("items")
    for (index, item) in list.items.enumerated() {
      if unknownKinds == .skipped, list.itemKind == nil, !KubernetesObject.knows(item) { continue }
      let object = try KubernetesObject(
        item, at: items.item(index), apiVersion: list.itemKind == nil ? nil : list.apiVersion, kind: list.itemKind)
      if let kind = list.itemKind, kind != object.kind {
        throw ValidationError(
          path: "\(items.item(index)).kind", message: "\(object.kind) does not belong in a \(kind)List")
      }
      objects.append(object)
    }
  }
}

/// A `List`, or a list of one kind.
private struct ManifestList {
  var apiVersion: String
  /// The kind of items that do not name theirs; nil in a `List`.
  var itemKind: String?
  var items: [DocumentValue]

  /// Nil for a document that is no list.
  init?(_ document: DocumentValue) throws(ValidationError) {
    guard case .map(let fields) = document, case .string(let version)? = fields["apiVersion"],
      case .string(let kind)? = fields["kind"], kind.hasSuffix("List")
    else { return nil }
    apiVersion = version
    if kind == "List" {
      guard version == "v1" else {
        throw ValidationError(path: ".apiVersion", message: "a List has the version v1")
      }
    } else {
      let known = KubernetesObject.resources.first { $0.apiVersion == version && "\($0.kind)List" == kind }
      guard let known else { return nil }
      itemKind = known.kind
    }
    for name in fields.keys.sorted() where !["apiVersion", "kind", "metadata", "items"].contains(name) {
      throw ValidationError(path: ".\(name.prefix(80))", message: "unknown field in a \(kind); remove it")
    }
    switch fields["items"] {
    case .array(let array)?: items = array
    case .null?, nil: items = []
    default: throw ValidationError(path: ".items", message: "must be a list")
    }
  }
}
