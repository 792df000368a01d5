// SPDX-License-Identifier: Apache-2.0

internal import KubernetesModel

/// Kinds that change from one core to another.
extension CompilerState {
  /// Gives a kind the core that it has now, which is held for it.
  mutating func move(_ kind: UInt32, to new: UInt32, _ plane: PolicyPlane, _ left: inout Marks) {
    let old = planes[plane].kindCores[Int(kind)]
    if new == old {
      releaseCore(new, plane)
      return
    }
    if new != noNumber { planes[plane].coreRecords[Int(new)].kinds.append(kind) }
    planes[plane].kindCores[Int(kind)] = new
    if old != noNumber {
      left.insert(old)
      releaseCore(old, plane)
    }
    for pod in kindRecords[Int(kind)].pods {
      for address in podRecords[Int(pod)]?.addresses ?? [] { planes[plane].dirtyAddresses.insert(address) }
    }
  }

  /// The cores of kinds whose elements are the same, but not in force as they were.
  ///
  /// Kinds are in the upper half, elements that came into force for them in the lower, sorted.
  mutating func moveKinds(_ changes: [UInt64], _ plane: PolicyPlane, _ left: inout Marks) {
    // Kinds of one core for which the same came into force have one core again.
    var known: [UInt64: UInt32] = [:]
    var next = 0
    while next < changes.count {
      let kind = UInt32(truncatingIfNeeded: changes[next] >> 32)
      var added: [UInt32] = []
      while next < changes.count, UInt32(truncatingIfNeeded: changes[next] >> 32) == kind {
        let element = UInt32(truncatingIfNeeded: changes[next])
        if element != noNumber, element != added.last { added.append(element) }
        next += 1
      }
      guard kinds.isUsed(kind) else { continue }
      let old = planes[plane].kindCores[Int(kind)]
      let key = Self.key(old, added.first ?? noNumber)
      let new: UInt32
      if added.count < 2, let found = known[key] {
        new = found
        if new != noNumber { planes[plane].cores.hold(number: new) }
      } else {
        new = holdCore(Core(items: items(old, added, plane)), plane)
        if added.count < 2 { known[key] = new }
      }
      move(kind, to: new, plane, &left)
    }
  }

  /// The items of a core that are in force, and those of elements that came into force.
  private mutating func items(_ core: UInt32, _ added: [UInt32], _ plane: PolicyPlane) -> [UInt64] {
    var items = core == noNumber ? [] : planes[plane].cores[core].items
    items.removeAll { !isInForce(UInt32(truncatingIfNeeded: $0 >> 32), plane) }
    for item in items where UInt32(truncatingIfNeeded: item) != 0 {
      meanings.hold(number: UInt32(truncatingIfNeeded: item))
    }
    items += added.filter { isInForce($0, plane) }.map { Self.key($0, 0) }
    items.sort()
    return items.indices.filter { $0 == 0 || items[$0] != items[$0 - 1] }.map { items[$0] }
  }
}
