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

/// How many errors of one object are worth listing: a manifest can have millions.
let validationErrorLimit = 100

/// The errors of the items of a list, until there are enough.
///
/// - Parameters:
///   - items: the items.
///   - path: where the list stands.
///   - check: the errors of an item at its path.
/// - Returns: the errors in the order of the items.
func itemErrors<Item>(
  _ items: [Item], at path: FieldPath, _ check: (Item, FieldPath) -> [ValidationError]
) -> [ValidationError] {
  var errors: [ValidationError] = []
  for (index, item) in items.enumerated() {
    errors += check(item, path.item(index))
    if errors.count >= validationErrorLimit { break }
  }
  return errors
}
