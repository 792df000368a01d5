// SPDX-License-Identifier: Apache-2.0

/// One value of a manifest, before anyone says what kind of object it is.
///
/// Readers of YAML and JSON make these; the kinds of this module read them, strictly. A map has no duplicate keys: who
/// makes one refuses them.
public enum DocumentValue: Hashable, Sendable {
  /// `null`, or nothing at all.
  case null
  /// `true` or `false`.
  case bool(Bool)
  /// A whole number.
  case int(Int64)
  /// A number with a fraction or an exponent, or too large for 64 bits.
  case double(Double)
  /// Text.
  case string(String)
  /// A list.
  case array([DocumentValue])
  /// An object.
  case map([String: DocumentValue])

  /// What the value is, in words for an error message.
  var kindName: String {
    switch self {
    case .null: "null"
    case .bool: "a boolean"
    case .int, .double: "a number"
    case .string: "a string"
    case .array: "a list"
    case .map: "an object"
    }
  }
}

extension DocumentValue: Codable {
  private struct Key: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }
    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { return nil }
  }

  /// Reads any value.
  ///
  /// - Parameter decoder: where the value comes from; its own limit on nesting applies.
  /// - Throws: what the decoder throws, and ``ValidationError``.
  public init(from decoder: any Decoder) throws {
    if let fields = try? decoder.container(keyedBy: Key.self) {
      var map: [String: DocumentValue] = [:]
      for key in fields.allKeys { map[key.stringValue] = try fields.decode(DocumentValue.self, forKey: key) }
      self = .map(map)
      return
    }
    if var items = try? decoder.unkeyedContainer() {
      var array: [DocumentValue] = []
      while !items.isAtEnd { array.append(try items.decode(DocumentValue.self)) }
      self = .array(array)
      return
    }
    let single = try decoder.singleValueContainer()
    if single.decodeNil() {
      self = .null
    } else if let value = try? single.decode(Bool.self) {
      self = .bool(value)
    } else if let value = try? single.decode(Int64.self) {
      self = .int(value)
    } else if let value = try? single.decode(Double.self) {
      self = .double(value)
    } else {
      self = .string(try single.decode(String.self))
    }
  }

  /// Writes the value as it was read.
  ///
  /// - Parameter encoder: where it goes.
  /// - Throws: what the encoder throws.
  public func encode(to encoder: any Encoder) throws {
    var single = encoder.singleValueContainer()
    switch self {
    case .null: try single.encodeNil()
    case .bool(let value): try single.encode(value)
    case .int(let value): try single.encode(value)
    case .double(let value): try single.encode(value)
    case .string(let value): try single.encode(value)
    case .array(let value): try single.encode(value)
    case .map(let value): try single.encode(value)
    }
  }
}
