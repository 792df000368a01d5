// SPDX-License-Identifier: Apache-2.0

extension BTFType {
  /// What it is, read from its record.
  public var kind: Kind {
    guard let entry = types.entry(identifier) else { return .void }
    let referred = BTFType(types: types, identifier: entry.sizeOrType)
    switch entry.kind {
    case .void: return .void
    case .integer: return .integer(integer(entry))
    case .float: return .floatingPoint(size: Int(entry.sizeOrType))
    case .pointer: return .pointer(to: referred)
    case .array: return .array(of: type(at: entry.details), count: Int(word(at: entry.details + 8)))
    case .structure: return .structure(members(entry))
    case .union: return .union(members(entry))
    case .enumeration, .enumeration64: return .enumeration(enumeration(entry))
    case .forward: return .forward(isUnion: entry.flag)
    case .typedef: return .typedef(referred)
    case .const: return .qualified(referred, by: "const")
    case .volatile: return .qualified(referred, by: "volatile")
    case .restrict: return .qualified(referred, by: "restrict")
    case .typeTag: return .qualified(referred, by: entry.name)
    case .function: return .function(prototype: referred, linkage: Self.linkage(UInt32(entry.count)))
    case .functionPrototype: return .prototype(prototype(entry, referred))
    case .variable: return .variable(of: referred, linkage: Self.linkage(word(at: entry.details)))
    case .section: return .section(variables(entry))
    case .declarationTag:
      let component = Int32(bitPattern: word(at: entry.details))
      return .tag(on: referred, component: component < 0 ? nil : Int(component))
    }
  }

  private func word(at position: Int) -> UInt32 { types.storage.word(identifier, at: position) }

  private func name(at position: Int) -> String { types.storage.name(identifier, at: position) }

  private func type(at position: Int) -> BTFType { BTFType(types: types, identifier: word(at: position)) }

  /// Its encoding, if it is an integer itself; looks at nothing else, so that circles do no harm.
  var integer: BTFInteger? {
    guard let entry = types.entry(identifier), entry.kind == .integer else { return nil }
    return integer(entry)
  }

  private func integer(_ entry: BTF.Entry) -> BTFInteger {
    let encoding = word(at: entry.details)
    let flags = encoding >> 24 & 0xf
    return BTFInteger(
      size: Int(entry.sizeOrType), bitCount: Int(encoding & 0xff), bitOffset: Int(encoding >> 16 & 0xff),
      isSigned: flags & 1 != 0, isCharacter: flags & 2 != 0, isBoolean: flags & 4 != 0)
  }

  private func members(_ entry: BTF.Entry) -> [BTFMember] {
    (0..<entry.count).map { index in
      let position = entry.details + index * 12
      let type = type(at: position + 4)
      let place = word(at: position + 8)
      if entry.flag {
        let width = Int(place >> 24)
        return BTFMember(
          name: name(at: position), type: type, bitOffset: Int(place & 0xff_ffff), bitWidth: width == 0 ? nil : width)
      }
      // Before the flag existed, a bit-field was an integer with fewer bits than its bytes have.
      if let integer = type.resolved.integer,
        integer.bitOffset != 0 || integer.bitCount != integer.size * 8
      {
        return BTFMember(
          name: name(at: position), type: type, bitOffset: Int(place) + integer.bitOffset, bitWidth: integer.bitCount)
      }
      return BTFMember(name: name(at: position), type: type, bitOffset: Int(place), bitWidth: nil)
    }
  }

  private func enumeration(_ entry: BTF.Entry) -> BTFEnumeration {
    let isWide = entry.kind == .enumeration64
    let constants = (0..<entry.count).map { index in
      let position = entry.details + index * (isWide ? 12 : 8)
      let low = word(at: position + 4)
      let value: Int64 =
        isWide
        ? Int64(bitPattern: UInt64(word(at: position + 8)) << 32 | UInt64(low))
        : entry.flag ? Int64(Int32(bitPattern: low)) : Int64(low)
      return BTFEnumeration.Constant(name: name(at: position), value: value)
    }
    return BTFEnumeration(size: Int(entry.sizeOrType), isSigned: entry.flag, constants: constants)
  }

  private func prototype(_ entry: BTF.Entry, _ result: BTFType) -> BTFPrototype {
    var parameters = (0..<entry.count).map { index in
      let position = entry.details + index * 8
      return BTFPrototype.Parameter(name: name(at: position), type: type(at: position + 4))
    }
    // `...` is a last parameter without name and type.
    let isVariadic = parameters.last.map { $0.name.isEmpty && $0.type.identifier == 0 } ?? false
    if isVariadic { parameters.removeLast() }
    return BTFPrototype(result: result, parameters: parameters, isVariadic: isVariadic)
  }

  private func variables(_ entry: BTF.Entry) -> [BTFPlacedVariable] {
    (0..<entry.count).map { index in
      let position = entry.details + index * 12
      return BTFPlacedVariable(
        variable: type(at: position), offset: Int(word(at: position + 4)), size: Int(word(at: position + 8)))
    }
  }

  private static func linkage(_ number: UInt32) -> BTFLinkage {
    switch number {
    case 0: .static
    case 1: .global
    default: .external
    }
  }
}
