// SPDX-License-Identifier: Apache-2.0

import BPFMaps
import DatapathPrograms
import Foundation
import KernelTestSupport
import LinuxSystem
import SystemPackage
import Testing

extension KernelFeature {
  /// What this module's answers are compared with.
  static let bpftool = KernelFeature("bpftool") {
    for folder in ["/usr/sbin", "/sbin", "/usr/local/sbin", "/usr/bin"]
    where FileManager.default.isExecutableFile(atPath: "\(folder)/bpftool") {
      return .available
    }
    return .missing(reason: "not installed; apt-get install bpftool")
  }
}

/// What `bpftool -j` prints, as JSON.
func bpftool(_ arguments: String) async throws -> Any {
  let text = try await withScratchNamespace { try await $0.shell("bpftool -j \(arguments)") }
  return try JSONSerialization.jsonObject(with: Data(text.utf8))
}

extension BPFKernelTests {
  @Suite("Types at run time")
  struct TypesTests {
    @Test(.requires(.bpftool), .timeLimit(.minutes(10)))
    func `every type of the kernel is what bpftool says it is`() async throws {
      let btf = try BTF.vmlinux()
      let dump = try await withScratchNamespace { try await $0.shell("bpftool btf dump file /sys/kernel/btf/vmlinux") }
      var expected = dump.split(separator: "\n").makeIterator()
      var differences: [String] = []
      for type in btf.types.dropFirst() {
        for line in Self.lines(type) {
          let theirs = expected.next() ?? ""
          // What an array is indexed by is nobody's business.
          let isArray = theirs.contains(" ARRAY ")
          if isArray ? !Self.isArray(theirs, line) : !theirs.utf8.elementsEqual(line.utf8) {
            differences.append("\(line) is not \(theirs)")
          }
        }
        guard differences.count < 10 else { break }
      }
      #expect(differences.isEmpty, "\(differences)")
      #expect(expected.next() == nil)
      #expect(btf.count > 10_000)
      let buffer = try #require(btf.types(named: "sk_buff").first { $0.members != nil })
      #expect(buffer.definition.contains("  unsigned int len;\n"))
    }

    private static func isArray(_ theirs: Substring, _ ours: String) -> Bool {
      let words = ours.split(separator: " ")
      return theirs.hasPrefix(words.dropLast().joined(separator: " ") + " index_type_id=")
        && theirs.hasSuffix(" \(words.last ?? "")")
    }

    /// A type as `bpftool btf dump` writes it, a line for it and one for each of its parts.
    private static func lines(_ type: BTFType) -> [String] {
      func name(_ name: String) -> String { name.isEmpty ? "'(anon)'" : "'\(name)'" }
      func head(_ kind: String, _ rest: String) -> String { "[\(type.identifier)] \(kind) \(name(type.name)) \(rest)" }
      func linkage(_ linkage: BTFLinkage) -> String {
        linkage == .static ? "static" : linkage == .global ? "global" : "extern"
      }
      func composite(_ kind: String, _ members: [BTFMember]) -> [String] {
        [head(kind, "size=\(type.size ?? -1) vlen=\(members.count)")]
          + members.map { member in
            "\t\(name(member.name)) type_id=\(member.type.identifier) bits_offset=\(member.bitOffset)"
              + (member.bitWidth.map { " bitfield_size=\($0)" } ?? "")
          }
      }
      switch type.kind {
      case .void: return []
      case .integer(let integer):
        let encoding =
          integer.isSigned ? "SIGNED" : integer.isCharacter ? "CHAR" : integer.isBoolean ? "BOOL" : "(none)"
        return [
          head(
            "INT",
            "size=\(integer.size) bits_offset=\(integer.bitOffset) nr_bits=\(integer.bitCount) encoding=\(encoding)")
        ]
      case .floatingPoint(let size): return [head("FLOAT", "size=\(size)")]
      case .pointer(let target): return [head("PTR", "type_id=\(target.identifier)")]
      case .typedef(let target): return [head("TYPEDEF", "type_id=\(target.identifier)")]
      case .qualified(let target, let qualifier):
        let known = ["const": "CONST", "volatile": "VOLATILE", "restrict": "RESTRICT"]
        return [head(known[qualifier] ?? "TYPE_TAG", "type_id=\(target.identifier)")]
      case .array(let element, let count): return [head("ARRAY", "type_id=\(element.identifier) nr_elems=\(count)")]
      case .structure(let members): return composite("STRUCT", members)
      case .union(let members): return composite("UNION", members)
      case .enumeration(let enumeration):
        let isWide = enumeration.size == 8
        let sign = enumeration.isSigned ? "SIGNED" : "UNSIGNED"
        return [
          head(
            isWide ? "ENUM64" : "ENUM",
            "encoding=\(sign) size=\(enumeration.size) vlen=\(enumeration.constants.count)")
        ]
          + enumeration.constants.map { constant in
            let value = enumeration.isSigned ? "\(constant.value)" : "\(UInt64(bitPattern: constant.value))"
            return "\t\(name(constant.name)) val=\(value)" + (isWide ? enumeration.isSigned ? "LL" : "ULL" : "")
          }
      case .forward(let isUnion): return [head("FWD", "fwd_kind=\(isUnion ? "union" : "struct")")]
      case .function(let prototype, let visibility):
        return [head("FUNC", "type_id=\(prototype.identifier) linkage=\(linkage(visibility))")]
      case .prototype(let prototype):
        let parameters = prototype.parameters.map { "\t\(name($0.name)) type_id=\($0.type.identifier)" }
        let all = parameters + (prototype.isVariadic ? ["\t'(anon)' type_id=0"] : [])
        return [head("FUNC_PROTO", "ret_type_id=\(prototype.result.identifier) vlen=\(all.count)")] + all
      case .variable(let target, let visibility):
        return [head("VAR", "type_id=\(target.identifier), linkage=\(linkage(visibility))")]
      case .section(let variables):
        return [head("DATASEC", "size=\(type.size ?? -1) vlen=\(variables.count)")]
          + variables.map { place in
            "\ttype_id=\(place.variable.identifier) offset=\(place.offset) size=\(place.size) "
              + "(VAR \(name(place.variable.name)))"
          }
      case .tag(let target, let component):
        return [head("DECL_TAG", "type_id=\(target.identifier) component_idx=\(component ?? -1)")]
      }
    }

