// SPDX-License-Identifier: Apache-2.0

package import BPFMaps
package import CDatapathABI
internal import DatapathPrograms

/// The kernel's side of policy: the four maps of the pod datapath, or something that stands in for them in tests.
package protocol PolicyTables: Sendable {
  /// How many entries `peer_class`, `verdict` and `endpoint_policy` hold at most.
  var capacity: PolicyTableSizes { get }
  /// The generation in force; 0 before the first.
  func generation() throws(BPFError) -> UInt32
  /// Puts a generation into force, with one store.
  func publish(_ generation: UInt32) throws(BPFError)
  func write(_ classes: [(peer_class_key, peer_class)]) throws(BPFError)
  func write(_ verdicts: [(verdict_key, verdict)]) throws(BPFError)
  func write(_ endpoints: [(UInt32, endpoint_policy)]) throws(BPFError)
  func remove(_ key: peer_class_key) throws(BPFError)
  func remove(_ key: verdict_key) throws(BPFError)
  func classKeys() throws(BPFError) -> [peer_class_key]
  func verdictKeys() throws(BPFError) -> [verdict_key]
  func endpointPolicies() throws(BPFError) -> [endpoint_policy]
}

/// Numbers of entries.
package struct PolicyTableSizes: Hashable, Sendable {
  package var classes: Int
  package var verdicts: Int
  package var endpoints: Int

  package init(classes: Int, verdicts: Int, endpoints: Int) {
    self.classes = classes
    self.verdicts = verdicts
    self.endpoints = endpoints
  }
}

/// The maps themselves.
struct DatapathPolicyTables: PolicyTables {
  let datapath: PodDatapath

  var capacity: PolicyTableSizes {
    PolicyTableSizes(
      classes: Int(datapath.peerClasses.info.maximumEntryCount),
      verdicts: Int(datapath.verdicts.info.maximumEntryCount),
      endpoints: Int(datapath.endpointPolicies.count))
  }

  func generation() throws(BPFError) -> UInt32 {
    try datapath.policyState.value(at: 0)?.generation ?? 0
  }

  func publish(_ generation: UInt32) throws(BPFError) {
    try datapath.policyState.setValue(policy_state(generation: generation, padding: 0), at: 0)
  }

  func write(_ classes: [(peer_class_key, peer_class)]) throws(BPFError) { try datapath.peerClasses.update(classes) }
  func write(_ verdicts: [(verdict_key, verdict)]) throws(BPFError) { try datapath.verdicts.update(verdicts) }
  func write(_ endpoints: [(UInt32, endpoint_policy)]) throws(BPFError) {
    for (index, value) in endpoints { try datapath.endpointPolicies.setValue(value, at: index) }
  }
  func remove(_ key: peer_class_key) throws(BPFError) { try datapath.peerClasses.removeValue(forKey: key) }
  func remove(_ key: verdict_key) throws(BPFError) { try datapath.verdicts.removeValue(forKey: key) }
  func classKeys() throws(BPFError) -> [peer_class_key] { try datapath.peerClasses.entries().map(\.0) }
  func verdictKeys() throws(BPFError) -> [verdict_key] { try datapath.verdicts.entries().map(\.0) }
  func endpointPolicies() throws(BPFError) -> [endpoint_policy] { try datapath.endpointPolicies.values() }
}
