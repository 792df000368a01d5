// SPDX-License-Identifier: Apache-2.0

@testable import BPFMaps

/// Writes BTF word by word from the format's definition (Documentation/bpf/btf.rst).
struct BTFBuilder {
  private var strings: [UInt8] = [0]
  private var words: [UInt32] = []
  private(set) var last: UInt32 = 0

  mutating func name(_ text: String) -> UInt32 {
    guard !text.isEmpty else { return 0 }
    defer { strings += Array(text.utf8) + [0] }
    return UInt32(strings.count)
  }

  @discardableResult
  mutating func add(
    _ kind: UInt32, _ text: String, count: Int = 0, flag: Bool = false, _ sizeOrType: UInt32 = 0,
    _ details: [UInt32] = []
  ) -> UInt32 {
    words += [name(text), (flag ? 1 : 0) << 31 | kind << 24 | UInt32(count), sizeOrType] + details
    last += 1
    return last
  }

  /// Encoding: 1 signed, 2 character, 4 truth value.
  mutating func integer(_ text: String, _ size: UInt32, encoding: UInt32 = 0) -> UInt32 {
    add(1, text, size, [encoding << 24 | size * 8])
  }

  mutating func typedef(_ text: String, _ type: UInt32) -> UInt32 { add(8, text, type) }

  mutating func pointer(_ type: UInt32) -> UInt32 { add(2, "", type) }

  mutating func array(_ type: UInt32, _ count: UInt32) -> UInt32 { add(3, "", 0, [type, 1, count]) }

  /// Members: name, type, offset in bits.
  mutating func structure(
    _ text: String, _ size: UInt32, isUnion: Bool = false, _ members: [(String, UInt32, UInt32)]
  ) -> UInt32 {
    let details = members.flatMap { member in [name(member.0), member.1, member.2] }
    return add(isUnion ? 5 : 4, text, count: members.count, size, details)
  }

  /// Members: name, type, offset in bits, width in bits (0: no bit-field).
  mutating func bitStructure(
    _ text: String, _ size: UInt32, _ members: [(String, UInt32, UInt32, UInt32)]
  ) -> UInt32 {
    let details = members.flatMap { member in [name(member.0), member.1, member.3 << 24 | member.2] }
    return add(4, text, count: members.count, flag: true, size, details)
  }

  mutating func enumeration(_ text: String, isSigned: Bool = false, _ constants: [(String, Int32)]) -> UInt32 {
    let details = constants.flatMap { [name($0.0), UInt32(bitPattern: $0.1)] }
    return add(6, text, count: constants.count, flag: isSigned, 4, details)
  }

  mutating func wideEnumeration(_ text: String, _ constants: [(String, UInt64)]) -> UInt32 {
    let details = constants.flatMap { [name($0.0), UInt32(truncatingIfNeeded: $0.1), UInt32($0.1 >> 32)] }
    return add(19, text, count: constants.count, 8, details)
  }

  mutating func prototype(_ result: UInt32, _ parameters: [(String, UInt32)]) -> UInt32 {
    let details = parameters.flatMap { [name($0.0), $0.1] }
    return add(13, "", count: parameters.count, result, details)
  }

  /// The whole section.
  var bytes: [UInt8] {
    let types = UInt32(words.count * 4)
    let header: [UInt32] = [0x0001_eb9f, 24, 0, types, types, UInt32(strings.count)]
    return (header + words).flatMap { word in (0..<4).map { UInt8(truncatingIfNeeded: word >> (8 * UInt32($0))) } }
      + strings
  }
}

/// One of everything that C can say, and some circles.
struct SampleTypes {
  let bytes: [UInt8]
  let btf: BTF

  init() throws(BPFError) {
    var builder = BTFBuilder()
    let int = builder.integer("int", 4, encoding: 1)
    let unsigned = builder.integer("unsigned int", 4)
    let char = builder.integer("char", 1, encoding: 1)
    let byte = builder.integer("unsigned char", 1)
    let short = builder.integer("unsigned short", 2)
    let long = builder.integer("unsigned long long", 8)
    let bool = builder.integer("_Bool", 1, encoding: 4)
    let wide = builder.integer("__int128 unsigned", 16)
    let u32 = builder.typedef("__u32", unsigned)
    let u8 = builder.typedef("__u8", byte)
    let be32 = builder.typedef("__be32", u32)
    let be16 = builder.typedef("__be16", builder.typedef("__u16", short))
    let state = builder.enumeration("state", isSigned: true, [("CLOSED", 0), ("OPEN", 2), ("BROKEN", -1)])
    let flags = builder.wideEnumeration("flags", [("NONE", 0), ("HUGE", 1 << 40)])
    let inner = builder.structure(
      "", 4, [("first", short, 0), ("second", short, 16)])
    let union = builder.structure("", 4, isUnion: true, [("mark", u32, 0), ("", inner, 0)])
    _ = builder.structure("node", 16, [("next", builder.pointer(builder.last + 2), 0), ("value", u32, 64)])
    _ = builder.structure(
      "flow_key", 16,
      [
        ("source", be32, 0), ("count", be32, 32), ("port", be16, 64), ("protocol", u8, 80), ("padding", u8, 88),
        ("peer", u32, 96),
      ])
    let chars = builder.array(char, 8)
    let octets = builder.array(u8, 16)
    let mac = builder.array(u8, 6)
    let matrix = builder.array(builder.array(u32, 2), 2)
    _ = builder.structure(
      "everything", 136,
      [
        ("label", chars, 0), ("address6", octets, 64), ("mac", mac, 192), ("is_open", bool, 240), ("level", char, 248),
        ("state", state, 256), ("big", long, 288), ("flags", flags, 352), ("matrix", matrix, 416), ("", union, 544),
        ("wide", wide, 576), ("pointer", builder.pointer(0), 704), ("number", int, 768), ("raw", octets, 800),
        ("reserved", u32, 928),
      ])
    _ = builder.bitStructure(
      "bits", 8,
      [
        ("low", unsigned, 0, 3), ("", unsigned, 3, 5), ("signed", int, 8, 4), ("state", state, 12, 3),
        ("plain", u32, 32, 0),
      ])
    let callback = builder.prototype(int, [("context", builder.pointer(0)), ("", 0)])
    let table = builder.array(builder.pointer(callback), 4)
    _ = builder.typedef("callbacks", builder.pointer(table))
    let context = builder.add(7, "__sk_buff")
    let constant = builder.add(10, "", builder.add(9, "", u32))
    _ = builder.add(
      12, "from_pod", count: 1,
      builder.prototype(int, [("skb", builder.pointer(context)), ("name", builder.pointer(builder.add(10, "", char)))]))
    let variable = builder.add(14, "limit", constant, [1])
    _ = builder.add(15, ".rodata", count: 1, 8, [variable, 4, 4])
    bytes = builder.bytes
    btf = try BTF(decoding: bytes)
  }

  func type(_ name: String) throws -> BTFType {
    guard let type = btf.types(named: name).first else { throw BPFError(.notFound, "no sample type \(name)") }
    return type
  }
}
