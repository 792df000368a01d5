// SPDX-License-Identifier: Apache-2.0

import CDatapathABI
import DatapathPrograms
import NetworkTypes
import PolicyCompiler

/// The content of the maps, and what programs make of it.
struct FakeMapState: Sendable {
  var generation: UInt32 = 0
  var words: [PolicyWordPlace: UInt64] = [:]
  var ruleSets: [UInt32: rule_set] = [:]
  var portTables: [UInt32: port_table] = [:]
  var portRanges: [UInt32: port_range] = [:]
  var addressRanges4: [UInt32: address_range4] = [:]
  var addressRanges6: [UInt32: address_range6] = [:]
  var verdicts: [VerdictID: verdict] = [:]
  var peers: [IPAddress: UInt32] = [:]

  /// Generations that programs may be at work in.
  var active: Set<UInt32> = [0]
  /// Whether a program may be reading a peer's entry that was removed.
  var removedPeers = false
  /// Slots whose number a program may have read from an entry that was removed.
  var heldSlots: Set<UInt32> = []

  var steps = 0
  /// The step that is refused.
  var fails: Int?
  /// The step before which the process ends.
  var dies: Int?
  var isDead = false
  var counts: [String: Int] = [:]
  var calls: [String: Int] = [:]
  var violations: [String] = []

  /// What is asked after each step.
  var watchedEndpoints: [UInt32] = []
  var watchedAddresses: [IPAddress] = []
  /// The way that each question took in a generation, the first time it was asked.
  var traces: [UInt32: [Way]] = [:]

  private let capacity: PolicyMapCapacity

  init(_ capacity: PolicyMapCapacity) { self.capacity = capacity }

  /// What an endpoint's rule sets say of an address, by all that is read.
  struct Way: Hashable, Sendable {
    /// Rule sets of the stages, in their order.
    var sets: [UInt32] = [0, 0, 0]
    /// Class words of the planes.
    var peer: [UInt32] = [0, 0]
    var admin: Step?
    /// NetworkPolicies, or where these have nothing to say the baseline tier.
    var last: Step?
    var isBroken: Bool { admin?.isBroken == true || last?.isBroken == true }
    var decision: UInt32 { last?.decision ?? 0 }
  }

  /// The way from a rule set to a port table.
  struct Step: Hashable, Sendable {
    var judge: UInt32 = 0
    var table: UInt32 = 0
    var decision: UInt32 = 0
    /// What the port table says, in full.
    var ports: [UInt32] = []
    var isBroken = false
  }

  /// Holds each generation that may be read to what was read when it came into force.
  mutating func check(after step: String) {
    for generation in active {
      var ways: [Way] = []
      for number in watchedEndpoints {
        for isIngress in [true, false] {
          for address in watchedAddresses { ways.append(way(number, isIngress, address, generation)) }
        }
      }
      if let before = traces[generation] {
        // New questions are asked when nothing is in between.
        if before.count == ways.count, before != ways {
          violations.append(
            "after \(step) number \(steps) generation \(generation) reads otherwise (in force: \(self.generation))")
          traces[generation] = ways
        }
      } else {
        traces[generation] = ways
      }
    }
  }

  mutating func watch(endpoints: [UInt32], addresses: [IPAddress]) {
    watchedEndpoints = endpoints
    watchedAddresses = addresses
    traces = [:]
    check(after: "start")
  }

  func word(_ place: PolicyWordPlace, _ generation: UInt32) -> UInt32 {
    version_word(value: words[place] ?? 0).value(in: generation)
  }

  func way(_ number: UInt32, _ isIngress: Bool, _ address: IPAddress, _ generation: UInt32) -> Way {
    var way = Way()
    if generation == 0 { return way }
    way.sets = PolicyStage.allCases.map { word(isIngress ? .ingress(number, $0) : .egress(number, $0), generation) }
    if way.sets.contains(UInt32(RULE_SET_NOT_COMPILED)) { return way }
    if let slot = peers[address] { way.peer = PolicyPlane.allCases.map { word(.peer(slot, $0), generation) } }
    if way.sets[0] >= RULE_SET_FIRST { way.admin = step(way.sets[0], way.peer[1], address) }
    if way.sets[1] >= RULE_SET_FIRST {
      way.last = step(way.sets[1], way.peer[0], address)
    } else if way.sets[2] >= RULE_SET_FIRST {
      way.last = step(way.sets[2], way.peer[1], address)
    }
    return way
  }

