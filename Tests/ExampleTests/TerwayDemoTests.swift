// SPDX-License-Identifier: Apache-2.0

import BPFMaps
import CDatapathABI
import DatapathPrograms
import ExampleTestSupport
import Foundation
import KernelTestSupport
import LinuxSystem
import SystemPackage
import Testing

@Suite("terway-demo", .serialized)
struct TerwayDemoTests {
  private let demo = Program("terway-demo")

  private struct Report: Decodable {
    struct Flow: Decodable {
      var flow: String
      var path: String
      var observed: String
      var verdict: String
    }
    var wiring: String
    var flows: [Flow]
    var drops: [String: Int]
  }

  /// Whether the process has taken interrupts into its own hands.
  private func takesInterrupts(_ process: Int32) -> Bool {
    // One that is gone needs no waiting for.
    guard let status = try? String(contentsOfFile: "/proc/\(process)/status", encoding: .utf8) else { return true }
    var mask: UInt64 = 0
    // Ignored, blocked for a descriptor that tells of it, or caught: what a dispatch source makes of it.
    for line in status.split(separator: "\n") where ["SigIgn:", "SigBlk:", "SigCgt:"].contains(String(line.prefix(7))) {
      mask |= UInt64(line.dropFirst(7).trimmingCharacters(in: .whitespaces), radix: 16) ?? 0
    }
    return mask & (1 << UInt64(SIGINT - 1)) != 0
  }

  /// What a demo must not leave behind.
  private func leftovers(of outcome: Program.Outcome) throws -> [String] {
    let root = try #require(try MountTable.current().path(ofType: "cgroup2"))
    return try FileSystem.entries(of: root).filter { $0 == "terway-demo-\(outcome.process)" }
  }

