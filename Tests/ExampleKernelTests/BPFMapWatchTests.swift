// SPDX-License-Identifier: Apache-2.0

import BPFMaps
import ExampleTestSupport
import Foundation
import Glibc
import KernelTestSupport
import LinuxSystem
import SystemPackage
import Testing

/// What `bpfmap` prints while it looks again and again, and how it ends.
@Suite("bpfmap watch and top", .serialized, .requires(.root), .timeLimit(.minutes(8)))
struct BPFMapWatchTests {
  @Test(arguments: ["table", "json"])
  func `changes are lines, and an interrupt is a good end`(form: String) async throws {
    try await BPFMapScene.with { scene in
      let map = scene.pin("scene_cpu_hash")
      try await scene.bpfmap("set", map, "1", "10")
      let arguments = ["watch", map, "--interval", "0.05", "--output", form]
      let words =
        form == "table"
        ? ["added 2: cpu0: 20", "changed 1: cpu0: 11", "(was cpu0: 10", "removed 2: cpu0: 20"]
        : [
          #"{"event":"added","key":["0x02","0x00","0x00","0x00"]"#,
          #""formatted":{"key":1,"values":[{"cpu":0,"value":11}"#,
          #""previous":{"key":["0x01""#, #"{"event":"removed","#,
        ]
      let outcome = try await Program("bpfmap").follow(arguments, endWith: SIGINT) { output in
        try await wait(for: form == "table" ? "1 entries" : #""entries":1}"#, in: output)
        try await scene.bpfmap("set", map, "2", "20")
        try await wait(for: words[0], in: output)
        try await scene.bpfmap("set", map, "1", "11", "--cpu", "0")
        try await wait(for: words[1], in: output)
        try await scene.bpfmap("delete", map, "2")
        try await wait(for: words[3], in: output)
      }
      #expect(outcome.hasExited && outcome.status == 0 && outcome.errors.isEmpty, "\(outcome.errors)")
      for word in words { #expect(outcome.output.contains(word), "\(word) is missing:\n\(outcome.output)") }
      #expect(outcome.output.split(separator: "\n").count == 4)
    }
  }

  @Test func `they end by themselves after so many looks`() async throws {
    try await BPFMapScene.with { scene in
      let outcome = try await Program("bpfmap").run(
        ["watch", scene.pin("scene_array"), "--count", "2", "--interval", "0.01"])
      #expect(outcome.status == 0 && outcome.output == "synchronised map \"scene_array\", 4 entries\n")
      let top = try await Program("bpfmap").run(["top", "--count", "2", "--interval", "0.01", "--output", "json"])
      #expect(top.status == 0 && top.output.split(separator: "\n").count == 2)
    }
  }

  @Test func `top counts runs and the time they take`() async throws {
    try await BPFMapScene.with { scene in
      let identifier = scene.program.identifier
      let path = scene.directory.appending("program")
      let runner = Task {
        let program = try BPFProgram.open(pinnedAt: path)
        while !Task.isCancelled {
          _ = try program.test(packet: packet, repeat: 100)
          await Task.yield()
        }
      }
      for name in ["\(identifier)", path.string] {
        let outcome = try await Program("bpfmap").run(
          ["top", name, "--count", "1", "--interval", "0.3", "--output", "json"])
        #expect(outcome.status == 0, "\(outcome.errors)")
        let row = try #require((try json(outcome.output) as? [[String: Any]])?.first)
        #expect(row["id"] as? UInt32 == identifier)
        #expect(row["name"] as? String == "scene_counts_every_packet" && row["type"] as? String == "sched_cls")
        let (runs, time) = (row["runs"] as? Double ?? 0, row["nanoseconds"] as? Double ?? 0)
        #expect(runs >= 100 && time > 0)
        #expect(abs((row["nanoseconds_per_run"] as? Double ?? 0) - time / runs) < 1)
        #expect(row["run_cnt"] as? Double ?? 0 >= runs && row["run_time_ns"] as? Double ?? 0 >= time)
      }
      let table = try await Program("bpfmap").run(["top", "--count", "1", "--interval", "0.3", "--limit", "100"])
      #expect(table.output.hasPrefix("ID "))
      #expect(table.output.contains("\(identifier)  "))
      #expect(table.output.contains("scene_counts_every_packet  sched_cls"))
      runner.cancel()
      _ = try await runner.value
    }
  }

  @Test func `an interrupt ends top well`() async throws {
    let outcome = try await Program("bpfmap").serve(
      ["top", "--interval", "0.01", "--output", "json"], endWith: SIGINT
    ) { line in #expect(line.hasPrefix("[")) }
    #expect(outcome.hasExited && outcome.status == 0 && outcome.errors.isEmpty, "\(outcome.errors)")
  }

  /// Waits until the program has printed the words.
  private func wait(for words: String, in output: URL) async throws {
    for _ in 0..<3000 {
      if try String(contentsOf: output, encoding: .utf8).contains(words) { return }
      try await Task.sleep(for: .milliseconds(20))
    }
    Issue.record("\(words) was not printed:\n\(try String(contentsOf: output, encoding: .utf8))")
  }
}
