// SPDX-License-Identifier: Apache-2.0

/// What makes a map unfit for a program that was built for another.
///
/// Pure.
enum MapIncompatibility {
  /// Every difference with both its sides.
  ///
  /// - Parameters:
  ///   - map: The map there is.
  ///   - mapTypes: What describes its key and value; nil: nothing, and only sizes are compared.
  ///   - wanted: What the object defines.
  ///   - objectTypes: What describes that.
  ///   - extra: `map_extra` of both.
  /// - Returns: One sentence; nil: nothing differs.
  static func sentence(
    _ map: BPFMapInfo, _ mapTypes: BTF?, wanted: BPFMapInfo, _ objectTypes: BTF?, extra: (UInt64, UInt64) = (0, 0)
  ) -> String? {
    var found: [String] = []
    func compare<Value: Equatable>(_ what: String, _ theirs: Value, _ mine: Value) {
      if mine != theirs { found.append("\(what) \(theirs) but the object wants \(mine)") }
    }
    compare("type", map.kind, wanted.kind)
    compare("key size", map.keySize, wanted.keySize)
    compare("value size", map.valueSize, wanted.valueSize)
    // Without a size libbpf makes a perf event array for as many CPUs as there can be.
    if wanted.kind.rawValue != 4 || wanted.maximumEntryCount != 0 {
      compare("max_entries", map.maximumEntryCount, wanted.maximumEntryCount)
    }
    // The kernel keeps BPF_F_RDONLY and BPF_F_WRONLY with a descriptor, and adds BPF_F_RDONLY_PROG to maps of devices.
    let others: UInt32 = map.kind.rawValue == 14 || map.kind.rawValue == 25 ? 0x98 : 0x18
    compare(
      "flags", "0x" + String(map.flags & ~others, radix: 16), "0x" + String(wanted.flags & ~others, radix: 16))
    compare("map_extra", extra.0, extra.1)
    found += fields("key", mapTypes?.type(map.keyType), objectTypes?.type(wanted.keyType))
    found += fields("value", mapTypes?.type(map.valueType), objectTypes?.type(wanted.valueType))
    return found.isEmpty ? nil : "it has " + found.joined(separator: ", ")
  }

  private static func fields(_ role: String, _ theirs: ObjectType?, _ mine: ObjectType?) -> [String] {
    guard let theirs, let mine, theirs != mine else { return [] }
    guard let theirFields = theirs.fields, let myFields = mine.fields else {
      // Of numbers the sizes were compared; what remains is their sign, or a struct on one side.
      guard theirs.fields == nil, mine.fields == nil, isUnsigned(theirs) == isUnsigned(mine) else {
        return ["\(role) \(label(theirs)) but the object wants \(label(mine))"]
      }
      return []
    }
    var found: [String] = []
    if theirs.name != mine.name { found.append("\(role) \(label(theirs)) but the object wants \(label(mine))") }
    for field in theirFields {
      guard let wanted = myFields.first(where: { $0.name == field.name }) else {
        // Padding that got a meaning since: it is zero.
        if field.isPadding,
          myFields.contains(where: {
            theirs.hasPadding(where: $0.bitOffset / 8, $0.size, hasNo: $0.name) && $0.bitOffset == field.bitOffset
          })
        {
          continue
        }
        found.append("\(role) field \"\(field.name)\" (\(place(field))) but the object has no such field")
        continue
      }
      if wanted != field {
        found.append("\(role) field \"\(field.name)\" (\(place(field))) but the object wants it \(place(wanted))")
      }
    }
    for field in myFields where !theirFields.contains(where: { $0.name == field.name }) {
      if theirs.hasPadding(where: field.bitOffset / 8, field.size, hasNo: field.name) { continue }
      found.append("no \(role) field \"\(field.name)\" but the object wants it (\(place(field)))")
    }
    return found
  }

  private static func label(_ type: ObjectType) -> String {
    if type.fields == nil { return type.name.isEmpty ? "of \(type.size) bytes" : type.name }
    return type.name.isEmpty ? "struct without a name" : "struct \(type.name)"
  }

  private static func place(_ field: ObjectType.Field) -> String {
    field.isBitField
      ? "a bit-field at bit \(field.bitOffset)" : "at offset \(field.bitOffset / 8), \(field.size) bytes"
  }

  private static func isUnsigned(_ type: ObjectType) -> Bool { type.name.contains("unsigned") }
}
