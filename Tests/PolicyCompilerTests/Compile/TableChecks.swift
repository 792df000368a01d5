// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import PolicyCompiler

extension PolicyTables {
  /// What is wrong with the tables themselves: references into nothing, entries that nothing needs, disorder.
  func defects(allowsOwnNode: Bool = true) -> [String] {
    var defects: [String] = []
    var usedTables: Set<PortTableID> = []
    var usedSets: Set<RuleSetID> = []
    var usedTiers: Set<TierID> = []
    var clusterSets: Set<RuleSetID> = Set(tiers.values)
    for stages in endpoints.values.flatMap({ [$0.ingress, $0.egress] }) {
      usedSets.insert(stages.policy)
      usedTiers.formUnion([stages.admin, stages.baseline])
      if clusterSets.contains(stages.policy) {
        defects.append("set \(stages.policy) is in a tier and of NetworkPolicies")
      }
      if stages.policy != .unrestricted, stages.baseline != .none { defects.append("a baseline tier is never asked") }
    }
    clusterSets.remove(.unrestricted)
    usedSets.formUnion(clusterSets)
    for id in tiers.keys where !usedTiers.contains(id) { defects.append("nothing uses tier \(id)") }
    if Set(tiers.values).contains(.unrestricted) { defects.append("a tier says nothing") }
    let policyMembers = Dictionary(grouping: peers.keys) { peers[$0] ?? .none }
    let clusterMembers = Dictionary(grouping: clusterPeers.keys) { clusterPeers[$0] ?? .none }
    if policyMembers[.none] != nil || clusterMembers[.none] != nil {
      defects.append("an address is listed with class 0")
    }
    if !Set(policyMembers.keys).isDisjoint(with: clusterMembers.keys) { defects.append("a class is of both kinds") }
    for (id, set) in ruleSets {
      let members = clusterSets.contains(id) ? clusterMembers : policyMembers
      usedSets.insert(set.ownNode)
      usedTables.insert(set.defaultTable)
      for (position, range) in set.ranges.enumerated() {
        usedTables.insert(range.table)
        if range.table == set.defaultTable { defects.append("set \(id): a range says what the default says") }
        if range.last < range.first { defects.append("set \(id): a range ends before it begins") }
        guard position > 0 else { continue }
        let before = set.ranges[position - 1]
        if range.first <= before.last { defects.append("set \(id): ranges overlap") }
        if before.table == range.table, before.last.successor == range.first {
          defects.append("set \(id): two ranges could be one")
        }
      }
      for (peerClass, table) in set.verdicts {
        usedTables.insert(table)
        guard let addresses = members[peerClass] else {
          defects.append("set \(id): a verdict for a class without addresses")
          continue
        }
        for address in addresses where set.table(of: address, in: .none) == table {
          defects.append("set \(id): a verdict says what \(address) gets without it")
        }
      }
    }
    usedSets.remove(.unrestricted)
    for id in usedSets where ruleSets[id] == nil { defects.append("there is no set \(id)") }
    for id in ruleSets.keys where !usedSets.contains(id) { defects.append("nothing uses set \(id)") }
    for id in usedTables where id.rawValue > 3 && portTables[id] == nil { defects.append("there is no table \(id)") }
    for id in portTables.keys where !usedTables.contains(id) { defects.append("nothing uses table \(id)") }
    if Set(portTables.values).count != portTables.count { defects.append("two port tables are equal") }
    for table in portTables.values {
      for ports in [table.tcp, table.udp, table.sctp] where !ports.isMinimal {
        defects.append("\(ports) is not minimal")
      }
    }
    return defects
  }

  /// What a change did, entry by entry.
  func delta(to new: PolicyTables) -> PolicyDelta {
    var delta = PolicyDelta()
    func differing<Key: Hashable, Value: Equatable>(_ old: [Key: Value], _ new: [Key: Value]) -> Set<Key> {
      Set(old.keys).union(new.keys).filter { old[$0] != new[$0] }
    }
    delta.endpoints = differing(endpoints, new.endpoints)
    delta.tiers = differing(tiers, new.tiers)
    delta.peers = differing(peers, new.peers).union(differing(clusterPeers, new.clusterPeers))
    delta.nodes = differing(nodes, new.nodes)
    delta.portTables = differing(portTables, new.portTables)
    delta.ruleSets = Set(ruleSets.keys).symmetricDifference(new.ruleSets.keys)
    for (id, old) in ruleSets {
      guard let set = new.ruleSets[id] else { continue }
      for peerClass in differing(old.verdicts, set.verdicts) { delta.verdicts.insert(.init(id, peerClass)) }
      var (left, right) = (old, set)
      left.verdicts = [:]
      right.verdicts = [:]
      // A set never changes otherwise; this would not be in the delta.
      if left != right { delta.ruleSets.insert(id) }
    }
    return delta
  }
}

extension PortTable.Ports {
  /// Sorted, disjoint, merged, and with the verdict left out that has most ranges.
  var isMinimal: Bool {
    for (position, range) in ranges.enumerated() {
      if range.last < range.first || range.verdict == rest { return false }
      guard position > 0 else { continue }
      let before = ranges[position - 1]
      if range.first <= before.last { return false }
      if Int(before.last) + 1 == Int(range.first), before.verdict == range.verdict { return false }
    }
    var gaps = ranges.isEmpty || (ranges.first?.first ?? 0) > 0 ? 1 : 0
    for (before, range) in zip(ranges, ranges.dropFirst()) where Int(before.last) + 1 < Int(range.first) { gaps += 1 }
    if let last = ranges.last, last.last < UInt16.max { gaps += 1 }
    return PolicyVerdict.allCases.allSatisfy { verdict in ranges.count { $0.verdict == verdict } <= gaps }
  }
}

extension IPAddress {
  /// The next address; nil after the last.
  var successor: IPAddress? {
    switch self {
    case .v4(let address):
      address.rawValue == .max ? nil : .v4(IPv4Address(rawValue: address.rawValue + 1))
    case .v6(let address):
      address.low < .max
        ? .v6(IPv6Address(high: address.high, low: address.low + 1))
        : address.high < .max ? .v6(IPv6Address(high: address.high + 1, low: 0)) : nil
    }
  }
}