  @Test(.requires(.root), .requires(.cgroup2)) func `every flow goes as expected, wired by veth`() async throws {
    let picture = FileManager.default.temporaryDirectory.appending(path: "terwaykit-\(UUID().uuidString).svg")
    defer { try? FileManager.default.removeItem(at: picture) }
    let outcome = try await demo.run(["--wiring", "veth", "--output", "json", "--svg", picture.path])
    #expect(outcome.status == 0, "\(outcome.errors)")
    let svg = try String(contentsOf: picture, encoding: .utf8)
    #expect(svg.hasPrefix("<svg") && svg.contains("web-3") && svg.contains("DROP 133"))
    let report = try JSONDecoder().decode(Report.self, from: Data(outcome.output.utf8))
    #expect(report.wiring == "veth")
    #expect(report.flows.count >= 18)
    #expect(report.flows.last?.observed == "1 x PACKET_QDISC_BYPASS not permitted")
    #expect(report.flows.filter { $0.verdict != "ok" }.map(\.flow) == [])
    #expect(report.drops["133 policy", default: 0] > 0)
    let paths = Dictionary(report.flows.map { ($0.flow, $0.path) }, uniquingKeysWith: { first, _ in first })
    for transport in ["TCP", "UDP"] {
      #expect(paths["client -> service web, \(transport)"] == "translated at sockets")
      #expect(paths["sandbox -> service web, \(transport)"] == "translated at packets")
    }
    #expect(
      outcome.errors.contains("pod shop/sandbox") && outcome.errors.contains("at its packets, not at its sockets"))
    #expect(try leftovers(of: outcome) == [])
  }

  @Test(.requires(.root), .requires(.cgroup2)) func `an interrupted demo cleans up and says so`() async throws {
    let outcome = try await demo.run(["--wiring", "veth"]) { process in
      // From then on it cleans up; under emulation that can take seconds.
      for _ in 0..<600 where !takesInterrupts(process.processIdentifier) {
        try await Task.sleep(for: .milliseconds(50))
      }
      try await Task.sleep(for: .seconds(2))
      process.interrupt()
    }
    #expect(outcome.status == 1)
    #expect(outcome.errors.contains("interrupted"))
    #expect(try leftovers(of: outcome) == [])
  }

  @Test(.requires(.root), .requires(.cgroup2)) func `what a killed demo leaves is removed by the next`() async throws {
    let killed = try await demo.run(["--wiring", "veth"]) { process in
      try await Task.sleep(for: .seconds(2))
      kill(process.processIdentifier, SIGKILL)
    }
    #expect(killed.status == SIGKILL)
    let next = try await demo.run(["--wiring", "veth"])
    #expect(next.status == 0, "\(next.output)\(next.errors)")
    #expect(try leftovers(of: killed) == [])
    #expect(try leftovers(of: next) == [])
  }

  @Test func `help says what it does and which exit statuses there are`() async throws {
    let outcome = try await demo.run(["--help"])
    #expect(outcome.status == 0)
    #expect(outcome.output.contains("--wiring"))
    #expect(outcome.output.contains("Exit status"))
  }

  @Test(arguments: [["--wiring", "carrier-pigeon"], ["--surprise"], ["--simulator-port", "70000"]])
  func `wrong usage is exit status 2`(arguments: [String]) async throws {
    let outcome = try await demo.run(arguments)
    #expect(outcome.status == 2)
    #expect(outcome.output.isEmpty)
    #expect(outcome.errors.contains("Usage"))
  }

  @Test(.requires(.root)) func `without privileges one sentence names them`() async throws {
    let outcome = try await demo.run(
      ["--wiring", "veth"], wrapper: ["setpriv", "--bounding-set=-all", "--inh-caps=-all"])
    #expect(outcome.status == 1)
    #expect(outcome.errors.contains("CAP_NET_ADMIN"))
    #expect(outcome.errors.split(separator: "\n").count == 1)
  }

  @Test(.requires(.root)) func `without cgroup2 one sentence says how to mount it`() async throws {
    let outcome = try await demo.run(
      ["--wiring", "veth"], wrapper: ["unshare", "-m", "sh", "-c", "umount -a -t cgroup2; exec \"$@\"", "sh"])
    #expect(outcome.status == 1)
    #expect(outcome.errors.contains("mount -t cgroup2"))
    #expect(outcome.errors.split(separator: "\n").count == 1)
  }

  @Test(.requires(.root), .requires(.cgroup2)) func `pins go where no bpf file system is: nowhere, and it says so`()
    async throws
  {
    let outcome = try await demo.run(["--wiring", "veth", "--pin", "/tmp"])
    #expect(outcome.status == 1)
    #expect(outcome.errors.contains("/tmp"))
    #expect(outcome.errors.contains("mount -t bpf"))
    #expect(outcome.errors.split(separator: "\n").count == 1)
    #expect(try leftovers(of: outcome) == [])
  }

  @Test(.requires(.root), .requires(.cgroup2)) func `pinned maps can be looked at meanwhile and are gone afterwards`()
    async throws
  {
    let directory = FileManager.default.temporaryDirectory.appending(path: "terwaykit-\(UUID().uuidString)")
    let bpffs = FilePath(directory.path)
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    try BPFFileSystem.ensureMounted(at: bpffs)
    defer {
      _ = unsafe umount2(directory.path, CInt(MNT_DETACH))
      try? FileManager.default.removeItem(at: directory)
    }
    let outcome = try await demo.run(["--wiring", "veth", "--pin", directory.path, "--hold", "3"]) { process in
      let pin = bpffs.appending("terway-demo-\(process.processIdentifier)/node-a/pod/policy_state")
      for _ in 0..<1200 where !FileManager.default.fileExists(atPath: pin.string) {
        try await Task.sleep(for: .milliseconds(50))
      }
      let state = try BPFArrayMap<policy_state>.open(pinnedAt: pin)
      var generation: UInt32 = 0
      for _ in 0..<1200 where generation == 0 {
        try await Task.sleep(for: .milliseconds(50))
        generation = try state.value(at: 0)?.generation ?? 0
      }
      #expect(generation == 1)
    }
    #expect(outcome.status == 0, "\(outcome.output)\(outcome.errors)")
    #expect(try FileSystem.entries(of: bpffs).filter { $0.hasPrefix("terway-demo") } == [])
  }

  @Test(.requires(.root), .requires(.cgroup2)) func `a taken port is named`() async throws {
    let simulator = Program("ecs-simulator")
    _ = try await simulator.serve(["--port", "39471", "--instance", "i-a"]) { _ in
      let outcome = try await demo.run(["--wiring", "veth", "--simulator-port", "39471"])
      #expect(try leftovers(of: outcome) == [])
      #expect(outcome.status == 1)
      #expect(outcome.errors.contains("39471"))
      #expect(outcome.errors.split(separator: "\n").count == 1)
    }
  }

  @Test(
    .requires(.root),
    arguments: [
      ("/nonexistent.yaml", nil, "/nonexistent.yaml"),
      (nil, "kind: [", "line"),
      (nil, "apiVersion: v1\nkind: Surprise\nmetadata: {name: a}\n", "Surprise"),
      (
        nil,
        "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: a}\nspec: {podSelector: {}, ingres: []}\n",
        "ingres"
      ),
    ] as [(String?, String?, String)])
  func `a bad manifest is named, with the place`(path: String?, text: String?, complaint: String) async throws {
    let file = FileManager.default.temporaryDirectory.appending(path: "terwaykit-\(UUID().uuidString).yaml")
    defer { try? FileManager.default.removeItem(at: file) }
    if let text { try Data(text.utf8).write(to: file) }
    let outcome = try await demo.run(["--wiring", "veth", "--manifests", path ?? file.path])
    #expect(outcome.status == 1)
    #expect(outcome.errors.contains(complaint))
    #expect(outcome.errors.contains(path ?? file.path))
    #expect(outcome.errors.split(separator: "\n").count == 1)
  }
}
