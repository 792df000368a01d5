// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import NetworkTypes

@Suite("IPv6 blocks")
struct IPv6CIDRTests {
  @Test(arguments: [
    ("fd00::ffff/8", "fd00::", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
    ("::1/0", "::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
    ("fd00::1/128", "fd00::1", "fd00::1"),
    ("fd00::1:8000:0:0:5/65", "fd00:0:0:1:8000::", "fd00:0:0:1:ffff:ffff:ffff:ffff"),
    ("fd00::5/64", "fd00::", "fd00::ffff:ffff:ffff:ffff"),
  ])
  func `a block has a first and a last address`(_ text: String, _ first: String, _ last: String) throws {
    let block = try #require(IPv6CIDR(text))
    #expect(block.first.description == first)
    #expect(block.last == IPv6Address(last))
    #expect(block.masked == IPv6CIDR(address: block.first, prefixLength: block.prefixLength))
    #expect(block.contains(block.first) && block.contains(block.last) && block.contains(block.address))
    #expect(block.description == text)
  }

  @Test func `what lies outside is not contained`() throws {
    let block = try #require(IPv6CIDR("fd00:0:0:1:8000::/65"))
    #expect(try !block.contains(#require(IPv6Address("fd00:0:0:1::"))))
    #expect(try !block.contains(#require(IPv6Address("fd01:0:0:1:8000::"))))
  }

  @Test(arguments: ["fd00::", "fd00::/129", "fd00::/08", "10.0.0.0/8", "/8", ""])
  func `anything else is no block`(_ text: String) {
    #expect(IPv6CIDR(text) == nil)
  }

  @Test func `a length out of range is refused`() {
    let address = IPv6Address(high: 1, low: 2)
    #expect(IPv6CIDR(address: address, prefixLength: -1) == nil && IPv6CIDR(address: address, prefixLength: 129) == nil)
  }
}
