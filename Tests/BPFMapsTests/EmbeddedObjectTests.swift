// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import BPFMaps

@Suite("Embedded objects")
struct EmbeddedObjectTests {
  @Test(
    arguments: [
      ("", []), ("Zg==", [0x66]), ("Zm8=", [0x66, 0x6f]), ("Zm9vYmFy", Array("foobar".utf8)), ("/+8=", [0xff, 0xef]),
    ] as [(String, [UInt8])])
  func `base64 decodes as RFC 4648 says`(text: String, expected: [UInt8]) {
    #expect(Base64.decode(text.utf8) == expected)
  }

  @Test func `text that is not base64 ends the result`() {
    #expect(Base64.decode("Zm9v!Zm9v".utf8) == Array("foo".utf8))
  }

  @Test func `an object decodes from its static string`() {
    #expect(EmbeddedObject(name: "foo", base64: "Zm9v").bytes() == Array("foo".utf8))
  }

  @Test func `bytes that are no object are refused by name`() {
    #expect {
      _ = try BPFObject(EmbeddedObject(name: "foo", base64: "Zm9v"))
    } throws: { ($0 as? BPFError)?.code == .malformedObject && "\($0)".hasPrefix("open object \"foo\" (3 bytes)") }
  }
}
