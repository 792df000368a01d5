// SPDX-License-Identifier: Apache-2.0

public import KubernetesModel

/// The policies of one stream of YAML or JSON documents, and everything that the API server would refuse in it.
///
/// Unlike ``ManifestStream``, which throws at the first, this finds what is wrong with every document.
public struct PolicyManifests: Sendable {
  /// The kinds that may be there, besides their lists and `List`.
  public static var kinds: [any KubernetesResource.Type] {
    [NetworkPolicy.self, AdminNetworkPolicy.self, BaselineAdminNetworkPolicy.self, ClusterNetworkPolicy.self]
  }

  /// The most errors that are kept; a stream can have millions of wrong documents.
  public static let errorLimit = 1000

  /// The most errors that are counted beyond those that are kept.
  public static let omittedErrorLimit = 100_000

  /// A policy, and where it was found.
  public struct Entry: Hashable, Sendable {
    /// The document in the stream, from 0, empty ones included.
    public var document: Int
    /// Where the policy stands in its document: not at the root for an item of a list.
    public var path: FieldPath
    /// The policy.
    public var object: KubernetesObject
  }

  /// Why a document was refused.
  public struct Refusal: Error, Hashable, Sendable {
    /// The document in the stream, from 0, empty ones included; nil where the stream cannot be read.
    public var document: Int?
    /// The field in the document, beginning with a dot; empty where there is none to name.
    public var path: String
    /// What is wrong, and what would be right.
    public var message: String
    /// The line of the stream, from 1, where reading found it; nil where a field is wrong, whose line a ``SourceMap`` knows.
    public var line: Int?
  }

  /// A policy that is not among ``PolicyManifests/policies`` because a later one has its kind, namespace and name.
  public struct Replacement: Hashable, Sendable {
    /// Both policies' kind.
    public var kind: String
    /// Both policies' namespace and name.
    public var name: NamespacedName
    /// The document of the one that does not count.
    public var document: Int
    /// Where in its document it stands.
    public var path: FieldPath
    /// The document of the one that counts.
    public var laterDocument: Int
    /// Where in its document that one stands.
    public var laterPath: FieldPath
  }

  /// The accepted policies in the order of the stream.
  ///
  /// Of two with the same kind, namespace and name only the later is there.
  public private(set) var policies: [Entry] = []
  /// What was refused, in the order of the stream, at most ``errorLimit``; at least one for each refused document until
  /// then.
  public private(set) var errors: [Refusal] = []
  /// The policies that later ones replace, in the order of the stream, at most ``errorLimit``.
  public private(set) var replacements: [Replacement] = []
  /// How many more replaced policies there are.
  public private(set) var omittedReplacementCount = 0
  /// How many more errors there are; nothing is read any more when there are ``omittedErrorLimit``.
  public private(set) var omittedErrorCount = 0

  /// Reads a stream.
  ///
  /// - Parameters:
  ///   - bytes: documents separated by `---`, in UTF-8, at most ``ManifestStream/sizeLimit`` bytes.
  ///   - options: how policies are read.
  public init(bytes: [UInt8], options: ReadingOptions = .strict) {
    guard bytes.count <= ManifestStream.sizeLimit else {
      add(nil, "", "is larger than \(ManifestStream.sizeLimit) bytes; split it")
      return
    }
    var reader = Reader(options: options)
    var document = 0
    do {
      var composer = try YAMLComposer(bytes)
      while omittedErrorCount < Self.omittedErrorLimit, let next = try composer.nextDocument() {
        switch next {
        case .value(.null): break
        case .value(let value): reader.read(value, document, into: &self)
        case .refused(let error): add(document, error.path?.description ?? "", error.message, line: error.line)
        }
        document += 1
      }
    } catch {
      add(nil, "", error.message, line: error.line)
    }
    policies = reader.policies()
    replacements = reader.replacements()
    omittedReplacementCount = reader.omittedReplacementCount
  }

  fileprivate mutating func add(_ document: Int?, _ path: String, _ message: String, line: Int? = nil) {
    guard errors.count < Self.errorLimit else {
      omittedErrorCount += 1
      return
    }
    errors.append(Refusal(document: document, path: path, message: message, line: line))
  }
}

extension PolicyManifests {
  /// Reads documents, and keeps of each policy the last.
  private struct Reader {
    private struct Key: Hashable {
      var kind: String
      var name: NamespacedName
    }

    let options: ReadingOptions
    private var entries: [Entry?] = []
    private var positions: [Key: Int] = [:]
    private var replaced: [(key: Key, document: Int, path: FieldPath)] = []
    private(set) var omittedReplacementCount = 0
    private var generatedNames = 0

    init(options: ReadingOptions) { self.options = options }

    func policies() -> [Entry] { entries.compactMap { $0 } }

    func replacements() -> [Replacement] {
      replaced.compactMap { key, document, path in
        guard let later = positions[key].flatMap({ entries[$0] }) else { return nil }
        return Replacement(
          kind: key.kind, name: key.name, document: document, path: path, laterDocument: later.document,
          laterPath: later.path)
      }
    }

    mutating func read(_ value: DocumentValue, _ document: Int, into manifests: inout PolicyManifests) {
      do {
        try ManifestItem.forEach(in: value, kinds: PolicyManifests.kinds) {
          (item: ManifestItem) throws(ValidationError) in
          read(item, document, into: &manifests)
        }
      } catch {
        manifests.add(document, error.path, error.message)
      }
    }

    private mutating func read(_ item: ManifestItem, _ document: Int, into manifests: inout PolicyManifests) {
      do {
        try item.requireKind(among: PolicyManifests.kinds)
        var object = try item.decoded(options: options)
        let errors = object.validationErrors(at: item.path, options: options)
        for error in errors { manifests.add(document, error.path, error.message) }
        guard errors.isEmpty else { return }
        nameIfNeeded(&object)
        let key = Key(kind: object.kind, name: object.key)
        if let position = positions.updateValue(entries.count, forKey: key), let old = entries[position] {
          entries[position] = nil
          if replaced.count < PolicyManifests.errorLimit {
            replaced.append((key, old.document, old.path))
          } else {
            omittedReplacementCount += 1
          }
        }
        entries.append(Entry(document: document, path: item.path, object: object))
      } catch {
        manifests.add(document, error.path, error.message)
      }
    }

    /// Makes a name where the server would make one; always the same for the same stream.
    private mutating func nameIfNeeded(_ object: inout KubernetesObject) {
      guard object.key.name.isEmpty else { return }
      var suffix: [UInt8] = []
      var number = generatedNames
      let letters = Array("bcdfghjklmnpqrstvwxz2456789".utf8)
      while suffix.count < 5 {
        suffix.append(letters[number % letters.count])
        number /= letters.count
      }
      generatedNames += 1
      object.generateName(suffix: String(decoding: suffix.reversed(), as: UTF8.self))
    }
  }
}
