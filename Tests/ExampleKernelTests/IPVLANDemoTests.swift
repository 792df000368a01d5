// SPDX-License-Identifier: Apache-2.0

import ExampleTestSupport
import Foundation
import KernelTestSupport
import LinuxSystem
import NetlinkKit
import Testing

@Suite("terway-demo over ipvlan", .serialized, .requires(.root), .requires(.cgroup2), .requires(.ipvlan))
struct IPVLANDemoTests {
  private struct Report: Decodable {
    struct Flow: Decodable {
      var flow: String
      var path: String
      var verdict: String
    }
    var wiring: String
    var flows: [Flow]
  }

  @Test func `every flow goes as expected, and sibling traffic never meets the wire`() async throws {
    let outcome = try await Program("terway-demo").run(["--output", "json"])
    #expect(outcome.status == 0, "\(outcome.output)\(outcome.errors)")
    let report = try JSONDecoder().decode(Report.self, from: Data(outcome.output.utf8))
    #expect(report.wiring == "ipvlan")
    #expect(report.flows.filter { $0.verdict != "ok" }.map(\.flow) == [])
    let paths = Dictionary(report.flows.map { ($0.flow, $0.path) }, uniquingKeysWith: { first, _ in first })
    #expect(paths["client -> web-1, TCP, same ENI"] == "inside node-a")
    #expect(paths["client -> web-2, TCP, other ENI"] == "node-a/eth1 - VPC - node-a/eth2")
    #expect(paths["sandbox -> service web, TCP"] == "translated at packets")
  }
}
