// SPDX-License-Identifier: Apache-2.0

import BPFMaps
import KernelTestSupport
import LinuxSystem
import Testing

extension BPFKernelTests {
  @Suite("A value for each CPU")
  struct MapPerCPUTests {
    @Test func `per-CPU values are summed, and taken in one step`() throws {
      let map = try BPFPerCPUHashMap<UInt32, UInt64>.create(name: "cpus", maximumEntryCount: 100)
      let cpus = UInt64(BPFProcessors.possibleCount)
      for key in 0..<UInt32(50) { try map.updateValues((0..<cpus).map { $0 + UInt64(key) }, forKey: key) }
      #expect(try map.sum(forKey: 7) == cpus * 7 + cpus * (cpus - 1) / 2)
      #expect(try map.max(forKey: 7) == 6 + cpus)
      #expect(try map.sum(forKey: 99) == nil && map.max(forKey: 99) == nil)
      #expect(try map.withValues(forKey: 7) { $0[0] } == 7)
      #expect(try map.entries().count == 50)
      var total: UInt64 = 0
      try map.forEach { key, values in total += UInt64(key) * UInt64(values.count) }
      #expect(total == cpus * 50 * 49 / 2)
      try map.updateEveryValue(3, forKey: 7, mode: .existing)
      #expect(try map.takeValues(forKey: 7) == Array(repeating: 3, count: Int(cpus)))
      #expect(try map.takeValues(forKey: 7) == nil)
      try map.removeAll()
      #expect(try map.entries().isEmpty)
      let batch = (0..<UInt32(120)).map { ($0, Array(repeating: UInt64($0), count: Int(cpus))) }
      #expect {
        try map.update(batch)
      } throws: { ($0 as? BPFError)?.code == .full && ($0 as? BPFError)?.completedCount == 100 }
      #expect(try map.sum(forKey: 9) == 9 * cpus)
      #expect(try map.removeValues(forKeys: Array(90..<110)) == 10)
      #expect {
        try map.update([(1, [])])
      } throws: { ($0 as? BPFError)?.code == .invalidArgument }
    }

    @Test func `per-CPU values of any size keep their places`() throws {
      // 5 bytes in slots of 8; then 600 and 9,600 bytes, which need more room than small ones are given.
      let odd = try BPFPerCPUArrayMap<SampleOdd>.create(name: "odd", maximumEntryCount: 2)
      let values = (0..<BPFProcessors.possibleCount).map { SampleOdd(number: UInt32($0), letter: UInt8($0) + 1) }
      try odd.setValues(values, at: 1)
      #expect(try odd.values(at: 1) == values)
      #expect(try odd.sum(at: 1, of: \.letter) == values.reduce(0) { $0 &+ $1.letter })
      try odd.setEveryValue(SampleOdd(number: 0, letter: 0), at: 1)
      #expect(try odd.max(at: 1, of: \.letter) == 0)
      var seen: [UInt32] = []
      try odd.forEach { index, _ in seen.append(index) }
      #expect(seen == [0, 1])
      let wide = try BPFPerCPUArrayMap<Wide>.create(name: "wide", maximumEntryCount: 1)
      try wide.setEveryValue(Wide(repeating: 7), at: 0)
      #expect(try wide.sum(at: 0) { $0.last } == 7 * UInt64(BPFProcessors.possibleCount))
      let wider = try BPFPerCPUArrayMap<Wider>.create(name: "wider", maximumEntryCount: 1)
      var value = Wider(repeating: 0)
      value.end = 5
      try wider.setEveryValue(value, at: 0)
      #expect(try wider.sum(at: 0) { $0.end } == 5 * UInt64(BPFProcessors.possibleCount))
    }
  }
}

/// 608 bytes.
private struct Wide: BPFValue, BitwiseCopyable {
  typealias Row = (UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64)
  typealias Block = (Row, Row, Row, Row, Row, Row, Row, Row, Row)
  var block: Block
  var rest: (UInt64, UInt64, UInt64) = (0, 0, 0)
  var last: UInt64

  init(repeating value: UInt64) {
    let row = (value, value, value, value, value, value, value, value)
    block = (row, row, row, row, row, row, row, row, row)
    last = value
  }

  static let layout = StructLayout(
    "wide", of: Self.self, fields: [.init("block", \.block), .init("rest", \.rest), .init("last", \.last)])
}

/// 9,736 bytes.
private struct Wider: BPFValue, BitwiseCopyable {
  typealias Blocks = (Wide, Wide, Wide, Wide, Wide, Wide, Wide, Wide)
  var blocks: (Blocks, Blocks)
  var end: UInt64 = 0

  init(repeating value: UInt64) {
    let wide = Wide(repeating: value)
    let blocks = (wide, wide, wide, wide, wide, wide, wide, wide)
    self.blocks = (blocks, blocks)
  }

  static let layout = StructLayout(
    "wider", of: Self.self, fields: [.init("blocks", \.blocks), .init("end", \.end)])
}
