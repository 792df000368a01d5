// SPDX-License-Identifier: Apache-2.0

import BPFMaps
import Glibc
import KernelTestSupport
import LinuxSystem
import SystemPackage
import Testing

extension BPFKernelTests {
  @Suite("Kinds of maps")
  struct MapKindTests {
    @Test func `maps are made without an object, and the kernel knows their types`() throws {
      let map = try BPFHashMap<SampleKey, SampleState>.create(name: "made_here", maximumEntryCount: 8)
      #expect(map.info.name == "made_here" && map.info.maximumEntryCount == 8 && map.info.kind == .hash)
      let other = try BPFHashMap<SampleKey, SampleState>.open(identifier: map.identifier)
      try map.updateValue(
        SampleState(lastSeen: 1, flags: 2, decision: 3), forKey: SampleKey(endpoint: 1, peer: 2, port: 3, transport: 4))
      #expect(try other.entries().count == 1)
      // The description is in the kernel: another struct of the same size is refused by its name.
      #expect {
        _ = try BPFHashMap<UInt128Key, SampleState>.open(identifier: map.identifier)
      } throws: { ($0 as? BPFError)?.code == .layoutMismatch && "\($0)".contains("struct sample_key") }
    }

    @Test(arguments: [BPFMapKind.hash, .lruHash])
    func `a hash is made as either kind`(_ kind: BPFMapKind) throws {
      let map = try makeHash(64, kind: kind)
      #expect(map.info.kind == kind)
      try map.updateValue(1, forKey: 1)
      #expect(try map.takeValue(forKey: 1) == 1)
      #expect(try map.takeValue(forKey: 1) == nil)
    }

    @Test func `maps of every kind are made, and leave no descriptor behind`() async throws {
      try await expectNoDescriptorLeak {
        for _ in 0..<50 {
          _ = try BPFRingBuffer<UInt64>.create(name: "ring", maximumEntryCount: 4096)
          _ = try BPFProgramArray.create(name: "programs", maximumEntryCount: 4)
          _ = try BPFPerCPUArrayMap<SampleState>.create(name: "counters", maximumEntryCount: 4)
          let inner = try BPFLPMTrie<SampleKey, UInt8>.create(name: "trie", maximumEntryCount: 4)
          let outer = try BPFArrayOfMaps<BPFLPMTrie<SampleKey, UInt8>>.create(
            name: "outer", maximumEntryCount: 4, prototype: inner)
          try outer.setMap(inner, at: 0)
          _ = try outer.map(at: 0)
          _ = try BPFStack<UInt8>.create(name: "stack", maximumEntryCount: 4).duplicate()
          _ = try BPFSocketStorage<UInt8>.create(name: "marks")
          #expect(throws: BPFError.self) { _ = try makeHash(0) }
        }
      }
    }

