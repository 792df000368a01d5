// SPDX-License-Identifier: Apache-2.0

internal import BPFMaps
internal import CDatapathABI
internal import DatapathPrograms
internal import NetworkTypes

extension PolicyStore {
  /// Finds out what another writer published: this process before it was restarted, perhaps in the middle of something.
  ///
  /// - Parameter maps: The maps. No program of a generation before the one in force is running.
  /// - Returns: What is published, and what has to be tidied up: words that speak of a generation that never came or is
  ///   over, and entries that no packet of the generation in force can meet.
  /// - Throws: What reading a map throws.
  static func reading(_ maps: any PolicyMaps) throws(BPFError) -> (store: PolicyStore, tail: PolicyMapPlan.Tail) {
    var reader = PolicyMapReader(maps)
    try reader.readPeers()
    try reader.readEndpoints()
    try reader.readVerdicts()
    return (reader.store(), reader.tail)
  }
}

extension PolicyStore {
  /// Notes which endpoints' words somebody cleared: the wiring does when a pod goes.
  mutating func look(at maps: any PolicyMaps) {
    for (number, entry) in endpoints {
      let found = EndpointEntry(
        ingress: .init { maps.word(.ingress(number, $0)).value(in: generation) },
        egress: .init { maps.word(.egress(number, $0)).value(in: generation) })
      if found != entry { endpoints[number] = found == EndpointEntry() ? nil : found }
    }
  }
}

extension version_word {
  /// Whether it says this in every generation.
  func says(_ value: UInt32) -> Bool {
    self.value & ~(UInt64.max << UInt64(VERSION_SINCE_SHIFT)) == version_word(value).value
  }
}

/// Reads the maps, trusting nothing of what it reads.
private struct PolicyMapReader {
  let maps: any PolicyMaps
  let generation: UInt32
  var found: PolicyStore
  var tail = PolicyMapPlan.Tail()
  var runs4: [ExtentAllocator.Extent] = []
  var runs6: [ExtentAllocator.Extent] = []
  var portRuns: [ExtentAllocator.Extent] = []

  init(_ maps: any PolicyMaps) {
    self.maps = maps
    generation = maps.generation()
    found = PolicyStore(generation: generation, capacity: maps.capacity)
  }

  /// What a word says in the generation in force, and from now on for ever.
  private mutating func settle(_ place: PolicyWordPlace) -> UInt32 {
    let word = maps.word(place)
    let value = generation == 0 ? 0 : word.value(in: generation)
    if !word.says(value) { tail.settled.append((place, value)) }
    return value
  }

  mutating func readPeers() throws(BPFError) {
    var slots: Set<UInt32> = []
    for (key, slot) in try maps.peers() {
      let address = key.address
      guard slot < maps.capacity.peerClasses, slots.insert(slot).inserted else {
        tail.peers.append(address)
        continue
      }
      let entry = PolicyStore.PeerEntry(
        slot: slot, policy: settle(.peer(slot, .namespaced)), cluster: settle(.peer(slot, .cluster)))
      if entry.policy == 0, entry.cluster == 0 {
        // A peer that never came into force or is no more: nobody tells it from one that is not there.
        tail.peers.append(address)
        slots.remove(slot)
        continue
      }
      found.peers[address] = entry
      for plane in PolicyPlane.allCases {
        let peerClass = entry[plane] & UInt32(PEER_CLASS_MASK)
        if peerClass != PEER_CLASS_DEFAULT { found.classes[peerClass] = .init() }
      }
    }
    found.peerCount = found.peers.count
  }

  mutating func readEndpoints() throws(BPFError) {
    var waiting: [UInt32] = []
    for number in 1..<max(1, maps.capacity.endpoints) {
      let entry = PolicyStore.EndpointEntry(
        ingress: .init { settle(.ingress(number, $0)) }, egress: .init { settle(.egress(number, $0)) })
      if entry == PolicyStore.EndpointEntry() { continue }
      found.endpoints[number] = entry
      for stage in PolicyStage.allCases { waiting += [entry.ingress[stage], entry.egress[stage]] }
    }
    while let index = waiting.popLast() {
      guard index >= RULE_SET_FIRST, found.sets[index] == nil, let entry = try maps.ruleSet(at: index) else { continue }
      found.sets[index] = try readSet(index, entry)
      waiting.append(entry.own_node)
    }
  }

