// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import BPFMaps

@Suite("C declarations")
struct BTFDeclarationTests {
  private let samples: SampleTypes

  init() throws { samples = try SampleTypes() }

  @Test func `a struct is written as it was declared`() throws {
    #expect(
      try samples.type("flow_key").definition == """
        struct flow_key {
          __be32 source;
          __be32 count;
          __be16 port;
          __u8 protocol;
          __u8 padding;
          __u32 peer;
        };
        """)
    #expect(
      try samples.type("bits").definition == """
        struct bits {
          unsigned int low : 3;
          unsigned int : 5;
          int signed : 4;
          enum state state : 3;
          __u32 plain;
        };
        """)
    let everything = try samples.type("everything").definition
    #expect(everything.contains("  __u32 matrix[2][2];\n"))
    #expect(everything.contains("  void *pointer;\n"))
    #expect(everything.contains("  union {\n    __u32 mark;\n    struct {\n      unsigned short first;"))
    #expect(everything.contains("    };\n  };\n  __int128 unsigned wide;"))
  }

  @Test func `pointers, arrays and functions bind as in C`() throws {
    #expect(try samples.type("callbacks").definition == "typedef int (*(*callbacks)[4])(void *context, ...);")
    #expect(try samples.type("from_pod").definition == "int from_pod(struct __sk_buff *skb, const char *name);")
    #expect(try samples.type("limit").definition == "const volatile __u32 limit;")
    #expect(try samples.type(".rodata").definition == "const volatile __u32 limit;  // offset 4, 4 bytes")
  }

  @Test func `a struct that only a packed one can be is packed`() throws {
    var builder = BTFBuilder()
    let int = builder.integer("int", 4, encoding: 1)
    let char = builder.integer("char", 1, encoding: 1)
    let packed = builder.structure("packed", 5, [("letter", char, 0), ("number", int, 8)])
    _ = builder.structure("tail", 5, [("number", int, 0), ("letter", char, 32)])
    _ = builder.structure("holder", 6, [("letter", char, 0), ("inner", packed, 8)])
    _ = builder.structure("plain", 8, [("letter", char, 0), ("number", int, 32)])
    // Contains itself: no answer, and no trap.
    let circle = builder.last + 1
    _ = builder.structure("circle", 8, [("one", circle, 0), ("two", circle, 0), ("three", circle, 0)])
    let btf = try BTF(decoding: builder.bytes)
    func end(_ name: String) throws -> String {
      try #require(btf.types(named: name).first?.definition.split(separator: "\n").last.map(String.init))
    }
    #expect(try end("packed") == "} __attribute__((packed));" && end("tail") == "} __attribute__((packed));")
    #expect(try end("holder") == "};" && end("plain") == "};" && end("circle").hasPrefix("}"))
  }

  @Test func `qualifiers and tags between a pointer and what it points to change no binding`() throws {
    var builder = BTFBuilder()
    let int = builder.integer("int", 4, encoding: 1)
    _ = builder.typedef("rows", builder.pointer(builder.add(10, "", builder.array(int, 3))))
    _ = builder.typedef("hook", builder.pointer(builder.add(18, "rcu", builder.prototype(int, []))))
    let btf = try BTF(decoding: builder.bytes)
    #expect(btf.types(named: "rows").first?.definition == "typedef const int (*rows)[3];")
    #expect(btf.types(named: "hook").first?.definition == "typedef int (*hook)(void);")
  }

  @Test func `enumerations have their constants`() throws {
    #expect(try samples.type("state").definition == "enum state {\n  CLOSED = 0,\n  OPEN = 2,\n  BROKEN = -1,\n};")
    #expect(try samples.type("flags").definition == "enum flags {\n  NONE = 0,\n  HUGE = 1099511627776,\n};")
  }

  @Test func `a type mentions the others by name, so that circles end`() throws {
    #expect(try samples.type("node").definition == "struct node {\n  struct node *next;\n  __u32 value;\n};")
    var builder = BTFBuilder()
    _ = builder.integer("int", 4)
    // A pointer to a function that takes that pointer: nothing on the way has a name.
    let pointer = builder.pointer(3)
    _ = builder.prototype(0, [("", pointer), ("", pointer)])
    // An unnamed struct that contains itself twice.
    _ = builder.structure("", 4, [("a", 4, 0), ("b", 4, 0)])
    let btf = try BTF(decoding: builder.bytes)
    for identifier in [pointer, 3, 4] {
      let type = try #require(btf[identifier])
      #expect(type.description.contains("…"))
      #expect(type.definition.utf8.count < 50_000_000)
    }
  }

  @Test func `a declaration names what is declared`() throws {
    let members = try #require(try samples.type("everything").members)
    #expect(members[0].type.declaration(of: "text") == "char text[8]")
    #expect(members[0].type.description == "char[8]")
    #expect(members[11].type.description == "void *")
    #expect(members.map(\.bitOffset).prefix(3) == [0, 64, 192])
  }

  @Test func `types that continue others name and use those`() throws {
    var builder = try BTFBuilder(after: samples.bytes)
    let key = try samples.type("flow_key").identifier
    let number = builder.integer("module_number", 4)
    let structure = builder.structure("module_flow", 20, [("key", key, 0), ("number", number, 128)])
    let module = try BTF(decoding: builder.bytes, base: samples.btf)
    #expect(module.count == samples.btf.count + 2 && structure == module.count - 1)
    let type = try #require(module.types(named: "module_flow").first)
    #expect(type.definition == "struct module_flow {\n  struct flow_key key;\n  module_number number;\n};")
    #expect(
      try type.bytes(parsing: "key={source=1 count=2 port=3 protocol=4 peer=5} number=6").suffix(4) == [6, 0, 0, 0])
    #expect(module.types(named: "flow_key").map(\.identifier) == [key])
    #expect(throws: BPFError.self, "without the base its references lead nowhere") {
      try BTF(decoding: builder.bytes)
    }
  }
}
