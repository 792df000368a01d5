// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import SeededRandom
import Testing

@testable import PolicyCompiler

@Suite("What large rule sets are made of")
struct LargeSetTests {
  @Test func `blocks cover what they contain`() {
    var random = SeededGenerator(seed: 1)
    for count in [0, 1, 2, 5, 20, 60] {
      var blocks: Set<IPCIDR> = []
      for _ in 0..<count {
        let address: IPAddress =
          random.chance(50)
          ? .v4(IPv4Address(rawValue: UInt32(random.number(0...255)) << 24 | UInt32(random.number(0...3))))
          : .v6(IPv6Address(high: UInt64(random.number(0...3)) << 62, low: UInt64.max - UInt64(random.number(0...3))))
        let length = random.number(0...(address.family == .ipv4 ? 32 : 128))
        if let block = IPCIDR(address: address, prefixLength: length) { blocks.insert(block.masked) }
      }
      if count > 20, let all = IPCIDR("255.255.255.255/32") { blocks.insert(all) }
      let list = blocks.enumerated().map { (number: UInt32($0.offset), block: $0.element) }
      let tree = BlockTree(list)
      #expect(tree.nodes.count == list.count)
      var addresses: [IPAddress] = list.flatMap { [$0.block.masked.address, $0.block.masked.address.successor] }
        .compactMap { $0 }
      for _ in 0..<200 {
        addresses.append(.v4(IPv4Address(rawValue: UInt32(random.number(0...Int(UInt32.max))))))
        addresses.append(.v6(IPv6Address(high: UInt64(random.number(0...3)) << 62, low: UInt64.max)))
      }
      for address in addresses {
        let cover = list.filter { $0.block.contains(address) }.map(\.number).sorted()
        #expect(tree.cover(address) == cover)
        let next = address.successor ?? address
        let isTouched = !cover.isEmpty || list.contains { $0.block.contains(next) }
        #expect(tree.touches(address, next) == isTouched)
      }
    }
  }

  @Test func `of several rules the first decides at each port`() {
    var random = SeededGenerator(seed: 2)
    for _ in 0..<200 {
      var ranks = RankedPorts()
      var parts: [UInt32] = []
      var expected = [UInt32](repeating: RankedPorts.none, count: 100)
      for _ in 0..<random.number(0...6) {
        let rank = UInt32(random.number(0...3))
        var places: Set<UInt32> = []
        for _ in 0..<random.number(0...10) { places.insert(UInt32(random.number(0...98))) }
        // Places beside each other are one range or many.
        parts.append(ranks.number(rank, at: places.sorted().map { ($0, $0) }))
        for place in places { expected[Int(place)] = min(expected[Int(place)], rank) }
      }
      let all = ranks.join(parts)
      let oneByOne = parts.reversed().reduce(RankedPorts.nothing) { ranks.join($0, $1) }
      #expect(all == oneByOne)
      for place in expected.indices { #expect(ranks.rank(all, at: UInt32(place)) == expected[place]) }
      for number in parts + [all] {
        let runs = ranks[number]
        #expect(zip(runs, runs.dropFirst()).allSatisfy { $0 & 0xFFFF_FFFF != $1 & 0xFFFF_FFFF && $0 >> 32 < $1 >> 32 })
      }
    }
  }
}
