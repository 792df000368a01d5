// SPDX-License-Identifier: Apache-2.0

/// Why manifests could not be taken.
public struct ManifestError: Error, Hashable, Sendable, CustomStringConvertible {
  /// What kind of trouble it is.
  public struct Code: Hashable, Sendable {
    private enum Value { case unreadable, malformed, refused }
    private let value: Value
    /// A file or directory cannot be read.
    public static let unreadable = Code(value: .unreadable)
    /// The stream is not YAML or JSON, or larger than allowed.
    public static let malformed = Code(value: .malformed)
    /// A document is not what the API server would accept, or of a kind that is not known.
    public static let refused = Code(value: .refused)
  }

  /// What kind of trouble it is.
  public var code: Code
  /// The file, or the name the caller gave the stream.
  public var file: String
  /// The document in the stream, from 0, empty ones included; nil where the stream itself is the trouble.
  public var document: Int?
  /// The field in the document, beginning with a dot; empty where there is none to name.
  public var path: String
  /// What is wrong, and what to do about it.
  public var message: String

  init(_ code: Code, file: String, document: Int? = nil, path: String = "", message: String) {
    self.code = code
    self.file = file
    self.document = document
    self.path = path
    self.message = message
  }

  /// File, document, path and message in one line.
  public var description: String {
    var text = file
    if let document { text += ": document \(document)" }
    if !path.isEmpty { text += ": \(path)" }
    return text + ": \(message)"
  }
}
