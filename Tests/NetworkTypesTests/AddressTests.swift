// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import Testing

@Suite("Addresses")
struct AddressTests {
  @Test(arguments: ["0.0.0.0", "10.0.0.1", "255.255.255.255"])
  func `an IPv4 address reads and prints the same`(text: String) throws {
    #expect(try #require(IPv4Address(text)).description == text)
  }

  @Test(arguments: [
    "", "1.2.3", "1.2.3.4.5", "256.0.0.1", "01.2.3.4", "1..2.3", "1.2.3.4 ", "+1.2.3.4", "1.2.3.a", "١.٢.٣.٤",
  ])
  func `what is not an IPv4 address is refused`(text: String) {
    #expect(IPv4Address(text) == nil)
  }

  @Test(arguments: [
    ("::", "::"), ("::1", "::1"), ("1::", "1::"), ("FD00:0:0::0001", "fd00::1"), ("1:0:0:2:0:0:0:3", "1:0:0:2::3"),
    ("1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"), ("::ffff:10.0.0.1", "::ffff:10.0.0.1"),
    ("1:0:2:3:4:5:6:7", "1:0:2:3:4:5:6:7"),
    ("64:ff9b::192.0.2.33", "64:ff9b::c000:221"),
  ])
  func `an IPv6 address prints as RFC 5952 says`(text: String, canonical: String) throws {
    #expect(try #require(IPv6Address(text)).description == canonical)
  }

  @Test(arguments: [
    "", ":", ":::", "1::2::3", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "::12345", "fe80::1%eth0", "1:2:3:4:5:6:7::8",
    "::1.2.3",
    "1.2.3.4::", "g::", "::+1", ":1:2:3:4:5:6:7:8", "1:",
  ])
  func `what is not an IPv6 address is refused`(text: String) {
    #expect(IPv6Address(text) == nil)
  }

  @Test func `network order is the order in memory`() throws {
    let address = IPv4Address(10, 0, 0, 1)
    unsafe withUnsafeBytes(of: address.networkOrder) { #expect(unsafe Array($0) == [10, 0, 0, 1]) }
    #expect(IPv4Address(networkOrder: address.networkOrder) == address)
    #expect(NetworkOrder(UInt16(8080)).value == 8080)
  }

  @Test(arguments: ["00:16:3e:12:34:56", "ff:ff:ff:ff:ff:ff"])
  func `a MAC address reads and prints the same`(text: String) throws {
    let address = try #require(MACAddress(text))
    #expect(address.description == text)
    #expect(MACAddress(bytes: address.bytes) == address)
  }

  @Test(arguments: [
    "", "00:16:3e:12:34", "00:16:3e:12:34:5", "00:16:3e:12:34:567", "00:16:3e:12:34:gg", "+0:16:3e:12:34:56",
  ])
  func `what is not a MAC address is refused`(text: String) {
    #expect(MACAddress(text) == nil)
  }
}

@Suite("Blocks")
struct BlockTests {
  @Test(arguments: [
    ("10.1.2.3/8", "10.0.0.0/8"), ("10.1.2.3/32", "10.1.2.3/32"), ("0.0.0.0/0", "0.0.0.0/0"),
    ("fd00::1/64", "fd00::/64"), ("fd00:1:2:3:4::/65", "fd00:1:2:3::/65"), ("::1/0", "::/0"),
  ])
  func `a block keeps its host bits until masked`(text: String, masked: String) throws {
    let block = try #require(IPCIDR(text))
    #expect(block.description == text)
    #expect(block.masked.description == masked)
  }

  @Test(arguments: [
    "10.0.0.0", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/08", "10.0.0.0/", "fd00::/129", "/8", "10.0.0.0/8/8",
    "10.0.0.0/+8",
  ])
  func `what is not a block is refused`(text: String) {
    #expect(IPCIDR(text) == nil)
  }

  @Test func `a block covers its addresses and no other family's`() throws {
    let block = try #require(IPCIDR("10.1.0.0/16"))
    #expect(block.contains(try #require(IPAddress("10.1.255.255"))))
    #expect(!block.contains(try #require(IPAddress("10.2.0.0"))))
    #expect(!block.contains(try #require(IPAddress("::ffff:10.1.0.1"))))
    #expect(block.contains(try #require(IPCIDR("10.1.2.0/24"))))
    #expect(!block.contains(try #require(IPCIDR("10.0.0.0/8"))))
  }
}

@Suite("Names and numbers")
struct NameTests {
  @Test(arguments: ["eth0", "a", "fifteen-bytes-x", "ipvl_12", "br.100"])
  func `a link name is accepted`(text: String) { #expect(InterfaceName(text)?.rawValue == text) }

  @Test(arguments: ["", ".", "..", "sixteen-bytes-xx", "a/b", "a b", "a:b", "a\n", "a\u{7f}"])
  func `a name that the kernel refuses is refused`(text: String) { #expect(InterfaceName(text) == nil) }

  @Test func `port 0 and index 0 are refused`() {
    #expect(Port(0) == nil)
    #expect(Port(65536) == nil)
    #expect(Port(65535)?.rawValue == 65535)
    #expect(InterfaceIndex(rawValue: 0) == nil)
  }
}
