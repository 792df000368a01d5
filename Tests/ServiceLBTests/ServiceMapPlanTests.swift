// SPDX-License-Identifier: Apache-2.0

import ServiceLB
import Testing

@Suite("Map planning")
struct ServiceMapPlanTests {
  let start = ContinuousClock.now

  func code(_ body: () throws -> Void) -> ServiceError.Code? {
    do { try body() } catch { return (error as? ServiceError)?.code }
    return nil
  }

  @Test func `the first plan writes backends, slots, words and frontends in this order`() throws {
    let table = ServiceTable(entries: [
      try entry("web", ["10.96.0.1:80/TCP"], ["10.0.0.2:8080"], local: ["10.0.0.3:8080"]),
      try entry("idle", ["10.96.0.2:80/TCP"], []),
    ])
    #expect(
      try ServiceMapState().plan(for: table, at: start).description == """
        backend 1 = 10.0.0.3:8080
        backend 2 = 10.0.0.2:8080
        service 0 counts = 0
        service 1 counts = 0
        slots 0..<2 = 1 2
        service 0 = refuse, generation 1
        service 1 = slots 0..<2, 1 local, generation 1
        frontend 10.96.0.2:80/TCP = service 0
        frontend 10.96.0.1:80/TCP = service 1
        """)
  }

  @Test func `an equal table has an empty plan`() throws {
    let table = ServiceTable(entries: [try entry("web", ["10.96.0.1:80/TCP"], ["10.0.0.2:8080"])])
    let state = try ServiceMapState().plan(for: table, at: start).result
    #expect(try state.plan(for: table, at: start + .seconds(5)).operations.isEmpty)
  }

  @Test func `a change of endpoints writes fresh slots and one word; the rest rests for a second`() throws {
    let before = ServiceTable(entries: [try entry("web", ["10.96.0.1:80/TCP"], ["10.0.0.1:80", "10.0.0.2:80"])])
    let after = ServiceTable(entries: [try entry("web", ["10.96.0.1:80/TCP"], ["10.0.0.2:80", "10.0.0.3:80"])])
    let first = try ServiceMapState().plan(for: before, at: start).result
    let second = try first.plan(for: after, at: start)
    #expect(
      second.description == """
        backend 3 = 10.0.0.3:80
        slots 2..<4 = 2 3
        service 0 = slots 2..<4, 0 local, generation 2
        """)
    #expect(try second.result.plan(for: after, at: start + .milliseconds(999)).operations.isEmpty)
    let third = try second.result.plan(for: after, at: start + .seconds(1))
    #expect(third.description == "remove backend 1")
    // The slots are free again too.
    let fourth = try third.result.plan(for: before, at: start + .seconds(1))
    #expect(fourth.description.contains("slots 0..<2 = 1 2"))
  }

  @Test func `a backend that comes back within the second keeps its number without a write`() throws {
    let with = ServiceTable(entries: [try entry("web", ["10.96.0.1:80/TCP"], ["10.0.0.1:80"])])
    let without = ServiceTable(entries: [try entry("web", ["10.96.0.1:80/TCP"], [])])
    let gone = try ServiceMapState().plan(for: with, at: start).result.plan(for: without, at: start).result
    let back = try gone.plan(for: with, at: start + .milliseconds(10))
    #expect(back.description == "slots 1..<2 = 1\nservice 0 = slots 1..<2, 0 local, generation 3")
    #expect(try back.result.plan(for: with, at: start + .seconds(5)).operations.isEmpty)
  }

  @Test func `a deleted service loses its frontend at once, and its word and backends when they have rested`() throws {
    let table = ServiceTable(entries: [try entry("web", ["10.96.0.1:80/TCP"], ["10.0.0.1:80"])])
    var plan = try ServiceMapState().plan(for: table, at: start).result.plan(for: ServiceTable(), at: start)
    #expect(plan.description == "remove frontend 10.96.0.1:80/TCP")
    plan = try plan.result.plan(for: ServiceTable(), at: start + .seconds(1))
    #expect(plan.description == "service 0 = refuse, generation 0")
    plan = try plan.result.plan(for: ServiceTable(), at: start + .seconds(2))
    #expect(plan.description == "remove backend 1")
    #expect(try plan.result.plan(for: ServiceTable(), at: start + .seconds(9)).operations.isEmpty)
  }

  @Test func `a frontend that moves between services never meets the wrong one's endpoints`() throws {
    let before = ServiceTable(entries: [
      try entry("a", ["10.96.0.1:80/TCP", "10.96.0.2:80/TCP"], ["10.0.0.1:80"])
    ])
    let after = ServiceTable(entries: [
      try entry("a", ["10.96.0.1:80/TCP"], ["10.0.0.2:80"]), try entry("b", ["10.96.0.2:80/TCP"], ["10.0.0.3:80"]),
    ])
    let plan = try ServiceMapState().plan(for: before, at: start).result.plan(for: after, at: start)
    #expect(!plan.operations.contains { if case .setService(0, _) = $0 { true } else { false } })
    #expect(
      plan.operations.suffix(2).map(\.description) == [
        "frontend 10.96.0.1:80/TCP = service 1", "frontend 10.96.0.2:80/TCP = service 2",
      ])
  }

  @Test func `a table that does not fit is refused with map and remedy, before anything changes`() throws {
    let web = try entry("web", ["10.96.0.1:80/TCP"], ["10.0.0.1:80", "10.0.0.2:80"])
    let dns = try entry("dns", ["10.96.0.2:53/UDP"], ["10.0.0.3:53"])
    let limits: [(ServiceLimits, String)] = [
      (ServiceLimits(frontends: 1), "map frontend has room for 1"), (ServiceLimits(services: 1), "map service has"),
      (ServiceLimits(slots: 2), "service_slot has no 2"), (ServiceLimits(backends: 3), "map backend has room for 2"),
    ]
    for (limits, text) in limits {
      do {
        _ = try ServiceMapState(limits: limits).plan(for: ServiceTable(entries: [web, dns]), at: start)
        Issue.record("planned with \(limits)")
      } catch {
        #expect(error.code == .tableFull)
        #expect(error.message.contains(text), "\(error)")
        #expect(error.message.contains("raise the limit"))
      }
    }
  }

  @Test func `two entries with one frontend are refused by name`() throws {
    let table = ServiceTable(entries: [
      try entry("a", ["10.96.0.1:80/TCP"], []), try entry("b", ["10.96.0.1:80/TCP"], []),
    ])
    #expect(code { _ = try ServiceMapState().plan(for: table, at: start) } == .conflictingFrontend)
  }
}
