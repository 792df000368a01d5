// SPDX-License-Identifier: Apache-2.0

import ExampleTestSupport
import Foundation
import PolicyCompiler
import Testing

@testable import policyc

@Suite("policyc, engines and output", .timeLimit(.minutes(5)))
struct PolicycEngineTests {
  @Test func `policies that tables cannot hold have verdicts all the same`() async throws {
    let fixture = try PolicycFixture()
    let rules = (0..<2000).map { number in
      let hole = "11.0.\(2 * number / 256).\(2 * number % 256)/32"
      return """
        {"ports": [{"port": \(1 + 2 * number)}], "from": [{"ipBlock": {"cidr": "0.0.0.0/0", "except": ["\(hole)"]}}]}
        """
    }
    try fixture.write(
      "large.yaml",
      """
      {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": "p", "namespace": "shop"},
       "spec": {"ingress": [\(rules.joined(separator: ",\n"))]}}
      """)
    let ends = Array(repeating: "\"203.0.113.9\"", count: 60_000).joined(separator: ",")
    try fixture.write(
      "probes.json",
      #"{"formatVersion":1,"groups":[{"from":[\#(ends)],"to":["shop/db"],"ports":["TCP/3"]}]}"#)
    let arguments = ["eval", "--cluster", "cluster.json", "--policies", "large.yaml", "--probes", "probes.json"]
    let outcome = try await fixture.run(all: arguments)
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(outcome.output.hasSuffix(#"{"verdict":"allow","egress":"allow","ingress":"allow"}]}"# + "\n"))
    let tables = try await fixture.run(all: arguments + ["--engine", "tables"])
    #expect(tables.status == 1)
    #expect(tables.errors.contains("multiply to more port ranges than tables hold"))
  }

  @Test func `many probes are answered by the tables, few by the reference`() throws {
    let cluster = try ClusterFile.read(Array(PolicycFixture.cluster.utf8))
    for (count, isMany) in [(1, false), (100_000, false), (100_001, true)] {
      let ports = Array(repeating: "\"TCP/80\"", count: count).joined(separator: ",")
      let text = #"{"formatVersion":1,"groups":[{"from":["shop/db"],"to":["shop/web-1"],"ports":[\#(ports)]}]}"#
      let engine = try EngineName.auto.engine(
        cluster, options: PolicyOptions(), for: ProbesFile(Array(text.utf8), cluster: cluster))
      #expect(engine is TablesEngine == isMany)
      #expect(engine is ReferenceEngine != isMany)
    }
  }

  @Test func `output that cannot be written is an error and one sentence`() async throws {
    let fixture = try PolicycFixture()
    for command in ["compile", "compile --stats --output json"] {
      let outcome = try await Program(path: "/bin/sh").run([
        "-c",
        "\(Program("policyc").path) \(command) --cluster \(fixture.folder.path)/cluster.json "
          + "--policies \(fixture.folder.path)/new.yaml >/dev/full",
      ])
      #expect(outcome.status == 1)
      #expect(outcome.errors == "policyc: the output cannot be written; is the disk full, or its reader gone?\n")
    }
  }
}
