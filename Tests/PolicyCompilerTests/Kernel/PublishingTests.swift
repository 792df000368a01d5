// SPDX-License-Identifier: Apache-2.0

import CDatapathABI
import DatapathPrograms
import KubernetesModel
import NetworkTypes
import PolicyCompiler
import Synchronization
import Testing

@testable import BPFMaps
@testable import PolicyCompiler

/// A publisher on maps in memory, with the tables that it publishes.
struct PublishingBench {
  let maps: FakePolicyMaps
  var publisher: PolicyPublisher
  var random: RandomTables
  /// What is different since the last publication that succeeded; nil: anything may be.
  var pending: PolicyDelta? = PolicyDelta()
  var published: (tables: PolicyTables, endpoints: [NamespacedName: UInt32])

  init(seed: UInt64, _ capacity: PolicyMapCapacity = .ample) {
    maps = FakePolicyMaps(capacity)
    publisher = PolicyPublisher(maps)
    random = RandomTables(seed: seed)
    published = (PolicyTables(), [:])
    maps.state.withLock {
      $0.watch(endpoints: RandomTables.numbers, addresses: RandomTables.addresses + RandomTables.strangers)
    }
  }

  mutating func change() {
    let delta = random.change()
    pending?.merge(delta)
  }

  /// A new process, with other names for everything.
  mutating func restart() {
    maps.state.withLock {
      $0.isDead = false
      $0.dies = nil
    }
    publisher = PolicyPublisher(maps)
    pending = nil
  }

  @discardableResult
  mutating func publish() async throws(PolicyError) -> PolicyPublication {
    let target = PolicyTarget(tables: random.tables, endpoints: random.endpoints, node: RandomTables.node)
    let delta = pending
    pending = nil
    let publication = try await publisher.publish(target, delta: delta)
    pending = PolicyDelta()
    published = (random.tables, random.endpoints)
    return publication
  }

  var violations: [String] { maps.state.withLock { $0.violations } }

  /// Whether programs that begin now say what tables say.
  func says(_ tables: PolicyTables, _ endpoints: [NamespacedName: UInt32]) -> Bool {
    let pods = Dictionary(uniqueKeysWithValues: endpoints.map { ($0.value, $0.key) })
    return maps.state.withLock { state in
      for number in RandomTables.numbers {
        for address in RandomTables.addresses + RandomTables.strangers {
          for (ipProtocol, port) in RandomTables.probes {
            for isIngress in [true, false] {
              let found = state.verdict(number, isIngress, address, ipProtocol, port)
              let wanted = pods[number].flatMap {
                tables.verdict($0, isIngress, address, ipProtocol, port, node: RandomTables.node)
              }
              if found != wanted { return false }
            }
          }
        }
      }
      return true
    }
  }

  /// Whether the maps hold what is in force and nothing else, and everything else is to be had.
  func isTidy() throws -> String? {
    guard let store = publisher.store else { return "the store is lost" }
    let (found, tail) = try PolicyStore.reading(maps)
    if !tail.isEmpty { return "left: \(tail.verdicts.count) verdicts, \(tail.peers.count) peers, \(tail.settled)" }
    let free = [store, found].map { store in
      [
        store.setIndexes.available, store.classIndexes.available, store.slots.available, store.tableIndexes.available,
        store.decisionIndexes.available, store.portExtents.available, store.extents4.available,
        store.extents6.available, store.verdictCount, store.peerCount,
      ]
    }
    return free[0] == free[1] ? nil : "free entries: \(free[0]) by the store, \(free[1]) by the maps"
  }
}

@Suite("Publishing")
struct PublishingTests {
  @Test(arguments: UInt64(1)...20)
  func `at every step a program reads the old or the new generation, whole`(seed: UInt64) async throws {
    var bench = PublishingBench(seed: seed)
    for round in 0..<25 {
      if round > 0 { bench.change() }
      // Several changes at once, and now and then a publication that has to find out for itself.
      if round % 5 == 4 { bench.change() }
      if round % 7 == 6 { bench.pending = nil }
      try await bench.publish()
      #expect(bench.says(bench.random.tables, bench.random.endpoints), "seed \(seed), round \(round)")
      if round % 3 == 0 {
        await bench.publisher.finish()
        #expect(try bench.isTidy() == nil, "seed \(seed), round \(round)")
      }
      #expect(bench.violations.isEmpty, "seed \(seed), round \(round)")
      if !bench.violations.isEmpty { return }
      await Task.yield()
    }
  }