    @Test func `an object declares its maps and functions, before and after it is loaded`() throws {
      let btf = try BTF.ofObject(EmbeddedObject.samples.bytes())
      let maps = btf.mapDeclarations
      let object = try BPFObject(.samples)
      #expect(object.types?.count == btf.count)
      #expect(Set(maps.map(\.name)).isSubset(of: object.mapNames) && maps.count > 8)
      let flow = try #require(maps.first { $0.name == "flow" })
      #expect(flow.kind == .hash && flow.maximumEntryCount == 64)
      #expect(flow.types.key?.description == "struct sample_key" && flow.keySize == 12)
      #expect(flow.types.value?.definition.hasPrefix("struct sample_state {\n  __u64 last_seen;\n") == true)
      let programs = try #require(maps.first { $0.name == "programs" })
      #expect(programs.types.key == nil && programs.keySize == 4)
      #expect(
        btf.functions.map(\.definition).contains("int counts(struct __sk_buff *skb);"), "\(btf.functions.map(\.name))")
      #expect(try object.load().types?.count == btf.count)
    }

    @Test func `a map's types are found by identifier, by pin and in what it holds`() async throws {
      let object = try loadSamples()
      let flow = try object.map("flow", as: BPFHashMap<SampleKey, SampleState>.self)
      try flow.updateValue(
        SampleState(lastSeen: 5, flags: 1, decision: 2),
        forKey: SampleKey(endpoint: 7, peer: 0x0200_000a, port: 0x5000, transport: 6))
      try await withPinDirectory { directory in
        try flow.pin(at: directory.appending("flow"))
        for map in [true, false] {
          let raw = try map ? BPFRawMap.open(pinnedAt: directory.appending("flow")) : .open(identifier: flow.identifier)
          let format = try BPFMapFormat(raw.info, raw.info.types())
          let entry = try #require(try raw.entries().first)
          #expect("\(try format.key(of: entry.key))" == "endpoint=7 peer=10.0.0.2 port=80 transport=6 padding=0")
          #expect("\(try format.value(of: #require(entry.values.first)))" == "last_seen=5 flags=1 decision=2")
        }
        let pins = BPFObjectReference.pins()[BPFObjectReference(.map, flow.identifier)]
        #expect(pins == [directory.appending("flow")])
      }
      let holders = BPFObjectHolder.all()[BPFObjectReference(.map, flow.identifier)] ?? []
      #expect(holders.map(\.process) == [ProcessInfo.processInfo.processIdentifier])
    }

    @Test func `a map without types says so`() throws {
      let programs = try loadSamples().map("programs", as: BPFProgramArray.self)
      let types = try programs.info.types()
      #expect(types.key == nil && types.value == nil)
    }

    @Test func `types that are not there are an error`() {
      #expect {
        _ = try BTF.open(identifier: 0x7fff_fff0)
      } throws: { ($0 as? BPFError)?.code == .notFound }
    }
  }
}
