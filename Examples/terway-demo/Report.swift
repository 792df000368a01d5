// SPDX-License-Identifier: Apache-2.0

import ExampleSupport
import Foundation

/// One flow: what was expected of it and what was seen.
struct FlowResult: Codable, Sendable {
  enum Verdict: String, Codable, Sendable {
    case passed = "ok"
    case failed = "FAILED"
  }

  /// Who talks to whom, and how.
  var flow: String
  /// The pod or node that connects.
  var source: String
  /// The pods or nodes that it may reach; several for a service, none for a service without pods.
  var destinations: [String]
  /// Which links carried it, by their counters; to a service, where that was translated.
  var path: String
  var expected: String
  var observed: String
  /// The median round trip in microseconds; nil where nothing came back.
  var latency: Double?
  var verdict: Verdict
}

/// What the demo found, as a table for people and as JSON for programs.
struct Report: Codable, Sendable {
  /// A node, its address, and its ENIs with their pods.
  struct Node: Codable, Sendable {
    struct Interface: Codable, Sendable {
      var link: String
      var eni: String
      /// Pod names and addresses.
      var pods: [String: String]
    }
    var name: String
    var address: String
    var interfaces: [Interface]
  }

  var kernel: String
  var wiring: String
  var nodes: [Node]
  var flows: [FlowResult]
  /// Packets dropped by the pods' programs, by reason.
  var drops: [String: UInt64]

  var failures: Int { flows.filter { $0.verdict == .failed }.count }

  /// The table, and what the drop counters say.
  var text: String {
    var table = TextTable(["FLOW", "PATH TAKEN", "EXPECTED", "OBSERVED", "RTT", "VERDICT"])
    for flow in flows {
      table.append([
        flow.flow, flow.path, flow.expected, flow.observed,
        flow.latency.map { String(format: "%.0f us", $0) } ?? "-", flow.verdict.rawValue,
      ])
    }
    let dropped =
      drops.isEmpty
      ? "none"
      : drops.sorted { $0.key < $1.key }.map { "\($0.value) x \($0.key)" }
        .joined(separator: ", ")
    let summary =
      failures == 0
      ? "All \(flows.count) flows went as expected." : "\(failures) of \(flows.count) flows did not go as expected."
    return """
      \(table)

      Kernel \(kernel), wiring \(wiring). Dropped packets: \(dropped).
      \(summary)
      """
  }

  func json() throws -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return try encoder.encode(self)
  }
}

extension [Double] {
  /// The middle one; nil when there is none.
  var median: Double? { isEmpty ? nil : sorted()[count / 2] }
}
