// SPDX-License-Identifier: Apache-2.0

internal import KubernetesModel

/// A large rule set, asked about many peers at a cost of what they differ in, and not of all that they match.
///
/// What a peer may do is joined from what each of its parts may: that any peer may, its elements, and the blocks that cover
/// its address. The last is found for all addresses in one walk over the blocks, which turns rules on and off as it enters
/// and leaves them.
struct LargeSet {
  private let stage: PolicyStage
  /// The verdict of each rank.
  private var verdicts: [PolicyVerdict] = []
  private(set) var ranks = RankedPorts()
  /// What every peer may.
  private(set) var always = RankedPorts.nothing
  private var elements: [UInt32: UInt32] = [:]
  /// The number of each port name, by element.
  private var names: [UInt32: UInt32] = [:]
  /// What a rank with given ports comes to.
  private var specs: [UInt64: UInt32] = [:]

  // Peers that are blocks.
  private var blockPeers: [BlockPeer] = []
  /// Peers by the number of their block, and by the numbers of their holes.
  private var inside: [UInt32: [UInt32]] = [:]
  private var outside: [UInt32: [UInt32]] = [:]
  private var slots = Slots()

  // What was found.
  /// By position of a block: what the addresses may that it is the innermost of.
  private var regions: [UInt32] = []
  /// Positions of blocks by number.
  private var positions: [UInt32: UInt32] = [:]
  var tables: [UInt32: PortTableID] = [:]
  /// How often a peer was turned on or off.
  private var turns = 0
  /// Steps so far, in time and in what is read.
  var steps: Int { ranks.steps + turns }

  private struct BlockPeer {
    var slot: UInt32
    var isInside = false
    var holes: UInt32 = 0
  }

  /// Reads a content, to be asked about the peers pointed at, or about any; as much of it as the limit allows.
  init(
    _ content: SetContent, rules: Interner<RuleForm>, peers: Interner<PeerForm>, ports: Interner<PortSpec>,
    limit: WorkLimit, for pointer: PeerPointer? = nil
  ) {
    stage = content.stage
    /// Peers in the upper half, what one of their rules comes to in the lower.
    var found: [UInt64] = []
    func isAsked(_ peer: UInt32) -> Bool {
      guard let pointer else { return true }
      switch peers[peer] {
      case .any: return true
      case .element(let element): return pointer.has(element: element)
      case .block(let block, _): return pointer.has(block: block)
      }
    }
    if stage == .policy {
      verdicts = [.allow]
      for position in stride(from: 0, to: content.rules.count, by: 2) where isAsked(content.rules[position]) {
        found.append(
          CompilerState.key(content.rules[position], number(content.rules[position + 1], rank: 0, ports)))
      }
    } else {
      for rule in content.rules.map({ rules[$0] }) {
        let verdict = rule.action.verdict(in: stage)
        if verdict != verdicts.last { verdicts.append(verdict) }
        for peer in rule.peers where isAsked(peer) {
          found.append(CompilerState.key(peer, number(rule.ports, rank: UInt32(verdicts.count - 1), ports)))
        }
      }
      found.sort()
    }
    var next = 0
    while next < found.count, limit.allows(ranks) {
      let peer = UInt32(truncatingIfNeeded: found[next] >> 32)
      var parts: [UInt32] = []
      while next < found.count, UInt32(truncatingIfNeeded: found[next] >> 32) == peer {
        parts.append(UInt32(truncatingIfNeeded: found[next]))
        next += 1
      }
      add(peers[peer], ranks.join(parts), pointer)
    }
    slots.finish()
  }

  private mutating func add(_ peer: PeerForm, _ number: UInt32, _ pointer: PeerPointer?) {
    switch peer {
    case .any: always = ranks.join(always, number)
    case .element(let element): elements[element] = number
    case .block(let block, let except):
      let position = UInt32(blockPeers.count)
      blockPeers.append(BlockPeer(slot: slots.slot(for: number)))
      inside[block, default: []].append(position)
      for hole in except where pointer?.has(block: hole) ?? true { outside[hole, default: []].append(position) }
    }
  }

  /// What a rank with some ports comes to.
  private mutating func number(_ number: UInt32, rank: UInt32, _ ports: Interner<PortSpec>) -> UInt32 {
    let key = CompilerState.key(rank, number)
    if let known = specs[key] { return known }
    let spec = ports[number]
    var ranges: [(first: UInt32, last: UInt32)] = []
    if spec.isAll { ranges = [(0, RankedPorts.Place.other)] }
    for span in spec.spans {
      let base = UInt32(span.transport) << 16
      ranges.append((base + UInt32(span.first), base + UInt32(span.last)))
    }
    let places = spec.names.map { RankedPorts.Place.name(self.number(ofName: $0.element), $0.transport) }
    for place in places.sorted() { ranges.append((place, place)) }
    let found = ranks.number(rank, at: ranges)
    specs[key] = found
    return found
  }

  private mutating func number(ofName element: UInt32) -> UInt32 {
    if let known = names[element] { return known }
    let next = UInt32(names.count)
    names[element] = next
    return next
  }

  // Blocks.

