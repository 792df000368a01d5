// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import BPFMaps

@Suite("Differences of maps")
struct MapIncompatibilityTests {
  private static let map = BPFMapInfo(
    name: "flow", identifier: 1, kind: .hash, keySize: 4, valueSize: 8, maximumEntryCount: 10, flags: 0)

  @Test func `equal maps differ in nothing`() {
    #expect(MapIncompatibility.sentence(Self.map, nil, wanted: Self.map, nil) == nil)
  }

  @Test func `every difference is listed with both sides`() {
    var other = Self.map
    other.kind = .lruHash
    other.keySize = 8
    other.maximumEntryCount = 7
    other.flags = 1
    #expect(
      MapIncompatibility.sentence(other, nil, wanted: Self.map, nil, extra: (3, 5))
        == "it has type LRU hash but the object wants hash, key size 8 but the object wants 4, "
        + "max_entries 7 but the object wants 10, flags 0x1 but the object wants 0x0, map_extra 3 but the object wants 5"
    )
  }
}
