// SPDX-License-Identifier: Apache-2.0

/// Reads the fields of one object and remembers which were read, so that a field nobody asked for is an error.
///
/// As in the API server `null` means "not set", for a field as well as for an item of a list of objects.
public struct ObjectReader {
  /// Where the object stands in its document.
  public let path: FieldPath
  private var fields: [String: DocumentValue]

  init(_ value: DocumentValue, at path: FieldPath) throws(ValidationError) {
    self.path = path
    switch value {
    case .map(let map): self.fields = map
    case .null: self.fields = [:]
    default: throw ValidationError(path, "must be an object, but is \(value.kindName)")
    }
  }

  /// Takes a field as it stands.
  ///
  /// - Parameter name: the field's name.
  /// - Returns: nil when it is missing or null.
  public mutating func value(_ name: String) -> DocumentValue? {
    guard let value = fields.removeValue(forKey: name), value != .null else { return nil }
    return value
  }

  /// Takes fields that this module does not model, unread.
  ///
  /// - Parameter names: names of fields that the API has.
  public mutating func ignore(_ names: String...) {
    for name in names { fields[name] = nil }
  }

  /// Takes everything that is left: for kinds of which only a part is modelled.
  public mutating func ignoreOthers() {
    fields = [:]
  }

  func finish() throws(ValidationError) {
    guard let name = fields.keys.min() else { return }
    throw ValidationError(path.field(name), "unknown field \"\(shortened(name))\"; remove it or check its spelling")
  }

  private func mismatch(_ name: String, _ value: DocumentValue, _ wanted: String) -> ValidationError {
    ValidationError(path.field(name), "must be \(wanted), but is \(value.kindName)")
  }
}

extension ObjectReader {
  mutating func string(_ name: String) throws(ValidationError) -> String? {
    guard let value = value(name) else { return nil }
    guard case .string(let text) = value else {
      throw mismatch(name, value, "a string (put it in quotes)")
    }
    return text
  }

  mutating func bool(_ name: String) throws(ValidationError) -> Bool? {
    guard let value = value(name) else { return nil }
    guard case .bool(let flag) = value else { throw mismatch(name, value, "true or false") }
    return flag
  }

  mutating func int64(_ name: String) throws(ValidationError) -> Int64? {
    guard let value = value(name) else { return nil }
    guard case .int(let number) = value else { throw mismatch(name, value, "a whole number") }
    return number
  }

  mutating func int32(_ name: String) throws(ValidationError) -> Int32? {
    guard let number = try int64(name) else { return nil }
    guard let small = Int32(exactly: number) else {
      throw ValidationError(path.field(name), "\(number) does not fit in 32 bits")
    }
    return small
  }

  mutating func intOrString(_ name: String) throws(ValidationError) -> IntOrString? {
    guard let value = value(name) else { return nil }
    switch value {
    case .string(let text): return .string(text)
    case .int(let number):
      guard let small = Int32(exactly: number) else {
        throw ValidationError(path.field(name), "\(number) does not fit in 32 bits")
      }
      return .int(small)
    default: throw mismatch(name, value, "a whole number or a string")
    }
  }

  mutating func stringArray(_ name: String) throws(ValidationError) -> [String]? {
    guard let value = value(name) else { return nil }
    guard case .array(let items) = value else { throw mismatch(name, value, "a list of strings") }
    var texts: [String] = []
    texts.reserveCapacity(items.count)
    for (index, item) in items.enumerated() {
      switch item {
      case .string(let text): texts.append(text)
      case .null: texts.append("")
      default:
        throw ValidationError(
          path.field(name).item(index), "must be a string (put it in quotes), but is \(item.kindName)")
      }
    }
    return texts
  }

  mutating func stringMap(_ name: String) throws(ValidationError) -> [String: String]? {
    guard let value = value(name) else { return nil }
    guard case .map(let entries) = value else { throw mismatch(name, value, "an object of strings") }
    var texts: [String: String] = [:]
    texts.reserveCapacity(entries.count)
    var wrong: String?
    for (key, entry) in entries {
      switch entry {
      case .string(let text): texts[key] = text
      case .null: texts[key] = ""
      default: wrong = min(wrong ?? key, key)
      }
    }
    if let wrong {
      let kind = entries[wrong]?.kindName ?? "nothing"
      throw ValidationError(path.field(name).key(wrong), "must be a string (put it in quotes), but is \(kind)")
    }
    return texts
  }

  /// Takes a field with one of a few spellings.
  mutating func choice<Choice>(_ name: String, of type: Choice.Type) throws(ValidationError) -> Choice?
  where Choice: RawRepresentable<String> & CaseIterable {
    guard let text = try string(name) else { return nil }
    guard let choice = Choice(rawValue: text) else {
      throw ValidationError(path.field(name), notOneOf(text, type))
    }
    return choice
  }

  mutating func object<Object: DocumentReadable>(
    _ name: String, as type: Object.Type = Object.self
  ) throws(ValidationError) -> Object? {
    guard let value = value(name) else { return nil }
    return try Object(value, at: path.field(name))
  }

  mutating func array<Item: DocumentReadable>(
    _ name: String, of type: Item.Type = Item.self
  ) throws(ValidationError) -> [Item]? {
    guard let value = value(name) else { return nil }
    guard case .array(let items) = value else { throw mismatch(name, value, "a list") }
    var objects: [Item] = []
    objects.reserveCapacity(items.count)
    for (index, item) in items.enumerated() {
      objects.append(try Item(item, at: path.field(name).item(index)))
    }
    return objects
  }
}

/// The sentence for a value that is not in a list of choices.
///
/// - Parameters:
///   - text: the value.
///   - type: the choices.
/// - Returns: a sentence that lists them.
func notOneOf<Choice>(_ text: String, _ type: Choice.Type) -> String
where Choice: RawRepresentable<String> & CaseIterable {
  "\"\(shortened(text))\" is not one of \(Choice.allCases.map(\.rawValue).joined(separator: ", "))"
}
