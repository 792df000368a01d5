// SPDX-License-Identifier: Apache-2.0

/// Makes plans; bounded, because bytes from outside can describe types without end.
struct BTFValuePlanner {
  private var budget = 1 << 18

  mutating func plan(_ type: BTFType, name: String, depth: Int) throws(BPFError) -> BTFValuePlan {
    guard depth < 32, let size = type.size else { throw endless(type) }
    if BTFTraits.addressSize(type, name: name) == size { return .address(size: size) }
    if BTFTraits.isHardwareAddress(type, name: name) { return .hardwareAddress }
    let resolved = type.resolved
    let kind = resolved.kind
    try spend(1, on: type)
    switch kind {
    case .integer(let integer): return plan(integer, size, isWireOrder: BTFTraits.isWireOrder(type))
    case .enumeration(let enumeration):
      try spend(enumeration.constants.count, on: type)
      return constant(enumeration, width: min(size, 8) * 8)
    case .floatingPoint: return .floatingPoint(size: size)
    case .pointer: return .pointer
    case .array(let element, let count):
      guard let stride = element.size else { throw endless(type) }
      let inner = try plan(element, name: name, depth: depth + 1)
      return .list(inner, count: count, stride: stride * 8, isText: BTFTraits.isCharacter(element))
    case .structure, .union, .section:
      var fields: [BTFValuePlan.Field] = []
      try collect(resolved.parts ?? [], base: 0, limit: size * 8, into: &fields, depth: depth)
      return .fields(fields)
    default: return .bytes(size: size)
    }
  }

  private mutating func collect(
    _ members: [BTFMember], base: Int, limit: Int, into fields: inout [BTFValuePlan.Field], depth: Int
  ) throws(BPFError) {
    for member in members {
      try spend(1, on: member.type)
      let start = base + member.bitOffset
      guard let width = member.bitWidth ?? member.type.size.map({ $0 * 8 }), start + width <= limit else {
        // A flexible array at the end has no bytes here.
        if case .array = member.type.resolved.kind { continue }
        throw BPFError(
          .malformedObject, "read values: member \"\(member.name)\" of type \(member.type) is not inside its struct")
      }
      if member.name.isEmpty {
        // Unnamed bit-fields are padding.
        guard member.bitWidth == nil, let inner = member.type.resolved.members else { continue }
        guard depth < 32 else { throw endless(member.type) }
        try collect(inner, base: start, limit: start + width, into: &fields, depth: depth + 1)
        continue
      }
      let plan = try plan(member, width: width, depth: depth)
      fields.append(BTFValuePlan.Field(name: member.name, bitOffset: start, plan: plan))
    }
  }

  private mutating func plan(_ member: BTFMember, width: Int, depth: Int) throws(BPFError) -> BTFValuePlan {
    guard member.bitWidth != nil else { return try plan(member.type, name: member.name, depth: depth + 1) }
    switch member.type.resolved.kind {
    case .integer(let integer): return .number(bitOffset: 0, width: min(width, 64), integer, isWireOrder: false)
    case .enumeration(let enumeration): return constant(enumeration, width: min(width, 64))
    default: throw endless(member.type)
    }
  }

  private func plan(_ integer: BTFInteger, _ size: Int, isWireOrder: Bool) -> BTFValuePlan {
    if integer.bitOffset != 0 || integer.bitCount != size * 8 {
      return .number(bitOffset: integer.bitOffset, width: min(integer.bitCount, 64), integer, isWireOrder: false)
    }
    if size == 16 { return .wide }
    return size > 8 ? .bytes(size: size) : .number(bitOffset: 0, width: size * 8, integer, isWireOrder: isWireOrder)
  }

  private func constant(_ enumeration: BTFEnumeration, width: Int) -> BTFValuePlan {
    // Negative constants of an enumeration that does not say it is signed are wider than it.
    let mask = UInt64.max >> UInt64(64 - max(width, 1))
    let names = Dictionary(
      enumeration.constants.filter { enumeration.holds($0, width: width) }
        .map { (UInt64(bitPattern: $0.value) & mask, $0.name) },
      uniquingKeysWith: { first, _ in first })
    return .constant(names, width: width, isSigned: enumeration.isSigned)
  }

  private mutating func spend(_ amount: Int, on type: BTFType) throws(BPFError) {
    budget -= amount
    guard budget > 0 else { throw endless(type) }
  }

  private func endless(_ type: BTFType) -> BPFError {
    BPFError(.malformedObject, "read values: type \"\(type.name)\" (number \(type.identifier)) has no size or no end")
  }
}
