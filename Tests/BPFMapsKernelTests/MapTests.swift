// SPDX-License-Identifier: Apache-2.0

import CDatapathABI
import DatapathPrograms
import KernelTestSupport
import LinuxSystem
import NetworkTypes
import SystemPackage
import Testing

@testable import BPFMaps

extension BPFKernelTests {
  @Suite("Maps in the kernel")
  struct MapTests {
    @Test func `a hash gives back what was put in, and nil for what is absent`() throws {
      let map = try loadSamples().map("flow", as: BPFHashMap<SampleKey, SampleState>.self)
      let key = SampleKey(endpoint: 7, peer: 1, port: 2, transport: 6)
      #expect(try map.value(forKey: key) == nil)
      try map.updateValue(SampleState(lastSeen: 1, flags: 2, decision: 3), forKey: key)
      let value = try #require(try map.value(forKey: key))
      #expect(value.lastSeen == 1 && value.flags == 2 && value.decision == 3)
      #expect(try map.removeValue(forKey: key))
      #expect(try map.removeValue(forKey: key) == false)
      #expect(try map.value(forKey: key) == nil)
    }

    @Test func `update modes create only, or replace only`() throws {
      let map = try loadSamples().map("numbers", as: BPFHashMap<UInt32, UInt64>.self)
      #expect {
        try map.updateValue(1, forKey: 1, mode: .existing)
      } throws: { ($0 as? BPFError)?.code == .notFound && "\($0)" == "update map \"numbers\": no such key" }
      try map.updateValue(1, forKey: 1, mode: .new)
      #expect {
        try map.updateValue(2, forKey: 1, mode: .new)
      } throws: { ($0 as? BPFError)?.code == .alreadyExists && "\($0)".contains("numbers") }
      try map.updateValue(3, forKey: 1, mode: .existing)
      #expect(try map.value(forKey: 1) == 3)
      #expect(try map.takeValue(forKey: 1) == 3)
      #expect(try map.takeValue(forKey: 1) == nil)
    }

    @Test func `a full hash says so, and how large it is`() throws {
      let map = try loadSamples { (object) throws(BPFError) in try object.setMaxEntries(4, forMap: "numbers") }
        .map("numbers", as: BPFHashMap<UInt32, UInt64>.self)
      #expect(map.info.maximumEntryCount == 4)
      for key in 0..<UInt32(4) { try map.updateValue(1, forKey: key) }
      #expect {
        try map.updateValue(1, forKey: 9)
      } throws: { ($0 as? BPFError)?.code == .full && "\($0)".contains("max_entries 4") }
      #expect {
        try map.update([(20, 1), (21, 1)])
      } throws: { ($0 as? BPFError)?.code == .full && "\($0)".contains("after 0 of 2 entries") }
    }

    @Test func `batches write and read more entries than fit into one call`() throws {
      let map = try loadSamples { (object) throws(BPFError) in try object.setMaxEntries(20_000, forMap: "numbers") }
        .map("numbers", as: BPFHashMap<UInt32, UInt64>.self)
      try map.update((0..<UInt32(10_000)).map { ($0, UInt64($0) * 2) })
      let entries = try map.entries()
      #expect(entries.count == 10_000)
      #expect(Set(entries.map(\.0)).count == 10_000)
      #expect(entries.allSatisfy { $0.1 == UInt64($0.0) * 2 })
      try map.removeAll()
      #expect(try map.entries().isEmpty)
    }

    @Test func `a struct whose stride is larger than its size is read by its size`() throws {
      let map = try loadSamples().map("odd", as: BPFHashMap<SampleOdd, SampleOdd>.self)
      let entries = (1...20).map { number in
        (SampleOdd(number: UInt32(number), letter: UInt8(number) + 64), SampleOdd(number: 1 << number, letter: 7))
      }
      try map.update(entries)
      #expect(try map.value(forKey: entries[4].0) == entries[4].1)
      let read = try map.entries().sorted { $0.0.number < $1.0.number }
      #expect(read.map(\.0) == entries.map(\.0))
      #expect(read.map(\.1) == entries.map(\.1))
    }

    @Test func `a batch that is refused as a whole says that nothing was written`() throws {
      // The kernel freezes constants; the object describes them as a section, so that only the size is compared.
      let constants = try loadSamples().map(".rodata", as: BPFArrayMap<SampleState>.self)
      #expect {
        try constants.update([(0, SampleState(lastSeen: 1, flags: 2, decision: 3))])
      } throws: { ($0 as? BPFError)?.code == .permissionDenied && "\($0)".contains("after 0 of 1 entries") }
    }

    @Test func `an LRU hash drops the oldest instead of refusing`() throws {
      let map = try loadSamples().map("recent", as: BPFLRUHashMap<UInt32, UInt64>.self)
      for key in 0..<UInt32(5_000) { try map.updateValue(1, forKey: key) }
      #expect((1...1024).contains(try map.entries().count))
    }

    @Test func `an array has a value at each index and none beyond`() throws {
      let map = try loadSamples().map("endpoint", as: BPFArrayMap<endpoint>.self)
      #expect(map.count == 16)
      #expect(try map.value(at: 15)?.ipv4 == nil)
      try map.setValue(endpoint(ipv4: IPv4Address(0, 0, 0, 5), flags: 1), at: 15)
      #expect(try map.value(at: 15)?.ipv4 == IPv4Address(0, 0, 0, 5))
      #expect(try map.value(at: 16) == nil)
      #expect(try map.values().count == 16)
      #expect(try map.values()[15].flags == 1)
      #expect {
        try map.setValue(endpoint(ipv4: IPv4Address(0, 0, 0, 5), flags: 1), at: 16)
      } throws: { ($0 as? BPFError)?.code == .invalidArgument && "\($0)".contains("16 entries") }
    }

    @Test func `an LPM trie finds the longest prefix`() throws {
      let map = try loadSamples().map("prefixes", as: BPFLPMTrie<SamplePrefix, SampleClass>.self)
      func key(_ length: UInt32, _ a: UInt8, _ b: UInt8, _ c: UInt8, _ d: UInt8) -> SamplePrefix {
        let address = UInt32(a) | UInt32(b) << 8 | UInt32(c) << 16 | UInt32(d) << 24
        return SamplePrefix(length: 32 + length, number: 1, address: address)
      }
      try map.update([
        (key(8, 10, 0, 0, 0), SampleClass(classID: 8, flags: 0)),
        (key(16, 10, 1, 0, 0), SampleClass(classID: 16, flags: 0)),
        (key(32, 10, 1, 2, 3), SampleClass(classID: 32, flags: 0)),
      ])
      #expect(try map.value(forKey: key(32, 10, 1, 2, 3))?.classID == 32)
      #expect(try map.value(forKey: key(32, 10, 1, 2, 4))?.classID == 16)
      #expect(try map.value(forKey: key(32, 10, 9, 9, 9))?.classID == 8)
      #expect(try map.value(forKey: key(32, 11, 0, 0, 0)) == nil)
      #expect(try map.entries().map(\.1.classID).sorted() == [8, 16, 32])
      #expect(try map.removeValue(forKey: key(16, 10, 1, 0, 0)))
      #expect(try map.removeValue(forKey: key(16, 10, 1, 0, 0)) == false)
      #expect(try map.value(forKey: key(32, 10, 1, 2, 4))?.classID == 8)
      #expect {
        try map.updateValue(SampleClass(classID: 1, flags: 0), forKey: key(33, 1, 2, 3, 4))
      } throws: { ($0 as? BPFError)?.code == .invalidArgument }
      try map.removeAll()
      #expect(try map.entries().isEmpty)
    }

    @Test func `per-CPU maps have a value for each possible CPU`() throws {
      let object = try loadSamples()
      let counter = try object.map("counter", as: BPFPerCPUArrayMap<drop_counter>.self)
      #expect(try counter.values(at: 0)?.count == BPFProcessors.possibleCount)
      let program = try object.program("counts")
      _ = try program.test(packet: packet, repeat: 10)
      let total = try #require(try counter.values(at: 0)).reduce(0) { $0 + $1.packets }
      #expect(total == 10)
      #expect(try counter.values(at: 4) == nil)

      let hash = try object.map("cpu_numbers", as: BPFPerCPUHashMap<UInt32, UInt32>.self)
      let values = (0..<BPFProcessors.possibleCount).map { UInt32($0) + 1 }
      try hash.updateValues(values, forKey: 3)
      #expect(try hash.values(forKey: 3) == values)
      #expect(try hash.values(forKey: 4) == nil)
      #expect(try hash.entries().map(\.0) == [3])
      #expect {
        try hash.updateValues([], forKey: 3)
      } throws: { ($0 as? BPFError)?.code == .invalidArgument && "\($0)".contains("0 values for") }
      #expect(try hash.removeValue(forKey: 3))
    }

    @Test func `a program array's slot decides whether a dispatcher passes`() throws {
      let object = try loadSamples()
      let slots = try object.map("programs", as: BPFProgramArray.self)
      let dispatcher = try object.program("dispatches")
      #expect(try dispatcher.test(packet: packet).returnValue == 2)
      let target = try object.program("returns_answer")
      try slots.setProgram(target, at: 0)
      #expect(try slots.programIdentifier(at: 0) == target.identifier)
      #expect(try dispatcher.test(packet: packet).returnValue == 42)
      #expect(try slots.clear(at: 0))
      #expect(try slots.clear(at: 0) == false)
      #expect(try dispatcher.test(packet: packet).returnValue == 2)
      #expect {
        try slots.setProgram(BPFObject(.cgroup).load().program("redirects"), at: 0)
      } throws: { ($0 as? BPFError)?.code == .invalidArgument && "\($0)".contains("have one type") }
      #expect {
        try slots.setProgram(target, at: 2)
      } throws: { ($0 as? BPFError)?.code == .invalidArgument && "\($0)".contains("out of range") }
    }

    @Test func `tasks that remove while others read lose nobody else's entries`() async throws {
      let object = try loadSamples()
      let map = try object.map("numbers", as: BPFHashMap<UInt32, UInt64>.self)
      let trie = try object.map("prefixes", as: BPFLPMTrie<SamplePrefix, SampleClass>.self)
      func key(_ number: UInt32) -> SamplePrefix { SamplePrefix(length: 64, number: 0, address: number) }
      for number in 0..<UInt32(100) {
        try map.updateValue(0, forKey: number)
        try trie.updateValue(SampleClass(classID: number, flags: 0), forKey: key(number))
      }
      let churnMap = try Shared(map.duplicate())
      let churnTrie = try Shared(trie.duplicate())
      try await withThread { round in
        let number = 100 + round % 100
        try churnMap.value.updateValue(1, forKey: number)
        try churnTrie.value.updateValue(
          SampleClass(classID: number, flags: 0), forKey: SamplePrefix(length: 64, number: 0, address: number))
        try churnMap.value.removeValue(forKey: number)
        try churnTrie.value.removeValue(forKey: SamplePrefix(length: 64, number: 0, address: number))
      } _: {
        for _ in 0..<200 {
          let seen = try map.entries().map(\.0)
          #expect(Set(seen).count == seen.count, "an entry was seen twice")
          #expect(Set(seen).isSuperset(of: 0..<100))
          let prefixes = try trie.entries().map(\.0.address)
          #expect(Set(prefixes).count == prefixes.count)
          #expect(Set(prefixes).isSuperset(of: 0..<100))
        }
      }
    }

    @Test func `key by key, too, each entry is seen once while others are removed`() async throws {
      let map = try loadSamples().map("numbers", as: BPFHashMap<UInt32, UInt64>.self)
      for number in 0..<UInt32(100) { try map.updateValue(0, forKey: number) }
      let other = try Shared(map.duplicate())
      try await withThread { round in
        try other.value.updateValue(1, forKey: 100 + round % 100)
        try other.value.removeValue(forKey: 100 + round % 100)
      } _: {
        for _ in 0..<200 {
          let seen = try map.withHandle { (handle) throws(BPFError) in
            var reader = MapReader(handle, capacity: 64, byKey: true)
            var seen: [UInt32] = []
            while case let count = try reader.next(of: handle), count > 0 {
              seen += (0..<count).map { reader.key(at: $0, as: UInt32.self) }
            }
            return seen
          }
          #expect(Set(seen).count == seen.count)
          #expect(Set(seen).isSuperset(of: 0..<100))
        }
      }
    }

    @Test func `many tasks write one map`() async throws {
      let object = try loadSamples()
      try await withThrowingTaskGroup(of: Void.self) { group in
        for task in 0..<UInt32(8) {
          let map = try object.map("numbers", as: BPFHashMap<UInt32, UInt64>.self)
          group.addTask {
            for index in 0..<UInt32(100) { try map.updateValue(UInt64(task), forKey: task * 100 + index) }
          }
        }
        try await group.waitForAll()
      }
      #expect(try object.map("numbers", as: BPFHashMap<UInt32, UInt64>.self).entries().count == 800)
    }

    @Test func `a map of another kind or size is refused by name`() throws {
      let object = try loadSamples()
      #expect {
        _ = try object.map("numbers", as: BPFArrayMap<UInt64>.self)
      } throws: {
        ($0 as? BPFError)?.code == .incompatibleMap && "\($0)" == "map \"numbers\" is of kind hash, not array"
      }
      #expect {
        _ = try object.map("numbers", as: BPFHashMap<UInt32, UInt32>.self)
      } throws: {
        ($0 as? BPFError)?.code == .layoutMismatch
          && "\($0)" == "map \"numbers\", value: UInt32 has 4 bytes in Swift but its place in the object has 8"
      }
      #expect {
        _ = try object.map("flow", as: BPFHashMap<SampleKey, drop_counter>.self)
      } throws: { "\($0)".contains("struct sample_state where Swift has struct drop_counter") }
      #expect {
        _ = try object.map("nothing", as: BPFHashMap<UInt32, UInt32>.self)
      } throws: { ($0 as? BPFError)?.code == .notFound && "\($0)".contains("cpu_numbers, endpoint") }
    }
  }
}
