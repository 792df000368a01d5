// SPDX-License-Identifier: Apache-2.0

/// A field of a manifest that the API server would refuse.
public struct ValidationError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The field, such as `.spec.ingress[0].ports[0].endPort`.
  public var path: String
  /// What is wrong with it, with the value and what would be right.
  public var message: String

  /// Makes an error.
  ///
  /// - Parameters:
  ///   - path: the field's path, beginning with a dot.
  ///   - message: one sentence.
  public init(path: String, message: String) {
    self.path = path
    self.message = message
  }

  init(_ path: FieldPath, _ message: String) {
    self.init(path: path.description, message: message)
  }

  /// Path and message.
  public var description: String { "\(path): \(message)" }
}
