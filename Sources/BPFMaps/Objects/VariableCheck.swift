// SPDX-License-Identifier: Apache-2.0

/// Compares a C variable with a Swift type: width, sign, and the fields of structs.
///
/// Pure.
enum VariableCheck {
  /// What differs.
  ///
  /// - Parameters:
  ///   - variable: What the object has.
  ///   - structure: Its fields, where it is a struct.
  ///   - type: What the caller has.
  /// - Returns: The end of a sentence; nil: nothing differs.
  static func difference<Value>(_ variable: ObjectVariable, _ structure: ObjectType?, _ type: Value.Type) -> String? {
    let size = MemoryLayout<Value>.size
    func differ(_ swift: String) -> String { "it is \(article(variable.shape)), but \(Value.self) is \(swift)" }
    if case .structure = variable.kind {
      guard let value = type as? any BPFValue.Type else {
        return differ("a type of \(size) bytes that says nothing of its fields; make it a BPFValue")
      }
      guard let structure else { return variable.size == size ? nil : differ("a type of \(size) bytes") }
      return value.layout.differences(from: structure)
    }
    if let value = type as? any BPFValue.Type, !value.layout.isScalar {
      return differ("struct \(value.layout.name) (\(size) bytes)")
    }
    switch Shape(type) {
    case .integer(let isSigned):
      let name = article("\(size)-byte \(isSigned ? "signed" : "unsigned") integer")
      guard size == variable.size else { return differ(name) }
      switch variable.kind {
      case .integer(let isSignedInC, let isCharacter):
        return isSigned == isSignedInC || isCharacter ? nil : differ(name)
      case .enumeration: return nil
      default: return differ(name)
      }
    case .boolean: return variable.kind == .boolean ? nil : differ("a Bool")
    case .floatingPoint:
      return variable.kind == .floatingPoint && size == variable.size
        ? nil : differ(article("\(size)-byte floating-point number"))
    case .other:
      // Tuples and imported C enumerations: the size is all there is to compare.
      return size == variable.size ? nil : differ("a type of \(size) bytes")
    }
  }

  private static func article(_ words: String) -> String {
    "\(words.hasPrefix("8") || words.hasPrefix("a") ? "an" : "a") \(words)"
  }

  private enum Shape {
    case integer(isSigned: Bool)
    case boolean, floatingPoint, other

    init<Value>(_ type: Value.Type) {
      if let integer = type as? any BinaryInteger.Type {
        self = .integer(isSigned: integer.isSigned)
      } else if type == Bool.self {
        self = .boolean
      } else if type is any BinaryFloatingPoint.Type {
        self = .floatingPoint
      } else {
        self = .other
      }
    }
  }
}
