// SPDX-License-Identifier: Apache-2.0

import KernelTestSupport
import LinuxSystem
import NetworkTypes
import Testing

@testable import BPFMaps

extension BPFKernelTests {
  @Suite("Operations on many entries")
  struct MapOperationTests {
    @Test func `keys and values that lie apart are written, and removed by their keys`() throws {
      let map = try makeHash(20_000)
      let keys = Array(0..<UInt32(10_000))
      let values = keys.map { UInt64($0) + 1 }
      try map.updateValues(values.span, forKeys: keys.span)
      #expect(try map.snapshot().count == 10_000)
      #expect(try map.value(forKey: 77) == 78)
      // Every other key is absent from the second half on.
      #expect(try map.removeValues(forKeys: stride(from: UInt32(5_000), to: 15_000, by: 2).map { $0 }) == 2_500)
      #expect(try map.removeValues(forKeys: [] as [UInt32]) == 0)
      #expect(try map.entries().count == 7_500)
      #expect {
        try map.updateValues(values.span, forKeys: keys.span.extracting(first: 3))
      } throws: { ($0 as? BPFError)?.code == .invalidArgument && "\($0)".contains("3 keys but 10000 values") }
    }

    @Test func `structs whose stride is larger than their size go through batches and spans`() throws {
      let map = try BPFHashMap<SampleOdd, SampleOdd>.create(name: "odd", maximumEntryCount: 64)
      let keys = (1...20).map { SampleOdd(number: $0, letter: UInt8($0)) }
      let values = keys.map { SampleOdd(number: $0.number * 2, letter: 9) }
      try map.updateValues(values.span, forKeys: keys.span)
      var read: [SampleOdd: SampleOdd] = [:]
      try map.forEachBatch(of: 8) { keys, values in
        for index in keys.indices { read[keys[index]] = values[index] }
      }
      #expect(read == Dictionary(uniqueKeysWithValues: zip(keys, values)))
      #expect(try map.removeValues(forKeys: keys) == 20)
    }

    @Test func `a batch that does not fit says how far it came, and the rest can follow`() throws {
      let map = try makeHash(100)
      let entries = (0..<UInt32(150)).map { ($0, UInt64($0)) }
      var done = 0
      do throws(BPFError) {
        try map.update(entries)
        Issue.record("150 entries were written to a map of 100")
      } catch {
        #expect(error.code == .full)
        #expect(error.message.contains("after 100 of 150 entries"))
        done = try #require(error.completedCount)
      }
      #expect(done == 100)
      #expect(try map.snapshot().keys.sorted() == Array(0..<100))
      try map.removeValues(forKeys: Array(0..<60))
      try map.update(Array(entries.dropFirst(done)))
      #expect(try map.snapshot().keys.sorted() == Array(60..<150))
    }

    @Test func `an existing key stops a batch of new ones where it stands`() throws {
      let map = try makeHash(20_000)
      try map.updateValue(9, forKey: 9_000)
      do throws(BPFError) {
        try map.update((0..<UInt32(10_000)).map { ($0, 1) }, mode: .new)
        Issue.record("an existing key was replaced")
      } catch {
        #expect(error.code == .alreadyExists && error.completedCount == 9_000)
      }
      #expect(try map.value(forKey: 9_000) == 9)
      #expect(try map.snapshot().count == 9_001)
    }

