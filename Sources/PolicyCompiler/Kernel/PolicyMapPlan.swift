// SPDX-License-Identifier: Apache-2.0

package import CDatapathABI
package import KubernetesModel
internal import NetworkTypes

/// What one generation of policy is in the kernel's maps: pure values.
package struct PolicyMapPlan: Sendable {
  /// Entries of the map `peer_class`.
  package var classes: [(peer_class_key, peer_class)] = []
  /// Entries of the map `verdict`.
  package var verdicts: [(verdict_key, verdict)] = []
  /// Entries of the map `endpoint_policy`, by index.
  package var endpoints: [(UInt32, endpoint_policy)] = []
  /// How many verdicts name each policy.
  package var costs: [NamespacedName: Int] = [:]

  /// Plans a generation.
  ///
  /// Only IPv4 goes to the kernel, and only the rule sets of the endpoints.
  ///
  /// - Parameters:
  ///   - policy: compiled policies of the whole cluster.
  ///   - endpoints: the endpoint number of each pod of this node. A pod that was not compiled is left out: the datapath
  ///     treats it as "not compiled yet".
  ///   - node: this node's name.
  ///   - generation: 1 or more.
  package init(_ policy: CompiledPolicy, endpoints: [NamespacedName: UInt32], node: String?, generation: UInt32) {
    var used: Set<UInt32> = []
    for (pod, number) in endpoints.sorted(by: { $0.value < $1.value }) {
      guard let endpoint = policy.endpoints[pod] else { continue }
      used.formUnion([endpoint.ingressSet, endpoint.egressSet])
      let entry = endpoint_policy(
        generation: generation, ingress_set: Self.kernelSet(endpoint.ingressSet, generation),
        egress_set: Self.kernelSet(endpoint.egressSet, generation), padding: 0)
      self.endpoints.append((number * 2 + generation & 1, entry))
    }
    for entry in policy.prefixes {
      guard case .v4(let address) = entry.prefix.address else { continue }
      let isLocal = entry.node != nil && entry.node == node
      let key = peer_class_key(
        prefix_length: 32 + UInt32(entry.prefix.prefixLength), generation: generation, address: address.networkOrder)
      classes.append((key, peer_class(class_id: entry.classID, flags: isLocal ? UInt32(PEER_IS_LOCAL_NODE) : 0)))
    }
    for (key, value) in policy.verdicts.sorted(by: { $0.key < $1.key }) where used.contains(key.ruleSet) {
      let entry = verdict(decision: value.decision, flags: value.isAllowed ? UInt32(VERDICT_ALLOW) : 0)
      verdicts.append((Self.kernelKey(key, generation), entry))
      for name in Set(policy.rules(of: value.decision).map(\.policy)) { costs[name, default: 0] += 1 }
    }
  }

  /// A rule set's number in the kernel: bit 31 is the generation's parity, so that two live generations never share one.
  package static func kernelSet(_ set: UInt32, _ generation: UInt32) -> UInt32 {
    set == 0 ? 0 : set | (generation & 1) << 31
  }

  private static func kernelKey(_ key: CompiledPolicy.VerdictKey, _ generation: UInt32) -> verdict_key {
    var length = UInt32(VERDICT_ANY_PROTOCOL)
    if key.protocol != nil { length = UInt32(VERDICT_ANY_PORT) + UInt32(key.ports?.prefixLength ?? 0) }
    return verdict_key(
      prefix_length: length, rule_set: kernelSet(key.ruleSet, generation), peer_class: key.classID,
      protocol: key.protocol?.number ?? 0, padding: 0, port: (key.ports?.first ?? 0).bigEndian)
  }
}
