// SPDX-License-Identifier: Apache-2.0

import BPFMaps
import CAllocationCounter
import Glibc
import KernelTestSupport
import LinuxSystem
import NetworkTypes
import SystemPackage
import Testing

extension BPFKernelTests {
  @Suite("Memory that maps take")
  struct MapAllocationTests {
    @Test func `the counter counts`() throws {
      let taken = allocations { _ = [UInt8](repeating: 1, count: Int.random(in: 100...200)).count }
      #expect(taken >= 100)
    }

    @Test(arguments: [BPFMapKind.hash, .lruHash])
    func `operations on one entry of a hash take nothing`(_ kind: BPFMapKind) throws {
      let map = try BPFHashMap<SampleKey, SampleState>.create(name: "hash", kind: kind, maximumEntryCount: 64)
      let key = SampleKey(endpoint: 1, peer: 2, port: 3, transport: 4)
      let state = SampleState(lastSeen: 1, flags: 2, decision: 3)
      #expect(try allocations { try map.updateValue(state, forKey: key) } == 0)
      #expect(try allocations { _ = try map.value(forKey: key) } == 0)
      #expect(
        try allocations {
          _ = try map.takeValue(forKey: key)
          _ = try map.value(forKey: key)
          try map.removeValue(forKey: key)
          try map.updateValue(state, forKey: key, mode: .new)
        } == 0)
    }

    @Test func `operations on one entry of an array or a trie take nothing`() throws {
      let array = try BPFArrayMap<SampleState>.create(name: "array", maximumEntryCount: 4)
      #expect(try allocations { try array.setValue(SampleState(lastSeen: 1, flags: 2, decision: 3), at: 1) } == 0)
      #expect(try allocations { _ = try array.value(at: 1) } == 0)
      let trie = try BPFLPMTrie<IPv4PrefixKey, UInt32>.create(name: "trie", maximumEntryCount: 4)
      let block = try #require(IPv4CIDR("10.0.0.0/8"))
      #expect(
        try allocations {
          try trie.updateValue(1, for: block)
          _ = try trie.value(matching: IPv4Address(10, 1, 2, 3))
          try trie.removeValue(for: block)
        } == 0)
      let trie6 = try BPFLPMTrie<IPv6PrefixKey, UInt32>.create(name: "trie", maximumEntryCount: 4)
      let block6 = try #require(IPv6CIDR("fd00::/8"))
      let address = try #require(IPv6Address("fd00::1"))
      #expect(
        try allocations {
          try trie6.updateValue(1, for: block6)
          _ = try trie6.value(matching: address)
          try trie6.removeValue(for: block6)
        } == 0)
    }

    @Test func `per-CPU values that are summed or lent take nothing`() throws {
      let hash = try BPFPerCPUHashMap<UInt32, SampleState>.create(name: "hash", maximumEntryCount: 4)
      let state = SampleState(lastSeen: 1, flags: 2, decision: 3)
      #expect(try allocations { try hash.updateEveryValue(state, forKey: 1) } == 0)
      #expect(try allocations { _ = try hash.sum(forKey: 1, of: \.flags) } == 0)
      #expect(try allocations { _ = try hash.max(forKey: 1, of: \.flags) } == 0)
      #expect(try allocations { _ = try hash.withValues(forKey: 1) { $0[0].flags } } == 0)
      let values = Array(repeating: state, count: BPFProcessors.possibleCount)
      #expect(try allocations { try hash.updateValues(values, forKey: 1) } == 0)
      #expect(try allocations { try hash.removeValue(forKey: 1) } == 0)
      let array = try BPFPerCPUArrayMap<UInt64>.create(name: "array", maximumEntryCount: 4)
      #expect(try allocations { _ = try array.sum(at: 1) } == 0)
      #expect(try allocations { try array.setEveryValue(0, at: 1) } == 0)
    }

    @Test func `queues, filters, storage and mapped arrays take nothing`() throws {
      let queue = try BPFQueue<SampleState>.create(name: "queue", maximumEntryCount: 4)
      #expect(
        try allocations {
          try queue.push(SampleState(lastSeen: 1, flags: 2, decision: 3))
          _ = try queue.peek()
          _ = try queue.pop()
        } == 0)
      let stack = try BPFStack<UInt64>.create(name: "stack", maximumEntryCount: 4)
      #expect(
        try allocations {
          try stack.push(1)
          _ = try stack.pop()
        } == 0)
      let filter = try BPFBloomFilter<UInt64>.create(name: "filter", expectedCount: 10)
      #expect(
        try allocations {
          try filter.add(1)
          _ = try filter.contains(1)
        } == 0)
      let marks = try BPFSocketStorage<UInt64>.create(name: "marks")
      let number = socket(AF_INET, CInt(SOCK_DGRAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
      let socket = OwnedFileDescriptor(taking: try #require(number >= 0 ? number : nil))
      #expect(
        try allocations {
          try marks.updateValue(1, forSocket: socket)
          _ = try marks.value(forSocket: socket)
          try marks.removeValue(forSocket: socket)
        } == 0)
      let shared = try BPFArrayMap<SampleState>.create(name: "shared", maximumEntryCount: 4, flags: .mappable).mapped()
      let seen = shared.field(\.lastSeen)
      #expect(
        allocations {
          shared.add(1, to: seen, at: 1)
          shared.store(shared.load(seen, at: 1), in: seen, at: 2)
          shared[3] = shared[2]
        } == 0)
    }

    @Test(arguments: [BPFMapKind.perCPUHash, .lruPerCPUHash])
    func `per-CPU hashes of either kind take nothing`(_ kind: BPFMapKind) throws {
      let map = try BPFPerCPUHashMap<UInt64, UInt64>.create(name: "hash", kind: kind, maximumEntryCount: 64)
      #expect(
        try allocations {
          try map.updateEveryValue(1, forKey: 1)
          _ = try map.sum(forKey: 1)
          try map.removeValue(forKey: 1)
        } == 0)
    }

    @Test func `maps of maps take nothing but what opening one takes`() throws {
      let inner = try BPFArrayMap<UInt64>.create(name: "inner", maximumEntryCount: 1)
      let array = try BPFArrayOfMaps<BPFArrayMap<UInt64>>.create(name: "outer", maximumEntryCount: 1, prototype: inner)
      let hash = try BPFHashOfMaps<UInt32, BPFArrayMap<UInt64>>.create(
        name: "outer", maximumEntryCount: 1, prototype: inner)
      // The kernel waits for its programs in each of these: few calls.
      #expect(
        try allocations(calls: 5, rounds: 3) {
          try array.setMap(inner, at: 0)
          _ = try array.identifier(at: 0)
          try array.clear(at: 0)
          try hash.setMap(inner, forKey: 1)
          _ = try hash.identifier(forKey: 1)
          try hash.removeMap(forKey: 1)
        } == 0)
    }

    @Test func `a walk takes a few blocks, however many entries there are`() throws {
      let map = try makeHash(20_000)
      try map.update((0..<UInt32(20_000)).map { ($0, 1) })
      var total: UInt64 = 0
      let walked = try allocations(calls: 1, rounds: 5) { try map.forEach { total &+= UInt64($0) &+ $1 } }
      #expect(walked <= 8)
      #expect(
        try allocations(calls: 1, rounds: 5) { try map.forEachBatch { total &+= UInt64($0.count) &+ $1[0] } } <= 8)
      #expect(total > 0)
    }
  }
}
