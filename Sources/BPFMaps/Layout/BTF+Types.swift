// SPDX-License-Identifier: Apache-2.0

extension BTF {
  /// A variable of a data section.
  struct Variable: Hashable, Sendable {
    var name: String
    var offset: Int
    var size: Int
  }

  /// The struct or union with this tag; `nil`: not described.
  func structure(named name: String) -> ObjectType? {
    for (identifier, entry) in entries.enumerated()
    where entry.name == name && (entry.kind == .structure || entry.kind == .union) {
      return type(UInt32(identifier))
    }
    return nil
  }

  /// The type with this identifier, modifiers and typedefs resolved; `nil`: void, or a malformed reference.
  func type(_ identifier: UInt32) -> ObjectType? {
    guard let entry = resolved(identifier), let size = size(of: identifier) else { return nil }
    guard entry.kind == .structure || entry.kind == .union else {
      return ObjectType(name: entry.name, size: size, fields: nil)
    }
    var fields: [ObjectType.Field] = []
    var budget = BTF.memberLimit
    guard collect(entry, base: 0, into: &fields, depth: 0, &budget) else { return nil }
    return ObjectType(name: entry.name, size: size, fields: fields)
  }

  /// The variables of a data section such as `.rodata`, in order of offset.
  func variables(inSection name: String) -> [Variable] {
    guard let section = entries.first(where: { $0.kind == .section && $0.name == name }) else { return [] }
    return section.members.compactMap { member in
      guard let variable = entry(member.type), variable.kind == .variable else { return nil }
      return Variable(name: variable.name, offset: Int(member.offset), size: Int(member.size))
    }
    .sorted { $0.offset < $1.offset }
  }

  private func entry(_ identifier: UInt32) -> Entry? {
    Int(identifier) < entries.count ? entries[Int(identifier)] : nil
  }

  private func resolved(_ identifier: UInt32) -> Entry? {
    var current = identifier
    for _ in 0..<32 {
      guard let entry = entry(current) else { return nil }
      switch entry.kind {
      case .typedef, .volatile, .const, .restrict, .typeTag: current = entry.sizeOrType
      case .void: return nil
      default: return entry
      }
    }
    return nil
  }

  private func size(of identifier: UInt32, depth: Int = 0) -> Int? {
    guard depth < 32, let entry = resolved(identifier) else { return nil }
    switch entry.kind {
    case .integer, .structure, .union, .enumeration, .enumeration64, .float: return Int(entry.sizeOrType)
    case .pointer: return 8
    case .array:
      guard let element = size(of: entry.sizeOrType, depth: depth + 1) else { return nil }
      let (total, overflow) = element.multipliedReportingOverflow(by: Int(entry.elementCount))
      return overflow ? nil : total
    default: return nil
    }
  }

  /// The kernel's own limit for one struct; with unnamed members inside each other it bounds all of them together.
  private static let memberLimit = 65_535

  /// Members of unnamed structs and unions are members of their parent, as in C and in Swift.
  ///
  /// False: more members than a struct can have, or deeper than C nests them; bytes from outside can make a struct contain
  /// itself.
  private func collect(
    _ entry: Entry, base: Int, into fields: inout [ObjectType.Field], depth: Int, _ budget: inout Int
  ) -> Bool {
    guard depth < 16 else { return false }
    for member in entry.members {
      budget -= 1
      guard budget >= 0 else { return false }
      let bits = entry.hasBitFields ? Int(member.offset & 0xff_ffff) : Int(member.offset)
      let width = entry.hasBitFields ? Int(member.offset >> 24) : 0
      if member.name.isEmpty {
        if let inner = resolved(member.type), inner.kind == .structure || inner.kind == .union {
          guard collect(inner, base: base + bits, into: &fields, depth: depth + 1, &budget) else { return false }
        }
        continue
      }
      guard let size = size(of: member.type) else { continue }
      fields.append(ObjectType.Field(name: member.name, bitOffset: base + bits, size: size, isBitField: width != 0))
    }
    return true
  }
}
