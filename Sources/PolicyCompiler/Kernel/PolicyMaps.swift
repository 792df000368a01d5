// SPDX-License-Identifier: Apache-2.0

package import BPFMaps
package import CDatapathABI

/// The kernel's side of policy: the maps of `bpf/include/policy_abi.h`, or what stands in for them in tests.
///
/// What does not throw is a load from or a store to memory that the maps share with this process: no system call, and no
/// failure.
package protocol PolicyMaps: Sendable {
  /// How many entries each map holds.
  var capacity: PolicyMapCapacity { get }

  /// The generation in force; 0 before the first.
  func generation() -> UInt32
  /// Puts a generation into force with one store, after every store before it.
  func setGeneration(_ generation: UInt32)
  /// A version word.
  func word(_ place: PolicyWordPlace) -> version_word
  /// Stores a version word in one step.
  func setWord(_ word: version_word, _ place: PolicyWordPlace)

  func write(ruleSets: [(UInt32, rule_set)]) throws(BPFError)
  func write(portTables: [(UInt32, port_table)]) throws(BPFError)
  func write(portRanges: [(UInt32, port_range)]) throws(BPFError)
  func write(addressRanges4: [(UInt32, address_range4)]) throws(BPFError)
  func write(addressRanges6: [(UInt32, address_range6)]) throws(BPFError)
  func insert(verdicts: [(verdict_key, verdict)]) throws(BPFError)
  func insert(peers: [(ip_address, UInt32)]) throws(BPFError)
  /// Removes entries; those that are not there are passed over.
  func remove(verdicts: [verdict_key]) throws(BPFError)
  /// Removes entries; those that are not there are passed over.
  func remove(peers: [ip_address]) throws(BPFError)
  /// Sets counters to zero.
  func reset(decisions: [UInt32]) throws(BPFError)

  /// Returns when every program that was running when it was called has ended.
  func waitForPrograms() async throws(BPFError)

  // For taking over maps that another writer filled.
  func ruleSet(at index: UInt32) throws(BPFError) -> rule_set?
  func portTable(at index: UInt32) throws(BPFError) -> port_table?
  func portRange(at index: UInt32) throws(BPFError) -> port_range?
  func addressRange4(at index: UInt32) throws(BPFError) -> address_range4?
  func addressRange6(at index: UInt32) throws(BPFError) -> address_range6?
  func verdicts() throws(BPFError) -> [(verdict_key, verdict)]
  func peers() throws(BPFError) -> [(ip_address, UInt32)]
}

/// Where a version word is.
package enum PolicyWordPlace: Hashable, Sendable {
  /// The rule set of a stage for connections to an endpoint.
  case ingress(UInt32, PolicyStage = .policy)
  /// The rule set of a stage for connections from an endpoint.
  case egress(UInt32, PolicyStage = .policy)
  /// The class of a plane in a slot of `peer_class`.
  case peer(UInt32, PolicyPlane = .namespaced)

  /// Every word of an endpoint.
  package static func all(ofEndpoint number: UInt32) -> [PolicyWordPlace] {
    PolicyStage.allCases.flatMap { [.ingress(number, $0), .egress(number, $0)] }
  }
}

/// How many entries each map holds.
package struct PolicyMapCapacity: Hashable, Sendable {
  package var endpoints: UInt32
  package var ruleSets: UInt32
  package var peers: UInt32
  package var peerClasses: UInt32
  package var verdicts: UInt32
  package var addressRanges4: UInt32
  package var addressRanges6: UInt32
  package var portTables: UInt32
  package var portRanges: UInt32
  package var decisions: UInt32

  package init(
    endpoints: UInt32, ruleSets: UInt32, peers: UInt32, peerClasses: UInt32, verdicts: UInt32, addressRanges4: UInt32,
    addressRanges6: UInt32, portTables: UInt32, portRanges: UInt32, decisions: UInt32
  ) {
    self.endpoints = endpoints
    self.ruleSets = ruleSets
    self.peers = peers
    self.peerClasses = peerClasses
    self.verdicts = verdicts
    self.addressRanges4 = addressRanges4
    self.addressRanges6 = addressRanges6
    self.portTables = portTables
    self.portRanges = portRanges
    self.decisions = decisions
  }
}
