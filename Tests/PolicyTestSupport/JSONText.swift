// SPDX-License-Identifier: Apache-2.0

/// A value to print as JSON, with members in the order given.
indirect enum JSONText: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByArrayLiteral,
  ExpressibleByDictionaryLiteral, ExpressibleByBooleanLiteral
{
  case string(String)
  case number(Int)
  case bool(Bool)
  case list([JSONText])
  case object([(String, JSONText)])

  init(stringLiteral value: String) { self = .string(value) }
  init(integerLiteral value: Int) { self = .number(value) }
  init(booleanLiteral value: Bool) { self = .bool(value) }
  init(arrayLiteral elements: JSONText...) { self = .list(elements) }
  init(dictionaryLiteral elements: (String, JSONText)...) { self = .object(elements) }

  init(_ labels: [String: String]) {
    self = .object(labels.sorted { $0.key < $1.key }.map { ($0.key, .string($0.value)) })
  }

  init(_ texts: [some CustomStringConvertible]) { self = .list(texts.map { .string($0.description) }) }

  /// An object without the members that are nil.
  init(members: [(String, JSONText?)]) {
    self = .object(members.compactMap { name, value in value.map { (name, $0) } })
  }

  var text: String {
    switch self {
    case .string(let text): return Self.quoted(text)
    case .number(let number): return "\(number)"
    case .bool(let flag): return "\(flag)"
    case .list(let items): return "[" + items.map(\.text).joined(separator: ", ") + "]"
    case .object(let members):
      return "{" + members.map { Self.quoted($0.0) + ": " + $0.1.text }.joined(separator: ", ") + "}"
    }
  }

  private static func quoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case _ where scalar.value < 0x20:
        result += "\\u00" + (scalar.value < 16 ? "0" : "") + String(scalar.value, radix: 16)
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }
}
