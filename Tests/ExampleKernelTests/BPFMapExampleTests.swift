// SPDX-License-Identifier: Apache-2.0

import BPFMaps
import ExampleTestSupport
import Foundation
import Glibc
import KernelTestSupport
import LinuxSystem
import SystemPackage
import Testing

extension KernelFeature {
  /// What the output of `bpfmap` is compared with.
  fileprivate static let bpftool = KernelFeature("bpftool") {
    FileManager.default.isExecutableFile(atPath: "/usr/sbin/bpftool")
      ? .available : .missing(reason: "not installed; apt-get install bpftool")
  }
}

/// What `bpfmap` prints and does, beside `bpftool` on the same maps and programs.
@Suite("bpfmap", .serialized, .requires(.root), .timeLimit(.minutes(8)))
struct BPFMapExampleTests {
  @Test(.requires(.bpftool)) func `every entry is dumped as bpftool dumps it`() async throws {
    try await BPFMapScene.with { scene in
      try scene.fill()
      for map in BPFMapScene.maps where map != "scene_events" && map != "scene_programs" {
        let ours = try #require(
          try json(await scene.bpfmap("dump", scene.pin(map), "--output", "json")) as? [[String: Any]])
        let theirs = try #require(try await bpftool("map", "dump", "pinned", scene.pin(map)) as? [[String: Any]])
        #expect(ours.count == theirs.count && !ours.isEmpty, "\(map)")
        func text(_ entries: [[String: Any]], isTheirs: Bool) -> [String] {
          entries.map { entry in
            var entry = entry
            if isTheirs, let formatted = entry["formatted"] { entry["formatted"] = translated(formatted) }
            return canonical(entry)
          }.sorted()
        }
        #expect(text(ours, isTheirs: false) == text(theirs, isTheirs: true), "\(map)")
        let first = try #require(ours.first)
        #expect((first["formatted"] != nil) == (map != "scene_plain"), "\(map)")
        // One entry, as `lookup` has it; that of one map with one value and of one with many will do.
        guard map == "scene_hash" || map == "scene_cpu_hash" else { continue }
        let key = try #require(first["key"] as? [String])
        let hex = "hex " + key.map { String($0.dropFirst(2)) }.joined(separator: " ")
        let one = try #require(
          try json(await scene.bpfmap("get", scene.pin(map), hex, "--output", "json")) as? [String: Any])
        #expect(canonical(one) == canonical(first), "\(map)")
      }
    }
  }

  @Test(.requires(.bpftool)) func `variables of a data section are dumped by name`() async throws {
    try await BPFMapScene.with { scene in
      let maps = try #require(try BPFProgramInfo.program(identifier: scene.program.identifier)).mapIdentifiers
      let sections = try maps.map { try BPFRawMap.open(identifier: $0).info }.filter { $0.name.contains(".") }
      #expect(sections.count == 2)
      for section in sections {
        let ours = try json(await scene.bpfmap("dump", "\(section.identifier)", "--output", "json")) as? [[String: Any]]
        let theirs = try await bpftool("map", "dump", "id", "\(section.identifier)") as? [[String: Any]]
        let our = try #require(ours?.first?["formatted"] as? [String: Any])
        let their = try #require(
          (theirs?.first?["formatted"] as? [String: Any])?["value"] as? [String: [[String: Any]]])
        let variables = try #require(their.values.first).reduce(into: [:]) { all, one in all.merge(one) { $1 } }
        #expect(canonical(our["value"] ?? "") == canonical(variables))
      }
      let bss = try #require(sections.first { $0.name.hasSuffix(".bss") })
      try await scene.bpfmap("set", "\(bss.identifier)", "0", "scene_total=5")
      _ = try scene.program.test(packet: packet)
      #expect(try await scene.bpfmap("get", "\(bss.identifier)", "0") == "scene_total=\(5 + 42 + 0x6c)\n")
    }
  }

  @Test(.requires(.bpftool)) func `maps and programs are listed as bpftool lists them`() async throws {
    try await BPFMapScene.with { scene in
      // Run times are there while they are counted.
      let counting = try BPFRunTimeCounting()
      _ = try scene.program.test(packet: packet, repeat: 10)
      let outputs = [
        "map": try json(await scene.bpfmap("list", "--output", "json")),
        "prog": try json(await scene.bpfmap("list", "programs", "--output", "json")),
      ]
      let identifiers = [
        "map": try BPFMapScene.maps.map { try scene.identifier($0) }, "prog": [scene.program.identifier],
      ]
      for (object, ours) in outputs {
        let ours = try #require(ours as? [[String: Any]])
        // Others of the system come and go; and bpftool 7.1 lists a map without types with those of the map before it.
        for identifier in identifiers[object] ?? [] {
          var our = try #require(ours.first { $0["id"] as? UInt32 == identifier })
          var their = try #require(try await bpftool("-f", object, "show", "id", "\(identifier)") as? [String: Any])
          // This process holds the object.
          let holders = our.removeValue(forKey: "pids") as? [[String: Any]]
          #expect(holders?.contains { $0["pid"] as? Int32 == getpid() } == true)
          // Of a program array that a program uses, or where bpftool can see processes.
          for key in ["pids", "owner_prog_type", "owner_jited"] { their.removeValue(forKey: key) }
          #expect(canonical(our) == canonical(their))
          if object == "prog" { #expect(our["run_cnt"] as? Int == 10) }
        }
      }
      _ = consume counting
    }
  }

  @Test func `entries are written, read and removed as people write them`() async throws {
    try await BPFMapScene.with { scene in
      let map = scene.pin("scene_hash")
      try await scene.bpfmap("set", map, BPFMapScene.key, BPFMapScene.value, "--mode", "new")
      let printed = try await scene.bpfmap("get", map, BPFMapScene.key)
      #expect(printed.hasPrefix(#"packets=7 balance=-3 state=SCENE_OPEN label="hello, you" blob=[1,2,3,4]"#))
      #expect(printed.contains("mark=131073 first=1 second=2"))
      // What is printed can be written.
      let value = printed.trimmingCharacters(in: .newlines).replacingOccurrences(of: "packets=7", with: "packets=8")
      try await scene.bpfmap("set", map, BPFMapScene.key, value, "--mode", "existing")
      #expect(try await scene.bpfmap("get", map, BPFMapScene.key).hasPrefix("packets=8 balance=-3"))
      let table = try await scene.bpfmap("dump", "\(try scene.identifier("scene_hash"))")
      #expect(table.hasPrefix("KEY "))
      #expect(table.contains("\nsource=10.0.0.1 peer_addr=10.0.0.2 port=8080 protocol=6 padding=0  packets=8 "))

      for (arguments, words) in [
        (["set", map, BPFMapScene.key, value, "--mode", "new"], "the key exists"),
        (["set", map, BPFMapScene.otherKey, value, "--mode", "existing"], "no such key"),
        (["get", map, BPFMapScene.otherKey], #"map "scene_hash""#),
        (["delete", map, BPFMapScene.otherKey], "has no entry at"),
        (
          ["get", map, "source=10.0.0.1 peer_addr=1 port=80"],
          #"key of map "scene_hash": struct scene_key also wants protocol"#
        ),
        (
          ["set", map, BPFMapScene.key, value.replacingOccurrences(of: "balance=-3", with: "balance=3000000000")],
          #"field "balance": 3000000000 does not fit: __s32 holds -2147483648 to 2147483647"#
        ),
        (
          ["set", map, BPFMapScene.key, value.replacingOccurrences(of: "right=[2,3,4]", with: "right=[2,3]")],
          #"field "inner.right": it has 3 elements, but 2 were given"#
        ),
        (
          ["set", map, BPFMapScene.key, value.replacingOccurrences(of: "SCENE_OPEN", with: "SHUT")],
          #"field "state": write one of SCENE_CLOSED, SCENE_OPENING, SCENE_OPEN, SCENE_ENDING, or a number"#
        ),
        (["get", scene.pin("nothing"), "1"], "nothing is pinned there"),
        (["get", scene.pin("program"), "1"], "is not a map"),
        (["dump", scene.pin("scene_events")], "does not list the entries of a ring buffer map"),
        (["dump", "2147483600"], "open map 2147483600"),
        (["dump", "no-such-map"], #"there is no map "no-such-map"; `bpfmap list`"#),
        (["set", scene.pin("scene_array"), "4", "1"], "out of range"),
        (["set", scene.pin("scene_array"), "1", "1", "--cpu", "0"], "it has one value for all"),
        (["set", scene.pin("scene_cpu_array"), "1", "1", "--cpu", "4096"], "it has CPUs 0 to"),
        (["top", "2147483600", "--count", "1"], "there is no program 2147483600"),
        (["describe", "--program", scene.pin("scene_hash")], "is not a program"),
        (["describe", "--object", "/proc/self/exe"], "it has no .BTF section"),
        (["describe", "--object", scene.pin("no-file")], "cannot be read"),
        (["describe", "--kernel", "no_such_type"], #"the kernel has no type "no_such_type""#),
      ] {
        let outcome = try await Program("bpfmap").run(arguments)
        #expect(outcome.status == 1 && outcome.output.isEmpty, "\(arguments)")
        #expect(
          outcome.errors.hasPrefix("bpfmap: ") && outcome.errors.contains(words), "\(arguments): \(outcome.errors)")
      }
      try await scene.bpfmap("delete", map, BPFMapScene.key)
      #expect(try await Program("bpfmap").run(["get", map, BPFMapScene.key]).status == 1)
    }
  }

  @Test func `a value per CPU, a prefix and bytes are written and read`() async throws {
    try await BPFMapScene.with { scene in
      try scene.fill()
      try await scene.bpfmap("set", scene.pin("scene_cpu_hash"), "0x10", "5", "--cpu", "0")
      try await scene.bpfmap("set", scene.pin("scene_lpm"), "10.1.0.0/16", "--mode", "existing", "--", "-6")
      #expect(try await scene.bpfmap("get", scene.pin("scene_lpm"), "10.1.2.3") == "-6\n")
      #expect(try await Program("bpfmap").run(["get", scene.pin("scene_lpm"), "10.2.0.1"]).status == 1)
      #expect(try await scene.bpfmap("get", scene.pin("scene_plain"), "10.0.0.1") == "hex:0102030405060708090a0b0c\n")
      try await scene.bpfmap("set", scene.pin("scene_programs"), "1", "\(scene.program.identifier)")
      #expect(try await scene.bpfmap("get", scene.pin("scene_programs"), "1") == "\(scene.program.identifier)\n")
      #expect(try await scene.bpfmap("get", scene.pin("scene_array"), "2") == "18446744073709551615\n")
      let values = (0..<BPFProcessors.possibleCount).map { "cpu\($0): \($0 == 0 ? 5 : 4_000_000_000)" }
      #expect(try await scene.bpfmap("get", scene.pin("scene_cpu_hash"), "16") == values.joined(separator: "; ") + "\n")
      let table = try await scene.bpfmap("dump", scene.pin("scene_cpu_hash"))
      #expect(table.split(separator: "\n").count == 2 + BPFProcessors.possibleCount)
      #expect(table.contains("KEY  CPU  VALUE"))
    }
  }

  @Test func `types are printed as C`() async throws {
    try await BPFMapScene.with { scene in
      let text = try await scene.bpfmap("describe", scene.pin("scene_hash"))
      #expect(text.hasPrefix("// key: struct scene_key, 12 bytes\nstruct scene_key {\n  __be32 source;\n"))
      #expect(text.contains("// value: struct scene_value, 80 bytes\nenum scene_state {\n  SCENE_CLOSED = 0,\n"))
      #expect(text.contains("  __u16 low : 3;\n  __u16 high : 13;\n"))
      #expect(try await scene.bpfmap("describe", scene.pin("scene_plain")).contains("// value: 12 bytes without types"))
      let function = "int scene_counts_every_packet(struct __sk_buff *skb);"
      #expect(try await scene.bpfmap("describe", "--program", scene.pin("program")).hasPrefix(function))
      let described = try json(await scene.bpfmap("describe", "--program", scene.pin("program"), "--output", "json"))
      #expect((described as? [[String: Any]])?.first?["definition"] as? String == function)
      let file = scene.directory.string + ".o"
      #expect(FileManager.default.createFile(atPath: file, contents: Data(EmbeddedObject.scene.bytes())))
      defer { try? FileManager.default.removeItem(atPath: file) }
      let object = try await scene.bpfmap("describe", "--object", file)
      #expect(object.contains("struct scene_key") && object.contains("\n\n\(function)\n"))
      let parsed = try json(await scene.bpfmap("describe", "--object", file, "--output", "json")) as? [String: Any]
      let maps = try #require(parsed?["maps"] as? [[String: Any]])
      #expect(Set(maps.compactMap { $0["name"] as? String }) == Set(BPFMapScene.maps))
      #expect(maps.first { $0["name"] as? String == "scene_plain" }?["max_entries"] as? Int == 16)
      let kernel = try await scene.bpfmap("describe", "--kernel", "list_head")
      #expect(kernel == "struct list_head {\n  struct list_head *next;\n  struct list_head *prev;\n};\n")
    }
  }

  @Test(arguments: [
    ([], 2, "Which command?"), (["nothing"], 2, "nothing"), (["dump"], 2, "<map>"),
    (["watch", "1", "--count", "0"], 2, "--count 0"), (["top", "--interval", "0"], 2, "--interval 0.0"),
    (["dump", "1", "--output", "xml"], 2, "xml"), (["set", "1", "2", "3", "--mode", "some"], 2, "some"),
    (["list", "sockets"], 2, "sockets"),
  ])
  func `wrong usage names the operand`(_ arguments: [String], _ status: Int32, _ word: String) async throws {
    let outcome = try await Program("bpfmap").run(arguments)
    #expect(outcome.status == status)
    #expect(outcome.errors.contains(word), "\(outcome.errors)")
    #expect(outcome.output.isEmpty)
  }

  @Test(arguments: ["", "list", "describe", "dump", "get", "set", "delete", "watch", "top"])
  func `help says what each command does`(command: String) async throws {
    let outcome = try await Program("bpfmap").run((command.isEmpty ? [] : [command]) + ["--help"])
    #expect(outcome.status == 0 && outcome.output.contains("OVERVIEW: ") && outcome.errors.isEmpty)
    if command.isEmpty { #expect(outcome.output.contains("Exit status: 0")) }
  }

  @Test(arguments: ["list", "list --output json", "describe --kernel list_head", "top --count 1 --interval 0.01"])
  func `output that cannot be written is an error and one sentence`(_ command: String) async throws {
    let outcome = try await Program(path: "/bin/sh").run(["-c", "\(Program("bpfmap").path) \(command) >/dev/full"])
    #expect(outcome.status == 1)
    #expect(outcome.errors == "bpfmap: the output cannot be written; is the disk full, or its reader gone?\n")
  }

  @Test func `a process's name says nothing to the terminal`() async throws {
    let name = try String(contentsOfFile: "/proc/self/comm", encoding: .utf8).trimmingCharacters(in: .newlines)
    func rename(_ name: String) throws {
      let file = try #require(FileHandle(forWritingAtPath: "/proc/self/comm"))
      try file.write(contentsOf: Data(name.utf8))
      try file.close()
    }
    let map = try BPFHashMap<UInt32, UInt32>.create(name: "held_here", maximumEntryCount: 1)
    try rename("a\u{1b}[31mb")
    defer { try? rename(name) }
    let outcome = try await Program("bpfmap").run(["list"])
    #expect(outcome.status == 0 && outcome.output.contains("a\u{fffd}[31mb (\(getpid()))"))
    #expect(!outcome.output.contains("\u{1b}"))
    #expect(try map.value(forKey: 1) == nil)
  }

  @Test func `without privileges the remedy is said`() async throws {
    let outcome = try await Program("bpfmap").run(
      ["list"], wrapper: ["setpriv", "--bounding-set=-all", "--inh-caps=-all"])
    #expect(outcome.status == 1)
    #expect(outcome.errors == "bpfmap: list the system's maps: needs CAP_SYS_ADMIN, or root\n", "\(outcome.errors)")
  }
}

/// A packet of 60 bytes that says it is IPv4.
let packet: [UInt8] = [UInt8](repeating: 0, count: 12) + [0x08, 0x00] + [UInt8](repeating: 1, count: 46)
