// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import BPFMaps

@Suite("Printing and reading maps")
struct MapFormatTests {
  private func format(
    _ kind: BPFMapKind, key: Int, value: Int, _ types: BPFMapTypes = BPFMapTypes(key: nil, value: nil)
  ) throws(BPFError) -> BPFMapFormat {
    let info = BPFMapInfo(
      name: "flow", identifier: 1, kind: kind, keySize: key, valueSize: value, maximumEntryCount: 8, flags: 0)
    return try BPFMapFormat(info, types)
  }

  @Test func `without types there are bytes, indexes and identifiers`() throws {
    #expect(try "\(format(.hash, key: 4, value: 2).key(of: [10, 0, 0, 1]))" == "hex:0a000001")
    #expect(try format(.hash, key: 4, value: 2).value(of: [1, 2]).json == #"["0x01","0x02"]"#)
    #expect(try "\(format(.programArray, key: 4, value: 4).key(of: [3, 0, 0, 0]))" == "3")
    #expect(try "\(format(.programArray, key: 4, value: 4).value(of: [0, 1, 0, 0]))" == "256")
  }

  @Test func `without types keys are read as numbers, addresses and bytes`() throws {
    let format = try format(.hash, key: 4, value: 12)
    #expect(try format.keyBytes(parsing: "258") == [2, 1, 0, 0])
    #expect(try format.keyBytes(parsing: "-1") == [255, 255, 255, 255])
    #expect(try format.keyBytes(parsing: "10.0.0.1") == [10, 0, 0, 1])
    #expect(try format.keyBytes(parsing: "hex:01020304") == [1, 2, 3, 4])
    #expect(try format.keyBytes(parsing: "1 2 0x3 4") == [1, 2, 3, 4])
    for (text, words) in [
      ("4294967296", "does not fit in its 4 bytes"), ("18446744073709551616", "does not fit in its 4 bytes"),
      ("0x1ffffffffffffffff", "does not fit in its 4 bytes"), ("hex:01", "it has 4 bytes, but 1 were given"),
      ("port=80", #"key of map "flow": "port=80": it has 4 bytes and no types; write hex:"#), ("", "4 bytes, but 0"),
    ] {
      do {
        _ = try format.keyBytes(parsing: text)
        Issue.record("\(text) was accepted")
      } catch {
        #expect(error.code == .invalidArgument && error.message.contains(words), "\(error)")
      }
    }
    #expect(throws: BPFError.self) { try format.valueBytes(parsing: "12") }
  }

  @Test func `a trie's key is a prefix`() throws {
    let format = try format(.lpmTrie, key: 8, value: 4)
    #expect(try format.keyBytes(parsing: "10.0.0.0/8") == [8, 0, 0, 0, 10, 0, 0, 0])
    #expect(try format.keyBytes(parsing: "10.0.0.1") == [32, 0, 0, 0, 10, 0, 0, 1])
    for text in ["10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1", "10.0.0.0/x"] {
      #expect {
        _ = try format.keyBytes(parsing: text)
      } throws: { "\($0)" == #"key of map "flow": "\#(text)": the prefix's length is 0 to 32"# }
    }
    #expect(throws: BPFError.self) { try format.keyBytes(parsing: "fd00::/64") }
    let wide = try self.format(.lpmTrie, key: 20, value: 4)
    #expect(try wide.keyBytes(parsing: "fd00::/9").prefix(6) == [9, 0, 0, 0, 0xfd, 0])
  }

  @Test func `with types a message names map and field`() throws {
    let types = try SampleTypes()
    let format = try format(
      .hash, key: 16, value: 4, BPFMapTypes(key: types.type("flow_key"), value: types.type("__u32")))
    #expect(format.isTyped)
    do {
      _ = try format.keyBytes(parsing: "source=1")
      Issue.record("accepted")
    } catch {
      #expect(error.message.hasPrefix(#"key of map "flow": struct flow_key also wants count"#), "\(error)")
    }
  }
}
