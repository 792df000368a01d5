// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import Testing

@testable import BPFMaps

@Suite("Keys of maps")
struct MapKeyTests {
  private func isAfter<Key: BitwiseCopyable>(_ order: KeyOrder, _ left: Key, _ right: Key) -> Bool {
    unsafe withUnsafeBytes(of: left) { left in
      unsafe withUnsafeBytes(of: right) { right in
        guard let one = left.baseAddress, let other = right.baseAddress else { return false }
        return unsafe order.isAfter(one, other, size: left.count)
      }
    }
  }

  @Test func `a trie's order is that of its kernel: what is more specific first, then by address`() throws {
    let blocks = [
      "9.0.0.0/8", "10.0.0.0/32", "10.0.0.0/24", "10.0.1.0/25", "10.0.1.128/25", "10.0.1.0/24", "10.0.0.0/8",
      "10.0.0.0/7", "128.0.0.0/1", "0.0.0.0/0",
    ]
    let keys = try blocks.map { IPv4PrefixKey(try #require(IPv4CIDR($0))) }
    for left in keys.indices {
      for right in keys.indices {
        #expect(isAfter(.prefix, keys[left], keys[right]) == (left > right), "\(blocks[left]) and \(blocks[right])")
      }
    }
    let wide = try ["fd00::1/128", "fd00::/64", "fd00::/8", "::/0"].map { IPv6PrefixKey(try #require(IPv6CIDR($0))) }
    for left in wide.indices {
      for right in wide.indices { #expect(isAfter(.prefix, wide[left], wide[right]) == (left > right)) }
    }
  }

  @Test func `a length that no key can have is compared without reading beyond it`() {
    let wrong = (UInt32.max, UInt32(0))
    #expect(!isAfter(.prefix, wrong, wrong))
    #expect(isAfter(.index, UInt32(4), UInt32(3)) && !isAfter(.index, UInt32(3), UInt32(3)))
  }

  @Test func `a prefix key has the kernel's bytes, and gives its block back`() throws {
    let block = try #require(IPv4CIDR("10.1.2.3/24"))
    let key = IPv4PrefixKey(block)
    #expect(unsafe withUnsafeBytes(of: key) { unsafe Array($0.dropFirst(4)) } == [10, 1, 2, 0])
    #expect(key.prefixLength == 24 && key.block == block.masked)
    let block6 = try #require(IPv6CIDR("fd00:1:2:3:4:5:6:7/112"))
    let key6 = IPv6PrefixKey(block6)
    #expect(MemoryLayout<IPv6PrefixKey>.size == 20)
    #expect(
      unsafe withUnsafeBytes(of: key6) { unsafe Array($0.dropFirst(4)) }
        == [0xfd, 0, 0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0, 0])
    #expect(key6.block == block6.masked && key6 == IPv6PrefixKey(block6.masked))
    #expect(key6 != IPv6PrefixKey(matching: block6.first))
  }

  @Test func `a length beyond the address, as only foreign bytes have it, is taken as all of it`() {
    let foreign = unsafe unsafeBitCast((UInt32(99), UInt32(0x0100_000a)), to: IPv4PrefixKey.self)
    #expect(foreign.block.description == "10.0.0.1/32")
  }

  @Test func `reaching for a group of changes, superseded and equal entries are left out`() {
    let pairs: [(UInt32, UInt32)] = [(1, 10), (2, 20), (3, 30), (2, 21)]
    let wanted = MapWriter(keySize: 4, valueSize: 4, capacity: pairs.count)
    for (index, pair) in pairs.enumerated() { wanted.put(pair.0, pair.1, at: index) }
    var difference = MapDifference(to: wanted, count: pairs.count)
    let current: [(UInt32, UInt32)] = [(1, 10), (2, 20), (7, 70)]
    for entry in current {
      unsafe withUnsafeBytes(of: entry.0) { key in
        unsafe withUnsafeBytes(of: entry.1) { value in
          guard let key = key.baseAddress, let value = value.baseAddress else { return }
          unsafe difference.meet(key, value)
        }
      }
    }
    #expect(difference.result == BPFReplacement(added: 1, changed: 1, unchanged: 1, removed: 1))
    #expect(difference.surplus == [7, 0, 0, 0])
    unsafe difference.write { keys, values, count in
      #expect(count == 2)
      #expect(unsafe keys.load(as: UInt32.self) == 3 && values.load(as: UInt32.self) == 30)
      #expect(
        unsafe keys.load(fromByteOffset: 4, as: UInt32.self) == 2
          && values.load(fromByteOffset: 4, as: UInt32.self) == 21)
    }
  }
}