  private func step(_ index: UInt32, _ peerClass: UInt32, _ address: IPAddress) -> Step {
    var step = Step()
    step.judge = index
    func broken() -> Step {
      step.isBroken = true
      return step
    }
    if peerClass & UInt32(PEER_IS_LOCAL_NODE) != 0 {
      guard let set = ruleSets[index] else { return broken() }
      step.judge = set.own_node
      guard step.judge >= RULE_SET_FIRST else { return step }
    }
    guard let set = ruleSets[step.judge] else { return broken() }
    let key = VerdictID(verdict_key(rule_set: step.judge, peer_class: peerClass & UInt32(PEER_CLASS_MASK)))
    if key.peerClass != 0, let verdict = verdicts[key] {
      (step.table, step.decision) = (verdict.table, verdict.decision)
    } else if let range = range(of: address, in: set) {
      (step.table, step.decision) = range
    } else {
      (step.table, step.decision) = (set.default_table, set.default_decision)
    }
    guard let table = portTables[step.table] else { return broken() }
    let runs = [(table.first.0, table.count.0), (table.first.1, table.count.1), (table.first.2, table.count.2)]
    step.ports = [UInt32(table.other), UInt32(table.rest.0), UInt32(table.rest.1), UInt32(table.rest.2)]
    for (first, count) in runs {
      for index in first..<first + UInt32(count) {
        guard let range = portRanges[index] else { return broken() }
        step.ports += [UInt32(range.first), UInt32(range.last), range.verdict]
      }
      step.ports.append(.max)
    }
    return step
  }

  private func range(of address: IPAddress, in set: rule_set) -> (UInt32, UInt32)? {
    switch address {
    case .v4(let address):
      for index in set.range4_first..<set.range4_first + set.range4_count {
        guard let range = addressRanges4[index] else { return (.max, 0) }
        if range.first <= address.rawValue, address.rawValue <= range.last { return (range.table, range.decision) }
      }
    case .v6(let address):
      for index in set.range6_first..<set.range6_first + set.range6_count {
        guard let range = addressRanges6[index] else { return (.max, 0) }
        let first = IPv6Address(high: range.first_high, low: range.first_low)
        let last = IPv6Address(high: range.last_high, low: range.last_low)
        if first <= address, address <= last { return (range.table, range.decision) }
      }
    }
    return nil
  }

  /// What a program says of a new connection; nil: the endpoint is not compiled.
  func verdict(
    _ number: UInt32, _ isIngress: Bool, _ address: IPAddress, _ ipProtocol: IPProtocol, _ port: UInt16
  ) -> PolicyVerdict? {
    let way = way(number, isIngress, address, generation)
    if way.isBroken || way.sets.contains(UInt32(RULE_SET_NOT_COMPILED)) { return nil }
    if let admin = way.admin {
      let verdict = verdict(admin, ipProtocol, port)
      if verdict != .pass { return verdict }
    }
    guard let last = way.last else { return .allow }
    let verdict = verdict(last, ipProtocol, port)
    return verdict == .pass ? .noMatch : verdict
  }

  private func verdict(_ step: Step, _ ipProtocol: IPProtocol, _ port: UInt16) -> PolicyVerdict? {
    if step.judge == RULE_SET_UNRESTRICTED { return .allow }
    guard step.judge >= RULE_SET_FIRST else { return nil }
    if step.table < PORT_TABLE_FIRST { return PolicyVerdict(rawValue: UInt8(step.table)) }
    guard let position = [IPProtocol.tcp, .udp, .sctp].firstIndex(of: ipProtocol) else {
      return PolicyVerdict(rawValue: UInt8(step.ports[0]))
    }
    let runs = step.ports[4...].split(separator: .max, omittingEmptySubsequences: false)
    let run = Array(runs[position])
    for index in stride(from: 0, to: run.count, by: 3) where run[index] <= port && port <= run[index + 1] {
      return PolicyVerdict(rawValue: UInt8(run[index + 2]))
    }
    return PolicyVerdict(rawValue: UInt8(step.ports[1 + position]))
  }
}
