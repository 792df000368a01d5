// SPDX-License-Identifier: Apache-2.0

extension BTFValueWriter {
  /// Writes a struct or union from named values: each of its own, `inner.left=1` for members of members.
  mutating func write(
    _ entries: [BTFInput.Entry], _ type: BTFType, at start: Int, path: String, depth: Int
  ) throws(BPFError) {
    var given = Given(path: path)
    // The variable of a function has a dot in its name.
    let dotted = Set((type.parts ?? []).map(\.name).filter { $0.contains(".") })
    for entry in entries {
      let parts =
        dotted.contains(entry.name)
        ? [entry.name] : entry.name.split(separator: ".", maxSplits: 1).map(String.init)
      guard let first = parts.first, !first.isEmpty else { throw failure(path, "a field has no name") }
      if parts.count == 1 {
        guard given.values.updateValue(entry.value, forKey: first) == nil else {
          throw failure(given.path(first), "it was given twice")
        }
      } else {
        given.nested[first, default: []].append(BTFInput.Entry(name: parts[1], value: entry.value))
      }
    }
    for (name, inner) in given.nested {
      guard given.values.updateValue(.table(inner), forKey: name) == nil else {
        throw failure(given.path(name), "it was given twice")
      }
    }
    try writeMembers(of: type, &given, at: start, depth: depth)
    if let unknown = given.values.keys.filter({ !given.used.contains($0) }).sorted().first {
      let names = given.known.isEmpty ? "none" : given.known.joined(separator: ", ")
      throw failure(given.path(unknown), "\(type) has no such field; it has: \(names)")
    }
    guard given.missing.isEmpty else {
      throw failure(path, "\(type) also wants \(given.missing.joined(separator: ", "))")
    }
  }

  /// What was given for one struct, and what became of it.
  private struct Given {
    let path: String
    var values: [String: BTFInput] = [:]
    var nested: [String: [BTFInput.Entry]] = [:]
    var used: Set<String> = []
    var known: [String] = []
    var missing: [String] = []

    init(path: String) { self.path = path }

    func path(_ name: String) -> String { path.isEmpty ? name : "\(path).\(name)" }
  }

  private mutating func writeMembers(
    of type: BTFType, _ given: inout Given, at start: Int, depth: Int
  ) throws(BPFError) {
    guard depth < 32 else { throw failure(given.path, "type \(type) has no end") }
    if case .union(let members) = type.kind { return try writeUnion(members, &given, at: start, depth: depth) }
    for member in type.parts ?? [] {
      let place = start + member.bitOffset
      if isUnnamed(member) {
        try writeMembers(of: member.type.resolved, &given, at: place, depth: depth + 1)
      } else if !member.name.isEmpty {
        given.known.append(member.name)
        if given.values[member.name] != nil {
          try write(member, &given, at: place, depth: depth)
        } else if !BTFTraits.isPadding(member.name) {
          given.missing.append(member.name)
        }
      }
    }
  }

  /// Members of a union share their place: one is enough, and all that are given must say the same.
  private mutating func writeUnion(
    _ members: [BTFMember], _ given: inout Given, at start: Int, depth: Int
  ) throws(BPFError) {
    var first: (name: String, size: Int)?
    for member in members where mentions(member, given, depth: depth) {
      let size = min(member.type.size ?? 0, 1 << 24)
      let before = bytes.part(start, first?.size ?? 0)
      try clear(size, at: start)
      if isUnnamed(member) {
        try writeMembers(of: member.type.resolved, &given, at: start + member.bitOffset, depth: depth + 1)
      } else {
        try write(member, &given, at: start + member.bitOffset, depth: depth)
      }
      let name = member.name.isEmpty ? "an unnamed member" : "\"\(member.name)\""
      guard let earlier = first else {
        first = (name, size)
        continue
      }
      let shared = min(earlier.size, size)
      guard bytes.part(start, shared) == Array(before.prefix(shared)) else {
        throw failure(given.path, "\(earlier.name) and \(name) share their place, but differ: give one of them")
      }
      if earlier.size > size { put(before, atBit: start) } else { first = (name, size) }
    }
    let all = members.flatMap { names(of: $0, depth: depth) }
    given.known += all
    if first == nil, !all.isEmpty { given.missing.append(all.joined(separator: " or ")) }
  }

  private mutating func clear(_ size: Int, at start: Int) throws(BPFError) {
    put([UInt8](repeating: 0, count: max(0, min(size, bytes.count - start / 8))), atBit: start)
  }

  private mutating func write(
    _ member: BTFMember, _ given: inout Given, at place: Int, depth: Int
  ) throws(BPFError) {
    guard let value = given.values[member.name] else { return }
    given.used.insert(member.name)
    let path = given.path(member.name)
    guard let width = member.bitWidth ?? member.type.size.map({ $0 * 8 }), place + width <= bytes.count * 8 else {
      throw failure(path, "it is not inside its struct")
    }
    if member.bitWidth != nil {
      try write(value, bitField: member, width: width, at: place, path: path)
    } else {
      try write(value, as: member.type, atBit: place, path: path, depth: depth + 1)
    }
  }

  private func isUnnamed(_ member: BTFMember) -> Bool {
    member.name.isEmpty && member.bitWidth == nil && member.type.resolved.members != nil
  }

  private func mentions(_ member: BTFMember, _ given: Given, depth: Int) -> Bool {
    names(of: member, depth: depth).contains { given.values[$0] != nil }
  }

  /// The names that a member brings; an unnamed one brings those of its members.
  private func names(of member: BTFMember, depth: Int) -> [String] {
    var budget = 10_000
    return names(of: member, levels: 16, &budget)
  }

  private func names(of member: BTFMember, levels: Int, _ budget: inout Int) -> [String] {
    budget -= 1
    guard budget > 0, levels > 0 else { return [] }
    guard isUnnamed(member) else { return member.name.isEmpty ? [] : [member.name] }
    var found: [String] = []
    for inner in member.type.resolved.members ?? [] {
      found += names(of: inner, levels: levels - 1, &budget)
      guard budget > 0 else { break }
    }
    return found
  }
}
