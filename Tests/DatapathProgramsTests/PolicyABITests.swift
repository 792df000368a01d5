// SPDX-License-Identifier: Apache-2.0

import CDatapathABI
import DatapathPrograms
import NetworkTypes
import Testing

@Suite("Policy and address values")
struct PolicyABITests {
  @Test(arguments: ["10.0.0.5", "0.0.0.0", "255.255.255.255", "fd00::5", "::", "::1", "fe80::a:0:1", "::fffe:1.2.3.4"])
  func `an address comes back as it went in`(text: String) throws {
    let address = try #require(IPAddress(text))
    #expect(ip_address(address).address == address)
  }

  @Test func `bytes lie in network order, IPv4 in its mapped form`() throws {
    func bytes(_ address: ip_address) -> [UInt8] { unsafe withUnsafeBytes(of: address) { unsafe Array($0) } }
    let mapped: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 1, 2, 3]
    #expect(bytes(ip_address(IPv4Address(10, 1, 2, 3))) == mapped)
    let address = try #require(IPv6Address("102:304:506:708:90a:b0c:d0e:f10"))
    #expect(bytes(ip_address(address)) == Array(1...16))
  }

  @Test func `an endpoint has the families it was given`() throws {
    let both = endpoint(ipv4: IPv4Address(10, 0, 0, 5), ipv6: IPv6Address("fd00::5"), flags: 1)
    #expect(both.ipv4 == IPv4Address(10, 0, 0, 5) && both.ipv6 == IPv6Address("fd00::5") && both.flags == 1)
    #expect(endpoint(flags: 0).ipv4 == nil && endpoint(flags: 0).ipv6 == nil)
    #expect(endpoint(ipv6: IPv6Address("fd00::5"), flags: 0).ipv4 == nil)
  }

  @Test func `a version word keeps its two values apart for 2^15 generations`() {
    let word = version_word(before: 0xff_ffff, after: 3, since: 70_000)
    #expect(word.value(in: 69_999) == 0xff_ffff && word.value(in: 70_000) == 3)
    #expect(word.value(in: 70_000 + 32_767) == 3)
    #expect(word.value(in: 70_000 - 32_768) == 0xff_ffff)
    let settled = version_word(9)
    for generation in [0, 1, 40_000, UInt32.max] { #expect(settled.value(in: generation) == 9) }
  }
}
