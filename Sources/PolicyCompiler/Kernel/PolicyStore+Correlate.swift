// SPDX-License-Identifier: Apache-2.0

internal import CDatapathABI
internal import KubernetesModel
internal import NetworkTypes

extension PolicyStore {
  /// Finds out which published entries say what tables of unknown history say, so that they stay as they are.
  ///
  /// A guess is made from the addresses of a class and from the endpoints of a rule set. A wrong guess costs entries and
  /// nothing else: only a rule set whose every answer is the same is kept.
  mutating func correlate(with target: PolicyTarget) {
    setIndex = [:]
    classIndex = [:]
    tableIndexOfID = [:]
    for index in sets.keys { sets[index]?.id = nil }
    for index in classes.keys { classes[index]?.id = nil }
    for index in portTables.keys { portTables[index]?.ids = [] }
    // Not a copy of the dictionary: whoever changes the tables next would have to copy it.
    classOf = [:]
    members = [:]
    for plane in PolicyPlane.allCases {
      classOf[plane, default: [:]].reserveCapacity(target.tables[plane].count)
      for (address, peerClass) in target.tables[plane] { setClass(of: address, to: peerClass, plane) }
    }
    localAddresses = Set(peers.filter { $0.value.policy & UInt32(PEER_IS_LOCAL_NODE) != 0 }.keys)
    correlateClasses()
    correlateSets(target)
  }

  private mutating func correlateClasses() {
    for (peerClass, addresses) in members.sorted(by: { $0.key < $1.key }) {
      var votes: [UInt32: Int] = [:]
      let isNamespaced = addresses.first.map { classOf[.namespaced]?[$0] == peerClass } ?? false
      for address in addresses {
        guard let value = peers[address]?[isNamespaced ? .namespaced : .cluster],
          value & UInt32(PEER_CLASS_MASK) != 0
        else { continue }
        votes[value & UInt32(PEER_CLASS_MASK), default: 0] += 1
      }
      let best = votes.filter { classes[$0.key] != nil && classes[$0.key]?.id == nil }
        .max { ($0.value, $1.key) < ($1.value, $0.key) }
      guard let index = best?.key else { continue }
      classIndex[peerClass] = index
      classes[index]?.id = peerClass
    }
  }

  private mutating func correlateSets(_ target: PolicyTarget) {
    for (pod, number) in target.endpoints.sorted(by: { $0.value < $1.value }) {
      guard let wanted = target.tables.endpoints[pod], let published = endpoints[number] else { continue }
      for stage in PolicyStage.allCases {
        correlate(target.tables.ruleSet(wanted.ingress, stage), published.ingress[stage], target.tables)
        correlate(target.tables.ruleSet(wanted.egress, stage), published.egress[stage], target.tables)
      }
    }
  }

  /// Names a published rule set, if it says the same.
  private mutating func correlate(_ id: RuleSetID, _ index: UInt32, _ tables: PolicyTables) {
    guard setIndex[id] == nil, let set = tables.ruleSets[id], let published = sets[index], published.id == nil,
      !published.isOpaque, set.ranges.count == published.ranges.count
    else { return }
    if set.ownNode == .unrestricted {
      guard published.entry.own_node == RULE_SET_UNRESTRICTED else { return }
    } else if set.ownNode == id {
      guard published.entry.own_node == index else { return }
    } else {
      // Sets that name each other in a longer circle are not recognised.
      guard published.entry.own_node != index, tables.ruleSets[set.ownNode]?.ownNode != id else { return }
      correlate(set.ownNode, published.entry.own_node, tables)
      guard setIndex[set.ownNode] == published.entry.own_node else { return }
    }
    guard publishedIndex(of: set.defaultTable, tables) == published.entry.default_table else { return }
    for (range, other) in zip(set.ranges, published.ranges) {
      guard range.first == other.first, range.last == other.last, publishedIndex(of: range.table, tables) == other.table
      else { return }
    }
    for (peerClass, table) in set.verdicts {
      guard let index = classIndex[peerClass] else { continue }
      guard published.verdicts[index]?.table == publishedIndex(of: table, tables) else { return }
    }
    for index in published.verdicts.keys {
      guard let peerClass = classes[index]?.id else { continue }
      guard set.verdicts[peerClass] != nil else { return }
    }
    setIndex[id] = index
    sets[index]?.id = id
  }
}
