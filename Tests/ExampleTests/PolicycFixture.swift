// SPDX-License-Identifier: Apache-2.0

import ExampleTestSupport
import Foundation

/// A directory with a small cluster and its policies, to run `policyc` in.
struct PolicycFixture: ~Copyable {
  let folder: URL
  private let policyc = Program("policyc")

  init() throws {
    folder = FileManager.default.temporaryDirectory.appending(path: "policyc-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    try write("cluster.json", Self.cluster)
    try write("old.yaml", Self.old)
    try write("new.yaml", Self.new)
    try write("probes.json", Self.probes)
  }

  deinit { try? FileManager.default.removeItem(at: folder) }

  func write(_ name: String, _ text: String) throws { try write(name, bytes: Array(text.utf8)) }

  func write(_ name: String, bytes: [UInt8]) throws { try Data(bytes).write(to: folder.appending(path: name)) }

  func text(_ name: String) throws -> String {
    String(decoding: try Data(contentsOf: folder.appending(path: name)), as: UTF8.self)
  }

  /// Runs it; arguments that end in a name of a file mean the one of this directory.
  func run(_ arguments: String...) async throws -> Program.Outcome { try await run(all: arguments) }

  func run(all arguments: [String]) async throws -> Program.Outcome {
    var outcome = try await policyc.run(
      arguments.map { argument in
        let isFile = [".json", ".yaml", ".svg"].contains { argument.hasSuffix($0) }
        return isFile ? folder.appending(path: argument).path : argument
      })
    // The directory's name is another one each time.
    outcome.output = outcome.output.replacing(folder.path + "/", with: "").replacing(/-{40,}/, with: "---")
    outcome.errors = outcome.errors.replacing(folder.path + "/", with: "")
    return outcome
  }

  static let cluster = """
    {"formatVersion": 1, "comment": {"ignored": [1, null, true, "\\u00e9", {"deep": []}]},
     "namespaces": [{"name": "shop", "labels": {"team": "blue"}}, {"name": "ops", "labels": {"team": "ops"}}],
     "nodes": [{"name": "n1", "labels": {"zone": "a"}, "ips": ["172.18.0.2", "FD01:0::2"]},
               {"name": "n2", "ips": ["172.18.0.3"]}],
     "pods": [
      {"namespace": "shop", "name": "web-1", "labels": {"app": "web"}, "ips": ["10.0.1.5", "fd00::1:5"], "node": "n1"},
      {"namespace": "shop", "name": "web-2", "labels": {"app": "web"}, "ips": ["10.0.1.7", "fd00::1:7"], "node": "n2"},
      {"namespace": "shop", "name": "db", "labels": {"app": "db"}, "ips": ["10.0.1.6", "fd00::1:6"], "node": "n2",
       "containerPorts": [{"name": "sql", "port": 5432}]},
      {"namespace": "ops", "name": "probe", "ips": ["10.0.2.5"], "node": "n1", "labels": null}]}
    """

  static let old = """
    apiVersion: networking.k8s.io/v1
    kind: NetworkPolicy
    metadata: {name: db, namespace: shop}
    spec:
      podSelector: {matchLabels: {app: db}}
      ingress:
      - from:
        - podSelector: {matchLabels: {app: web}}
        ports:
        - port: sql
    """

  static let new =
    old + """

        - from:
          - namespaceSelector: {matchLabels: {team: ops}}
          ports:
          - {port: 9100, protocol: TCP}
      ---
      apiVersion: policy.networking.k8s.io/v1alpha2
      kind: ClusterNetworkPolicy
      metadata: {name: egress}
      spec:
        tier: Admin
        priority: 10
        subject: {namespaces: {}}
        egress:
        - action: Accept
          to: [{domainNames: ["*.example.com"]}]
        - action: Deny
          to: [{networks: ["203.0.113.0/24"]}]
      """

  static let probes = """
    {"formatVersion": 1, "groups": [
      {"from": ["shop/web-1", "203.0.113.9"], "to": ["shop/db"], "ports": ["TCP/5432", "UDP/53"]},
      {"from": ["10.0.1.5"], "to": ["203.0.113.9"], "ports": ["SCTP/9"]}]}
    """
}
