// SPDX-License-Identifier: Apache-2.0

import ServiceLB
import Testing

@Suite("Reserved ports")
struct ReservedPortsTests {
  @Test(arguments: [
    ("", ""), ("80", "80"), ("80,81", "80-81"), ("30000-32767,80", "80,30000-32767"), ("5-9,7-12,13,15", "5-13,15"),
    ("0-65535,9", "0-65535"), ("65535,65534", "65534-65535"), (" 8080\t,\n9090 ", "8080,9090"),
  ])
  func `a list is read, put in order and written`(text: String, written: String) throws {
    #expect(try #require(ReservedPorts(text)).description == written)
  }

  @Test(arguments: ["x", "1-", "-1", "9-1", "65536", "1-2-3"])
  func `what is no list of ports is refused`(text: String) { #expect(ReservedPorts(text) == nil) }

  @Test func `a range is contained as a whole or not`() throws {
    let ports = try #require(ReservedPorts("100-199,201-300"))
    #expect(ports.contains(100...199))
    #expect(ports.contains(150...150))
    #expect(!ports.contains(150...250))
    #expect(!ports.contains(200...200))
  }
}
