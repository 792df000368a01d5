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
    for candidate in types(named: name) {
      let kind = storage.kind(candidate.identifier)
      if kind == .structure || kind == .union { return type(candidate.identifier) }
    }
    return nil
  }

  /// The type with this identifier, modifiers and typedefs resolved; `nil`: void, or a malformed reference.
  func type(_ identifier: UInt32) -> ObjectType? {
    guard let resolved = self[identifier]?.resolved, let size = resolved.size else { return nil }
    guard let members = resolved.members else { return ObjectType(name: resolved.name, size: size, fields: nil) }
    var fields: [ObjectType.Field] = []
    var budget = BTF.memberLimit
    guard collect(members, base: 0, into: &fields, depth: 0, &budget) else { return nil }
    return ObjectType(name: resolved.name, size: size, fields: fields)
  }

  /// The variables of a data section such as `.rodata`, in order of offset.
  func variables(inSection name: String) -> [Variable] {
    for candidate in types(named: name) {
      guard case .section(let variables) = candidate.kind else { continue }
      return variables.compactMap { place in
        guard case .variable = place.variable.kind else { return nil }
        return Variable(name: place.variable.name, offset: place.offset, size: place.size)
      }
      .sorted { $0.offset < $1.offset }
    }
    return []
  }

  /// The kernel's own limit for one struct; with unnamed members inside each other it bounds all of them together.
  private static let memberLimit = 65_535

  /// Members of unnamed structs and unions are members of their parent, as in C and in Swift.
  ///
  /// False: more members than a struct can have, or deeper than C nests them; bytes from outside can make a struct contain
  /// itself.
  private func collect(
    _ members: [BTFMember], base: Int, into fields: inout [ObjectType.Field], depth: Int, _ budget: inout Int
  ) -> Bool {
    guard depth < 16 else { return false }
    for member in members {
      budget -= 1
      guard budget >= 0 else { return false }
      let offset = base + member.bitOffset
      if member.name.isEmpty {
        if let inner = member.type.resolved.members {
          guard collect(inner, base: offset, into: &fields, depth: depth + 1, &budget) else { return false }
        }
        continue
      }
      guard let size = member.type.size else { continue }
      fields.append(
        ObjectType.Field(name: member.name, bitOffset: offset, size: size, isBitField: member.bitWidth != nil))
    }
    return true
  }
}
