// SPDX-License-Identifier: Apache-2.0

/// Reads the fields of one object and remembers which were read, so that a field nobody asked for is an error.
///
/// As in the API server `null` means "not set", for a field as well as for an item of a list of objects; except below the
/// metadata of custom resources, where it is refused.
public struct ObjectReader {
  /// Where the object stands in its document.
  public let path: FieldPath
  /// How the object is read.
  public let options: ReadingOptions
  /// Whether null is an error, here and in what this object holds.
  var refusesNull: Bool
  private var fields: [String: DocumentValue]

  init(
    _ value: DocumentValue, at path: FieldPath, options: ReadingOptions = .strict, refusesNull: Bool = false
  ) throws(ValidationError) {
    self.path = path
    self.options = options
    self.refusesNull = refusesNull
    switch value {
    case .map(let map): self.fields = map
    case .null where !refusesNull: self.fields = [:]
    default: throw ValidationError(path, "must be an object, but is \(value.kindName)")
    }
  }

  /// The names of the fields that were not taken yet, in order.
  var remainingNames: [String] { fields.keys.sorted() }

  /// Whether a field is there and was not taken yet, null or not.
  func has(_ name: String) -> Bool { fields[name] != nil }

  /// Takes a field as it stands.
  ///
  /// - Parameter name: the field's name.
  /// - Returns: nil when it is missing or null.
  public mutating func value(_ name: String) -> DocumentValue? {
    guard let value = fields.removeValue(forKey: name), value != .null else { return nil }
    return value
  }

  /// Takes a field: nil when it is missing or null, unless null is an error.
  mutating func take(_ name: String, _ wanted: String) throws(ValidationError) -> DocumentValue? {
    guard let value = fields.removeValue(forKey: name) else { return nil }
    if value != .null { return value }
    if refusesNull { throw mismatch(name, value, wanted) }
    return nil
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

  /// Refuses what is left.
  func finish() throws(ValidationError) {
    guard let name = fields.keys.min() else { return }
    throw ValidationError(path.field(name), "unknown field \"\(shortened(name))\"; remove it or check its spelling")
  }

  func mismatch(_ name: String, _ value: DocumentValue, _ wanted: String) -> ValidationError {
    ValidationError(path.field(name), "must be \(wanted), but is \(value.kindName)")
  }
}

extension ObjectReader {
  mutating func string(_ name: String) throws(ValidationError) -> String? {
    guard let value = try take(name, "a string (put it in quotes)") else { return nil }
    guard case .string(let text) = value else {
      throw mismatch(name, value, "a string (put it in quotes)")
    }
    return text
  }

  mutating func bool(_ name: String) throws(ValidationError) -> Bool? {
    guard let value = try take(name, "true or false") else { return nil }
    guard case .bool(let flag) = value else { throw mismatch(name, value, "true or false") }
    return flag
  }

  mutating func int64(_ name: String) throws(ValidationError) -> Int64? {
    guard let value = try take(name, "a whole number") else { return nil }
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
    guard let value = try take(name, "a whole number or a string") else { return nil }
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
    guard let value = try take(name, "a list of strings") else { return nil }
    guard case .array(let items) = value else { throw mismatch(name, value, "a list of strings") }
    var texts: [String] = []
    texts.reserveCapacity(items.count)
    for (index, item) in items.enumerated() {
      switch item {
      case .string(let text): texts.append(text)
      case .null where !refusesNull: texts.append("")
      default:
        throw ValidationError(
          path.field(name).item(index), "must be a string (put it in quotes), but is \(item.kindName)")
      }
    }
    return texts
  }

  mutating func stringMap(_ name: String) throws(ValidationError) -> [String: String]? {
    guard let value = try take(name, "an object of strings") else { return nil }
    guard case .map(let entries) = value else { throw mismatch(name, value, "an object of strings") }
    var texts: [String: String] = [:]
    texts.reserveCapacity(entries.count)
    var wrong: String?
    for (key, entry) in entries {
      switch entry {
      case .string(let text): texts[key] = text
      case .null where !refusesNull: texts[key] = ""
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

  /// Takes a list of values with one of a few spellings.
  mutating func choices<Choice>(_ name: String, of type: Choice.Type) throws(ValidationError) -> [Choice]?
  where Choice: RawRepresentable<String> & CaseIterable {
    guard let texts = try stringArray(name) else { return nil }
    var choices: [Choice] = []
    for (index, text) in texts.enumerated() {
      guard let choice = Choice(rawValue: text) else {
        throw ValidationError(path.field(name).item(index), notOneOf(text, type))
      }
      choices.append(choice)
    }
    return choices
  }

  mutating func object<Object: DocumentReadable>(
    _ name: String, as type: Object.Type = Object.self
  ) throws(ValidationError) -> Object? {
    try object(name) { (reader: inout ObjectReader) throws(ValidationError) in try Object(reading: &reader) }
  }

  mutating func array<Item: DocumentReadable>(
    _ name: String, of type: Item.Type = Item.self
  ) throws(ValidationError) -> [Item]? {
    try array(name) { (reader: inout ObjectReader) throws(ValidationError) in try Item(reading: &reader) }
  }

  /// Takes an object and reads its fields; what `read` leaves is an unknown field.
  mutating func object<Object>(
    _ name: String, read: (inout ObjectReader) throws(ValidationError) -> Object
  ) throws(ValidationError) -> Object? {
    guard let value = try take(name, "an object") else { return nil }
    return try nested(value, path.field(name), read)
  }

  /// Takes a list of objects and reads the fields of each; what `read` leaves is an unknown field.
  mutating func array<Item>(
    _ name: String, read: (inout ObjectReader) throws(ValidationError) -> Item
  ) throws(ValidationError) -> [Item]? {
    guard let value = try take(name, "a list") else { return nil }
    guard case .array(let items) = value else { throw mismatch(name, value, "a list") }
    let path = path.field(name)
    var objects: [Item] = []
    objects.reserveCapacity(items.count)
    for (index, item) in items.enumerated() {
      objects.append(try nested(item, path.item(index), read))
    }
    return objects
  }

  private func nested<Object>(
    _ value: DocumentValue, _ path: FieldPath, _ read: (inout ObjectReader) throws(ValidationError) -> Object
  ) throws(ValidationError) -> Object {
    var reader = try ObjectReader(value, at: path, options: options, refusesNull: refusesNull)
    let object = try read(&reader)
    try reader.finish()
    return object
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
