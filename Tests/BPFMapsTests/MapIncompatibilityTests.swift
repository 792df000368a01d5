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

  @Test func `what the kernel adds to maps of devices is no difference, and of other maps it is`() {
    var (wanted, there) = (Self.map, Self.map)
    there.flags = 1 << 7
    #expect(
      MapIncompatibility.sentence(there, nil, wanted: wanted, nil) == "it has flags 0x80 but the object wants 0x0")
    for kind in [14, 25] as [UInt32] {
      (wanted.kind, there.kind) = (BPFMapKind(rawValue: kind), BPFMapKind(rawValue: kind))
      #expect(MapIncompatibility.sentence(there, nil, wanted: wanted, nil) == nil)
    }
  }

  @Test func `what the kernel keeps with a descriptor is no difference`() {
    var wanted = Self.map
    wanted.flags = 1 << 3
    #expect(MapIncompatibility.sentence(Self.map, nil, wanted: wanted, nil) == nil)
  }

  @Test func `a perf event array that is declared without a size has any`() {
    var (wanted, there) = (Self.map, Self.map)
    (wanted.kind, there.kind) = (BPFMapKind(rawValue: 4), BPFMapKind(rawValue: 4))
    wanted.maximumEntryCount = 0
    #expect(MapIncompatibility.sentence(there, nil, wanted: wanted, nil) == nil)
    wanted.maximumEntryCount = 3
    #expect(MapIncompatibility.sentence(there, nil, wanted: wanted, nil) != nil)
  }
}
