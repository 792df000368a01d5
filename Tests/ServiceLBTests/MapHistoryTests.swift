// SPDX-License-Identifier: Apache-2.0

import DatapathPrograms
import NetworkTypes
import SeededRandom
import ServiceLB
import Testing

/// Random histories of tables, played write by write on a model of the maps.
@Suite("Map histories")
struct MapHistoryTests {
  /// A small table that has everything in it: frontends wander between entries, endpoints come, end and go.
  static func randomTable(_ generator: inout SeededGenerator, tableSize: Int?) throws -> ServiceTable {
    let kinds: [ServiceFrontend.Kind] = [.clusterIP, .nodePort, .externalIP, .loadBalancer, .clusterIP]
    var frontends: [Int: [ServiceFrontend]] = [:]
    for number in 1...9 where generator.chance(75) {
      let isDatagram = number > 5
      let service = Int.random(in: isDatagram ? 3..<5 : 0..<3, using: &generator)
      frontends[service, default: []].append(
        try MapFixtures.frontend("10.96.0.\(number):80/\(isDatagram ? "UDP" : "TCP")", kinds[number % 5]))
    }
    return ServiceTable(
      entries: try frontends.sorted { $0.key < $1.key }.map { service, frontends in
        var backends: [ServiceBackend] = []
        for number in 1...5 where generator.chance(60) {
          var backend = try MapFixtures.backend("10.0.\(generator.chance(80) ? service : 9).\(number):80")
          backend.isTerminating = generator.chance(20)
          if tableSize != nil, generator.chance(30) { backend.weight = UInt16.random(in: 0...3, using: &generator) }
          backends.append(backend)
        }
        var entry = ServiceEntry(
          name: ServicePortName(namespace: "default", service: "s\(service)"), frontends: frontends,
          backends: backends)
        entry.cluster = entry.backends.indices.filter { _ in generator.chance(80) }
        entry.local = entry.backends.indices.filter { _ in generator.chance(40) }
        entry.isInternalLocal = generator.chance(30)
        entry.isExternalLocal = generator.chance(30)
        if generator.chance(20) { entry.affinitySeconds = 60 }
        if generator.chance(20) { entry.algorithm = .leastLoad }
        if let tableSize, generator.chance(60) { entry.algorithm = .maglev(tableSize: tableSize) }
        if generator.chance(30) {
          entry.sourceRanges = [IPCIDR("192.0.2.0/24"), IPCIDR("198.51.0.0/16"), IPCIDR("203.0.113.1/32")]
            .compactMap { $0 }.filter { _ in generator.chance(60) }
        }
        return entry
      },
      nodeAddresses: ["172.16.0.1", "172.16.0.2"].compactMap { IPAddress($0) }.filter { _ in generator.chance(70) })
  }

  static func change(from old: ServiceTable, to new: ServiceTable) -> ServiceTableChange {
    let before = Dictionary(uniqueKeysWithValues: old.entries.map { ($0.id, $0) })
    let after = Set(new.entries.map(\.id))
    return ServiceTableChange(
      updated: new.entries.filter { before[$0.id] != $0 },
      removed: old.entries.map(\.id).filter { !after.contains($0) },
      nodeAddresses: new.nodeAddresses)
  }

  static let limits = ServiceLimits(
    frontends: 32, vips: 96, services: 64, slots: 512, backends: 96, sourceRanges: 32, nodeAddresses: 4)

  /// Whether the histories have tables, and seeds.
  static let histories: [(tableSize: Int?, seed: UInt64)] =
    (1...12).map { (nil, $0) } + (1...8).map { (7, 100 + $0) }

