// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import BPFMaps

@Suite("BTF decoding")
struct BTFTests {
  /// The BTF of these declarations, written word by word from the format's definition (Documentation/bpf/btf.rst).
  ///
  /// ```c
  /// struct s { __u32 a; union { __u32 b; __u8 c[4]; }; unsigned d : 3; };   const volatile __u32 limit;  // .rodata + 4
  /// ```
  private static let bytes: [UInt8] = {
    var strings: [UInt8] = [0]
    func name(_ text: String) -> UInt32 {
      defer { strings += Array(text.utf8) + [0] }
      return UInt32(strings.count)
    }
    func info(_ kind: UInt32, count: UInt32 = 0, flag: UInt32 = 0) -> UInt32 { flag << 31 | kind << 24 | count }
    var types: [UInt32] = []
    types += [name("unsigned int"), info(1), 4, 32]  // 1
    types += [name("__u32"), info(8), 1]  // 2: typedef
    types += [name("unsigned char"), info(1), 1, 8]  // 3
    types += [0, info(3), 0, 3, 1, 4]  // 4: array of 4
    types += [0, info(5, count: 2), 4, name("b"), 2, 0, name("c"), 4, 0]  // 5: union
    types += [name("s"), info(4, count: 3, flag: 1), 12]  // 6: struct with bit-fields
    types += [name("a"), 2, 0, 0, 5, 32, name("d"), 1, 3 << 24 | 64]
    types += [0, info(9), 2]  // 7: volatile
    types += [0, info(10), 7]  // 8: const
    types += [name("limit"), info(14), 8, 1]  // 9: variable
    types += [name(".rodata"), info(15, count: 1), 8, 9, 4, 4]  // 10: section
    types += [name("loop"), info(8), 11]  // 11: a typedef of itself
    let typeBytes = UInt32(types.count * 4)
    let header: [UInt32] = [0x0001_eb9f, 24, 0, typeBytes, typeBytes, UInt32(strings.count)]
    return (header + types).flatMap { word in (0..<4).map { UInt8(truncatingIfNeeded: word >> (8 * UInt32($0))) } }
      + strings
  }()

  @Test func `unnamed members belong to their parent, and bit-fields are marked`() throws {
    let btf = try #require(BTF(Self.bytes))
    let type = try #require(btf.structure(named: "s"))
    #expect(type.size == 12)
    #expect(
      type.fields == [
        .init(name: "a", bitOffset: 0, size: 4, isBitField: false),
        .init(name: "b", bitOffset: 32, size: 4, isBitField: false),
        .init(name: "c", bitOffset: 32, size: 4, isBitField: false),
        .init(name: "d", bitOffset: 64, size: 4, isBitField: true),
      ])
    #expect(btf.structure(named: "t") == nil)
  }

  @Test func `modifiers and typedefs are looked through`() throws {
    let btf = try #require(BTF(Self.bytes))
    #expect(btf.type(8) == ObjectType(name: "unsigned int", size: 4, fields: nil))
    #expect(btf.type(0) == nil)
    #expect(btf.type(99) == nil)
    #expect(btf.type(11) == nil, "a typedef of itself is no type, and no endless loop")
  }

  @Test func `a section's variables have names, offsets and sizes`() throws {
    let btf = try #require(BTF(Self.bytes))
    #expect(btf.variables(inSection: ".rodata") == [.init(name: "limit", offset: 4, size: 4)])
    #expect(btf.variables(inSection: ".data").isEmpty)
  }

  @Test func `truncated or altered bytes are refused or decoded, never a trap`() {
    for count in 0..<Self.bytes.count { #expect(BTF(Array(Self.bytes.prefix(count))) == nil) }
    for index in Self.bytes.indices {
      for bit in 0..<8 {
        var bytes = Self.bytes
        bytes[index] ^= 1 << UInt8(bit)
        guard let btf = BTF(bytes) else { continue }
        for type in 0..<UInt32(16) { _ = btf.type(type) }
        _ = btf.variables(inSection: ".rodata")
      }
    }
  }

  @Test func `what is malformed is said with its offset`() {
    func message(_ change: (inout [UInt8]) -> Void) -> String {
      var bytes = Self.bytes
      change(&bytes)
      do {
        _ = try BTF(decoding: bytes)
        return "decoded"
      } catch {
        #expect(error.code == .malformedObject)
        return error.message
      }
    }
    #expect(message { _ in } == "decoded")
    #expect(message { $0[0] = 0 } == "decode BTF, offset 0: it does not begin with BTF's magic number")
    #expect(message { $0.swapAt(0, 1) } == "decode BTF, offset 0: it is in the other byte order")
    #expect(message { $0[2] = 2 } == "decode BTF, offset 2: version 2 is unknown")
    #expect(message { $0[5] = 255 }.hasPrefix("decode BTF, offset 4: the header's length is 65304"))
    #expect(message { $0.removeLast() }.hasPrefix("decode BTF, offset 16: names are beyond the end"))
    #expect(message { $0[$0.count - 1] = 65 }.hasSuffix("the last name has no end"))
    // The first type's kind, name, and the second's reference.
    #expect(message { $0[31] = 31 } == "decode BTF, offset 28: type of unknown kind 31")
    #expect(message { $0[25] = 255 }.hasPrefix("decode BTF, offset 24: name at 65"))
    #expect(message { $0[48] = 99 } == "decode BTF, offset 48: reference to type 99, but there are 12")
    #expect(message { $0 = [] } == "decode BTF, offset 0: 0 bytes are less than a header")
  }

  @Test(.timeLimit(.minutes(15))) func `a struct that contains itself many times over ends, whatever it means`() throws
  {
    // Sixty unnamed members, each the struct itself, then a named one.
    var types: [UInt32] = [1, 1 << 24, 4, 32]
    types += [3, 4 << 24 | 61, 4] + (0..<60).flatMap { _ in [0, 2, 0] as [UInt32] } + [5, 1, 0]
    let strings = Array("\0i\0s\0f\0".utf8)
    let typeBytes = UInt32(types.count * 4)
    let header: [UInt32] = [0x0001_eb9f, 24, 0, typeBytes, typeBytes, UInt32(strings.count)]
    let bytes = (header + types).flatMap { word in (0..<4).map { UInt8(truncatingIfNeeded: word >> (8 * UInt32($0))) } }
    let btf = try #require(BTF(bytes + strings))
    #expect(btf.structure(named: "s") == nil)
  }
}
