// SPDX-License-Identifier: Apache-2.0

/// A type as BTF describes it, with modifiers and typedefs resolved.
struct ObjectType: Hashable, Sendable {
  struct Field: Hashable, Sendable {
    var name: String
    /// In bits from the start.
    var bitOffset: Int
    /// In bytes.
    var size: Int
    var isBitField: Bool
  }

  /// The struct's tag; empty if it has none.
  var name: String
  var size: Int
  /// `nil`: neither struct nor union.
  var fields: [Field]?
}

extension ObjectType.Field {
  /// Named padding, which is zero: a later version may give it a meaning of which zero is the absence.
  var isPadding: Bool { !isBitField && name.hasPrefix("padding") }
}

extension ObjectType {
  /// Whether there is named padding where another version has a field that is unknown here.
  func hasPadding(where offset: Int?, _ size: Int, hasNo name: String) -> Bool {
    guard let offset, let fields, !fields.contains(where: { $0.name == name }) else { return false }
    return fields.contains { $0.isPadding && $0.bitOffset == offset * 8 && $0.size == size }
  }
}

extension StructLayout {
  /// Every difference from the object's struct, as one sentence; `nil`: none.
  func differences(from object: ObjectType) -> String? {
    guard let objectFields = object.fields else {
      return size == object.size
        ? nil : "\(label) has \(size) bytes in Swift but its place in the object has \(object.size)"
    }
    guard !isScalar else {
      return "the object has struct \(object.name) (\(object.size) bytes) where Swift has \(name) (\(size) bytes)"
    }
    guard object.name.isEmpty || object.name == name else {
      return "the object has struct \(object.name) where Swift has struct \(name)"
    }
    var found: [String] = []
    for field in objectFields {
      guard let mine = fields.first(where: { $0.name == field.name }) else {
        if fields.contains(where: { object.hasPadding(where: $0.offset, $0.size, hasNo: $0.name) && covers($0, field) })
        {
          continue
        }
        if !field.isBitField {
          found.append("field \"\(field.name)\" (offset \(field.bitOffset / 8)) is in the object but not in Swift")
        }
        continue
      }
      found += compare(mine, field)
    }
    for field in fields where !objectFields.contains(where: { $0.name == field.name }) {
      if object.hasPadding(where: field.offset, field.size, hasNo: field.name) { continue }
      found.append("field \"\(field.name)\" is in Swift but not in the object")
    }
    if size != object.size {
      found.append("it has \(object.size) bytes in the object but \(size) in Swift")
    }
    return found.isEmpty ? nil : "struct \(name): " + found.joined(separator: "; ")
  }

  private func covers(_ mine: Field, _ field: ObjectType.Field) -> Bool {
    field.isPadding && mine.offset.map { $0 * 8 } == field.bitOffset && mine.size == field.size
  }

  private var label: String { isScalar ? name : "struct \(name)" }

  private func compare(_ mine: Field, _ field: ObjectType.Field) -> [String] {
    if field.isBitField {
      return ["field \"\(field.name)\" is a bit-field in the object, which cannot be compared: do not list it"]
    }
    guard let offset = mine.offset else {
      return ["field \"\(field.name)\" is no stored property in Swift: describe it by offset and size"]
    }
    var found: [String] = []
    if offset * 8 != field.bitOffset {
      found.append(
        "field \"\(field.name)\" is at offset \(field.bitOffset / 8) in the object but at \(offset) in Swift")
    }
    if mine.size != field.size {
      found.append("field \"\(field.name)\" has \(field.size) bytes in the object but \(mine.size) in Swift")
    }
    return found
  }
}

extension BTFType {
  /// Every difference of a Swift type's layout from this type, as one sentence; nil: none.
  ///
  /// Compared as when a map is taken from an object: struct name, size, and each field's name, offset and size.
  ///
  /// - Parameter layout: A Swift type's layout.
  /// - Returns: The differences; for a type without size, that it has none.
  public func differences(from layout: StructLayout) -> String? {
    guard let object = types.type(identifier) else {
      return "type \(self) has no size, so that nothing can have its layout"
    }
    return layout.differences(from: object)
  }
}

extension ObjectType {
  /// Where the struct has bytes that no field covers, as a sentence; `nil`: nowhere.
  ///
  /// Such bytes in a key hold whatever was in memory, so that equal keys would differ.
  var unnamedPadding: String? {
    guard let fields else { return nil }
    var end = 0
    for field in fields.sorted(by: { $0.bitOffset < $1.bitOffset }) {
      if field.isBitField { return nil }
      if field.bitOffset / 8 > end { return padding(from: end, to: field.bitOffset / 8) }
      end = max(end, field.bitOffset / 8 + field.size)
    }
    return end < size ? padding(from: end, to: size) : nil
  }

  private func padding(from start: Int, to end: Int) -> String {
    "struct \(name) is a key, but has \(end - start) bytes of unnamed padding at offset \(start): name and zero them"
  }
}
