// SPDX-License-Identifier: Apache-2.0

internal import KubernetesModel
internal import NetworkTypes

/// The blocks of all rules and their holes, nested: which blocks hold at an address.
struct BlockTree {
  /// Every block and every hole, a prefix before those inside of it.
  let prefixes: [IPCIDR]
  private var active: [[Int]] = []
  private let index: PrefixIndex

  init(_ terms: [PeerTerm]) {
    var added: [IPCIDR: [Int]] = [:]
    var removed: [IPCIDR: Set<Int>] = [:]
    for (number, term) in terms.enumerated() {
      guard case .block(let block) = term else { continue }
      added[block.cidr, default: []].append(number)
      for hole in block.except { removed[hole, default: []].insert(number) }
    }
    prefixes = Set(added.keys).union(removed.keys).sorted(by: precedes)
    index = PrefixIndex(prefixes)
    var around: [Int] = []
    for (position, prefix) in prefixes.enumerated() {
      while let last = around.last, !prefixes[last].contains(prefix) { around.removeLast() }
      let holes = removed[prefix] ?? []
      let inherited = around.last.map { active[$0] } ?? []
      active.append(inherited.filter { !holes.contains($0) } + (added[prefix] ?? []))
      around.append(position)
    }
  }

  /// The blocks that hold for addresses of a prefix that are in no smaller one.
  func terms(at position: Int) -> [Int] { active[position] }

  /// The blocks that hold for an address.
  func terms(containing address: IPAddress) -> [Int] {
    index.position(of: address).map { active[$0] } ?? []
  }
}
