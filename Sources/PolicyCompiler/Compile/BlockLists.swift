// SPDX-License-Identifier: Apache-2.0

internal import NetworkTypes

/// What is known of a group of lists of blocks.
struct ListGroupRecord: Sendable {
  /// Blocks of all its lists.
  var size = 0
  /// Lists asked so far.
  var asked = 0
  /// The blocks of all lists, once asking each list would be more work.
  var tree: BlockTree?
}

/// Lists of blocks, those of rule sets, and groups of them, those of the rule sets that one core has to do with.
///
/// A group is not the list of all its blocks: that would be one for each core, however many rule sets each has to do with.
extension CompilerState {
  mutating func holdBlockList(_ list: [UInt32]) -> UInt32 {
    let (number, isNew) = blockLists.hold(list)
    if isNew {
      for block in list { blocks.hold(number: block) }
      set(&blockTrees, number, nil)
    }
    return number
  }

  mutating func dropBlockList(_ number: UInt32) {
    guard let list = blockLists.release(number) else { return }
    blockTrees[Int(number)] = nil
    for block in list { _ = blocks.release(block) }
  }

  mutating func tree(_ list: UInt32) -> BlockTree {
    if let known = blockTrees[Int(list)] { return known }
    let made = BlockTree(blockLists[list].map { ($0, blocks[$0]) })
    blockTrees[Int(list)] = made
    return made
  }

  /// The group of some lists, held once more; number 0 for none.
  mutating func holdListGroup(_ lists: [UInt32]) -> UInt32 {
    let (number, isNew) = listGroups.hold(lists)
    if isNew {
      for list in lists { blockLists.hold(number: list) }
      set(&listGroupRecords, number, ListGroupRecord(size: lists.reduce(0) { $0 + blockLists[$1].count }))
    }
    return number
  }

  mutating func dropListGroup(_ number: UInt32) {
    guard let lists = listGroups.release(number) else { return }
    listGroupRecords[Int(number)] = ListGroupRecord()
    for list in lists { dropBlockList(list) }
  }

  /// The blocks of a group that cover an address, sorted.
  mutating func cover(_ address: IPAddress, _ group: UInt32) -> [UInt32] {
    if let tree = listGroupRecords[Int(group)].tree { return tree.cover(address) }
    let lists = listGroups[group]
    if lists.count > 1 {
      listGroupRecords[Int(group)].asked += lists.count
      if listGroupRecords[Int(group)].asked > listGroupRecords[Int(group)].size {
        var all = lists.flatMap { blockLists[$0] }
        all.unique()
        let tree = BlockTree(all.map { ($0, blocks[$0]) })
        listGroupRecords[Int(group)].tree = tree
        return tree.cover(address)
      }
    }
    var cover: [UInt32] = []
    for list in lists { cover += tree(list).cover(address) }
    cover.unique()
    return cover
  }
}
