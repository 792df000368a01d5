// SPDX-License-Identifier: Apache-2.0

import BPFMaps
import KernelTestSupport
import LinuxSystem
import NetworkTypes
import Testing

extension BPFKernelTests {
  @Suite("Tries of address blocks")
  struct MapPrefixTests {
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
  }
}
