// SPDX-License-Identifier: Apache-2.0

import Testing

/// Rules for the structs that BPF and Swift share: fixed-width fields, no hidden padding, size asserted, written once.
struct SharedStruct {
  let name: String
  /// Field names with width and count, in order.
  let fields: [(name: String, width: Int, count: Int)]
  let unknownFields: [String]

  static let widths = [
    "__u8": 1, "__s8": 1, "__u16": 2, "__be16": 2, "__s16": 2, "__u32": 4, "__be32": 4, "__s32": 4, "__u64": 8,
    "__be64": 8,
    "__s64": 8,
  ]

  /// The structs that a header defines; a field may be one that came before, here or in `known`.
  static func definitions(in text: String, known: [SharedStruct] = []) -> [SharedStruct] {
    var result: [SharedStruct] = []
    var current: (name: String, fields: [(String, Int, Int)], unknown: [String])?
    for line in text.split(separator: "\n") {
      let code = line.prefix(upTo: line.firstRange(of: "/*")?.lowerBound ?? line.endIndex)
      let words = code.split { " ;{".contains($0) }.map(String.init)
      if current == nil, code.hasPrefix("struct "), code.contains("{"), words.count >= 2 {
        current = (words[1], [], [])
      } else if let open = current {
        if code.hasPrefix("}") {
          result.append(SharedStruct(name: open.name, fields: open.fields, unknownFields: open.unknown))
          current = nil
        } else if words.count == 2, let width = widths[words[0]] {
          let parts = words[1].split { "[]".contains($0) }
          current?.fields.append((String(parts[0]), width, parts.count > 1 ? Int(parts[1]) ?? 0 : 1))
        } else if words.count == 3, words[0] == "struct",
          let part = (result + known).first(where: { $0.name == words[1] }), let size = part.size
        {
          current?.fields.append((words[2], part.alignment, size / part.alignment))
        } else if !words.isEmpty {
          current?.unknown.append(words.joined(separator: " "))
        }
      }
    }
    return result
  }

  /// The size if no padding is hidden; nil when a field would not lie on its own boundary.
  var size: Int? {
    var offset = 0
    for field in fields {
      guard offset.isMultiple(of: field.width) else { return nil }
      offset += field.width * field.count
    }
    return offset.isMultiple(of: alignment) ? offset : nil
  }

  /// The boundary it must lie on.
  var alignment: Int { fields.map(\.width).max() ?? 1 }

  /// Sentences that name struct and fault.
  static func violations(headers: [Repository.File], programs: [Repository.File], conformances: String) -> [String] {
    var complaints: [String] = []
    let known = headers.flatMap { definitions(in: $0.text) }
    for header in headers {
      for type in definitions(in: header.text, known: known) {
        complaints += type.unknownFields.map { "struct \(type.name): \"\($0)\" is not of fixed width" }
        if let size = type.size {
          if !header.text.contains("_Static_assert(sizeof(struct \(type.name)) == \(size),") {
            complaints.append("struct \(type.name): its size of \(size) bytes is not asserted")
          }
        } else {
          complaints.append("struct \(type.name): hidden padding; order fields big to small and name the padding")
        }
        if !conformances.contains("extension \(type.name): BPFValue") {
          complaints.append("struct \(type.name): no layout in DatapathPrograms")
        }
        for file in programs where definitions(in: file.text).contains(where: { $0.name == type.name }) {
          complaints.append("struct \(type.name): defined again in \(file.path)")
        }
      }
    }
    return complaints
  }
}

@Suite("Shared structs")
struct SharedStructTests {
  @Test func `every shared struct is fixed, asserted, described in Swift and written once`() throws {
    let repository = Repository()
    let headers = try repository.files(below: ["bpf/include"]) { $0.hasSuffix(".h") }
    let programs = try repository.files(below: ["bpf"]) {
      !$0.hasPrefix("bpf/include") && ($0.hasSuffix(".h") || $0.hasSuffix(".c"))
    }
    let swift = try repository.files(below: ["Sources/DatapathPrograms"]) { $0.hasSuffix(".swift") }
    #expect(headers.flatMap { SharedStruct.definitions(in: $0.text) }.count >= 15)
    let conformances = swift.map(\.text).joined()
    #expect(SharedStruct.violations(headers: headers, programs: programs, conformances: conformances) == [])
  }

  @Test func `planted faults are found`() {
    let header = Repository.File(
      path: "bpf/include/x_abi.h",
      text: """
        struct hidden {
          __u8 a;
          __u32 b;
        };
        struct loose {
          unsigned long a;
        };
        struct twice {
          __u32 a;
        };
        struct nested {
          struct twice a;
          struct other b;
        };
        """)
    let program = Repository.File(path: "bpf/x.bpf.c", text: "struct twice {\n  __u32 a;\n};\n")
    let complaints = SharedStruct.violations(
      headers: [header], programs: [program], conformances: "extension hidden: BPFValue")
    #expect(complaints.contains("struct hidden: hidden padding; order fields big to small and name the padding"))
    #expect(complaints.contains("struct loose: \"unsigned long a\" is not of fixed width"))
    #expect(complaints.contains("struct nested: \"struct other b\" is not of fixed width"))
    #expect(complaints.contains("struct nested: its size of 4 bytes is not asserted"))
    #expect(complaints.contains("struct twice: its size of 4 bytes is not asserted"))
    #expect(complaints.contains("struct twice: no layout in DatapathPrograms"))
    #expect(complaints.contains("struct twice: defined again in bpf/x.bpf.c"))
  }
}
