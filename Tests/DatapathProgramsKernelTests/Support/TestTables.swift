// SPDX-License-Identifier: Apache-2.0

import BPFMaps
import CDatapathABI
import DatapathPrograms
import NetworkTypes

/// Writes policy tables for a test: whatever is written gets new indexes, as the ABI asks.
///
/// For one task.
final class TestTables {
  /// Destination ports that a rule names.
  enum Ports {
    case any
    case exact(UInt16)
    case range(UInt16, UInt16)
  }

  /// One rule for a class, or for a range of addresses.
  struct Rule {
    var classID: UInt32
    /// nil: any.
    var ipProtocol: IPProtocol?
    var ports = Ports.any
    var isAllow = true
    var isPass = false
    var decision: UInt32 = 1

    var verdict: UInt32 { UInt32(isPass ? VERDICT_PASS : isAllow ? VERDICT_ALLOW : VERDICT_DENY) }
  }

  /// A run of addresses with rules of their own, whose class does not matter.
  struct Addresses {
    var first: IPAddress
    var last: IPAddress
    var rules: [Rule]
  }

  /// A rule set: rules by class (class 0: whatever nothing else matches), and addresses, sorted.
  struct Rules {
    var rules: [Rule] = []
    var addresses: [Addresses] = []
    /// What the own node may; nil: everything.
    var ownNode: [Rule]?
    /// The decision of what nothing matches.
    var defaultDecision: UInt32 = 0
    /// What is said of what nothing matches, without any rule for class 0.
    var rest = UInt32(VERDICT_NO_MATCH)
  }

  /// One entry of the class table.
  struct Peer {
    var address: IPAddress
    var id: UInt32
    var isLocalNode = false
    /// What policies of the cluster see of it.
    var cluster: UInt32 = 0

    var words: [UInt32] { [id | (isLocalNode ? UInt32(PEER_IS_LOCAL_NODE) : 0), cluster] }
  }

  /// A direction's rule sets; nil: the stage has nothing to say.
  struct Stages {
    var admin: Rules?
    var policy: Rules?
    var baseline: Rules?
  }

  private let datapath: PodDatapath
  private(set) var nextRuleSet = UInt32(RULE_SET_FIRST)
  private var nextTable = UInt32(PORT_TABLE_FIRST)
  private var nextPortRange: UInt32 = 0
  private var nextRange4: UInt32 = 0
  private var nextRange6: UInt32 = 0
  private var peerIndexes: [IPAddress: UInt32] = [:]
  private var peerWords: [IPAddress: [UInt32]] = [:]
  private var current: [UInt32: [UInt32]] = [:]

  init(_ datapath: PodDatapath) { self.datapath = datapath }

  /// Writes what holds from a generation on, and leaves what held before as it is; nothing is in force yet.
  func prepare(
    generation: UInt32, endpoint: UInt32, ingress: Stages, egress: Stages, peers: [Peer]
  ) throws {
    let sets = try [ingress.admin, ingress.policy, ingress.baseline, egress.admin, egress.policy, egress.baseline].map {
      try write($0)
    }
    let before = current[endpoint] ?? [UInt32](repeating: 0, count: 6)
    current[endpoint] = sets
    let stages = zip(before, sets).map { version_word(before: $0, after: $1, since: generation) }
    datapath.setPolicy(
      endpoint_policy(
        ingress: policy_stages(admin: stages[0], policy: stages[1], baseline: stages[2]),
        egress: policy_stages(admin: stages[3], policy: stages[4], baseline: stages[5])), ofEndpoint: endpoint)
    let words = Dictionary(uniqueKeysWithValues: peers.map { ($0.address, $0.words) })
    for address in Set(words.keys).union(peerWords.keys) {
      let index = peerIndexes[address] ?? UInt32(peerIndexes.count)
      let classes = zip(peerWords[address] ?? [0, 0], words[address] ?? [0, 0]).map {
        version_word(before: $0, after: $1, since: generation)
      }
      datapath.setPeerClass(peer_class(policy: classes[0], cluster: classes[1]), at: index)
      guard peerIndexes.updateValue(index, forKey: address) == nil else { continue }
      try datapath.peers.updateValue(index, forKey: ip_address(address))
    }
    peerWords = words
  }

