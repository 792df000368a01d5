// SPDX-License-Identifier: Apache-2.0

/// Where in a document a value stands, such as `.spec.ingress[0].from[1].ipBlock.cidr`.
public indirect enum FieldPath: Hashable, Sendable {
  /// The document itself.
  case root
  /// A field of an object.
  case field(FieldPath, String)
  /// An item of a list, counted from 0.
  case item(FieldPath, Int)
  /// An entry of a map with free keys, such as labels.
  case key(FieldPath, String)

  /// The path of a field of this object.
  ///
  /// - Parameter name: the field's name as the API spells it.
  /// - Returns: the longer path.
  public func field(_ name: String) -> FieldPath { .field(self, name) }

  /// The path of an item of this list.
  ///
  /// - Parameter index: the item's position, from 0.
  /// - Returns: the longer path.
  public func item(_ index: Int) -> FieldPath { .item(self, index) }

  /// The path of an entry of this map.
  ///
  /// - Parameter key: the entry's key.
  /// - Returns: the longer path.
  public func key(_ key: String) -> FieldPath { .key(self, key) }
}

extension FieldPath: CustomStringConvertible {
  /// The path as text; `.` for the document itself.
  ///
  /// Long names are shortened.
  public var description: String {
    var parts: [String] = []
    var rest = self
    while true {
      switch rest {
      case .root:
        return parts.isEmpty ? "." : parts.reversed().joined()
      case .field(let parent, let name):
        parts.append("." + shortened(name))
        rest = parent
      case .item(let parent, let index):
        parts.append("[\(index)]")
        rest = parent
      case .key(let parent, let key):
        parts.append("[\"\(shortened(key))\"]")
        rest = parent
      }
    }
  }
}

/// Text from a document as it goes into a message: at most 80 characters.
///
/// - Parameter text: any text, however long.
/// - Returns: the text, or its beginning and an ellipsis.
func shortened(_ text: String) -> String {
  let start = text.prefix(80)
  return start.endIndex == text.endIndex ? text : start + "…"
}
