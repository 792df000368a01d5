// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import BPFMaps

@Suite("Records of pins' owners")
struct OwnerRecordTests {
  private static let record = OwnerRecord(
    owner: "terway agent",
    entries: [
      .init(kind: .map, identifier: 12, name: "flow"),
      .init(kind: .program, identifier: 4_294_967_295, name: "from_pod"),
    ])

  @Test func `a record is read as it was written`() {
    #expect(OwnerRecord(parsing: Self.record.text) == Self.record)
    let empty = OwnerRecord(owner: "x", entries: [])
    #expect(OwnerRecord(parsing: empty.text) == empty)
  }

  @Test(arguments: [
    "", "bpfmaps pins 1\n", "bpfmaps pins 2\nowner x\n", "bpfmaps pins 1\nowner x\nmap 1\n",
    "bpfmaps pins 1\nowner x\nmap 1 ../flow\n", "bpfmaps pins 1\nowner x\nmap 1 a/b\n",
    "bpfmaps pins 1\nowner x\nmap -1 flow\n", "bpfmaps pins 1\nowner x\nplug 1 flow\n",
    "bpfmaps pins 1\nowner x\nmap 1 flow",
    "bpfmaps pins 1\nowner x\nmap 1 .\n",
  ])
  func `what is no record is refused`(text: String) {
    #expect(OwnerRecord(parsing: text) == nil)
  }

  @Test func `no prefix of a record is one, unless it ends a line`() {
    let text = Self.record.text
    for length in text.indices where text[length] != "b" {
      let prefix = String(text[..<length])
      if let record = OwnerRecord(parsing: prefix) { #expect(record.text == prefix) }
    }
  }
}