  /// Walks over the blocks of the set.
  ///
  /// - Parameters:
  ///   - tree: The blocks.
  ///   - needed: The positions that matter, sorted, each with all that it is in; nil for all.
  ///   - limit: What it may cost.
  /// - Returns: Whether it was within the limit.
  mutating func walk(_ tree: BlockTree, _ needed: [UInt32]?, limit: WorkLimit) -> Bool {
    regions = Array(repeating: RankedPorts.nothing, count: tree.nodes.count)
    var open: [UInt32] = []
    for position in needed ?? Array(0..<UInt32(tree.nodes.count)) {
      let node = tree.nodes[Int(position)]
      while let inner = open.last, inner != node.parent {
        leave(tree.nodes[Int(inner)].number)
        open.removeLast()
      }
      positions[node.number] = position
      enter(node.number)
      open.append(position)
      regions[Int(position)] = ranks.join(always, slots.joined(&ranks))
      if !limit.allows(ranks) { return false }
    }
    return true
  }

  private mutating func enter(_ block: UInt32) {
    // A peer whose hole is its block or around it is never on.
    for peer in outside[block] ?? [] {
      blockPeers[Int(peer)].holes += 1
      if blockPeers[Int(peer)].holes == 1, blockPeers[Int(peer)].isInside { turn(peer, on: false) }
    }
    for peer in inside[block] ?? [] {
      blockPeers[Int(peer)].isInside = true
      if blockPeers[Int(peer)].holes == 0 { turn(peer, on: true) }
    }
  }

  private mutating func leave(_ block: UInt32) {
    for peer in inside[block] ?? [] {
      if blockPeers[Int(peer)].holes == 0 { turn(peer, on: false) }
      blockPeers[Int(peer)].isInside = false
    }
    for peer in outside[block] ?? [] {
      blockPeers[Int(peer)].holes -= 1
      if blockPeers[Int(peer)].holes == 0, blockPeers[Int(peer)].isInside { turn(peer, on: true) }
    }
  }

  private mutating func turn(_ peer: UInt32, on isOn: Bool) {
    turns += 1
    slots.turn(blockPeers[Int(peer)].slot, on: isOn)
  }

  /// What the addresses may that a block is the innermost of, and what all may that no block has.
  func region(_ position: UInt32) -> UInt32 { position == noNumber ? always : regions[Int(position)] }

  /// What the addresses of a class may for what blocks say of them.
  func region(cover: [UInt32]) -> UInt32 {
    var inner = noNumber
    for block in cover {
      guard let position = positions[block] else { continue }
      // A block comes before those in it.
      if inner == noNumber || position > inner { inner = position }
    }
    return region(inner)
  }

  // Peers.

  /// What a peer may for its elements alone.
  mutating func join(_ items: [UInt64]) -> UInt32 {
    var parts: [UInt32] = []
    for item in items {
      if let number = elements[UInt32(truncatingIfNeeded: item >> 32)] { parts.append(number) }
    }
    return ranks.join(parts)
  }

  /// What a peer may for two reasons.
  mutating func join(_ left: UInt32, _ right: UInt32) -> UInt32 { ranks.join(left, right) }

  /// What a peer with one element may for that alone.
  func number(of element: UInt32) -> UInt32 { elements[element] ?? RankedPorts.nothing }

  /// What a peer may with what port names mean there.
  mutating func named(_ number: UInt32, _ items: [UInt64], _ meanings: Interner<Meaning>) -> UInt32 {
    if names.isEmpty { return number }
    var parts = [number]
    for item in items {
      guard let name = names[UInt32(truncatingIfNeeded: item >> 32)] else { continue }
      let any = ranks.rank(number, at: RankedPorts.Place.name(name, PortSpec.anyTransport))
      for port in meanings[UInt32(truncatingIfNeeded: item)].ports {
        let place = RankedPorts.Place.name(name, UInt8(truncatingIfNeeded: port >> 16))
        let rank = min(any, ranks.rank(number, at: place))
        if rank != RankedPorts.none { parts.append(ranks.number(rank, at: [(port, port)])) }
      }
    }
    return ranks.join(parts)
  }

  /// The verdict of each protocol and port.
  func portTable(_ number: UInt32) -> PortTable {
    let runs = ranks[number]
    func verdict(_ rank: UInt32) -> PolicyVerdict { rank == RankedPorts.none ? stage.rest : verdicts[Int(rank)] }
    var next = 0
    func ports(_ transport: UInt32) -> PortTable.Ports {
      var ranges: [PortTable.Range] = []
      let (first, last) = (transport << 16, transport << 16 + 65535)
      while next < runs.count {
        let start = max(first, UInt32(truncatingIfNeeded: runs[next] >> 32))
        let end = next + 1 < runs.count ? min(last, UInt32(truncatingIfNeeded: runs[next + 1] >> 32) - 1) : last
        if start > last { break }
        if end >= start {
          let verdict = verdict(UInt32(truncatingIfNeeded: runs[next]))
          if ranges.last?.verdict == verdict {
            ranges[ranges.count - 1].last = UInt16(truncatingIfNeeded: end)
          } else {
            ranges.append(
              PortTable.Range(
                first: UInt16(truncatingIfNeeded: start), last: UInt16(truncatingIfNeeded: end), verdict: verdict))
          }
        }
        if end == last { break }
        next += 1
      }
      return TierPorts.fewest(ranges)
    }
    return PortTable(
      tcp: ports(0), udp: ports(1), sctp: ports(2),
      other: verdict(ranks.rank(number, at: RankedPorts.Place.other)))
  }
}