    @Test func `what cannot be made says why`() {
      #expect {
        _ = try makeHash(0)
      } throws: {
        ($0 as? BPFError)?.code == .invalidArgument && "\($0)".contains("create map \"test\" (hash)")
          && "\($0)".contains("0 entries")
      }
      #expect {
        _ = try makeHash(8, kind: .array)
      } throws: { "\($0)".contains("is a hash or LRU hash, not a array") }
      #expect {
        _ = try BPFArrayMap<UInt64>.create(name: "a/b", maximumEntryCount: 1)
      } throws: { ($0 as? BPFError)?.code == .invalidArgument && "\($0)".contains("letters, digits") }
      #expect {
        _ = try BPFArrayOfMaps<BPFArrayMap<UInt64>>.create(name: "outer", maximumEntryCount: 1)
      } throws: { ($0 as? BPFError)?.code == .invalidArgument && "\($0)".contains("prototype") }
      #expect {
        _ = try BPFArrayMap<UInt64>.create(name: "large", maximumEntryCount: .max)
      } throws: { "\($0)".contains("create map \"large\" (array)") && "\($0)".contains("4294967295 entries") }
    }

    @Test func `maps in an array are swapped under a program`() throws {
      let object = try BPFObject(.maps).load()
      let generations = try object.map("generations", as: BPFArrayOfMaps<BPFHashMap<UInt32, UInt64>>.self)
      let program = try object.program("reads_generation")
      func read() throws -> Int32 {
        try program.test(packet: packet, context: SocketBufferContext(controlBlock: [1, 5])).returnValue
      }
      #expect(try read() == -1)
      let first = try makeHash(16)
      try first.updateValue(11, forKey: 5)
      try generations.setMap(first, at: 1)
      #expect(try read() == 11)
      let second = try makeHash(16)
      try second.updateValue(22, forKey: 5)
      try generations.setMap(second, at: 1)
      #expect(try read() == 22)
      #expect(try generations.identifier(at: 1) == second.identifier)
      let opened = try generations.map(at: 1)
      #expect(try opened?.value(forKey: 5) == 22)
      #expect(try generations.clear(at: 1))
      #expect(try generations.clear(at: 1) == false)
      #expect(try generations.map(at: 1) == nil)
      #expect(try generations.identifier(at: 7) == nil)
      #expect {
        try generations.setMap(first, at: 2)
      } throws: { ($0 as? BPFError)?.code == .invalidArgument }
    }

    @Test func `maps of maps are made with a prototype, and refuse what is unlike it`() throws {
      let prototype = try BPFArrayMap<UInt64>.create(name: "inner", maximumEntryCount: 2)
      let outer = try BPFHashOfMaps<UInt32, BPFArrayMap<UInt64>>.create(
        name: "outer", maximumEntryCount: 3, prototype: prototype)
      #expect(try outer.map(forKey: 1) == nil)
      for key in 1...UInt32(3) {
        let inner = try BPFArrayMap<UInt64>.create(name: "inner", maximumEntryCount: 2)
        try inner.setValue(UInt64(key), at: 1)
        try outer.setMap(inner, forKey: key, mode: .new)
      }
      #expect(try outer.map(forKey: 2)?.value(at: 1) == 2)
      #expect(try outer.identifiers().map(\.0).sorted() == [1, 2, 3])
      #expect {
        try outer.setMap(prototype, forKey: 4)
      } throws: { ($0 as? BPFError)?.code == .full }
      #expect {
        try outer.setMap(prototype, forKey: 1, mode: .new)
      } throws: { ($0 as? BPFError)?.code == .alreadyExists }
      #expect {
        try outer.setMap(BPFArrayMap<UInt64>.create(name: "inner", maximumEntryCount: 9), forKey: 1)
      } throws: { ($0 as? BPFError)?.code == .invalidArgument }
      #expect(try outer.removeMap(forKey: 1))
      #expect(try outer.removeMap(forKey: 1) == false)
    }

    @Test func `a queue gives values in their order, to programs too, and says when it is full`() throws {
      let object = try BPFObject(.maps).load()
      let ports = try object.map("ports", as: BPFQueue<UInt32>.self)
      let program = try object.program("takes_port")
      #expect(try ports.peek() == nil && ports.pop() == nil)
      for port in 1...UInt32(4) { try ports.push(port) }
      #expect {
        try ports.push(5)
      } throws: { ($0 as? BPFError)?.code == .full && "\($0)".contains("max_entries 4") }
      try ports.push(5, droppingFirst: true)
      #expect(try ports.peek() == 2)
      #expect(try program.test(packet: packet).returnValue == 2)
      #expect(try [ports.pop(), ports.pop(), ports.pop(), ports.pop()] == [3, 4, 5, nil])
    }

    @Test func `a stack gives the last value first`() throws {
      let stack = try BPFStack<SampleState>.create(name: "stack", maximumEntryCount: 2)
      for number in 1...UInt32(2) { try stack.push(SampleState(lastSeen: 0, flags: 0, decision: number)) }
      #expect(throws: BPFError.self) { try stack.push(SampleState(lastSeen: 0, flags: 0, decision: 3)) }
      try stack.push(SampleState(lastSeen: 0, flags: 0, decision: 3), droppingOldest: true)
      #expect(try stack.peek()?.decision == 3)
      #expect(try [stack.pop()?.decision, stack.pop()?.decision, stack.pop()?.decision] == [3, 2, nil])
    }

    @Test func `a bloom filter knows what was added`() throws {
      let filter = try BPFBloomFilter<UInt64>.create(name: "seen", expectedCount: 1000, hashCount: 7)
      for number in 0..<UInt64(100) { try filter.add(number * 7919) }
      for number in 0..<UInt64(100) { #expect(try filter.contains(number * 7919)) }
      // Made for ten times as many: nearly nothing else is thought to be there.
      let mistaken = try (0..<UInt64(1000)).count { try filter.contains($0 * 7919 + 1) }
      #expect(mistaken < 100)
      #expect(throws: BPFError.self) {
        _ = try BPFBloomFilter<UInt64>.create(name: "no", expectedCount: 1, hashCount: 16)
      }
    }

    @Test func `a socket's value goes with the socket`() throws {
      let marks = try BPFSocketStorage<SampleState>.create(name: "marks")
      let number = socket(AF_INET, CInt(SOCK_DGRAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
      let owned = OwnedFileDescriptor(taking: try #require(number >= 0 ? number : nil))
      #expect(try marks.value(forSocket: owned) == nil)
      try marks.updateValue(SampleState(lastSeen: 1, flags: 2, decision: 3), forSocket: owned, mode: .new)
      #expect(try marks.value(forSocket: FileDescriptor(rawValue: number))?.decision == 3)
      #expect {
        try marks.updateValue(SampleState(lastSeen: 1, flags: 2, decision: 3), forSocket: owned, mode: .new)
      } throws: { ($0 as? BPFError)?.code == .alreadyExists }
      #expect(try marks.removeValue(forSocket: owned))
      #expect(try marks.removeValue(forSocket: owned) == false)
      #expect {
        _ = try marks.value(forSocket: .standardInput)
      } throws: {
        ($0 as? BPFError)?.code == .invalidArgument && "\($0)".contains("\"marks\"")
          && "\($0)".contains("socket storage")
      }
      #expect {
        _ = try marks.value(forSocket: FileDescriptor(rawValue: 9999))
      } throws: { ($0 as? BPFError)?.code == .invalidArgument }
    }
  }
}

/// 12 bytes, as the kernel's map has them under another name.
private struct UInt128Key: BPFValue, BitwiseCopyable {
  var words: (UInt32, UInt32, UInt32)
  static let layout = StructLayout("other_key", of: Self.self, fields: [.init("words", \.words)])
}
