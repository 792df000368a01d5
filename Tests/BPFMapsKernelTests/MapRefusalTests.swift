// SPDX-License-Identifier: Apache-2.0

import KernelTestSupport
import LinuxSystem
import SystemPackage
import Testing

@testable import BPFMaps

extension BPFKernelTests {
  /// What is refused because of how a map was made, or of its kind.
  @Suite("Refusals of maps")
  struct MapRefusalTests {
    private func expect(
      _ code: BPFError.Code, _ words: String, location: SourceLocation = #_sourceLocation, _ call: () throws -> Void
    ) {
      #expect(sourceLocation: location) {
        try call()
      } throws: { error in
        (error as? BPFError)?.code == code && "\(error)".contains(words) && !"\(error)".contains("lockdown")
      }
    }

    /// A map of two entries that no type of Swift is made for.
    private func make(_ kind: UInt32) throws(BPFError) -> BPFRawMap {
      var shape = BPFMapShape(kinds: [BPFMapKind(rawValue: kind)])
      (shape.keySize, shape.valueSize) = (4, 4)
      return try BPFRawMap(MapDefinition(shape, name: "other", maximumEntryCount: 2).create())
    }

    @Test func `a map that was made for one side only says so`() throws {
      let readable = try BPFArrayMap<UInt64>.create(name: "readable", maximumEntryCount: 1, flags: .readOnly)
      expect(.permissionDenied, #"update map "readable": it was made for user space to read only"#) {
        try readable.setValue(1, at: 0)
      }
      #expect(try readable.value(at: 0) == 0)
      let writable = try BPFHashMap<UInt32, UInt64>.create(name: "writable", maximumEntryCount: 1, flags: .writeOnly)
      try writable.updateValue(1, forKey: 1)
      expect(.permissionDenied, #"look up a key in map "writable": it was made for user space to write only"#) {
        _ = try writable.value(forKey: 1)
      }
      expect(.permissionDenied, "it was made for user space to write only") { _ = try writable.entries() }
    }

    @Test func `a frozen map says that it is frozen`() throws {
      let constants = try loadSamples().map(".rodata", as: BPFArrayMap<SampleState>.self)
      expect(.permissionDenied, "it is frozen") {
        try constants.setValue(SampleState(lastSeen: 1, flags: 2, decision: 3), at: 0)
      }
      expect(.permissionDenied, #"map ".rodata" into memory: it is frozen"#) { _ = try constants.mapped() }
      let memory = try constants.mapped(for: .reading)
      #expect(memory.count == 1)
    }

    @Test(arguments: [14, 16, 17, 20] as [UInt32])
    func `an index beyond the end is out of range, not a full map`(_ kind: UInt32) throws {
      guard BPFFeature.mapKind(BPFMapKind(rawValue: kind)).isAvailable else { return }
      let map = try make(kind)
      expect(.invalidArgument, "the index is out of range") {
        try map.updateValues([[1, 0, 0, 0]], forKey: [99, 0, 0, 0])
      }
    }

    @Test(arguments: [15, 18, 20] as [UInt32])
    func `sockets that the map cannot show are the reason, not a full map`(_ kind: UInt32) throws {
      let map = try make(kind)
      expect(.notSupported, "shows sockets as cookies of 8 bytes") { _ = try map.values(forKey: [0, 0, 0, 0]) }
      if kind != 20 {
        expect(.invalidArgument, "the value is no open descriptor") {
          try map.updateValues([[0xff, 0xff, 0, 0]], forKey: [0, 0, 0, 0])
        }
      }
      // A hash has no key yet.
      guard kind != 18 else { return }
      expect(.notSupported, "shows sockets as cookies of 8 bytes") { _ = try map.entries() }
    }

    @Test func `what a kind of map asks of its entries is said`() throws {
      let trie = try loadSamples().map("prefixes", as: BPFLPMTrie<SamplePrefix, SampleClass>.self)
      expect(.invalidArgument, "a prefix has at most 64 bits") {
        try trie.updateValue(
          SampleClass(classID: 1, flags: 0), forKey: SamplePrefix(length: 65, number: 1, address: 2))
      }
      let array = try BPFArrayMap<UInt64>.create(name: "array", maximumEntryCount: 2)
      let raw = try BPFRawMap.open(identifier: array.identifier)
      expect(.invalidArgument, "entries of an array stay") { try raw.removeValues(forKey: [0, 0, 0, 0]) }
      let queue = try BPFQueue<UInt32>.create(name: "queue", maximumEntryCount: 2)
      let values = try BPFRawMap.open(identifier: queue.identifier)
      expect(.invalidArgument, "values without keys are taken") { try values.removeValues(forKey: []) }
      expect(.notFound, "open map 2147483632: nothing has that identifier") {
        _ = try BPFRawMap.open(identifier: 0x7fff_fff0)
      }
      let outer = try BPFArrayOfMaps<BPFArrayMap<UInt64>>.create(
        name: "outer", maximumEntryCount: 1, prototype: array)
      let other = try BPFArrayMap<UInt64>.create(name: "other", maximumEntryCount: 3)
      expect(.invalidArgument, "a map has to be like the prototype") { try outer.setMap(other, at: 0) }
    }

    @Test func `a bloom filter gives no values`() throws {
      let filter = try BPFBloomFilter<UInt32>.create(name: "filter", expectedCount: 16)
      try filter.add(0)
      let raw = try BPFRawMap.open(identifier: filter.identifier)
      expect(.notSupported, "a bloom filter gives no values") { _ = try raw.values(forKey: []) }
    }

    @Test func `an array of maps is visited whatever slots are empty`() throws {
      let prototype = try BPFArrayMap<UInt64>.create(name: "inner", maximumEntryCount: 2)
      let outer = try BPFArrayOfMaps<BPFArrayMap<UInt64>>.create(
        name: "outer", maximumEntryCount: 8, prototype: prototype)
      let raw = try BPFRawMap.open(identifier: outer.identifier)
      #expect(try raw.entries().isEmpty)
      for index in [1, 2, 6] as [UInt32] { try outer.setMap(prototype, at: index) }
      #expect(try raw.entries().map { $0.key[0] } == [1, 2, 6])
    }
  }
}
