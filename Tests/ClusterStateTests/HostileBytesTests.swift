// SPDX-License-Identifier: Apache-2.0

import ClusterState
import KubernetesModel
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

  /// SplitMix64: the same changes for the same seed.
  private func changed(_ seed: UInt64) -> [UInt8] {
    var state = seed
    func next() -> UInt64 {
      state &+= 0x9E37_79B9_7F4A_7C15
      var value = state
      value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
      value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
      return value ^ (value >> 31)
    }
    var bytes = Array(Self.seedText.utf8)
    for _ in 0..<(1 + next() % 6) {
      let position = Int(next() % UInt64(bytes.count))
      switch next() % 4 {
      case 0: bytes[position] = UInt8(truncatingIfNeeded: next())
      case 1: bytes.remove(at: position)
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
}
