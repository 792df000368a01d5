// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import Testing

@testable import BPFMaps

@Suite("Values of types known at run time")
struct BTFValueTests {
  private let samples: SampleTypes

  init() throws { samples = try SampleTypes() }

  private func error(_ body: () throws(BPFError) -> Void) -> BPFError? {
    do {
      try body()
      return nil
    } catch { return error }
  }

  @Test func `wire-order numbers are what they mean, and names tell addresses`() throws {
    let key = try samples.type("flow_key")
    let bytes: [UInt8] = [10, 0, 0, 1, 0, 0, 1, 0, 0x1f, 0x90, 6, 0, 1, 2, 3, 4]
    let value = try key.value(of: bytes)
    #expect("\(value)" == "source=10.0.0.1 count=256 port=8080 protocol=6 padding=0 peer=67305985")
    #expect(
      value.json
        == #"{"source":"10.0.0.1","count":256,"port":8080,"protocol":6,"padding":0,"peer":67305985}"#)
    #expect(try key.bytes(parsing: "\(value)") == bytes)
    #expect(try key.bytes(parsing: value.json) == bytes)
  }

  @Test func `each kind of member is read, and what is printed is read back`() throws {
    let type = try samples.type("everything")
    var bytes: [UInt8] = Array("hello".utf8) + [0, 0, 0]
    bytes += [0xfd] + [UInt8](repeating: 0, count: 14) + [1]
    bytes += [2, 0, 0, 0, 0, 1, 1, 0xfe]
    bytes += [2, 0, 0, 0]
    bytes += [UInt8](repeating: 0xff, count: 8)
    bytes += [0, 0, 0, 0, 0, 1, 0, 0]
    for number in 1...4 { bytes += [UInt8(number), 0, 0, 0] }
    bytes += [1, 0, 2, 0]
    bytes += [5] + [UInt8](repeating: 0, count: 14) + [0x80]
    bytes += [0xef, 0xbe, 0, 0, 0, 0, 0, 0]
    bytes += [0xff, 0xff, 0xff, 0xff]
    bytes += (0..<16).map { UInt8($0) } + [UInt8](repeating: 0, count: 20)
    let value = try type.value(of: bytes)
    let text = "\(value)"
    #expect(
      text == #"label="hello" address6=fd00::1 mac=02:00:00:00:00:01 is_open=true level=-2 state=OPEN "#
        + "big=18446744073709551615 flags=HUGE matrix=[[1,2],[3,4]] mark=131073 first=1 second=2 "
        + "wide=0x80000000000000000000000000000005 pointer=0xbeef number=-1 "
        + "raw=[0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15] reserved=0")
    #expect(try type.bytes(parsing: text) == bytes)
    #expect(try type.bytes(parsing: value.json) == bytes)
  }

  @Test func `bit-fields are read and written in their place`() throws {
    let type = try samples.type("bits")
    let value = try type.value(of: [0b101, 0b0010_1111, 0, 0, 7, 0, 0, 0])
    #expect("\(value)" == "low=5 signed=-1 state=OPEN plain=7")
    #expect(try type.bytes(parsing: "\(value)") == [0b101, 0b0010_1111, 0, 0, 7, 0, 0, 0])
    #expect(try type.bytes(parsing: "low=5 signed=-8 state=CLOSED plain=0")[1] == 0b1000)
    #expect(
      error { () throws(BPFError) in
        _ = try samples.btf.types(named: "bits")[0].bytes(parsing: "low=8 signed=0 state=0 plain=0")
      }?
      .message == #"field "low": 8 does not fit: unsigned int holds 0 to 7"#)
  }

  @Test func `text that is none is a list, and an unknown constant its number`() throws {
    let type = try samples.type("everything")
    var bytes = [UInt8](repeating: 0, count: 136)
    bytes.replaceSubrange(0..<8, with: [0x61, 0, 0x62, 0, 0, 0, 0, 0])
    bytes[32] = 77
    let text = "\(try type.value(of: bytes))"
    #expect(text.contains("label=[97,0,98,0,0,0,0,0]"))
    #expect(text.contains("state=77"))
    #expect(try type.bytes(parsing: text) == bytes)
  }

  @Test(arguments: [
    ("source=10.0.0.1", "struct flow_key also wants count, port, protocol, peer"),
    (
      "source=10.0.0.300 count=1 port=1 protocol=1 peer=1",
      #"field "source": "10.0.0.300" is no number; __be32 wants 0"#
    ),
    ("source=1 count=1 port=65536 protocol=1 peer=1", #"field "port": 65536 does not fit: __be16 holds 0 to 65535"#),
    ("source=1 count=1 port=-1 protocol=1 peer=1", #"field "port": -1 does not fit: __be16 holds 0 to 65535"#),
    ("source=1 count=1 port=1 protocol=1 peer=1 x=1", #"field "x": struct flow_key has no such field; it has: source"#),
    ("source=1 source=2 count=1 port=1 protocol=1 peer=1", #"field "source": it was given twice"#),
    ("7", "struct flow_key wants its fields: NAME=VALUE …, with source, count, port"),
    ("source=[1,2] count=1 port=1 protocol=1 peer=1", #"field "source": __be32 wants a number"#),
    ("hex 0a 00", "has 16 bytes, but 2 were given"), ("hex:0g", #""0g" is no hexadecimal byte"#),
    ("source=", "character 8: a value is missing"), (#"{"source":1"#, #""}" is missing"#),
    (#"{"source" 1}"#, #""source" is no field: write NAME=VALUE"#), ("source=\"1", "a quotation mark is missing"),
    ("", "a value is missing"),
  ])
  func `what is wrong is said with the field's name`(_ text: String, _ words: String) throws {
    let key = try samples.type("flow_key")
    let failure = error { () throws(BPFError) in _ = try key.bytes(parsing: text) }
    #expect(failure?.code == .invalidArgument)
    #expect(failure?.message.contains(words) == true, "\(failure?.message ?? "accepted")")
  }

  @Test func `members of a union share their place`() throws {
    let members = try samples.type("everything").members?.first { $0.name.isEmpty }
    let union = try #require(members).type
    #expect(try union.bytes(parsing: "mark=131073") == [1, 0, 2, 0])
    #expect(try union.bytes(parsing: "first=1 second=2") == [1, 0, 2, 0])
    #expect(try union.bytes(parsing: "mark=131073 first=1 second=2") == [1, 0, 2, 0])
    #expect(
      error { () throws(BPFError) in _ = try union.bytes(parsing: "mark=1 first=1 second=2") }?.message.contains(
        "share their place, but differ") == true)
    #expect(
      error { () throws(BPFError) in _ = try union.bytes(parsing: "first=1") }?.message.contains("also wants second")
        == true)
    #expect(
      error { () throws(BPFError) in _ = try union.bytes(parsing: "{}") }?.message.contains(
        "also wants mark or first or second") == true)
  }

  @Test func `scalars are numbers, names, addresses and bytes`() throws {
    #expect(try samples.type("__u32").bytes(parsing: "0xff") == [255, 0, 0, 0])
    #expect(try samples.type("__u32").bytes(parsing: "10.0.0.1") == [10, 0, 0, 1])
    #expect(try samples.type("__be16").bytes(parsing: "80") == [0, 80])
    #expect(try samples.type("int").bytes(parsing: "-2147483648") == [0, 0, 0, 0x80])
    #expect(
      try samples.type("unsigned long long").bytes(parsing: "18446744073709551615") == .init(repeating: 255, count: 8))
    #expect(try samples.type("state").bytes(parsing: "BROKEN") == [255, 255, 255, 255])
    #expect(try samples.type("state").bytes(parsing: "-1") == [255, 255, 255, 255])
    #expect(try samples.type("_Bool").bytes(parsing: "true") == [1])
    #expect(try samples.type("__u32").bytes(parsing: "hex 0a 00 0 1") == [10, 0, 0, 1])
    for (name, text) in [
      ("int", "2147483648"), ("int", "-2147483649"), ("__u32", "4294967296"), ("__u32", "1x"), ("__u32", "+1"),
      ("__u32", "0x"), ("state", "SHUT"), ("_Bool", "2"), ("__u8", "10.0.0.1"),
    ] {
      let type = try samples.type(name)
      #expect(throws: BPFError.self, "\(text) as \(name)") { try type.bytes(parsing: text) }
    }
  }

  @Test(arguments: [
    (0x3fc0_0000 as UInt32, "1.5"), (0x8000_0000, "-0.0"), (1, "1.401298464324817e-45"), (0xff80_0000, "-inf"),
    (0x7fc0_0000, "nan"), (0x7fc0_0001, "hex:0100c07f"), (0x7f80_0001, "hex:0100807f"), (0xffff_ffff, "hex:ffffffff"),
  ])
  func `what is no number is read back bit by bit, too`(_ bits: UInt32, _ text: String) throws {
    var builder = BTFBuilder()
    let int = builder.integer("unsigned int", 4)
    let float = builder.add(16, "float", 4)
    _ = builder.structure("either", 4, isUnion: true, [("word", int, 0), ("number", float, 0)])
    let type = try #require(try BTF(decoding: builder.bytes).types(named: "either").first)
    let bytes = (0..<4).map { UInt8(truncatingIfNeeded: bits >> (8 * $0)) }
    let value = try type.value(of: bytes)
    #expect("\(value)" == "word=\(bits) number=\(text)")
    #expect(try type.bytes(parsing: "\(value)") == bytes)
    #expect(try type.bytes(parsing: value.json) == bytes)
  }

  @Test func `a function's own variable is written by its name, which has a dot`() throws {
    var builder = BTFBuilder()
    let int = builder.integer("int", 4)
    let pair = builder.structure("pair", 8, [("left", int, 0), ("right", int, 32)])
    let variables = [builder.add(14, "counts.total", int, [0]), builder.add(14, "last", pair, [1])]
    _ = builder.add(15, ".bss", count: 2, 12, [variables[0], 0, 4, variables[1], 4, 8])
    let section = try #require(try BTF(decoding: builder.bytes).types(named: ".bss").first)
    let bytes: [UInt8] = [5, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0]
    let text = "\(try section.value(of: bytes))"
    #expect(text == "counts.total=5 last={left=1 right=2}")
    #expect(try section.bytes(parsing: text) == bytes)
    #expect(try section.bytes(parsing: "counts.total=5 last.left=1 last.right=2") == bytes)
  }

  @Test func `too few bytes are an error, and a type without size has no values`() throws {
    #expect(
      error { () throws(BPFError) in _ = try samples.btf.types(named: "flow_key")[0].value(of: [1, 2]) }?.code
        == .layoutMismatch)
    #expect(
      error { () throws(BPFError) in _ = try samples.btf.types(named: "from_pod")[0].value(of: []) }?.code
        == .malformedObject)
  }

  @Test func `values of a struct that contains itself are refused`() throws {
    var builder = BTFBuilder()
    _ = builder.integer("int", 4)
    _ = builder.structure("s", 4, [("a", 2, 0), ("b", 2, 0)])
    let type = try #require(try BTF(decoding: builder.bytes)[2])
    #expect(
      error { () throws(BPFError) in _ = try type.value(of: [1, 2, 3, 4]) }?.message.contains("no end") == true)
    #expect(throws: BPFError.self) { try type.bytes(parsing: "a={a={a=1 b=1} b=1} b={a=1 b=1}") }
  }

  @Test func `deep and long input ends with an error`() throws {
    let type = try samples.type("flow_key")
    #expect(throws: BPFError.self) { try type.bytes(parsing: String(repeating: "[", count: 100_000)) }
    #expect(throws: BPFError.self) { try type.bytes(parsing: String(repeating: "{a=", count: 100_000)) }
    #expect(throws: BPFError.self) { try type.bytes(parsing: String(repeating: "x", count: 2 << 20)) }
  }
}
