// SPDX-License-Identifier: Apache-2.0

/// The types of a map's keys and values, where they are known.
public struct BPFMapTypes: Sendable {
  /// The key's; nil: the map does not say.
  public var key: BTFType?
  /// The value's; nil: the map does not say.
  public var value: BTFType?

  /// Puts types together.
  ///
  /// - Parameters:
  ///   - key: The key's; nil: unknown.
  ///   - value: The value's; nil: unknown.
  public init(key: BTFType?, value: BTFType?) {
    self.key = key
    self.value = value
  }
}

/// A map as an object declares it.
public struct BPFMapDeclaration: Sendable {
  /// The map's name.
  public let name: String
  /// What kind of map it is.
  public let kind: BPFMapKind
  /// Its types.
  public let types: BPFMapTypes
  /// In bytes; nil where the declaration leaves it to the kind.
  public let keySize: Int?
  /// In bytes; nil where the declaration leaves it to the kind.
  public let valueSize: Int?
  /// How many entries it may hold; nil: left to the loader.
  public let maximumEntryCount: UInt32?
}

extension BPFMapInfo {
  /// The kernel's identifier of the map's types, as `bpftool btf` shows it; 0: it has none.
  public var typesIdentifier: UInt32 { btf }

  /// The types of the map's keys and values, from the kernel.
  ///
  /// - Returns: The types; without any where the map was made without BTF.
  /// - Throws: `permissionDenied`; `malformedObject`.
  /// - Requires: CAP_SYS_ADMIN. `BPF_BTF_GET_FD_BY_ID`
  public func types() throws(BPFError) -> BPFMapTypes {
    guard btf != 0 else { return BPFMapTypes(key: nil, value: nil) }
    let types = try BTF.open(identifier: btf)
    // A kind that the kernel keeps no types for has them in name only; a type of another size describes something else.
    func type(_ identifier: UInt32, _ size: Int) -> BTFType? {
      guard identifier != 0, let type = types[identifier], type.size == size else { return nil }
      return type
    }
    return BPFMapTypes(key: type(keyType, keySize), value: type(valueType, valueSize))
  }
}

extension BTF {
  /// The maps that an object declares in its `.maps` section, in the section's order.
  public var mapDeclarations: [BPFMapDeclaration] {
    types(named: ".maps").flatMap { section -> [BPFMapDeclaration] in
      guard case .section(let variables) = section.kind else { return [] }
      return variables.compactMap { place in
        guard case .variable(let type, _) = place.variable.kind, let members = type.resolved.members else { return nil }
        return Self.declaration(place.variable.name, members)
      }
    }
  }

  /// `__uint(name, n)` is a pointer to an array of n; `__type(name, t)` a pointer to a t.
  private static func declaration(_ name: String, _ members: [BTFMember]) -> BPFMapDeclaration {
    func target(_ name: String) -> BTFType? {
      guard let member = members.first(where: { $0.name == name }),
        case .pointer(let target) = member.type.resolved.kind
      else { return nil }
      return target
    }
    func number(_ name: String) -> Int? {
      guard let target = target(name), case .array(_, let count) = target.resolved.kind else { return nil }
      return count
    }
    let types = BPFMapTypes(key: target("key"), value: target("value"))
    return BPFMapDeclaration(
      name: name, kind: BPFMapKind(rawValue: UInt32(number("type") ?? 0)), types: types,
      keySize: number("key_size") ?? types.key?.size, valueSize: number("value_size") ?? types.value?.size,
      maximumEntryCount: number("max_entries").map { UInt32(truncatingIfNeeded: $0) })
  }
}
