// SPDX-License-Identifier: Apache-2.0

public import KubernetesModel

/// The objects of one stream of YAML or JSON documents.
public struct ManifestStream: Sendable {
  /// What happens to objects of kinds that are not known.
  public enum UnknownKinds: Sendable {
    /// They are errors.
    case refused
    /// They are skipped; what does not say its kind and version is refused, and another version of a known kind.
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
    var objects: [KubernetesObject] = []
    var index = 0
    do {
      var composer = try YAMLComposer(bytes)
      while let document = try composer.nextDocument() {
        switch document {
        case .value(let value):
          do {
            try Self.read(value, unknownKinds: unknownKinds, into: &objects)
          } catch {
            throw ManifestError(.refused, file: name, document: index, path: error.path, message: error.message)
          }
        case .refused(let error):
          throw ManifestError(
            .malformed, file: name, document: index, message: "line \(error.line): \(error.message)")
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
    try ManifestItem.forEach(in: document, kinds: KubernetesObject.resources) {
      (item: ManifestItem) throws(ValidationError) in
      if unknownKinds == .skipped, item.list == nil, item.isOfUnknownKind { return }
      let object = try item.decoded(options: .strict)
      if let error = object.validationErrors(at: item.path).first { throw error }
      objects.append(object)
    }
  }
}
