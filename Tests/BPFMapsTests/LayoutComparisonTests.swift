// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import BPFMaps

/// `struct sample { u64 stamp; u32 length; u8 kind[3]; u8 verdict; }` as Swift has it.
private struct Sample: BPFValue, BitwiseCopyable {
  var stamp: UInt64
  var length: UInt32
  var kind: (UInt8, UInt8, UInt8)
  var verdict: UInt8
  var computed: UInt8 { verdict }

  static let layout = StructLayout(
    "sample", of: Self.self,
    fields: [
      .init("stamp", \.stamp), .init("length", \.length), .init("kind", \.kind), .init("verdict", \.verdict),
    ])
}

@Suite("Layout comparison")
struct LayoutComparisonTests {
  private func object(_ change: (inout [ObjectType.Field]) -> Void = { _ in }, size: Int = 16) -> ObjectType {
    var fields = [
      ObjectType.Field(name: "stamp", bitOffset: 0, size: 8, isBitField: false),
      ObjectType.Field(name: "length", bitOffset: 64, size: 4, isBitField: false),
      ObjectType.Field(name: "kind", bitOffset: 96, size: 3, isBitField: false),
      ObjectType.Field(name: "verdict", bitOffset: 120, size: 1, isBitField: false),
    ]
    change(&fields)
    return ObjectType(name: "sample", size: size, fields: fields)
  }

  @Test func `equal structs have no differences`() {
    #expect(Sample.layout.differences(from: object()) == nil)
  }

  @Test func `a field may be where an older version had padding, and nowhere else`() {
    #expect(Sample.layout.differences(from: object { $0[3].name = "padding" }) == nil)
    #expect(Sample.layout.differences(from: object { $0[1].name = "padding2" }) == nil)
    #expect(Sample.layout.differences(from: object { $0[1].name = "older" }) != nil)
    #expect(
      Sample.layout.differences(
        from: object {
          $0[1].name = "padding"
          $0[1].size = 2
        }) != nil)
    // The other way round nothing is known of what is there.
    #expect(
      Sample.layout.differences(
        from: object { $0.append(.init(name: "more", bitOffset: 128, size: 4, isBitField: false)) })
        != nil)
  }

  @Test func `a moved field is named with both offsets`() {
    #expect(
      Sample.layout.differences(from: object { $0[3].bitOffset = 96 + 8 })
        == #"struct sample: field "verdict" is at offset 13 in the object but at 15 in Swift"#)
  }

  @Test func `a field of another size is named with both sizes`() {
    #expect(
      Sample.layout.differences(from: object { $0[1].size = 2 })
        == #"struct sample: field "length" has 2 bytes in the object but 4 in Swift"#)
  }

  @Test func `a field that one side lacks is named, whichever side it is`() {
    #expect(
      Sample.layout.differences(from: object { $0[2].name = "sort" })
        == #"struct sample: field "sort" (offset 12) is in the object but not in Swift; field "kind" is in Swift but not in the object"#
    )
  }

  @Test func `another struct size is a difference even if all fields agree`() {
    #expect(
      Sample.layout.differences(from: object(size: 24))
        == "struct sample: it has 24 bytes in the object but 16 in Swift")
  }

  @Test func `another struct in its place is named`() {
    var other = object()
    other.name = "other"
    #expect(
      Sample.layout.differences(from: other) == "the object has struct other where Swift has struct sample")
    #expect(
      UInt64.layout.differences(from: object())
        == "the object has struct sample (16 bytes) where Swift has UInt64 (8 bytes)")
  }

  @Test func `a property that is not stored must be described by offset`() {
    let layout = StructLayout("sample", of: Sample.self, fields: [.init("stamp", \.computed)])
    let difference = layout.differences(
      from: ObjectType(
        name: "sample", size: 16, fields: [.init(name: "stamp", bitOffset: 0, size: 1, isBitField: false)]))
    #expect(
      difference == #"struct sample: field "stamp" is no stored property in Swift: describe it by offset and size"#)
    let described = StructLayout("sample", of: Sample.self, fields: [.init("stamp", offset: 0, size: 1)])
    #expect(
      described.differences(
        from: ObjectType(
          name: "sample", size: 16, fields: [.init(name: "stamp", bitOffset: 0, size: 1, isBitField: false)])) == nil)
  }

  @Test func `bit-fields may be left out, not listed`() {
    let withBits = object { $0.append(.init(name: "bits", bitOffset: 121, size: 4, isBitField: true)) }
    #expect(Sample.layout.differences(from: withBits) == nil)
    #expect(Sample.layout.differences(from: object { $0[3].isBitField = true })?.contains("bit-field") == true)
  }

  @Test func `a type known at run time is compared with a layout`() throws {
    let type = try SampleTypes().type("flow_key")
    struct Key { var source: UInt32 = 0, count: UInt32 = 0, port: UInt16 = 0, transport: UInt8 = 0, padding: UInt8 = 0 }
    let layout = StructLayout(
      "flow_key", of: Key.self,
      fields: [
        .init("source", \.source), .init("count", \.count), .init("port", \.port), .init("protocol", \.transport),
        .init("padding", \.padding),
      ])
    #expect(
      type.differences(from: layout)
        == #"struct flow_key: field "peer" (offset 12) is in the object but not in Swift; it has 16 bytes in the object but 12 in Swift"#
    )
    #expect(try SampleTypes().type("__u32").differences(from: UInt32.layout) == nil)
    #expect(try SampleTypes().type("from_pod").differences(from: layout)?.contains("has no size") == true)
  }

  @Test func `scalars compare by size`() {
    #expect(UInt32.layout.differences(from: ObjectType(name: "__u32", size: 4, fields: nil)) == nil)
    #expect(
      UInt32.layout.differences(from: ObjectType(name: "__u64", size: 8, fields: nil))
        == "UInt32 has 4 bytes in Swift but its place in the object has 8")
  }

  @Test func `unnamed padding of a key is found, inside and at the end`() {
    #expect(object().unnamedPadding == nil)
    #expect(object(size: 20).unnamedPadding?.contains("4 bytes of unnamed padding at offset 16") == true)
    #expect(
      object { $0.remove(at: 1) }.unnamedPadding?.contains("4 bytes of unnamed padding at offset 8") == true)
  }
}
