// SPDX-License-Identifier: Apache-2.0

import ExampleTestSupport
import Foundation
import Glibc
import KernelTestSupport
import LinuxSystem
import Testing

/// `svc-bench` measures what it says, and leaves nothing.
///
/// How fast anything is, is no test's business.
@Suite("svc-bench", .serialized, .requires(.root), .timeLimit(.minutes(8)))
struct ServiceBenchTests {
  @Test func `each mode answers at the first and at the last service`() async throws {
    let outcome = try await Program("svc-bench").run(
      ["--quick", "--modes", "direct,terwaykit,terwaykit-packet", "--rounds", "1", "--operations", "10"])
    #expect(outcome.status == 0, "\(outcome.errors)")
    let lines = try Self.lines(outcome.output)
    var wanted: Set<String> = ["peak_rss"]
    for mode in ["direct", "terwaykit", "terwaykit-packet"] {
      for count in [1, 100] {
        if mode != "direct" { wanted.insert("\(mode).\(count).program") }
        for place in ["first", "last"] {
          for profile in ["crr", "rr", "udp"] { wanted.insert("\(mode).\(count).\(place).\(profile)") }
        }
      }
    }
    #expect(Set(lines.keys) == wanted, "\(outcome.errors)")
    for (op, line) in lines where op.hasPrefix("terwaykit.") && !op.hasSuffix(".program") {
      #expect(line["unit"] as? String == "us" && line["of_direct"] is Double, "\(op)")
    }
    #expect(try Self.leftCgroups().isEmpty)
  }

  @Test func `programming is timed from nothing and for one endpoint`() async throws {
    let outcome = try await Program("svc-bench").run(
      ["--programming", "--quick", "--modes", "terwaykit", "--programming-services", "50", "--endpoints", "3"])
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(
      Set(try Self.lines(outcome.output).keys) == [
        "planner.50x3.plan", "planner.50x3.event", "maglev.16381x100", "maglev.65521x100", "terwaykit.50x3.program",
        "terwaykit.50x3.change", "peak_rss",
      ])
  }

  @Test func `services of a file are measured, and a chart is drawn`() async throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "svc-bench-test-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let list = folder.appending(path: "list.tsv")
    try Data("3\t10.96.7.1\ttcp\t443\t10.129.0.1:8443,10.129.0.2:8443\n9\t10.96.7.2\ttcp\t80\t10.129.0.3:80\n".utf8)
      .write(to: list)
    let chart = folder.appending(path: "chart.svg")
    let outcome = try await Program("svc-bench").run(
      [
        "--list", list.path, "--svg", chart.path, "--quick", "--modes", "direct,terwaykit", "--profiles", "crr",
        "--operations", "10",
      ])
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(try Self.lines(outcome.output)["terwaykit.2.last.crr"] != nil)
    let picture = try String(contentsOf: chart, encoding: .utf8)
    #expect(picture.hasPrefix("<svg ") && picture.contains("terwaykit") && picture.contains("<polyline"))
  }

  @Test func `interrupted, it leaves no cgroup`() async throws {
    let outcome = try await Program("svc-bench").run(
      ["--modes", "terwaykit", "--services", "1", "--rounds", "1000", "--operations", "1000"]
    ) { process in
      for _ in 0..<500 where try Self.leftCgroups().isEmpty { try await Task.sleep(for: .milliseconds(10)) }
      kill(process.processIdentifier, SIGINT)
    }
    #expect(outcome.status == 1 && outcome.errors.contains("interrupted"), "\(outcome.errors)")
    #expect(try Self.leftCgroups().isEmpty)
  }

  @Test(arguments: [
    ["--services", "0"], ["--services", "10,1"], ["--services", "1,1"], ["--modes", "magic"], ["--profiles", ""],
    ["--endpoints", "65"], ["--rounds", "0"], ["--operations", "1"], ["--programming", "--svg", "x.svg"],
  ])
  func `wrong usage is 2`(arguments: [String]) async throws {
    let outcome = try await Program("svc-bench").run(arguments)
    #expect(outcome.status == 2 && outcome.errors.contains("Usage"), "\(arguments): \(outcome.errors)")
  }

  private static func lines(_ output: String) throws -> [String: [String: Any]] {
    var lines: [String: [String: Any]] = [:]
    for line in output.split(separator: "\n") {
      let object = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
      lines[try #require(object["op"] as? String)] = object
    }
    return lines
  }

  /// Cgroups of the benchmark that are there.
  private static func leftCgroups() throws -> [String] {
    guard let root = try MountTable.current().path(ofType: "cgroup2") else { return [] }
    return try FileSystem.entries(of: root).filter { $0.hasPrefix("svc-bench-") }
  }
}