    @Test(arguments: [BPFMapFlags(), .noPreallocation])
    func `a batch smaller than a bucket grows until the bucket fits`(_ flags: BPFMapFlags) throws {
      // As many buckets as entries: some hold several.
      let map = try makeHash(4096, flags: flags)
      try map.update((0..<UInt32(4096)).map { ($0, 1) })
      var seen: Set<UInt32> = []
      var batches = 0
      try map.forEachBatch(of: 1) { keys, _ in
        batches += 1
        for index in keys.indices { #expect(seen.insert(keys[index]).inserted) }
      }
      #expect(seen.count == 4096 && batches > 1)
    }

    @Test(arguments: [false, true])
    func `a walk by batches and one by keys see the same`(_ byKey: Bool) throws {
      let map = try makeHash(1000, flags: .noPreallocation)
      try map.update((0..<UInt32(1000)).map { ($0, UInt64($0)) })
      let trie = try BPFLPMTrie<IPv4PrefixKey, UInt32>.create(name: "trie", maximumEntryCount: 1000)
      for number in 0..<UInt32(1000) {
        try trie.updateValue(
          number, for: #require(.init(address: .init(rawValue: number << 12), prefixLength: 20 + Int(number) % 3)))
      }
      let expected = try trie.entries().map(\.0)
      #expect(Set(expected).count == expected.count)
      try map.withHandle { (handle) throws(BPFError) in
        #expect(try walk(handle, UInt32.self, byKey: byKey).sorted() == Array(0..<1000))
      }
      try trie.withHandle { (handle) throws(BPFError) in
        #expect(try walk(handle, IPv4PrefixKey.self, byKey: byKey) == expected)
      }
    }

    private func walk<Key: BitwiseCopyable>(
      _ handle: borrowing BPFMapHandle, _: Key.Type, byKey: Bool
    ) throws(BPFError) -> [Key] {
      var reader = MapReader(handle, capacity: 33, byKey: byKey)
      var keys: [Key] = []
      while case let count = try reader.next(of: handle), count > 0 {
        keys += (0..<count).map { reader.key(at: $0, as: Key.self) }
      }
      return keys
    }

    @Test func `replacing all entries changes what differs and nothing else`() throws {
      let map = try makeHash(100)
      try map.update((0..<UInt32(50)).map { ($0, 1) })
      let wanted = (10..<UInt32(70)).map { ($0, UInt64($0 < 20 ? 2 : 1)) }
      #expect(try map.replaceAll(with: wanted) == BPFReplacement(added: 20, changed: 10, unchanged: 30, removed: 10))
      #expect(try map.snapshot() == Dictionary(uniqueKeysWithValues: wanted))
      #expect(try map.replaceAll(with: wanted) == BPFReplacement(unchanged: 60))
      // Of a key given twice, the last value counts.
      #expect(try map.replaceAll(with: [(1, 1), (10, 5), (1, 9)]) == BPFReplacement(added: 1, changed: 1, removed: 59))
      #expect(try map.snapshot() == [1: 9, 10: 5])
      #expect(try map.replaceAll(with: [:]) == BPFReplacement(removed: 2))
      #expect(try map.entries().isEmpty)
    }

    @Test func `a replacement that does not fit beside what is there changes nothing`() throws {
      let map = try makeHash(100)
      try map.update((0..<UInt32(60)).map { ($0, 1) })
      #expect {
        try map.replaceAll(with: (100..<UInt32(160)).map { ($0, 1) })
      } throws: { ($0 as? BPFError)?.code == .full && "\($0)".contains("60 new entries do not fit beside the 60") }
      #expect(try map.snapshot().keys.sorted() == Array(0..<60))
      try map.replaceAll(with: (20..<UInt32(100)).map { ($0, 1) })
      #expect(try map.snapshot().keys.sorted() == Array(20..<100))
    }

    @Test func `a trie's entries are replaced, too`() throws {
      let trie = try BPFLPMTrie<IPv4PrefixKey, UInt32>.create(name: "trie", maximumEntryCount: 16)
      func key(_ text: String) throws -> IPv4PrefixKey { IPv4PrefixKey(try #require(.init(text))) }
      try trie.update([(key("10.0.0.0/8"), 1), (key("10.1.0.0/16"), 2)])
      let change = try trie.replaceAll(with: [(key("10.1.0.0/16"), 2), (key("10.1.2.0/24"), 3)])
      #expect(change == BPFReplacement(added: 1, unchanged: 1, removed: 1))
      #expect(try trie.value(matching: .init(10, 9, 9, 9)) == nil)
    }

    @Test func `a trie's keys are told apart by their prefixes, whatever others wrote behind them`() throws {
      let trie = try BPFLPMTrie<IPv4PrefixKey, UInt32>.create(name: "trie", maximumEntryCount: 16)
      func key(_ text: String) throws -> IPv4PrefixKey { IPv4PrefixKey(try #require(.init(text))) }
      func write(_ bits: UInt8, _ value: UInt8) throws {
        try trie.withHandle { (handle) throws(BPFError) in
          try handle.updateBytes([value, 0, 0, 0], forKey: [9, 0, 0, 0, 10, bits, 2, 3])
        }
      }
      let wanted = try [(key("10.0.0.0/9"), UInt32(1)), (key("10.128.0.0/9"), 2)]
      try write(0x7f, 1)
      try write(0xff, 7)
      #expect(try trie.replaceAll(with: wanted) == BPFReplacement(changed: 2))
      #expect(try trie.value(matching: .init(10, 1, 1, 1)) == 1)
      #expect(try trie.value(matching: .init(10, 200, 1, 1)) == 2)
      #expect(try trie.entries().map(\.0.address) == wanted.map(\.0.address))
      #expect(try trie.replaceAll(with: wanted) == BPFReplacement(unchanged: 2))
    }

    @Test func `taking all entries leaves none`() throws {
      let map = try makeHash(10_000)
      try map.update((0..<UInt32(10_000)).map { ($0, UInt64($0)) })
      let taken = try map.takeAll()
      #expect(taken.count == 10_000 && Set(taken.map(\.0)).count == 10_000)
      #expect(try map.entries().isEmpty)
      try map.update([(1, 1)])
      try map.removeAll()
      #expect(try map.value(forKey: 1) == nil)
    }

    @Test func `a stream gives every entry once, twice when it is read twice, and ends when its task is cancelled`()
      async throws
    {
      let map = try makeHash(5_000)
      try map.update((0..<UInt32(5_000)).map { ($0, UInt64($0)) })
      let stream = try map.stream(batchesOf: 100)
      for _ in 0..<2 {
        var keys: Set<UInt32> = []
        for try await (key, value) in stream {
          #expect(value == UInt64(key) && keys.insert(key).inserted)
        }
        #expect(keys.count == 5_000)
      }
      let task = Task {
        var count = 0
        for try await _ in stream {
          count += 1
          if count == 10 { unsafe withUnsafeCurrentTask { unsafe $0?.cancel() } }
        }
        return count
      }
      #expect(try await task.value < 5_000)
    }

    @Test func `entries are read and written as bytes where nobody knows their types`() throws {
      let map = try BPFHashMap<UInt32, UInt64>.create(name: "bytes", maximumEntryCount: 8)
      try map.withHandle { (handle) throws in
        #expect(try handle.bytes(forKey: [1, 0, 0, 0]) == nil)
        try handle.updateBytes([7, 0, 0, 0, 0, 0, 0, 1], forKey: [1, 0, 0, 0], mode: .new)
        #expect(try handle.bytes(forKey: [1, 0, 0, 0]) == [7, 0, 0, 0, 0, 0, 0, 1])
        var seen: [[UInt8]] = []
        try handle.forEachBytes { key, value in
          seen.append((0..<key.byteCount).map { unsafe key.unsafeLoad(fromByteOffset: $0, as: UInt8.self) })
          #expect(value.byteCount == 8)
        }
        #expect(seen == [[1, 0, 0, 0]])
        #expect(try handle.removeBytes(forKey: [1, 0, 0, 0]))
        #expect(throws: BPFError.self) { _ = try handle.bytes(forKey: [1]) }
        #expect(throws: BPFError.self) { try handle.updateBytes([1], forKey: [1, 0, 0, 0]) }
      }
      let queue = try BPFQueue<UInt32>.create(name: "queue", maximumEntryCount: 2)
      try queue.withHandle { (handle) throws in
        try handle.updateBytes([1, 2, 3, 4], forKey: [])
        #expect(try handle.bytes(forKey: []) == [1, 2, 3, 4])
        #expect {
          try handle.forEachBytes { _, _ in }
        } throws: { ($0 as? BPFError)?.code == .notSupported }
      }
      let cpus = try BPFPerCPUArrayMap<UInt32>.create(name: "cpus", maximumEntryCount: 1)
      try cpus.withHandle { (handle) throws in
        #expect(handle.valueByteCount == 8 * BPFProcessors.possibleCount)
        #expect(try handle.bytes(forKey: [0, 0, 0, 0])?.count == handle.valueByteCount)
      }
    }

    @Test func `looking up and removing says where the kernel cannot`() throws {
      let array = try BPFArrayMap<UInt64>.create(name: "array", maximumEntryCount: 2)
      array.withHandle { (handle) -> Void in
        #expect {
          _ = try handle.lookUpAndRemove(UInt32(0), as: UInt64.self)
        } throws: { ($0 as? BPFError)?.code == .notSupported && "\($0)".contains("hashes can from Linux 5.14 on") }
      }
    }
  }
}
