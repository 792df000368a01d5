// SPDX-License-Identifier: Apache-2.0

import ExampleTestSupport
import Foundation
import Testing

@Suite("policyc, refusals", .timeLimit(.minutes(5)))
struct PolicycRefusalTests {
  // MARK: Manifests: 2

  @Test func `refused manifests are a document of errors with status 2`() async throws {
    struct Output: Decodable {
      struct Refusal: Decodable {
        var document: Int?
        var path: String
        var message: String
        var line: Int?
      }
      var formatVersion: Int
      var errors: [Refusal]
    }
    let fixture = try PolicycFixture()
    try fixture.write(
      "bad.yaml",
      """
      ---
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: a}
      spec:
        ingress:
        - from:
          - ipBlock: {cidr: 10.0.0.0/33}
      ---
      ---
      apiVersion: v1
      kind: Pod
      metadata: {name: a}
      """)
    for arguments in [
      ["eval", "--cluster", "cluster.json", "--probes", "probes.json"], ["validate", "--output", "json"],
    ] {
      let outcome = try await fixture.run(all: arguments + ["--policies", "bad.yaml"])
      #expect(outcome.status == 2)
      let output = try JSONDecoder().decode(Output.self, from: Data(outcome.output.utf8))
      #expect(output.formatVersion == 1)
      let first = try #require(output.errors.first)
      #expect(first.document == 0)
      #expect(first.path == ".spec.ingress[0].from[0].ipBlock.cidr")
      #expect(first.message.contains("10.0.0.0/33"))
      #expect(first.line == 8)
      #expect(output.errors.contains { $0.document == 2 && $0.path == ".kind" })
      #expect(!outcome.output.contains("results"))
      #expect(outcome.errors.hasPrefix("policyc: bad.yaml: "))
    }
  }

  @Test(arguments: [
    Array("a: [".utf8), [0xFF, 0xFE, 0x00], Array("a: &a [*a, *a]\n".utf8), Array("kind: Deployment\n".utf8),
    Array(repeating: UInt8(ascii: "["), count: 100_000), Array("%YAML 9.9\n---\n".utf8), Array("- 1\n".utf8),
  ])
  func `bytes that are no policies are refused, whatever they are`(_ bytes: [UInt8]) async throws {
    let fixture = try PolicycFixture()
    try fixture.write("bad.yaml", bytes: bytes)
    let outcome = try await fixture.run(
      "eval", "--cluster", "cluster.json", "--policies", "bad.yaml", "--probes", "probes.json")
    #expect(outcome.hasExited)
    #expect(outcome.status == 2)
    #expect(outcome.output.hasPrefix(#"{"formatVersion":1,"errors":[{"document":"#))
    #expect(outcome.output.contains(#""message":"#) && !outcome.output.contains(#""message":"""#))
  }

  // MARK: cluster.json and probes.json: 65

  private static let pod = #""namespace": "a", "name": "p", "ips""#
  private static func cluster(_ pods: String, nodes: String = "[]") -> String {
    #"{"formatVersion": 1, "namespaces": [{"name": "a"}], "nodes": \#(nodes), "pods": [\#(pods)]}"#
  }

