// SPDX-License-Identifier: Apache-2.0

import CDatapathABI
import DatapathPrograms
import NetworkTypes
import PolicyCompiler
import Synchronization

@testable import BPFMaps

/// Maps in memory, with programs that may be running at any time.
///
/// Every entry written, removed or stored is a step of its own. After each, every generation that a program may still be at
/// work in is read as the programs do. The Nth step can be refused, or be the last of the process.
final class FakePolicyMaps: PolicyMaps {
  let state: Mutex<FakeMapState>
  let capacity: PolicyMapCapacity

  init(_ capacity: PolicyMapCapacity = .ample) {
    self.capacity = capacity
    state = Mutex(FakeMapState(capacity))
  }

  /// A store to memory cannot be refused.
  private func step(_ name: String, isStore: Bool = false, _ body: (inout FakeMapState) -> Void) throws(BPFError) {
    let isRefused = state.withLock { state -> Bool in
      if state.isDead { return true }
      state.steps += 1
      if state.steps == state.dies {
        state.isDead = true
        return true
      }
      if state.steps == state.fails {
        if !isStore { return true }
        state.fails = state.steps + 1
      }
      state.counts[name, default: 0] += 1
      body(&state)
      state.check(after: name)
      return false
    }
    if isRefused { throw BPFError(.systemCall, "\(name) refused") }
  }

  private func call(_ name: String) { state.withLock { $0.calls[name, default: 0] += 1 } }

  func generation() -> UInt32 { state.withLock { $0.generation } }

  func setGeneration(_ generation: UInt32) {
    try? step("switch", isStore: true) { state in
      state.generation = generation
      state.active.insert(generation)
    }
  }

  func word(_ place: PolicyWordPlace) -> version_word { state.withLock { version_word(value: $0.words[place] ?? 0) } }

  func setWord(_ word: version_word, _ place: PolicyWordPlace) {
    try? step("word", isStore: true) { state in
      if case .peer(let slot, _) = place, state.heldSlots.contains(slot) {
        state.violations.append("slot \(slot) is given away while a program may hold it")
      }
      state.words[place] = word.value
    }
  }

  func write(ruleSets: [(UInt32, rule_set)]) throws(BPFError) {
    call("rule_set")
    for (index, value) in ruleSets { try step("rule_set") { $0.ruleSets[index] = value } }
  }

  func write(portTables: [(UInt32, port_table)]) throws(BPFError) {
    call("port_table")
    for (index, value) in portTables { try step("port_table") { $0.portTables[index] = value } }
  }

  func write(portRanges: [(UInt32, port_range)]) throws(BPFError) {
    call("port_range")
    for (index, value) in portRanges { try step("port_range") { $0.portRanges[index] = value } }
  }

  func write(addressRanges4: [(UInt32, address_range4)]) throws(BPFError) {
    call("address_range4")
    for (index, value) in addressRanges4 { try step("address_range4") { $0.addressRanges4[index] = value } }
  }

  func write(addressRanges6: [(UInt32, address_range6)]) throws(BPFError) {
    call("address_range6")
    for (index, value) in addressRanges6 { try step("address_range6") { $0.addressRanges6[index] = value } }
  }

  func insert(verdicts: [(verdict_key, verdict)]) throws(BPFError) {
    call("verdict")
    for (key, value) in verdicts {
      try step("verdict") { state in
        state.verdicts[VerdictID(key)] = value
        if state.verdicts.count > Int(capacity.verdicts) { state.violations.append("verdict overflows") }
      }
    }
  }

  func insert(peers: [(ip_address, UInt32)]) throws(BPFError) {
    call("peer")
    for (key, slot) in peers {
      try step("peer") { state in
        // The kernel gives an element that was removed to the next key at once.
        if state.removedPeers { state.violations.append("a peer is inserted while a program may read a removed one") }
        state.peers[key.address] = slot
        if state.peers.count > Int(capacity.peers) { state.violations.append("peer overflows") }
      }
    }
  }

  func remove(verdicts: [verdict_key]) throws(BPFError) {
    call("remove verdict")
    for key in verdicts { try step("remove verdict") { $0.verdicts[VerdictID(key)] = nil } }
  }

  func remove(peers: [ip_address]) throws(BPFError) {
    call("remove peer")
    for key in peers {
      try step("remove peer") { state in
        guard let slot = state.peers.removeValue(forKey: key.address) else { return }
        state.removedPeers = true
        state.heldSlots.insert(slot)
      }
    }
  }

  func reset(decisions: [UInt32]) throws(BPFError) {
    call("reset")
    for _ in decisions { try step("reset") { _ in } }
  }

  func waitForPrograms() async throws(BPFError) {
    try step("grace period") { state in
      state.active = [state.generation]
      state.traces = state.traces.filter { $0.key == state.generation }
      state.removedPeers = false
      state.heldSlots = []
    }
  }

  func ruleSet(at index: UInt32) throws(BPFError) -> rule_set? { read { $0.ruleSets[index] ?? rule_set() } }
  func portTable(at index: UInt32) throws(BPFError) -> port_table? { read { $0.portTables[index] ?? port_table() } }
  func portRange(at index: UInt32) throws(BPFError) -> port_range? { read { $0.portRanges[index] ?? port_range() } }
  func addressRange4(at index: UInt32) throws(BPFError) -> address_range4? {
    read { $0.addressRanges4[index] ?? address_range4() }
  }
  func addressRange6(at index: UInt32) throws(BPFError) -> address_range6? {
    read { $0.addressRanges6[index] ?? address_range6() }
  }
  func verdicts() throws(BPFError) -> [(verdict_key, verdict)] {
    try step("list") { _ in }
    return read { $0.verdicts.map { ($0.key.key, $0.value) } }
  }
  func peers() throws(BPFError) -> [(ip_address, UInt32)] {
    try step("list") { _ in }
    return read { $0.peers.map { (ip_address($0.key), $0.value) } }
  }

  private func read<Value: Sendable>(_ body: (borrowing FakeMapState) -> Value) -> Value {
    state.withLock { body($0) }
  }
}

extension PolicyMapCapacity {
  /// Enough for every test, and odd enough for indexes to be told apart.
  static let ample = PolicyMapCapacity(
    endpoints: 64, ruleSets: 500, peers: 600, peerClasses: 700, verdicts: 4000, addressRanges4: 1000,
    addressRanges6: 1100, portTables: 400, portRanges: 1200, decisions: 9000)
}

/// A verdict's key, to be hashed.
struct VerdictID: Hashable {
  var ruleSet: UInt32
  var peerClass: UInt32

  init(_ key: verdict_key) { (ruleSet, peerClass) = (key.rule_set, key.peer_class) }

  var key: verdict_key { verdict_key(rule_set: ruleSet, peer_class: peerClass) }
}
