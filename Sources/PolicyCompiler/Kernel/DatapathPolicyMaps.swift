// SPDX-License-Identifier: Apache-2.0

internal import BPFMaps
internal import CDatapathABI
internal import DatapathPrograms
internal import Synchronization

/// The maps of a loaded datapath.
struct DatapathPolicyMaps: PolicyMaps {
  private let datapath: PodDatapath
  private let gracePeriod: BPFGracePeriod
  private let processors: Int

  init(_ datapath: PodDatapath) throws(BPFError) {
    self.datapath = datapath
    gracePeriod = try BPFGracePeriod()
    processors = try datapath.decisionCounters.values(at: 0)?.count ?? 0
  }

  var capacity: PolicyMapCapacity {
    PolicyMapCapacity(
      endpoints: datapath.endpointPolicies.count, ruleSets: datapath.ruleSets.count,
      peers: datapath.peers.info.maximumEntryCount, peerClasses: datapath.peerClasses.count,
      verdicts: datapath.verdicts.info.maximumEntryCount, addressRanges4: datapath.addressRanges4.count,
      addressRanges6: datapath.addressRanges6.count, portTables: datapath.portTables.count,
      portRanges: datapath.portRanges.count, decisions: datapath.decisionCounters.info.maximumEntryCount)
  }

  func generation() -> UInt32 { datapath.generation }
  func setGeneration(_ generation: UInt32) { datapath.publish(generation: generation) }

  func word(_ place: PolicyWordPlace) -> version_word {
    switch place {
    case .ingress(let number, let stage): word(number, stage.ingress)
    case .egress(let number, let stage): word(number, stage.egress)
    case .peer(let slot, let plane):
      version_word(value: datapath.peerClasses.load(datapath.peerClasses.field(plane.word), at: slot))
    }
  }

  private func word(_ number: UInt32, _ path: KeyPath<endpoint_policy, UInt64>) -> version_word {
    version_word(value: datapath.endpointPolicies.load(datapath.endpointPolicies.field(path), at: number))
  }

  func setWord(_ word: version_word, _ place: PolicyWordPlace) {
    switch place {
    case .ingress(let number, let stage): setWord(word, number, stage.ingress)
    case .egress(let number, let stage): setWord(word, number, stage.egress)
    case .peer(let slot, let plane):
      datapath.peerClasses.store(
        word.value, in: datapath.peerClasses.field(plane.word), at: slot, ordering: .releasing)
    }
  }

  private func setWord(_ word: version_word, _ number: UInt32, _ path: KeyPath<endpoint_policy, UInt64>) {
    datapath.endpointPolicies.store(
      word.value, in: datapath.endpointPolicies.field(path), at: number, ordering: .releasing)
  }

  func write(ruleSets: [(UInt32, rule_set)]) throws(BPFError) { try datapath.ruleSets.update(ruleSets) }
  func write(portTables: [(UInt32, port_table)]) throws(BPFError) { try datapath.portTables.update(portTables) }
  func write(portRanges: [(UInt32, port_range)]) throws(BPFError) { try datapath.portRanges.update(portRanges) }
  func write(addressRanges4: [(UInt32, address_range4)]) throws(BPFError) {
    try datapath.addressRanges4.update(addressRanges4)
  }
  func write(addressRanges6: [(UInt32, address_range6)]) throws(BPFError) {
    try datapath.addressRanges6.update(addressRanges6)
  }
  func insert(verdicts: [(verdict_key, verdict)]) throws(BPFError) { try datapath.verdicts.update(verdicts) }
  func insert(peers: [(ip_address, UInt32)]) throws(BPFError) { try datapath.peers.update(peers) }
  func remove(verdicts: [verdict_key]) throws(BPFError) { try datapath.verdicts.removeValues(forKeys: verdicts) }
  func remove(peers: [ip_address]) throws(BPFError) { try datapath.peers.removeValues(forKeys: peers) }

  func reset(decisions: [UInt32]) throws(BPFError) {
    let zero = [decision_counter](repeating: decision_counter(), count: processors)
    for decision in decisions { try datapath.decisionCounters.setValues(zero, at: decision) }
  }

  func waitForPrograms() async throws(BPFError) { try await gracePeriod.wait() }

  func ruleSet(at index: UInt32) throws(BPFError) -> rule_set? { try datapath.ruleSets.value(at: index) }
  func portTable(at index: UInt32) throws(BPFError) -> port_table? { try datapath.portTables.value(at: index) }
  func portRange(at index: UInt32) throws(BPFError) -> port_range? { try datapath.portRanges.value(at: index) }
  func addressRange4(at index: UInt32) throws(BPFError) -> address_range4? {
    try datapath.addressRanges4.value(at: index)
  }
  func addressRange6(at index: UInt32) throws(BPFError) -> address_range6? {
    try datapath.addressRanges6.value(at: index)
  }
  func verdicts() throws(BPFError) -> [(verdict_key, verdict)] { try datapath.verdicts.entries() }
  func peers() throws(BPFError) -> [(ip_address, UInt32)] { try datapath.peers.entries() }
}

extension PolicyStage {
  fileprivate var ingress: KeyPath<endpoint_policy, UInt64> {
    switch self {
    case .admin: \.ingress.admin.value
    case .policy: \.ingress.policy.value
    case .baseline: \.ingress.baseline.value
    }
  }

  fileprivate var egress: KeyPath<endpoint_policy, UInt64> {
    switch self {
    case .admin: \.egress.admin.value
    case .policy: \.egress.policy.value
    case .baseline: \.egress.baseline.value
    }
  }
}

extension PolicyPlane {
  fileprivate var word: KeyPath<peer_class, UInt64> {
    switch self {
    case .namespaced: \.policy.value
    case .cluster: \.cluster.value
    }
  }
}
