// SPDX-License-Identifier: Apache-2.0

import ServiceLB
import Testing

/// Random histories of tables, played write by write on a model of the maps.
@Suite("Map transitions")
struct ServiceMapTransitionTests {
  /// What a table promises for a frontend.
  private func promise(_ table: ServiceTable, _ frontend: ServiceFrontend) -> [ServiceBackend]? {
    table.entries.first { $0.frontends.contains(frontend) }?.backends
  }

  private func resolve(_ word: ServiceWord, in maps: ServiceMapContents) -> [ServiceBackend] {
    word.slots.compactMap { maps.slots[$0].flatMap { maps.backends[$0] } }
  }

  private func randomTable(_ generator: inout SeededGenerator) throws -> ServiceTable {
    // Frontends wander between services, so that numbers are taken over, split and given back.
    var frontends: [Int: [ServiceFrontend]] = [:]
    for number in 1...6 where Int.random(in: 0..<4, using: &generator) > 0 {
      frontends[Int.random(in: 0..<4, using: &generator), default: []].append(try frontend("10.96.0.\(number):80/TCP"))
    }
    return ServiceTable(
      entries: try frontends.map { service, frontends in
        var backends: [ServiceBackend] = []
        for number in 1...5 where Bool.random(using: &generator) { backends.append(try backend("10.0.0.\(number):80")) }
        let local = Int.random(in: 0...backends.count, using: &generator)
        return ServiceEntry(
          name: ServicePortName(namespace: "default", service: "s\(service)"), frontends: frontends,
          localBackends: Array(backends.prefix(local)), remoteBackends: Array(backends.dropFirst(local)))
      })
  }

  @Test(arguments: 1...25 as ClosedRange<UInt64>)
  func `after every single write each connection meets all of the old or all of the new endpoints`(
    seed: UInt64
  ) throws {
    var generator = SeededGenerator(state: seed)
    let limits = ServiceLimits(frontends: 16, services: 32, slots: 256, backends: 64)
    var state = ServiceMapState(limits: limits)
    var maps = ServiceMapContents()
    var old = ServiceTable()
    var now = ContinuousClock.now
    // One expectation for all: a macro for each of the many thousand looks would take most of the time.
    var violations: [String] = []
    for _ in 0..<40 {
      let new = try randomTable(&generator)
      now += .milliseconds([0, 300, 700, 1100].randomElement(using: &generator) ?? 0)
      let plan = try state.plan(for: new, at: now)
      let frontends = Set((old.entries + new.entries).flatMap(\.frontends))
      let promises = frontends.map { (frontend: $0, old: promise(old, $0), new: promise(new, $0)) }
      // What a program that is running now may already have read: the number, or the word, of a frontend.
      let held = promises.compactMap { promise in
        maps.frontends[promise.frontend].map { (promise: promise, index: $0, word: maps.words[$0]) }
      }
      for operation in plan.operations {
        maps.apply(operation)
        for promise in promises {
          let met = maps.backends(of: promise.frontend)
          if met != promise.old, met != promise.new { violations.append("\(promise.frontend) after \(operation)") }
        }
        for (promise, index, word) in held {
          if let word, resolve(word, in: maps) != promise.old ?? [] {
            violations.append("\(promise.frontend), late word, after \(operation)")
          }
          if promise.new != nil, let now = maps.words[index].map({ resolve($0, in: maps) }),
            now != promise.old ?? [], now != promise.new ?? []
          {
            violations.append("\(promise.frontend), late number, after \(operation)")
          }
        }
      }
      for promise in promises where maps.backends(of: promise.frontend) != promise.new {
        violations.append("\(promise.frontend) after all")
      }
      state = plan.result
      if Int.random(in: 0..<5, using: &generator) == 0 {
        // A restart: everything user space knows comes from the maps, and nothing has to be written.
        state = ServiceMapState(reading: maps, limits: limits)
        violations += try state.plan(for: new, at: now).operations.map { "restart: \($0)" }
      }
      old = new
    }
    #expect(violations == [])
    // At rest nothing is left behind.
    for _ in 0..<4 {
      now += .seconds(2)
      let plan = try state.plan(for: ServiceTable(), at: now)
      for operation in plan.operations { maps.apply(operation) }
      state = plan.result
    }
    #expect(maps.frontends.isEmpty && maps.words.isEmpty && maps.backends.isEmpty)
  }

  @Test func `maps that a crash or a stranger left in disorder are put right`() throws {
    let limits = ServiceLimits(frontends: 8, services: 8, slots: 16, backends: 16)
    let table = ServiceTable(entries: [
      try entry("a", ["10.96.0.1:80/TCP"], ["10.0.0.1:80"]), try entry("b", ["10.96.0.2:80/TCP"], ["10.0.0.2:80"]),
      try entry("c", ["10.96.0.3:80/TCP"], ["10.0.0.3:80"]), try entry("d", ["10.96.0.4:80/TCP"], []),
    ])
    var maps = ServiceMapContents(
      frontends: [
        try frontend("10.96.0.1:80/TCP"): 0, try frontend("10.96.0.2:80/TCP"): 1,
        try frontend("10.96.0.3:80/TCP"): 4_000_000, try frontend("10.96.0.4:80/TCP"): 3,
        try frontend("10.96.0.9:80/TCP"): 70,
      ],
      words: [
        0: ServiceWord(base: 0, count: 2, localCount: 0, generation: 1),
        1: ServiceWord(base: 1, count: 2, localCount: 0, generation: 1),  // overlaps
        3: ServiceWord(base: 15, count: 4, localCount: 9, generation: 1),  // outside
        6: ServiceWord(base: 4, count: 1, localCount: 0, generation: 1),  // no frontend
      ],
      slots: [0: 1, 1: 99],
      backends: [1: try backend("10.0.0.1:80"), 2: try backend("10.0.0.1:80"), 200: try backend("10.0.0.9:80")])
    var state = ServiceMapState(reading: maps, limits: limits)
    var now = ContinuousClock.now
    for _ in 0..<4 {
      let plan = try state.plan(for: table, at: now)
      for operation in plan.operations { maps.apply(operation) }
      state = plan.result
      now += .seconds(1)
    }
    for entry in table.entries { #expect(maps.backends(of: try #require(entry.frontends.first)) == entry.backends) }
    #expect(maps.frontends.count == 4)
    #expect(maps.words[6] == nil)
    let stray = try backend("10.0.0.1:80")
    #expect(maps.backends.values.filter { $0 == stray }.count == 1)
  }
}
