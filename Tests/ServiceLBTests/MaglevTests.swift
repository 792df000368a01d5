// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import SeededRandom
import ServiceLB
import Testing

@Suite("Maglev tables")
struct MaglevTests {
  private func backends(_ count: Int, weight: (Int) -> UInt16 = { _ in 1 }) throws -> [ServiceBackend] {
    let port = try #require(Port(8080))
    return (0..<count).map { index in
      ServiceBackend(
        address: .v4(IPv4Address(10, 0, UInt8(index / 250), UInt8(index % 250))), port: port, weight: weight(index))
    }
  }

  /// How many slots each backend has.
  private func shares(_ table: MaglevTable, _ count: Int) -> [Int] {
    var shares = [Int](repeating: 0, count: count)
    for slot in table.slots { shares[Int(slot)] += 1 }
    return shares
  }

  @Test(arguments: [16381, 65521], [1, 2, 3, 10, 160, 1000])
  func `every slot is taken, and shares differ by one at most`(size: Int, count: Int) async throws {
    await Task.yield()
    let table = MaglevTable(backends: try backends(count), size: size)
    #expect(table.slots.count == size)
    #expect(table.slots.allSatisfy { $0 < count })
    let shares = shares(table, count)
    #expect(shares.max().map { $0 - (shares.min() ?? 0) } ?? 0 <= 1)
  }

  @Test func `the table depends on the set of backends, not on their order or their names elsewhere`() throws {
    var random = SeededGenerator(seed: 5)
    let backends = try backends(97) { UInt16(1 + $0 % 4) }
    let table = MaglevTable(backends: backends, size: 16381)
    for _ in 0..<5 {
      let shuffled = backends.shuffled(using: &random).map { backend in
        var backend = backend
        backend.isLocal.toggle()
        return backend
      }
      let other = MaglevTable(backends: shuffled, size: 16381)
      #expect(other.slots.map { shuffled[Int($0)].key } == table.slots.map { backends[Int($0)].key })
    }
  }

  /// What another implementation of the same description makes, in Python; the large table as its FNV-1a over words.
  @Test func `the table is the same everywhere and always`() throws {
    let port = try #require(Port(53))
    let backends = try ["10.0.0.1", "10.0.0.2", "fd00::3"].map {
      ServiceBackend(address: try #require(IPAddress($0)), port: port)
    }
    #expect(MaglevTable(backends: backends, size: 13).slots == [1, 1, 0, 0, 0, 1, 2, 2, 0, 2, 2, 1, 0])
    let large = MaglevTable(backends: backends, size: 65521)
    #expect(
      large.slots.reduce(UInt64(14_695_981_039_346_656_037)) { ($0 ^ UInt64($1)) &* 1_099_511_628_211 }
        == 16_176_675_426_987_706_047)
  }

  @Test(
    arguments: [
      [1, 1, 2], [1, 10, 100, 1000], [65535, 1, 1], [3, 0, 3, 6], [5, 5, 5, 5, 1],
    ] as [[UInt16]])
  func `shares follow the weights within two slots`(weights: [UInt16]) throws {
    let table = MaglevTable(backends: try backends(weights.count) { weights[$0] }, size: 16381)
    let total = weights.reduce(0) { $0 + Int($1) }
    for (share, weight) in zip(shares(table, weights.count), weights) {
      let exact = Double(16381 * Int(weight)) / Double(total)
      #expect(abs(Double(share) - exact) <= 2, "weight \(weight) of \(weights): \(share), not \(exact)")
    }
  }

  @Test func `weights that are all the same mean what equal weights mean`() throws {
    #expect(
      MaglevTable(backends: try backends(33) { _ in 7 }, size: 16381)
        == MaglevTable(backends: try backends(33), size: 16381))
  }

  @Test func `random weights keep their shares`() async throws {
    var random = SeededGenerator(seed: 11)
    for _ in 0..<20 {
      await Task.yield()
      let weights = (0..<Int.random(in: 1...300, using: &random)).map { _ in UInt16.random(in: 0...20, using: &random) }
      let total = weights.reduce(0) { $0 + Int($1) }
      let table = MaglevTable(backends: try backends(weights.count) { weights[$0] }, size: 16381)
      if total == 0 {
        #expect(table.slots.isEmpty)
        continue
      }
      for (share, weight) in zip(shares(table, weights.count), weights) {
        #expect(abs(Double(share) - Double(16381 * Int(weight)) / Double(total)) <= 2)
      }
    }
  }

  @Test func `without a backend that weighs anything there is no table`() throws {
    #expect(MaglevTable(backends: [], size: 16381).slots.isEmpty)
    let table = MaglevTable(backends: try backends(3) { _ in 0 }, size: 16381)
    #expect(table.slots.isEmpty && table.backend(forHash: 7) == nil)
  }

  @Test func `with more backends than slots the last ones get none`() throws {
    let shares = shares(MaglevTable(backends: try backends(20), size: 13), 20)
    #expect(shares == Array(repeating: 1, count: 13) + Array(repeating: 0, count: 7))
  }

  @Test func `a flow's hash finds its slot`() throws {
    let table = MaglevTable(backends: try backends(3), size: 16381)
    #expect(table.backend(forHash: 0) == Int(table.slots[0]))
    #expect(table.backend(forHash: .max) == Int(table.slots[16380]))
    #expect(table.backend(forHash: 1 << 31) == Int(table.slots[8190]))
  }

  /// The share of flows that move although their backend stays, when one of `count` goes; the mean over several that go.
  private func disruption(size: Int, count: Int, runs: Int) async throws -> Double {
    let all = try backends(count)
    let before = MaglevTable(backends: all, size: size)
    var moved = 0
    var stayed = 0
    for run in 0..<runs {
      await Task.yield()
      let gone = run * count / runs
      var rest = all
      rest.remove(at: gone)
      let after = MaglevTable(backends: rest, size: size)
      for (old, new) in zip(before.slots, after.slots) where Int(old) != gone {
        stayed += 1
        if all[Int(old)].key != rest[Int(new)].key { moved += 1 }
      }
    }
    return Double(moved) / Double(stayed)
  }

  /// The figures are measured means of another implementation (Cilium's rule), each over 20 runs, with what chance adds.
  @Test(arguments: [
    (16381, 10, 0.0052), (16381, 50, 0.0103), (16381, 100, 0.0133), (16381, 160, 0.0164), (16381, 400, 0.0121),
    (65521, 10, 0.0023), (65521, 100, 0.0057), (65521, 400, 0.0096),
  ])
  func `few flows move that need not when a backend goes`(size: Int, count: Int, known: Double) async throws {
    let share = try await disruption(size: size, count: count, runs: 10)
    #expect(share <= known * 1.25, "\(size) slots, \(count) backends: \(share)")
  }

  @Test func `when a backend comes it takes its share, and few others move`() throws {
    let all = try backends(101)
    let before = MaglevTable(backends: Array(all.dropLast()), size: 16381)
    let after = MaglevTable(backends: all, size: 16381)
    let moved = zip(before.slots, after.slots).count { $0 != $1 && $1 != 100 }
    #expect(Double(moved) / 16381 < 0.02)
    #expect(after.slots.count { $0 == 100 } == 16381 / 101)
  }
}
