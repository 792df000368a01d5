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
    endpointPolicies.store(
      policy.ingress.value, in: endpointPolicies.field(\.ingress.value), at: endpoint, ordering: .releasing)
    endpointPolicies.store(
      policy.egress.value, in: endpointPolicies.field(\.egress.value), at: endpoint, ordering: .releasing)
  }

  /// Sets a peer's class in one step.
  ///
  /// - Parameters:
  ///   - word: The class, and whether it is this node's.
  ///   - index: The peer's index, less than the count of ``peerClasses``.
  public func setPeerClass(_ word: version_word, at index: UInt32) {
    peerClasses.store(word.value, in: peerClasses.field(\.value), at: index, ordering: .releasing)
  }
}
