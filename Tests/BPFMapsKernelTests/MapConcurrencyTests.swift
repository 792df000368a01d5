// SPDX-License-Identifier: Apache-2.0

import KernelTestSupport
import LinuxSystem
import NetworkTypes
import Testing

@testable import BPFMaps

extension BPFKernelTests {
  @Suite("Maps that others change")
  struct MapConcurrencyTests {
    @Test func `one map value serves many tasks at once`() async throws {
      let map = try Shared(makeHash(64_000))
      try await withThrowingTaskGroup(of: Void.self) { group in
        for task in 0..<UInt32(8) {
          group.addTask {
            for round in 0..<UInt32(500) {
              let key = task << 16 | round
              try map.value.updateValue(UInt64(key), forKey: key, mode: .new)
              #expect(try map.value.value(forKey: key) == UInt64(key))
              if round % 2 == 1 { #expect(try map.value.takeValue(forKey: key) == UInt64(key)) }
            }
            let keys = (0..<UInt32(1000)).map { task << 16 | 1 << 15 | $0 }
            let values = keys.map { UInt64($0) }
            try map.value.updateValues(values.span, forKeys: keys.span)
            #expect(try map.value.removeValues(forKeys: keys) == 1000)
          }
        }
        try await group.waitForAll()
      }
      #expect(try map.value.entries().count == 8 * 250)
    }

    @Test func `batches of many tasks fill a map, and each says exactly how many of its entries are in`() async throws {
      let map = try Shared(makeHash(1000))
      let written = try await withThrowingTaskGroup(of: Int.self) { group in
        for task in 0..<UInt32(4) {
          group.addTask {
            let entries = (0..<UInt32(500)).map { (task << 16 | $0, UInt64(1)) }
            do throws(BPFError) {
              try map.value.update(entries)
              return entries.count
            } catch {
              guard error.code == .full, let done = error.completedCount else { throw error }
              for index in entries.indices {
                #expect(try map.value.value(forKey: entries[index].0) == (index < done ? 1 : nil))
              }
              return done
            }
          }
        }
        return try await group.reduce(0, +)
      }
      #expect(written == 1000)
      #expect(try map.value.entries().count == 1000)
    }

    /// The kernel starts over when the entry to go on from is gone; nothing must be seen twice or missed for that.
    @Test(arguments: [false, true])
    func `each entry of a trie is seen once while those to go on from are removed`(_ byKey: Bool) throws {
      let trie = try BPFLPMTrie<IPv4PrefixKey, UInt32>.create(name: "trie", maximumEntryCount: 4096)
      let all = (0..<UInt32(600)).map { IPv4PrefixKey(matching: IPv4Address(rawValue: 0x0a00_0000 + $0)) }
      try trie.update(all.map { ($0, 1) })
      var seen: [IPv4PrefixKey] = []
      var removed: Set<IPv4PrefixKey> = []
      try trie.withHandle { (handle) throws(BPFError) in
        var reader = MapReader(handle, capacity: 25, byKey: byKey)
        while case let count = try reader.next(of: handle), count > 0 {
          for index in 0..<count { seen.append(reader.key(at: index, as: IPv4PrefixKey.self)) }
          // The last of the batch is where the kernel is asked to go on.
          guard let last = seen.last else { continue }
          _ = try handle.remove(last)
          removed.insert(last)
        }
      }
      #expect(seen == all)
      #expect(removed.count >= 24)
      #expect(try trie.entries().count == 600 - removed.count)
    }

    @Test func `each entry of a hash is seen once, key by key, while those to go on from are removed`() throws {
      let map = try makeHash(1024)
      try map.update((0..<UInt32(400)).map { ($0, 1) })
      var seen: [UInt32] = []
      try map.withHandle { (handle) throws(BPFError) in
        var reader = MapReader(handle, capacity: 40, byKey: true)
        while case let count = try reader.next(of: handle), count > 0 {
          for index in 0..<count { seen.append(reader.key(at: index, as: UInt32.self)) }
          if let last = seen.last { _ = try handle.remove(last) }
        }
      }
      #expect(seen.sorted() == Array(0..<400))
    }

    @Test func `a walk that is sent back more than it is let ahead ends as interrupted`() throws {
      let trie = try BPFLPMTrie<IPv4PrefixKey, UInt32>.create(name: "trie", maximumEntryCount: 4096)
      try trie.update((0..<UInt32(400)).map { (IPv4PrefixKey(matching: IPv4Address(rawValue: $0)), 1) })
      try trie.withHandle { (handle) throws(BPFError) in
        var reader = MapReader(handle, capacity: 1, byKey: true)
        reader.patience = 100
        var isSecond = false
        do throws(BPFError) {
          // Of each two the second is removed: each restart goes through all the first ones again.
          while case let count = try reader.next(of: handle), count > 0 {
            if isSecond { _ = try handle.remove(reader.key(at: 0, as: IPv4PrefixKey.self)) }
            isSecond.toggle()
          }
          Issue.record("the kernel did not start over")
        } catch {
          #expect(error.code == .interrupted)
          #expect(error.message.contains("removed faster than they can be read"))
          #expect((200...206).contains(error.completedCount ?? 0))
        }
      }
    }

    @Test func `a trie may be thinned out while it is walked, in batches of any size`() throws {
      let trie = try BPFLPMTrie<IPv4PrefixKey, UInt32>.create(name: "trie", maximumEntryCount: 4096)
      let all = (0..<UInt32(2000)).map { IPv4PrefixKey(matching: IPv4Address(rawValue: $0 << 8)) }
      try trie.update(all.map { ($0, 1) })
      var seen: [IPv4PrefixKey] = []
      var removed = 0
      try trie.forEachBatch(of: 3) { keys, _ in
        for index in keys.indices {
          seen.append(keys[index])
          if seen.count % 3 == 0, try trie.removeValue(forKey: keys[index]) { removed += 1 }
        }
      }
      #expect(seen == all && removed == 666)
    }

    @Test func `entries come and go under each way to read all of them`() async throws {
      let map = try Shared(makeHash(4096))
      let trie = try Shared(BPFLPMTrie<IPv4PrefixKey, UInt32>.create(name: "trie", maximumEntryCount: 4096))
      @Sendable func key(_ number: UInt32) -> IPv4PrefixKey { IPv4PrefixKey(matching: IPv4Address(rawValue: number)) }
      // Where entries are removed beside others, the kernel's walk of a trie can miss these: here what comes and goes lies
      // apart from what stays. In the second trie they lie side by side.
      let mixed = try Shared(BPFLPMTrie<IPv4PrefixKey, UInt32>.create(name: "mixed", maximumEntryCount: 4096))
      let far: UInt32 = 1 << 31
      try trie.value.updateValue(1, forKey: key(far + 999))
      for number in 0..<UInt32(200) {
        try map.value.updateValue(1, forKey: number)
        try trie.value.updateValue(1, forKey: key(number))
        try mixed.value.updateValue(1, forKey: key(number * 3))
      }
      @Sendable func churn(_ round: UInt32) throws {
        let number = round % 200
        try map.value.updateValue(2, forKey: 1000 + number)
        try trie.value.updateValue(2, forKey: key(far + number))
        try mixed.value.updateValue(2, forKey: key(number * 3 + 1))
        try map.value.removeValue(forKey: 1000 + number)
        try trie.value.removeValue(forKey: key(far + number))
        try mixed.value.removeValue(forKey: key(number * 3 + 1))
      }
      func expectStable(_ keys: [UInt32], _ stable: some Sequence<UInt32>) {
        #expect(Set(keys).count == keys.count, "an entry was seen twice")
        #expect(Set(keys).isSuperset(of: stable), "an entry that was there throughout was not seen")
      }
      try await withThread(repeating: churn) {
        for _ in 0..<100 {
          expectStable(try map.value.entries().map(\.0), 0..<200)
          var seen: [UInt32] = []
          try map.value.forEachBatch(of: 16) { keys, _ in seen += keys.indices.map { keys[$0] } }
          expectStable(seen, 0..<200)
          var streamed: [UInt32] = []
          for try await (key, _) in try map.value.stream(batchesOf: 16) { streamed.append(key) }
          expectStable(streamed, 0..<200)
          let prefixes = try trie.value.entries().map { UInt32(bigEndian: $0.0.address) }
          expectStable(prefixes, 0..<200)
          let others = try mixed.value.entries().map { UInt32(bigEndian: $0.0.address) }
          #expect(Set(others).count == others.count)
        }
      }
    }
  }
}
