// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import BPFMaps

@Suite("Embedded objects")
struct EmbeddedObjectTests {
  @Test(arguments: [
    ("", ""), ("Zg==", "f"), ("Zm8=", "fo"), ("Zm9v", "foo"), ("Zm9vYg==", "foob"), ("Zm9vYmFy", "foobar"),
    ("/+8=", "\u{FFFD}\u{FFFD}"),
  ])
  func `base64 decodes as RFC 4648 says`(text: String, expected: String) {
    #expect(String(decoding: Base64.decode(text.utf8), as: UTF8.self) == expected)
  }

  @Test func `text that is not base64 ends the result`() {
    #expect(Base64.decode("Zm9v!Zm9v".utf8) == Array("foo".utf8))
  }
}
