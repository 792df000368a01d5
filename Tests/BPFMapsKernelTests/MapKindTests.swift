// SPDX-License-Identifier: Apache-2.0

import BPFMaps
import Glibc
import KernelTestSupport
import LinuxSystem
import NetworkTypes
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

    @Test func `an IPv4 trie is used by addresses and blocks`() throws {
      let object = try BPFObject(.maps).load()
      let routes = try object.map("routes4", as: BPFLPMTrie<IPv4PrefixKey, UInt32>.self)
      func block(_ text: String) throws -> IPv4CIDR { try #require(IPv4CIDR(text)) }
      try routes.updateValue(0, for: block("0.0.0.0/0"))
      try routes.updateValue(8, for: block("10.255.255.255/8"))
      try routes.updateValue(24, for: block("10.1.2.0/24"))
      try routes.updateValue(32, for: block("10.1.2.3/32"))
      #expect(try routes.value(matching: IPv4Address(10, 1, 2, 3)) == 32)
      #expect(try routes.value(matching: IPv4Address(10, 1, 2, 4)) == 24)
      #expect(try routes.value(matching: IPv4Address(10, 9, 9, 9)) == 8)
      #expect(try routes.value(matching: IPv4Address(11, 0, 0, 0)) == 0)
      // What is more specific comes first, then by address; host bits were cleared.
      #expect(
        try routes.entries().map { $0.0.block.description }
          == ["10.1.2.3/32", "10.1.2.0/24", "10.0.0.0/8", "0.0.0.0/0"])
      #expect(try routes.snapshot()[IPv4PrefixKey(block("10.0.0.0/8"))] == 8)
      #expect(try routes.removeValue(for: block("10.1.2.0/24")))
      #expect(try routes.removeValue(for: block("10.1.2.0/24")) == false)
      #expect(try routes.value(matching: IPv4Address(10, 1, 2, 4)) == 8)
      #expect(throws: BPFError.self) { try routes.updateValue(9, for: block("10.0.0.0/8"), mode: .new) }
    }

    @Test func `an IPv6 trie is used by addresses and blocks`() throws {
      let routes = try BPFObject(.maps).load().map("routes6", as: BPFLPMTrie<IPv6PrefixKey, UInt32>.self)
      func block(_ text: String) throws -> IPv6CIDR { try #require(IPv6CIDR(text)) }
      func address(_ text: String) throws -> IPv6Address { try #require(IPv6Address(text)) }
      try routes.updateValue(8, for: block("fd00::ffff/8"))
      try routes.updateValue(65, for: block("fd00:0:0:1:8000::/65"))
      try routes.updateValue(128, for: block("fd00::1/128"))
      #expect(try routes.value(matching: address("fd00::1")) == 128)
      #expect(try routes.value(matching: address("fd00:0:0:1:8000::5")) == 65)
      #expect(try routes.value(matching: address("fd00:0:0:1::5")) == 8)
      #expect(try routes.value(matching: address("fe00::1")) == nil)
      #expect(
        try routes.entries().map { $0.0.block.description } == ["fd00::1/128", "fd00:0:0:1:8000::/65", "fd00::/8"])
    }

    @Test func `a trie whose key does not begin with a length is refused for blocks`() throws {
      let object = try BPFObject(.maps).load()
      #expect {
        _ = try object.map("routes_odd", as: BPFLPMTrie<IPv4PrefixKey, UInt32>.self)
      } throws: { ($0 as? BPFError)?.code == .layoutMismatch && "\($0)".contains("field \"address\"") }
      #expect {
        _ = try object.map("routes6", as: BPFLPMTrie<IPv4PrefixKey, UInt32>.self)
      } throws: { ($0 as? BPFError)?.code == .layoutMismatch && "\($0)".contains("20 bytes") }
    }

    @Test func `a mapped array and a program share memory`() throws {
      let object = try BPFObject(.maps).load()
      let map = try object.map("statistics", as: BPFArrayMap<Statistic>.self)
      let shared = try map.mapped()
      let program = try object.program("counts_shared")
      let packets = shared.field(\.packets)
      let bytes = shared.field(\.bytes)
      shared.store(1000, in: packets, at: 299)
      _ = try program.test(packet: packet, context: SocketBufferContext(controlBlock: [299]), repeat: 10)
      #expect(shared.load(packets, at: 299) == 1010)
      #expect(shared.load(bytes, at: 299) > 0 && shared.load(bytes, at: 298) == 0)
      #expect(shared.add(5, to: packets, at: 299) == 1010)
      #expect(try map.value(at: 299)?.packets == 1015)
      shared[3] = Statistic(packets: 7, bytes: 8, lastLength: 9)
      #expect(shared[3].lastLength == 9)
      #expect(try map.value(at: 3)?.bytes == 8)
    }

    @Test func `a mapping outlives its map, is unmapped once, and elements of another size keep their places`()
      async throws
    {
      func map() throws -> BPFMappedArray<UInt32> {
        let small = try BPFArrayMap<UInt32>.create(name: "small", maximumEntryCount: 5, flags: .mappable)
        let shared = try small.mapped()
        for index in 0..<UInt32(5) { shared[index] = index + 1 }
        #expect(try small.values() == [1, 2, 3, 4, 5])
        return shared
      }
      let shared = try map()
      #expect((0..<UInt32(5)).map { shared[$0] } == [1, 2, 3, 4, 5])
      let numbers = Shared(try BPFArrayMap<UInt64>.create(name: "numbers", maximumEntryCount: 3, flags: .mappable))
      let mapped = try numbers.value.mapped()
      await withTaskGroup(of: Void.self) { group in
        for _ in 0..<4 {
          group.addTask {
            if let mine = try? numbers.value.mapped() { for _ in 0..<1000 { mine.add(1, at: 2) } }
          }
        }
      }
      #expect(mapped.load(at: 2) == 4000)
      mapped.store(7, at: 2)
      #expect(try numbers.value.values() == [0, 0, 7])
      try await expectNoDescriptorLeak {
        for _ in 0..<100 { _ = try numbers.value.mapped() }
      }
    }

    @Test func `an array that was not made for it is not mapped, and one for reading is not written`() async throws {
      let plain = try BPFArrayMap<UInt64>.create(name: "plain", maximumEntryCount: 3)
      #expect {
        _ = try plain.mapped()
      } throws: { ($0 as? BPFError)?.code == .incompatibleMap && "\($0)".contains("BPF_F_MMAPABLE") }
      // libbpf makes constants mappable, and the kernel freezes them.
      let constants = try loadSamples().map(".rodata", as: BPFArrayMap<SampleState>.self)
      #expect(try constants.mapped(for: .reading)[0].lastSeen == constants.value(at: 0)?.lastSeen)
      #expect {
        _ = try constants.mapped()
      } throws: { ($0 as? BPFError)?.code == .permissionDenied && "\($0)".contains("map \".rodata\" into memory") }
      await #expect(processExitsWith: .failure) {
        let map = try BPFArrayMap<UInt64>.create(name: "read", maximumEntryCount: 3, flags: .mappable)
        try map.mapped(for: .reading).store(1, at: 0)
      }
      await #expect(processExitsWith: .failure) {
        let map = try BPFArrayMap<UInt64>.create(name: "bounds", maximumEntryCount: 3, flags: .mappable)
        _ = try map.mapped().load(at: 3)
      }
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
