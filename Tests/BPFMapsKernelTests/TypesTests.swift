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
      let dump = try await bpftool("btf dump file /sys/kernel/btf/vmlinux") as? [String: Any]
      let expected = try #require(dump?["types"] as? [[String: Any]])
      #expect(Int(btf.count) == expected.count + 1)
      var differences: [String] = []
      for type in expected {
        let identifier = try #require(type["id"] as? UInt32)
        let ours = try #require(btf[identifier])
        if let difference = Self.difference(ours, type) { differences.append("\(identifier): \(difference)") }
      }
      #expect(differences.isEmpty, "\(differences.count): \(differences.prefix(5))")
      let buffer = try #require(btf.types(named: "sk_buff").first { $0.members != nil })
      #expect(buffer.definition.contains("  unsigned int len;\n"))
      #expect(buffer.size.map { $0 > 100 } == true)
    }

    /// What differs between a type and bpftool's words for it; nil: nothing.
    private static func difference(_ ours: BTFType, _ theirs: [String: Any]) -> String? {
      let kind = theirs["kind"] as? String ?? ""
      let name = theirs["name"] as? String ?? ""
      guard ours.name == (name == "(anon)" ? "" : name) else { return "name \(ours.name), not \(name)" }
      func number(_ key: String) -> Int? { theirs[key] as? Int }
      let isEqual: Bool
      switch (kind, ours.kind) {
      case ("INT", .integer(let integer)):
        isEqual =
          integer.size == number("size") && integer.bitCount == number("nr_bits")
          && integer.isSigned == (theirs["encoding"] as? String == "SIGNED")
      case ("PTR", .pointer(let target)), ("TYPEDEF", .typedef(let target)):
        isEqual = Int(target.identifier) == number("type_id")
      case ("CONST", .qualified(let target, _)), ("VOLATILE", .qualified(let target, _)),
        ("RESTRICT", .qualified(let target, _)), ("TYPE_TAG", .qualified(let target, _)):
        isEqual = Int(target.identifier) == number("type_id")
      case ("ARRAY", .array(let element, let count)):
        isEqual = Int(element.identifier) == number("type_id") && count == number("nr_elems")
      case ("STRUCT", .structure(let members)), ("UNION", .union(let members)):
        isEqual = ours.size == number("size") && isEqualMembers(members, theirs["members"])
      case ("ENUM", .enumeration(let enumeration)), ("ENUM64", .enumeration(let enumeration)):
        // bpftool 7.1 extends the sign of 32-bit constants even where there is none: the bits are compared.
        let mask: UInt64 = enumeration.size < 8 ? 0xffff_ffff : .max
        let values = (theirs["values"] as? [[String: Any]] ?? []).map { value in
          let bits = (value["val"] as? UInt64) ?? (value["val"] as? Int64).map { UInt64(bitPattern: $0) } ?? 0
          return "\(value["name"] ?? "") \(bits & mask)"
        }
        let constants = enumeration.constants.map { "\($0.name) \(UInt64(bitPattern: $0.value) & mask)" }
        isEqual = values == constants && enumeration.size == number("size")
      case ("FWD", .forward(let isUnion)): isEqual = theirs["fwd_kind"] as? String == (isUnion ? "union" : "struct")
      case ("FUNC", .function(let prototype, _)): isEqual = Int(prototype.identifier) == number("type_id")
      case ("FUNC_PROTO", .prototype(let prototype)):
        let parameters = (theirs["params"] as? [[String: Any]] ?? []).compactMap { $0["type_id"] as? Int }
        isEqual =
          Int(prototype.result.identifier) == number("ret_type_id")
          && prototype.parameters.map { Int($0.type.identifier) } + (prototype.isVariadic ? [0] : []) == parameters
      case ("VAR", .variable(let type, _)): isEqual = Int(type.identifier) == number("type_id")
      case ("DATASEC", .section(let variables)):
        let expected = (theirs["vars"] as? [[String: Any]] ?? []).compactMap { $0["offset"] as? Int }
        isEqual = variables.map(\.offset) == expected
      case ("FLOAT", .floatingPoint(let size)): isEqual = size == number("size")
      case ("DECL_TAG", .tag(let target, let component)):
        isEqual = Int(target.identifier) == number("type_id") && (component ?? -1) == number("component_idx")
      default: isEqual = false
      }
      return isEqual ? nil : "\(ours.definition.prefix(200)) is not \(theirs)"
    }

    private static func isEqualMembers(_ members: [BTFMember], _ theirs: Any?) -> Bool {
      let theirs = theirs as? [[String: Any]] ?? []
      return members.count == theirs.count
        && zip(members, theirs).allSatisfy { ours, theirs in
          (ours.name.isEmpty ? "(anon)" : ours.name) == theirs["name"] as? String
            && Int(ours.type.identifier) == theirs["type_id"] as? Int
            && ours.bitOffset == theirs["bits_offset"] as? Int
            && (ours.bitWidth ?? 0) == (theirs["bitfield_size"] as? Int ?? 0)
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
          #expect("\(try format.value(of: entry.values[0]))" == "last_seen=5 flags=1 decision=2")
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
