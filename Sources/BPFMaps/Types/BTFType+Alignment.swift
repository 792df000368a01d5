// SPDX-License-Identifier: Apache-2.0

extension BTFType {
  /// Whether a struct's members lie where no compiler puts them unless it is told `packed`.
  ///
  /// False, too, where that takes more than `budget` looks at types: bytes from outside can describe types without end.
  func isPacked(depth: Int = 0, _ budget: inout Int) -> Bool {
    budget -= types.entry(resolved.identifier)?.count ?? 0
    guard budget > 0, case .structure(let members) = resolved.kind, let size = resolved.size else { return false }
    var largest = 1
    for member in members where member.bitWidth == nil {
      let alignment = member.type.alignment(depth: depth + 1, &budget)
      guard budget > 0 else { return false }
      if member.bitOffset % (alignment * 8) != 0 { return true }
      largest = max(largest, alignment)
    }
    return size % largest != 0
  }

  /// In bytes, on the machines that BPF runs on; 1 where it cannot be told.
  private func alignment(depth: Int, _ budget: inout Int) -> Int {
    let type = resolved
    budget -= 1 + (types.entry(type.identifier)?.count ?? 0)
    guard budget > 0, depth < 32 else { return 1 }
    switch type.kind {
    case .integer, .floatingPoint, .enumeration:
      let size = type.size ?? 1
      return [1, 2, 4, 8].contains(size) ? size : size == 16 ? 8 : 1
    case .pointer: return 8
    case .array(let element, _): return element.alignment(depth: depth + 1, &budget)
    case .structure(let members), .union(let members):
      if case .structure = type.kind, type.isPacked(depth: depth, &budget) { return 1 }
      return members.reduce(1) { max($0, $1.type.alignment(depth: depth + 1, &budget)) }
    default: return 1
    }
  }
}
