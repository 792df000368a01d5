// SPDX-License-Identifier: Apache-2.0

import BPFMaps
import CDatapathABI
import DatapathPrograms
import KernelTestSupport
import LinuxSystem
import Synchronization
import Testing

extension BPFKernelTests {
  @Suite("Maps without types")
  struct RawMapTests {
    private func bytes(_ number: Int) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) } }

    private func open(_ object: borrowing LoadedObject, _ name: String) throws -> BPFRawMap {
      switch name {
      case "numbers", "recent":
        if name == "recent" {
          return try .open(identifier: object.map(name, as: BPFLRUHashMap<UInt32, UInt64>.self).identifier)
        }
        return try .open(identifier: object.map(name, as: BPFHashMap<UInt32, UInt64>.self).identifier)
      case "cpu_numbers":
        return try .open(identifier: object.map(name, as: BPFPerCPUHashMap<UInt32, UInt32>.self).identifier)
      case "counter":
        return try .open(identifier: object.map(name, as: BPFPerCPUArrayMap<drop_counter>.self).identifier)
      case "endpoint": return try .open(identifier: object.map(name, as: BPFArrayMap<endpoint>.self).identifier)
      case "prefixes":
        return try .open(
          identifier: object.map(name, as: BPFLPMTrie<SamplePrefix, SampleClass>.self).identifier)
      case "programs": return try .open(identifier: object.map(name, as: BPFProgramArray.self).identifier)
      default:
        return try .open(identifier: object.map(name, as: BPFRingBuffer<flow_record>.self).identifier)
      }
    }

    @Test(arguments: ["numbers", "recent", "cpu_numbers"])
    func `what is written is read, by key and in a visit`(name: String) throws {
      let object = try loadSamples()
      let map = try open(object, name)
      let size = map.info.valueSize
      #expect(map.valueCount == (name == "cpu_numbers" ? BPFProcessors.possibleCount : 1))
      let count = name == "cpu_numbers" ? 60 : 900
      func values(_ index: Int) -> [[UInt8]] {
        (0..<map.valueCount).map { cpu in Array(repeating: UInt8(truncatingIfNeeded: index + cpu), count: size) }
      }
      for index in 0..<count { try map.updateValues(values(index), forKey: bytes(index), mode: .new) }
      #expect(try map.values(forKey: bytes(5)) == values(5))
      #expect(try map.values(forKey: bytes(99_999)) == nil)
      let entries = try map.entries()
      #expect(Set(entries.map(\.key)) == Set((0..<count).map(bytes)) && entries.count == count)
      #expect(entries.first { $0.key == bytes(7) }?.values == values(7))
      #expect(try map.removeValues(forKey: bytes(7)))
      #expect(try map.removeValues(forKey: bytes(7)) == false)
      var visited = 0
      try map.forEachEntry { _ in
        visited += 1
        return visited < 3
      }
      #expect(visited == 3)
    }

    @Test func `arrays and tries are visited too`() throws {
      let object = try loadSamples()
      let endpoints = try open(object, "endpoint")
      #expect(try endpoints.entries().map(\.key) == (0..<16).map(bytes))
      let counters = try open(object, "counter")
      #expect(try counters.entries().map(\.values.count) == Array(repeating: BPFProcessors.possibleCount, count: 4))
      let trie = try open(object, "prefixes")
      let (key, value) = (trie.info.keySize, trie.info.valueSize)
      for index in 0..<20 {
        var prefix = [UInt8](repeating: 0, count: key)
        prefix[0] = UInt8(8 * (key - 4))
        prefix[key - 1] = UInt8(index)
        try trie.updateValues([Array(repeating: UInt8(index), count: value)], forKey: prefix)
      }
      #expect(Set(try trie.entries().map(\.values)).count == 20)
    }

    @Test func `a slot of a program array holds an identifier`() throws {
      let object = try loadSamples()
      let array = try object.map("programs", as: BPFProgramArray.self)
      let program = try object.program("counts")
      try array.setProgram(program, at: 1)
      let entries = try open(object, "programs").entries()
      #expect(entries == [BPFRawMap.Entry(key: bytes(1), values: [bytes(Int(program.identifier))])])
      // And is written by one.
      let raw = try open(object, "programs")
      let other = try object.program("emits").identifier
      try raw.updateValues([bytes(Int(other))], forKey: bytes(0))
      #expect(try array.programIdentifier(at: 0) == other)
      #expect {
        try raw.updateValues([bytes(0x7fff_fff0)], forKey: bytes(0))
      } throws: { ($0 as? BPFError)?.code == .notFound && "\($0)".hasPrefix("open program 2147483632") }
    }

    @Test func `a frozen map says that it is frozen`() throws {
      let program = try loadSamples().program("returns_answer")
      let maps = try BPFProgramInfo(identifier: program.identifier).mapIdentifiers
      let constants = try #require(try maps.first { try BPFRawMap.open(identifier: $0).info.name.hasSuffix(".rodata") })
      let map = try BPFRawMap.open(identifier: constants)
      let values = try #require(try map.values(forKey: bytes(0)))
      let isFrozen = map.isFrozen
      #expect(isFrozen)
      #expect {
        try map.updateValues(values, forKey: bytes(0))
      } throws: { ($0 as? BPFError)?.code == .permissionDenied && "\($0)".contains("it is frozen") }
    }

    @Test func `wrong sizes and kinds are refused with the map's name`() throws {
      let object = try loadSamples()
      let numbers = try open(object, "numbers")
      let one = [UInt8](repeating: 1, count: 8)
      #expect {
        _ = try numbers.values(forKey: [1])
      } throws: { "\($0)" == #"look up a key in map "numbers": its keys have 4 bytes, but 1 were given"# }
      #expect {
        try numbers.updateValues([one, one], forKey: bytes(1))
      } throws: { "\($0)".contains("it wants 1 values of 8 bytes, but got 2 of 8, 8") }
      #expect {
        try numbers.updateValues([one], forKey: bytes(1), mode: .existing)
      } throws: { ($0 as? BPFError)?.code == .notFound }
      try numbers.updateValues([one], forKey: bytes(1), mode: .new)
      #expect {
        try numbers.updateValues([one], forKey: bytes(1), mode: .new)
      } throws: { ($0 as? BPFError)?.code == .alreadyExists }
      let ring = try open(object, "events")
      #expect {
        _ = try ring.entries()
      } throws: {
        ($0 as? BPFError)?.code == .notSupported && "\($0)".contains("does not list the entries of a ring buffer map")
      }
      #expect {
        try open(object, "endpoint").removeValues(forKey: bytes(1))
      } throws: { ($0 as? BPFError)?.code == .invalidArgument }
      #expect {
        _ = try BPFRawMap.open(identifier: 0x7fff_fff0)
      } throws: { ($0 as? BPFError)?.code == .notFound }
    }

    @Test func `an entry that stays is visited once while others come and go`() async throws {
      let object = try loadSamples()
      let map = try object.map("numbers", as: BPFHashMap<UInt32, UInt64>.self)
      for key in 0..<200 as Range<UInt32> { try map.updateValue(UInt64(key), forKey: key) }
      let raw = try open(object, "numbers")
      let identifier = map.identifier
      let flag = Flag()
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask {
          let other = try BPFHashMap<UInt32, UInt64>.open(identifier: identifier)
          var key: UInt32 = 1000
          while !flag.isDone.load(ordering: .relaxed) {
            try other.updateValue(1, forKey: key)
            try other.removeValue(forKey: key)
            key = key == 1100 ? 1000 : key + 1
          }
        }
        for _ in 0..<50 {
          let keys = try raw.entries().map(\.key)
          #expect(Set((0..<200).map(bytes)).isSubset(of: keys))
          #expect(keys.filter { $0[1] == 0 }.count == 200)
        }
        flag.isDone.store(true, ordering: .relaxed)
        try await group.waitForAll()
      }
    }
  }
}

/// Ends the other task.
private final class Flag: Sendable {
  let isDone = Atomic(false)
}
