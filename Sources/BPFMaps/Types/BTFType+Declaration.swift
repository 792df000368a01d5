// SPDX-License-Identifier: Apache-2.0

extension BTFType: CustomStringConvertible {
  /// The type as C names it: `struct flow_key`, `__u32`, `int (*)(void *)`, `char[16]`.
  public var description: String { declaration(of: "") }

  /// Declares something of this type in C.
  ///
  /// - Parameter name: What is declared.
  /// - Returns: Such as `char label[16]`, without a semicolon.
  public func declaration(of name: String) -> String {
    var writer = BTFDeclarationWriter()
    return writer.declaration(self, name, indentation: 0, depth: 0)
  }

  /// The type's definition in C: a struct with its members, an enumeration with its constants, a function's declaration.
  ///
  /// A struct that only a packed one can be is packed. What was aligned further than its members ask is not told: offsets
  /// are those of ``members``.
  ///
  /// Other types are mentioned by name, not defined; a type that is too large or nested too deep to be of a compiler's
  /// making ends in `…`.
  public var definition: String {
    var writer = BTFDeclarationWriter()
    switch kind {
    case .structure, .union, .enumeration: return writer.body(self, indentation: 0, depth: 0) + ";"
    case .typedef(let target): return "typedef " + writer.declaration(target, name, indentation: 0, depth: 0) + ";"
    case .function(let prototype, let linkage):
      let declaration = writer.declaration(prototype, name, indentation: 0, depth: 0)
      return (linkage == .static ? "static " : linkage == .external ? "extern " : "") + declaration + ";"
    case .variable(let type, let linkage):
      let declaration = writer.declaration(type, name, indentation: 0, depth: 0)
      return (linkage == .static ? "static " : linkage == .external ? "extern " : "") + declaration + ";"
    case .section(let variables):
      return variables.map { writer.sectionLine($0) }.joined(separator: "\n")
    default: return declaration(of: "") + ";"
    }
  }
}

/// Writes C; bounded, because bytes from outside can describe types without end.
struct BTFDeclarationWriter {
  /// How many types, members and bytes of names may still be written.
  private var budget = 200_000
  /// How many types and members may still be looked at to see what is packed.
  private var looks = 20_000

  mutating func declaration(_ type: BTFType, _ inner: String, indentation: Int, depth: Int) -> String {
    budget -= 8 + inner.utf8.count + 2 * indentation
    guard budget > 0, depth < 32 else { return Self.join("…", inner) }
    switch type.kind {
    case .pointer(let target):
      // A pointer binds less than what follows the name: an array or parameters.
      let needsParentheses =
        switch Self.unqualified(target).kind {
        case .array, .prototype: true
        default: false
        }
      return declaration(
        target, needsParentheses ? "(*\(inner))" : "*\(inner)", indentation: indentation, depth: depth + 1)
    case .array(let element, let count):
      return declaration(element, "\(inner)[\(count)]", indentation: indentation, depth: depth + 1)
    case .prototype(let prototype):
      var parameters = prototype.parameters.map {
        declaration($0.type, $0.name, indentation: indentation, depth: depth + 1)
      }
      if prototype.isVariadic { parameters.append("...") }
      let list = parameters.isEmpty ? "void" : parameters.joined(separator: ", ")
      return declaration(prototype.result, "\(inner)(\(list))", indentation: indentation, depth: depth + 1)
    case .qualified(let target, let qualifier): return qualified(target, qualifier, inner, indentation, depth)
    default: return Self.join(specifier(type, indentation: indentation, depth: depth), inner)
    }
  }

  /// What qualifiers and tags are of.
  private static func unqualified(_ type: BTFType) -> BTFType {
    var type = type
    for _ in 0..<32 {
      guard case .qualified(let target, _) = type.kind else { break }
      type = target
    }
    return type
  }

  /// `const` of a pointer is written behind its star, of another type before it.
  private mutating func qualified(
    _ target: BTFType, _ qualifier: String, _ inner: String, _ indentation: Int, _ depth: Int
  ) -> String {
    guard ["const", "volatile", "restrict"].contains(qualifier) else {
      // A tag such as `user` or `rcu` tells tools, not compilers.
      return declaration(target, inner, indentation: indentation, depth: depth + 1)
    }
    if case .pointer = target.kind {
      return declaration(target, Self.join(qualifier, inner), indentation: indentation, depth: depth + 1)
    }
    return "\(qualifier) " + declaration(target, inner, indentation: indentation, depth: depth + 1)
  }

  private mutating func specifier(_ type: BTFType, indentation: Int, depth: Int) -> String {
    let name = type.name
    return switch type.kind {
    case .structure, .union, .enumeration:
      name.isEmpty ? body(type, indentation: indentation, depth: depth) : "\(Self.keyword(type)) \(name)"
    case .forward(let isUnion): "\(isUnion ? "union" : "struct") \(name)"
    case .void: "void"
    default: name
    }
  }

  /// `struct name { … }`.
  mutating func body(_ type: BTFType, indentation: Int, depth: Int) -> String {
    let head = Self.join(Self.keyword(type), type.name) + " {"
    let margin = String(repeating: "  ", count: indentation + 1)
    var lines: [String] = []
    switch type.kind {
    case .structure(let members), .union(let members):
      for member in members {
        budget -= 1
        guard budget > 0 else {
          lines.append(margin + "…")
          break
        }
        let width = member.bitWidth.map { " : \($0)" } ?? ""
        lines.append(
          margin + declaration(member.type, member.name, indentation: indentation + 1, depth: depth + 1) + width + ";")
      }
    case .enumeration(let enumeration):
      for constant in enumeration.constants {
        budget -= 1
        guard budget > 0 else {
          lines.append(margin + "…")
          break
        }
        let value =
          enumeration.isSigned || enumeration.size < 8 || constant.value >= 0
          ? "\(constant.value)" : "\(UInt64(bitPattern: constant.value))"
        lines.append("\(margin)\(constant.name) = \(value),")
      }
    default: break
    }
    let attribute = type.isPacked(&looks) ? " __attribute__((packed))" : ""
    let end = String(repeating: "  ", count: indentation) + "}" + attribute
    return lines.isEmpty ? "\(head)}" : ([head] + lines + [end]).joined(separator: "\n")
  }

  mutating func sectionLine(_ place: BTFPlacedVariable) -> String {
    guard case .variable(let type, _) = place.variable.kind else {
      return "\(place.variable.name);  // offset \(place.offset), \(place.size) bytes"
    }
    let declaration = declaration(type, place.variable.name, indentation: 0, depth: 0)
    return "\(declaration);  // offset \(place.offset), \(place.size) bytes"
  }

  private static func keyword(_ type: BTFType) -> String {
    switch type.kind {
    case .union: "union"
    case .enumeration: "enum"
    default: "struct"
    }
  }

  private static func join(_ left: String, _ right: String) -> String {
    right.isEmpty ? left : right.hasPrefix("[") ? left + right : "\(left) \(right)"
  }
}