  private mutating func readSet(_ index: UInt32, _ entry: rule_set) throws(BPFError) -> PolicyStore.SetEntry {
    var set = PolicyStore.SetEntry(entry: entry)
    try use(entry.default_table, &set)
    note(entry.default_decision, index, .other)
    let end4 = UInt64(entry.range4_first) + UInt64(entry.range4_count)
    let end6 = UInt64(entry.range6_first) + UInt64(entry.range6_count)
    guard end4 <= maps.capacity.addressRanges4, end6 <= maps.capacity.addressRanges6 else {
      set.isOpaque = true
      set.entry.range4_count = 0
      set.entry.range6_count = 0
      return set
    }
    runs4.append(set.extent4)
    runs6.append(set.extent6)
    for position in UInt64(entry.range4_first)..<end4 {
      guard let range = try maps.addressRange4(at: UInt32(position)) else { continue }
      set.ranges.append(
        .init(
          first: .v4(IPv4Address(rawValue: range.first)), last: .v4(IPv4Address(rawValue: range.last)),
          table: range.table, decision: range.decision))
    }
    for position in UInt64(entry.range6_first)..<end6 {
      guard let range = try maps.addressRange6(at: UInt32(position)) else { continue }
      set.ranges.append(
        .init(
          first: .v6(IPv6Address(high: range.first_high, low: range.first_low)),
          last: .v6(IPv6Address(high: range.last_high, low: range.last_low)), table: range.table,
          decision: range.decision))
    }
    for (position, range) in set.ranges.enumerated() {
      try use(range.table, &set)
      note(range.decision, index, .range(position))
    }
    return set
  }

  mutating func readVerdicts() throws(BPFError) {
    for (key, value) in try maps.verdicts() {
      guard var set = found.sets[key.rule_set], found.classes[key.peer_class] != nil else {
        tail.verdicts.append(key)
        continue
      }
      set.verdicts[key.peer_class] = .init(table: value.table, decision: value.decision)
      try use(value.table, &set)
      note(value.decision, key.rule_set, .peers(key.peer_class))
      found.sets[key.rule_set] = set
      found.classes[key.peer_class]?.uses += 1
      found.verdictCount += 1
    }
  }

  private mutating func note(_ decision: UInt32, _ set: UInt32, _ part: PolicyStore.DecisionEntry.Part) {
    if decision != 0 { found.decisions[decision] = .init(set: set, part: part) }
  }

  // MARK: Port tables

  private mutating func use(_ index: UInt32, _ set: inout PolicyStore.SetEntry) throws(BPFError) {
    if index < PORT_TABLE_FIRST { return }
    if found.portTables[index] == nil {
      guard let entry = try maps.portTable(at: index), let table = try readTable(entry) else {
        set.isOpaque = true
        return
      }
      found.portTables[index] = .init(table: table)
      if found.tableIndex[table] == nil { found.tableIndex[table] = index }
    }
    found.portTables[index]?.uses += 1
  }

  private mutating func readTable(_ entry: port_table) throws(BPFError) -> PortTable? {
    guard let tcp = try readPorts(entry.first.0, entry.count.0, entry.rest.0),
      let udp = try readPorts(entry.first.1, entry.count.1, entry.rest.1),
      let sctp = try readPorts(entry.first.2, entry.count.2, entry.rest.2),
      let other = PolicyVerdict(rawValue: entry.other)
    else { return nil }
    return PortTable(tcp: tcp, udp: udp, sctp: sctp, other: other)
  }

  private mutating func readPorts(_ first: UInt32, _ count: UInt16, _ rest: UInt8) throws(BPFError) -> PortTable.Ports?
  {
    guard let rest = PolicyVerdict(rawValue: rest) else { return nil }
    let extent = ExtentAllocator.Extent(first: first, count: UInt32(count))
    guard UInt64(first) + UInt64(count) <= maps.capacity.portRanges else { return nil }
    var ranges: [PortTable.Range] = []
    for index in first..<extent.end {
      guard let range = try maps.portRange(at: index), let verdict = UInt8(exactly: range.verdict),
        let verdict = PolicyVerdict(rawValue: verdict)
      else { return nil }
      ranges.append(.init(first: range.first, last: range.last, verdict: verdict))
    }
    if ranges.isEmpty { return .init(rest: rest) }
    portRuns.append(extent)
    if found.portRuns[ranges] == nil { found.portRuns[ranges] = .init(extent: extent, uses: 0) }
    // A run of the same content elsewhere stays reserved for as long as this process lives.
    if found.portRuns[ranges]?.extent == extent { found.portRuns[ranges]?.uses += 1 }
    return .init(ranges: ranges, rest: rest)
  }

  // MARK: What is free

  func store() -> PolicyStore {
    let capacity = maps.capacity
    var store = found
    store.hasForeignCounters = generation != 0 || !tail.isEmpty
    store.setIndexes = .init(
      first: UInt32(RULE_SET_FIRST), limit: PolicyStore.limit(capacity.ruleSets), inUse: store.sets.keys)
    store.classIndexes = .init(first: 1, limit: UInt32(PEER_IS_LOCAL_NODE), inUse: store.classes.keys)
    store.slots = .init(first: 0, limit: capacity.peerClasses, inUse: store.peers.values.map(\.slot))
    store.tableIndexes = .init(
      first: UInt32(PORT_TABLE_FIRST), limit: capacity.portTables, inUse: store.portTables.keys)
    store.decisionIndexes = .init(first: 1, limit: capacity.decisions, inUse: store.decisions.keys)
    store.portExtents = .init(limit: capacity.portRanges, inUse: portRuns)
    store.extents4 = .init(limit: capacity.addressRanges4, inUse: runs4)
    store.extents6 = .init(limit: capacity.addressRanges6, inUse: runs6)
    return store
  }
}