  private func write(_ rules: Rules?) throws -> UInt32 {
    guard let rules else { return UInt32(RULE_SET_UNRESTRICTED) }
    let ownNode = try rules.ownNode.map { try write(Rules(rules: $0)) } ?? UInt32(RULE_SET_UNRESTRICTED)
    let index = nextRuleSet
    nextRuleSet += 1
    let general = rules.rules.filter { $0.classID == 0 }
    var set = rule_set()
    set.default_table = general.isEmpty ? rules.rest : try writeTable(general)
    set.default_decision = general.first?.decision ?? rules.defaultDecision
    set.own_node = ownNode
    (set.range4_first, set.range6_first) = (nextRange4, nextRange6)
    for addresses in rules.addresses {
      let table = try writeTable(addresses.rules)
      let decision = addresses.rules.first?.decision ?? 0
      switch (addresses.first, addresses.last) {
      case (.v4(let first), .v4(let last)):
        try datapath.addressRanges4.setValue(
          address_range4(first: first.rawValue, last: last.rawValue, table: table, decision: decision), at: nextRange4)
        nextRange4 += 1
      case (.v6(let first), .v6(let last)):
        try datapath.addressRanges6.setValue(
          address_range6(
            first_high: first.high, first_low: first.low, last_high: last.high, last_low: last.low, table: table,
            decision: decision), at: nextRange6)
        nextRange6 += 1
      default: preconditionFailure("a range has one family")
      }
    }
    (set.range4_count, set.range6_count) = (nextRange4 - set.range4_first, nextRange6 - set.range6_first)
    try datapath.ruleSets.setValue(set, at: index)
    for (id, rules) in Dictionary(grouping: rules.rules.filter { $0.classID != 0 }, by: \.classID) {
      let value = verdict(table: try writeTable(rules), decision: rules[0].decision)
      try datapath.verdicts.updateValue(value, forKey: verdict_key(rule_set: index, peer_class: id))
    }
    return index
  }

  /// A rule without ports is the rest, one without a protocol is everything; ranges have to be sorted and disjoint.
  private func writeTable(_ rules: [Rule]) throws -> UInt32 {
    if rules.isEmpty { return UInt32(VERDICT_NO_MATCH) }
    if rules.count == 1, rules[0].ipProtocol == nil { return rules[0].verdict }
    let everything = rules.first { $0.ipProtocol == nil }?.verdict ?? UInt32(VERDICT_NO_MATCH)
    var table = port_table()
    table.other = UInt8(everything)
    let tcp = try writePorts(rules.filter { $0.ipProtocol == .tcp }, everything)
    let udp = try writePorts(rules.filter { $0.ipProtocol == .udp }, everything)
    let sctp = try writePorts(rules.filter { $0.ipProtocol == .sctp }, everything)
    table.first = (tcp.first, udp.first, sctp.first)
    table.count = (tcp.count, udp.count, sctp.count)
    table.rest = (tcp.rest, udp.rest, sctp.rest)
    try datapath.portTables.setValue(table, at: nextTable)
    nextTable += 1
    return nextTable - 1
  }

  private func writePorts(_ rules: [Rule], _ everything: UInt32) throws -> (first: UInt32, count: UInt16, rest: UInt8) {
    let first = nextPortRange
    var rest = everything
    for rule in rules {
      switch rule.ports {
      case .any: rest = rule.verdict
      case .exact(let port): try writeRange(port, port, rule.verdict)
      case .range(let low, let high): try writeRange(low, high, rule.verdict)
      }
    }
    return (first, UInt16(nextPortRange - first), UInt8(rest))
  }

  private func writeRange(_ first: UInt16, _ last: UInt16, _ verdict: UInt32) throws {
    try datapath.portRanges.setValue(port_range(first: first, last: last, verdict: verdict), at: nextPortRange)
    nextPortRange += 1
  }
}
