// SPDX-License-Identifier: Apache-2.0

import BPFMaps
public import CDatapathABI
import Synchronization

extension PodDatapath {
  /// The policy generation in force; 0: nothing is compiled yet.
  public var generation: UInt32 {
    policyState.load(policyState.field(\.generation), at: 0, ordering: .acquiring)
  }

  /// Puts a generation into force: the next packet is judged by it, all others before were judged by the last one.
  ///
  /// All that belongs to it has to be written before; this store orders it.
  ///
  /// - Parameter generation: A number that was not in force before.
  public func publish(generation: UInt32) {
    policyState.store(generation, in: policyState.field(\.generation), at: 0, ordering: .releasing)
  }

  /// Sets an endpoint's rule sets, each in one step.
  ///
  /// - Parameters:
  ///   - policy: Version words of rule sets.
  ///   - endpoint: The endpoint, less than the count of ``endpointPolicies``.
  public func setPolicy(_ policy: endpoint_policy, ofEndpoint endpoint: UInt32) {
    let fields: [(version_word, BPFMappedArray<endpoint_policy>.Field)] = [
      (policy.ingress.admin, endpointPolicies.field(\.ingress.admin.value)),
      (policy.ingress.policy, endpointPolicies.field(\.ingress.policy.value)),
      (policy.ingress.baseline, endpointPolicies.field(\.ingress.baseline.value)),
      (policy.egress.admin, endpointPolicies.field(\.egress.admin.value)),
      (policy.egress.policy, endpointPolicies.field(\.egress.policy.value)),
      (policy.egress.baseline, endpointPolicies.field(\.egress.baseline.value)),
    ]
    for (word, field) in fields { endpointPolicies.store(word.value, in: field, at: endpoint, ordering: .releasing) }
  }

  /// Sets a peer's classes, each in one step.
  ///
  /// - Parameters:
  ///   - words: What NetworkPolicies see of the peer and whether it is this node's, and what policies of the cluster see.
  ///   - index: The peer's index, less than the count of ``peerClasses``.
  public func setPeerClass(_ words: peer_class, at index: UInt32) {
    peerClasses.store(words.policy.value, in: peerClasses.field(\.policy.value), at: index, ordering: .releasing)
    peerClasses.store(words.cluster.value, in: peerClasses.field(\.cluster.value), at: index, ordering: .releasing)
  }
}

extension policy_stages {
  /// The stages of a pod that no policy of the cluster selects.
  ///
  /// - Parameter policy: The version word of the NetworkPolicies' rule set.
  public init(policy: version_word) {
    let unrestricted = version_word(UInt32(RULE_SET_UNRESTRICTED))
    self.init(admin: unrestricted, policy: policy, baseline: unrestricted)
  }
}
