// SPDX-License-Identifier: Apache-2.0

import ClusterState
import Foundation
import KubernetesModel
import SeededRandom
import Testing

@Suite("Hostile bytes")
struct HostileBytesTests {
  private static let seedText = """
    ---
    apiVersion: networking.k8s.io/v1
    kind: NetworkPolicy
    metadata: {name: p, labels: &l {a: "b", c: 'd'}}
    spec:
      podSelector: {matchLabels: {<<: *l}, matchExpressions: [{key: a, operator: In, values: [x, "0x1F"]}]}
      ingress:
      - from: [{ipBlock: {cidr: 10.0.0.0/8, except: ["10.1.0.0/16"]}}, {namespaceSelector: {}}]
        ports: [{port: 80, endPort: 9_0, protocol: TCP}, {port: !!str http}]
    ---
    {"apiVersion": "v1", "kind": "List", "items": [{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"}}]}
    """

  /// The same changes for the same seed.
  private func changed(_ seed: UInt64, of text: String = seedText) -> [UInt8] {
    var generator = SeededGenerator(seed: seed)
    func next() -> UInt64 { generator.next() }
    var bytes = Array(text.utf8)
    for _ in 0..<(1 + next() % 6) {
      let position = Int(next() % UInt64(bytes.count))
      switch next() % 4 {
      case 0: bytes[position] = UInt8(truncatingIfNeeded: next())
      case 1 where bytes.count > 1: bytes.remove(at: position)
      case 2: bytes.insert(Array("{}[]:-*&!<'\"\\\n\t #%@`|>".utf8)[Int(next() % 22)], at: position)
      default:
        let end = min(position + Int(next() % 30), bytes.count)
        bytes.insert(contentsOf: bytes[position..<end], at: Int(next() % UInt64(bytes.count)))
      }
    }
    return bytes
  }

  @Test func `changed manifests are read or refused, and nothing traps`() {
    var refused = 0
    for seed in UInt64(1)...4000 {
      do {
        _ = try ManifestStream(bytes: changed(seed), name: "seed \(seed)")
      } catch {
        refused += 1
        #expect(!error.message.isEmpty, "seed \(seed)")
      }
    }
    #expect((1000..<4000).contains(refused))
  }

  private static let policyText = """
    apiVersion: policy.networking.k8s.io/v1alpha1
    kind: AdminNetworkPolicy
    metadata: {name: a, ownerReferences: [{apiVersion: v1, kind: K, name: m, uid: u}], creationTimestamp: null}
    spec:
      priority: 5
      subject: &s {pods: {namespaceSelector: {}, podSelector: {matchLabels: {a: b}}}}
      ingress: [{action: Allow, from: [*s], ports: [{portNumber: {port: 80}}, {portRange: {start: 1, end: 2}}]}]
      egress: [{action: Pass, to: [{networks: ["10.0.0.0/8"]}, {nodes: {}}, {domainNames: ["*.a.b"]}]}]
    ---
    apiVersion: policy.networking.k8s.io/v1alpha2
    kind: ClusterNetworkPolicyList
    items:
    - metadata: {generateName: a-}
      spec:
        tier: Baseline
        priority: 5
        subject: {namespaces: {matchExpressions: [{key: a, operator: NotIn, values: [b]}]}}
        ingress:
        - {name: first, action: Deny, from: [{namespaces: {}}], protocols: [{tcp: {destinationPort: {number: 80}}}]}
        - {action: Deny, from: [{namespaces: {}}], protocols: [{udp: {destinationPort: {range: {start: 1, end: 2}}}}]}
    """

  @Test(arguments: [ReadingOptions.strict, .accepted])
  func `changed policies are read or refused, written and read again`(options: ReadingOptions) async throws {
    #expect(PolicyManifests(bytes: Array(Self.policyText.utf8)).errors == [])
    var refused = 0
    for seed in UInt64(1)...3000 {
      let bytes = changed(seed, of: Self.policyText)
      let manifests = PolicyManifests(bytes: bytes, options: options)
      refused += manifests.errors.isEmpty ? 0 : 1
      #expect(manifests.errors.allSatisfy { !$0.message.isEmpty }, "seed \(seed)")
      let map = SourceMap(bytes: bytes)
      for error in manifests.errors {
        guard let document = error.document else { continue }
        #expect(map.lines(document: document, path: error.path) != nil || map.isEmpty, "seed \(seed)")
      }
      for entry in manifests.policies where options == .strict {
        let written = try JSONEncoder().encode(entry.object.resource)
        let again = PolicyManifests(bytes: Array(written))
        #expect(again.policies.map(\.object) == [entry.object], "seed \(seed)")
      }
      if seed % 100 == 0 { await Task.yield() }
    }
    #expect((500..<3000).contains(refused))
  }
}