  @Test(arguments: histories)
  func `at every write each client meets all of the old or all of the new, and a kill at any write is mended`(
    tableSize: Int?, seed: UInt64
  ) async throws {
    var generator = SeededGenerator(seed: seed)
    let drain = Duration.seconds(3)
    var state = ServiceMapState(limits: Self.limits, drainTime: drain, tableSizes: [7])
    var model = MapModel()
    var old = ServiceTable()
    var now = ContinuousClock.now
    var refused = 0
    for round in 0..<60 {
      await Task.yield()
      let new = try Self.randomTable(&generator, tableSize: tableSize)
      now += .milliseconds([0, 300, 700, 1100, 2500].randomElement(using: &generator) ?? 0)
      let isIncremental = generator.chance(50)
      func plan(_ state: inout ServiceMapState) throws -> ServiceMapPlan {
        isIncremental ? try state.apply(Self.change(from: old, to: new), at: now) : try state.apply(new, at: now)
      }
      let planned = Result { try plan(&state) }
      guard case .success(let first) = planned else {
        // Small maps are full now and then; nothing has changed then, and a later call succeeds.
        guard case .failure(let error as ServiceError) = planned, error.code == .tableFull else {
          _ = try planned.get()
          return
        }
        refused += 1
        now += .seconds(4)
        let later = try plan(&state)
        model.play(later, towards: new, at: now)
        try expect(model, serves: new, seed, round)
        old = new
        continue
      }
      if generator.chance(30), first.count > 1 {
        // Killed: user space knows what the maps hold and nothing else, and something else is wanted meanwhile.
        model.play(first, towards: new, limit: Int.random(in: 0..<first.count, using: &generator), at: now)
        model.restart(isKilled: true)
        let next = generator.chance(50) ? new : try Self.randomTable(&generator, tableSize: tableSize)
        state = ServiceMapState(
          reading: model.maps, limits: Self.limits, drainTime: drain, tableSizes: [7], at: now)
        var mended = Result { try state.apply(next, at: now) }
        if case .failure = mended {
          refused += 1
          now += .seconds(4)
          mended = Result { try state.apply(next, at: now) }
        }
        model.play(try mended.get(), towards: next, at: now)
        try expect(model, serves: next, seed, round)
        old = next
      } else {
        model.play(first, towards: new, at: now)
        try expect(model, serves: new, seed, round)
        old = new
      }
      // A small change frees only some of what has rested.
      if isIncremental { model.play(try state.apply(old, at: now), towards: old, at: now) }
      let again = try state.apply(old, at: now)
      #expect(again.isEmpty, "seed \(seed) round \(round), again: \(again)")
      if generator.chance(20) {
        // Stopped in peace: the next one has nothing to write.
        model.restart(isKilled: false)
        state = ServiceMapState(
          reading: model.maps, limits: Self.limits, drainTime: drain, tableSizes: [7], at: now)
        let again = try state.apply(old, at: now)
        #expect(again.isEmpty, "seed \(seed) round \(round), restart: \(again)")
      }
      if model.violations != [] { break }
    }
    #expect(model.violations == [], "seed \(seed)")
    #expect(refused < 20)
    // At rest nothing is left behind.
    for _ in 0..<6 {
      now += .seconds(4)
      model.play(try state.apply(ServiceTable(), at: now), towards: ServiceTable(), at: now)
    }
    #expect(model.maps.frontends.isEmpty && model.maps.sourceRanges.isEmpty && model.maps.nodeAddresses.isEmpty)
    #expect(model.maps.services.allSatisfy { $0 == ServiceExtents() })
    #expect(model.maps.backends.allSatisfy { $0?.service ?? 0 == 0 }, "\(model.maps.backends)")
    #expect(state.isEmpty, "\(state)")
  }

  private func expect(_ model: MapModel, serves table: ServiceTable, _ seed: UInt64, _ round: Int) throws {
    var fresh = ServiceMapState(limits: Self.limits, tableSizes: [7])
    var maps = ServiceMapContents()
    for operation in try fresh.apply(table).operations { maps.apply(operation) }
    let (met, wanted) = (Behaviour(model.maps), Behaviour(maps))
    guard met != wanted else { return }
    #expect(met.nodeAddresses == wanted.nodeAddresses, "seed \(seed) round \(round)")
    for key in Set(met.served.keys).union(wanted.served.keys) where met.served[key] != wanted.served[key] {
      Issue.record(
        "seed \(seed) round \(round): \(key)\n\(String(describing: met.served[key]))\n\(String(describing: wanted.served[key]))"
      )
    }
  }
}
