// SPDX-License-Identifier: Apache-2.0

/// One type of a ``BTF``, looked at when asked for: types refer to each other in circles, so no tree of them is ever built.
///
/// ```swift
/// for member in map.types.value?.resolved.members ?? [] {
///   print(member.name, member.bitOffset / 8, member.type)
/// }
/// ```
public struct BTFType: Sendable {
  /// What it belongs to.
  public let types: BTF
  /// Its number there.
  public let identifier: UInt32

  /// What a type is, with the types that it is made of. `BTF_KIND_*`
  public enum Kind: Sendable {
    /// Nothing.
    case void
    /// A number, a character or a truth value.
    case integer(BTFInteger)
    /// A floating-point number of so many bytes.
    case floatingPoint(size: Int)
    /// A pointer; it may lead back to where one came from.
    case pointer(to: BTFType)
    /// An array.
    case array(of: BTFType, count: Int)
    /// A struct.
    case structure([BTFMember])
    /// A union.
    case union([BTFMember])
    /// An enumeration, of any width.
    case enumeration(BTFEnumeration)
    /// A struct or union that is declared and not defined.
    case forward(isUnion: Bool)
    /// Another name of a type.
    case typedef(BTFType)
    /// `const`, `volatile`, `restrict`, or a `btf_type_tag`.
    case qualified(BTFType, by: String)
    /// A function.
    case function(prototype: BTFType, linkage: BTFLinkage)
    /// What a function takes and returns.
    case prototype(BTFPrototype)
    /// A variable.
    case variable(of: BTFType, linkage: BTFLinkage)
    /// A section of variables, such as `.rodata`.
    case section([BTFPlacedVariable])
    /// A `btf_decl_tag` on a type, or on one of its members or parameters.
    case tag(on: BTFType, component: Int?)
  }

  /// The name; empty where there is none.
  public var name: String { types.entry(identifier)?.name ?? "" }

  /// The type behind typedefs and qualifiers.
  ///
  /// Void where they lead in a circle, which compilers never write.
  public var resolved: BTFType {
    var current = identifier
    for _ in 0..<64 {
      guard let entry = types.entry(current) else { break }
      switch entry.kind {
      case .typedef, .volatile, .const, .restrict, .typeTag: current = entry.sizeOrType
      default: return BTFType(types: types, identifier: current)
      }
    }
    return BTFType(types: types, identifier: 0)
  }

  /// In bytes; nil where a type has no size, such as void or a function.
  public var size: Int? { size(depth: 0) }

  /// The members of a struct or union; nil for other types.
  public var members: [BTFMember]? {
    switch kind {
    case .structure(let members), .union(let members): members
    default: nil
    }
  }

  /// Its members, or a section's variables: what has names of its own in a value.
  var parts: [BTFMember]? {
    guard case .section(let variables) = kind else { return members }
    return variables.compactMap { place in
      guard case .variable(let type, _) = place.variable.kind else { return nil }
      return BTFMember(name: place.variable.name, type: type, bitOffset: place.offset * 8, bitWidth: nil)
    }
  }

  /// The names that typedefs give the type, from the outside in.
  var typedefNames: [String] {
    var names: [String] = []
    var current = identifier
    for _ in 0..<64 {
      guard let entry = types.entry(current) else { break }
      switch entry.kind {
      case .typedef: names.append(entry.name)
      case .volatile, .const, .restrict, .typeTag: break
      default: return names
      }
      current = entry.sizeOrType
    }
    return names
  }

  private func size(depth: Int) -> Int? {
    let type = resolved
    guard depth < 32, let entry = types.entry(type.identifier) else { return nil }
    switch entry.kind {
    case .integer, .structure, .union, .enumeration, .enumeration64, .float: return Int(entry.sizeOrType)
    case .pointer: return 8
    case .variable: return BTFType(types: types, identifier: entry.sizeOrType).size(depth: depth + 1)
    case .section: return Int(entry.sizeOrType)
    case .array:
      guard case .array(let element, let count) = type.kind, let size = element.size(depth: depth + 1) else {
        return nil
      }
      let (total, overflow) = size.multipliedReportingOverflow(by: count)
      // Nothing has a TiB; a bound keeps arithmetic on sizes from overflowing.
      return overflow || total > 1 << 40 ? nil : total
    default: return nil
    }
  }
}

/// An integer's encoding.
public struct BTFInteger: Sendable, Hashable {
  /// In bytes, up to 16.
  public var size: Int
  /// How many bits of them count; compilers before BTF had bit-fields wrote those so.
  public var bitCount: Int
  /// Where in its bytes those bits begin.
  public var bitOffset: Int
  /// Whether it can be negative.
  public var isSigned: Bool
  /// Whether it was encoded as a character; C compilers leave that to the name `char`.
  public var isCharacter: Bool
  /// Whether it is `bool`.
  public var isBoolean: Bool
}

/// A member of a struct or union.
public struct BTFMember: Sendable {
  /// The name; empty for an unnamed struct or union, whose members are this struct's in C.
  public let name: String
  /// Its type.
  public let type: BTFType
  /// Where it begins, in bits from the struct's start.
  public let bitOffset: Int
  /// A bit-field's width; nil: not a bit-field.
  public let bitWidth: Int?
}

/// An enumeration's constants.
public struct BTFEnumeration: Sendable, Hashable {
  /// A constant.
  public struct Constant: Sendable, Hashable {
    /// The name.
    public var name: String
    /// The value; of an unsigned 64-bit enumeration: its bit pattern.
    public var value: Int64
  }

  /// In bytes.
  public var size: Int
  /// Whether constants can be negative.
  public var isSigned: Bool
  /// In the order of the declaration.
  public var constants: [Constant]
}

/// What a function takes and returns.
public struct BTFPrototype: Sendable {
  /// A parameter.
  public struct Parameter: Sendable {
    /// The name; empty where the declaration has none.
    public let name: String
    /// Its type.
    public let type: BTFType
  }

  /// Void: nothing.
  public let result: BTFType
  /// In order, without `...`.
  public let parameters: [Parameter]
  /// Whether it ends with `...`.
  public let isVariadic: Bool
}

/// How far a function or variable is visible.
public enum BTFLinkage: Sendable, Hashable {
  /// In its file.
  case `static`
  /// Everywhere.
  case global
  /// Declared here, defined elsewhere.
  case external
}

/// Where a variable is in its section.
public struct BTFPlacedVariable: Sendable {
  /// The variable.
  public let variable: BTFType
  /// In bytes from the section's start.
  public let offset: Int
  /// In bytes.
  public let size: Int
}
