// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import BPFMaps

/// What the kernel says of filters is read from bytes, which are not trusted.
@Suite("Messages about filters")
struct FilterMessageTests {
  private static func filter(program: UInt32) -> [UInt8] {
    var message = FilterMessage(interface: 7, parent: TrafficControlDirection.egress.parent)
    message.handle = 3
    message.priority = 49_152
    let options = RouteSocket.attribute(2, RouteSocket.attribute(11, RouteSocket.bytes(program)))
    return message.request(44, attributes: FilterMessage.kindOfBPF + options).payload
  }

  @Test func `what is asked for is read back`() throws {
    let bytes = Self.filter(program: 4711)
    let message = try #require(FilterMessage(parsing: bytes[...]))
    #expect(message.interface == 7 && message.handle == 3 && message.priority == 49_152)
    #expect(message.parent == 0xffff_fff3 && message.kind == "bpf" && message.program == 4711)
    // The protocol is in the order of the wire: all protocols, ETH_P_ALL.
    #expect(Array(bytes[16..<20]) == [0, 3, 0, 0xc0])
  }

  @Test func `a slice is read from its own beginning`() throws {
    let bytes = [9, 9, 9, 9, 9] + Self.filter(program: 12)
    #expect(try #require(FilterMessage(parsing: bytes.dropFirst(5))).program == 12)
  }

  @Test func `attributes are padded, and their lengths are not`() {
    let bytes = RouteSocket.attribute(7, [1, 2, 3, 4, 5])
    #expect(bytes == [9, 0, 7, 0, 1, 2, 3, 4, 5, 0, 0, 0])
    #expect(RouteSocket.attribute(7, in: bytes[...]).map(Array.init) == [1, 2, 3, 4, 5])
    // The flags of nested attributes and byte order do not belong to the type.
    var nested = bytes
    nested[3] = 0x80
    #expect(RouteSocket.attribute(7, in: nested[...])?.count == 5)
  }

  @Test func `a message that is cut off says less, and never more`() {
    let bytes = Self.filter(program: 4711)
    for count in 0..<bytes.count {
      let message = FilterMessage(parsing: bytes.prefix(count))
      #expect((message != nil) == (count >= 20))
      #expect(message?.program == nil)
    }
  }

  @Test(arguments: [0, 1, 3, 255, 0xffff] as [UInt16])
  func `an attribute of a length that cannot be ends the search`(length: UInt16) {
    let bytes = RouteSocket.bytes(length) + [1, 0] + Array("bpf".utf8) + [0] + FilterMessage.kindOfBPF
    #expect(RouteSocket.attribute(1, in: bytes[...]) == nil)
  }

  @Test func `any bytes are read without a trap`() {
    var generator = SystemRandomNumberGenerator()
    for _ in 0..<5000 {
      var bytes = Self.filter(program: .random(in: 0...UInt32.max))
      for _ in 0..<Int.random(in: 0...4) {
        bytes[.random(in: bytes.indices)] = .random(in: 0...255, using: &generator)
      }
      let message = FilterMessage(parsing: bytes.prefix(.random(in: 0...bytes.count)))
      #expect(message?.kind?.utf8.count ?? 0 <= 3 * bytes.count)
    }
  }
}