  static let clusters: [(String, String)] = [
    ("", "expected an object, found the end of the file"),
    ("[]", "expected an object"),
    ("{", "expected a text in quotes"),
    ("{} {}", "expected the document's end"),
    (#"{"namespaces": [], "pods": []}"#, "formatVersion must be 1"),
    (#"{"formatVersion": 2, "namespaces": [], "pods": []}"#, "formatVersion must be 1, not 2"),
    (#"{"formatVersion": "1", "namespaces": [], "pods": []}"#, "line 1, column 19: .formatVersion: expected a value"),
    (#"{"formatVersion": 1, "pods": []}"#, "namespaces is missing"),
    (#"{"formatVersion": 1, "namespaces": []}"#, "pods is missing"),
    (#"{"formatVersion": 1, "namespaces": [{}], "pods": []}"#, "namespaces[0]: name is missing"),
    (
      #"{"formatVersion": 1, "namespaces": [{"name": "a"}, {"name": "a"}], "pods": []}"#,
      "namespace \"a\" is there twice"
    ),
    (
      #"{"formatVersion": 1, "namespaces": [{"name": "a", "labels": {"b": 1}}], "pods": []}"#,
      "expected a text in quotes"
    ),
    (#"{"formatVersion": 1, "namespaces": [], "pods": [1]}"#, "expected an object"),
    (#"{"formatVersion": 1, "namespaces": [], "pods": [],}"#, "expected a text in quotes"),
    (#"{"formatVersion": 1, "namespaces": [], "pods": [], "x": "\ud800"}"#, "expected a whole character"),
    (#"{"formatVersion": 1, "namespaces": [], "pods": [], "x": 01}"#, "expected a comma"),
    (
      #"{"formatVersion": 1, "namespaces": [], "pods": [], "x": \#(String(repeating: "[", count: 100_000))"#,
      "at most 128 levels"
    ),
    (cluster(#"{"name": "p", "ips": ["10.0.0.1"]}"#), "pods[0]: namespace or name is missing"),
    (cluster(#"{"namespace": "b", "name": "p", "ips": ["10.0.0.1"]}"#), "there is no namespace \"b\""),
    (cluster("{\(pod): []}"), "ips must have one or two addresses"),
    (cluster(#"{\#(pod): ["10.0.0.1", "10.0.0.2"]}"#), "at most one of each family"),
    (cluster(#"{\#(pod): ["10.0.0.256"]}"#), "line 1: .pods[0].ips[0]: \"10.0.0.256\" is not an IP address"),
    (cluster("{\(pod): [\"10.0.0.1\"]},\n{\(pod): [\"10.0.0.2\"]}"), "line 2: .pods[1]: pod a/p is there twice"),
    (
      cluster("", nodes: #"[{"name": "n", "ips": []}, {"name": "n", "ips": []}]"#),
      ".nodes[1]: node \"n\" is there twice"
    ),
    (cluster(#"{\#(pod): ["10.0.0.1"]}, {\#(pod): ["10.0.0.2"]}"#), "pod a/p is there twice"),
    (
      cluster(#"{\#(pod): ["fd00::1"]}, {"namespace": "a", "name": "q", "ips": ["FD00:0::1"]}"#),
      "pods a/p and a/q both have the address fd00::1"
    ),
    (cluster(#"{\#(pod): ["10.0.0.1"], "containerPorts": [{"port": 0}]}"#), "port must be 1 to 65535, not 0"),
    (cluster(#"{\#(pod): ["10.0.0.1"], "containerPorts": [{"port": 1.5}]}"#), "expected a whole number"),
    (
      cluster(#"{\#(pod): ["10.0.0.1"], "containerPorts": [{"port": 1, "protocol": "tcp"}]}"#),
      "\"tcp\" is not TCP, UDP or SCTP"
    ),
    (cluster(#"{\#(pod): ["10.0.0.1"], "hostNetwork": "yes"}"#), "expected true or false"),
    (cluster("", nodes: #"[{"name": "n"}]"#), "node \"n\": ips is missing"),
  ]

  @Test(arguments: clusters)
  func `a cluster that cannot be used is status 65 and one sentence`(_ text: String, _ reason: String) async throws {
    let fixture = try PolicycFixture()
    try fixture.write("cluster.json", text)
    let outcome = try await fixture.run(
      "eval", "--cluster", "cluster.json", "--policies", "new.yaml", "--probes", "probes.json")
    #expect(outcome.hasExited)
    #expect(outcome.status == 65)
    #expect(outcome.errors.hasPrefix("policyc: cluster.json: "))
    #expect(outcome.errors.contains(reason), "\(outcome.errors)")
    #expect(outcome.errors.split(separator: "\n").count == 1)
    #expect(outcome.output.isEmpty)
  }

  static let groups: [(String, String)] = [
    (#"{"from": ["shop/web-1"], "to": ["shop/db"]}"#, "groups[0]: from, to or ports is missing"),
    (#"{"from": ["shop/ghost"], "to": ["shop/db"], "ports": ["TCP/1"]}"#, "there is no pod shop/ghost"),
    (#"{"from": ["10.0.0"], "to": ["shop/db"], "ports": ["TCP/1"]}"#, "\"10.0.0\" is neither namespace/name nor"),
    (#"{"from": ["10.0.0.1"], "to": ["shop/db"], "ports": ["TCP/0"]}"#, "\"TCP/0\" is not TCP, UDP or SCTP"),
    (#"{"from": ["10.0.0.1"], "to": ["shop/db"], "ports": ["TCP/65536"]}"#, "\"TCP/65536\" is not"),
    (#"{"from": ["10.0.0.1"], "to": ["shop/db"], "ports": ["ICMP/1"]}"#, "\"ICMP/1\" is not"),
    (#"{"from": ["10.0.0.1"], "to": ["shop/db"], "ports": ["TCP/+1"]}"#, "\"TCP/+1\" is not"),
    (#"{"from": ["fd00::9"], "to": ["ops/probe"], "ports": ["TCP/1"]}"#, "have no address family in common"),
    (
      #"{"from": [\#(many)], "to": [\#(many)], "ports": ["TCP/1"]}"#, "asks for more than 20000000 connections"
    ),
  ]
  private static let many = Array(repeating: "\"10.0.0.1\"", count: 5000).joined(separator: ",")

  @Test(arguments: groups)
  func `probes that cannot be used are status 65 and one sentence`(_ group: String, _ reason: String) async throws {
    let fixture = try PolicycFixture()
    try fixture.write("probes.json", #"{"formatVersion": 1, "groups": [\#(group)]}"#)
    let outcome = try await fixture.run(
      "eval", "--cluster", "cluster.json", "--policies", "new.yaml", "--probes", "probes.json")
    #expect(outcome.status == 65)
    #expect(outcome.errors.hasPrefix("policyc: probes.json: "))
    #expect(outcome.errors.contains(reason), "\(outcome.errors)")
    #expect(outcome.output.isEmpty)
  }

  // MARK: Arguments: 64

  @Test(arguments: [
    [], ["eval"], ["judge"], ["eval", "--cluster", "cluster.json", "--policies", "new.yaml"],
    ["eval", "--cluster", "cluster.json", "--policies", "new.yaml", "--probes", "probes.json", "--engine", "magic"],
    ["explain", "--cluster", "cluster.json", "--policies", "new.yaml", "--from", "shop/db"],
    ["explain", "--cluster", "cluster.json", "--diff", "new.yaml"],
    ["explain", "--cluster", "cluster.json", "--diff", "new.yaml", "old.yaml", "--port", "80"],
    [
      "explain", "--cluster", "cluster.json", "--policies", "new.yaml", "--from", "x/y", "--to", "shop/db", "--port",
      "80",
    ],
    [
      "explain", "--cluster", "cluster.json", "--policies", "new.yaml", "--from", "shop/db", "--to", "shop/db",
      "--port", "0",
    ],
    ["validate", "--policies", "missing.yaml"],
  ])
  func `wrong arguments are status 64 and say what is wanted`(_ arguments: [String]) async throws {
    let fixture = try PolicycFixture()
    let outcome = try await fixture.run(all: arguments)
    #expect(outcome.status == (arguments.isEmpty ? 0 : 64), "\(outcome.errors)")
    #expect(!(outcome.errors + outcome.output).isEmpty)
  }

  @Test func `files that are not there end with the status of their kind`() async throws {
    let fixture = try PolicycFixture()
    let outcome = try await fixture.run(
      "eval", "--cluster", "missing.json", "--policies", "new.yaml", "--probes", "probes.json")
    #expect(outcome.status == 65)
    #expect(outcome.errors == "policyc: missing.json: cannot be read; is that its path, and may you read it?\n")
  }

  @Test(arguments: ["", "eval", "explain", "validate", "compile"])
  func `every command has help with an example`(_ command: String) async throws {
    let outcome = try await Program("policyc").run(command.isEmpty ? ["--help"] : [command, "--help"])
    #expect(outcome.status == 0)
    #expect(outcome.output.contains("Example"))
    #expect(outcome.output.contains("policyc \(command.isEmpty ? "explain" : command) --"))
  }
}