  @Test(arguments: UInt64(1)...4)
  func `a process may end at any step, and the next one goes on`(seed: UInt64) async throws {
    var death = 1
    while true {
      var bench = PublishingBench(seed: seed)
      try await bench.publish()
      await bench.publisher.finish()
      for _ in 0..<4 { bench.change() }
      let old = bench.published
      bench.maps.state.withLock { $0.dies = $0.steps + death }
      _ = try? await bench.publish()
      await bench.publisher.finish()
      let isOver = bench.maps.state.withLock { !$0.isDead }
      #expect(
        bench.says(old.tables, old.endpoints) || bench.says(bench.random.tables, bench.random.endpoints),
        "seed \(seed), death \(death)")
      bench.restart()
      bench.random.tables = bench.random.renamed()
      try await bench.publish()
      await bench.publisher.finish()
      #expect(bench.says(bench.random.tables, bench.random.endpoints), "seed \(seed), death \(death)")
      #expect(bench.violations.isEmpty, "seed \(seed), death \(death)")
      #expect(try bench.isTidy() == nil, "seed \(seed), death \(death)")
      if isOver || !bench.violations.isEmpty { break }
      death += 1
      await Task.yield()
    }
    #expect(death > 5)
  }

  @Test(arguments: [UInt64(5), 7, 8, 9])
  func `any operation may be refused: the old generation stays, and the next call mends it`(seed: UInt64) async throws {
    var failure = 1
    var refusals = 0
    while true {
      var bench = PublishingBench(seed: seed)
      try await bench.publish()
      await bench.publisher.finish()
      for _ in 0..<4 { bench.change() }
      let old = bench.published
      bench.maps.state.withLock { $0.fails = $0.steps + failure }
      do {
        try await bench.publish()
        #expect(bench.says(bench.random.tables, bench.random.endpoints), "seed \(seed), failure \(failure)")
      } catch {
        refusals += 1
        #expect(error.code == .kernel && error.message.contains("stays in force"))
        #expect(bench.says(old.tables, old.endpoints), "seed \(seed), failure \(failure)")
      }
      await bench.publisher.finish()
      let isOver = bench.maps.state.withLock { state in
        defer { state.fails = nil }
        return state.steps < state.fails ?? 0
      }
      bench.change()
      try await bench.publish()
      await bench.publisher.finish()
      #expect(bench.says(bench.random.tables, bench.random.endpoints), "seed \(seed), failure \(failure)")
      #expect(bench.violations.isEmpty, "seed \(seed), failure \(failure)")
      #expect(try bench.isTidy() == nil, "seed \(seed), failure \(failure)")
      if isOver || !bench.violations.isEmpty { break }
      failure += 1
      await Task.yield()
    }
    #expect(refusals > 3)
  }

  @Test(arguments: UInt64(1)...10)
  func `a restart with equal tables writes nothing`(seed: UInt64) async throws {
    var bench = PublishingBench(seed: seed)
    for _ in 0..<5 {
      bench.change()
      try await bench.publish()
    }
    await bench.publisher.finish()
    let generation = bench.maps.generation()
    bench.restart()
    bench.random.tables = bench.random.renamed()
    let published = try await bench.publish()
    #expect((published.writtenEntries, published.changedWords, published.removedEntries) == (0, 0, 0))
    #expect(bench.maps.generation() == generation && published.generation == generation)
    // And what it took over, it can change.
    for _ in 0..<5 {
      bench.change()
      try await bench.publish()
      #expect(bench.says(bench.random.tables, bench.random.endpoints))
    }
    #expect(bench.violations.isEmpty)
  }
}
