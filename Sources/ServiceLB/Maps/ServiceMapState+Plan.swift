// SPDX-License-Identifier: Apache-2.0

internal import NetworkTypes

/// The writes that turn one state of the maps into another, in the order they have to happen.
public struct ServiceMapPlan: Sendable {
  /// The writes.
  public var operations: [ServiceMapOperation]
  /// The state when all are done.
  public var result: ServiceMapState
}

extension ServiceMapPlan: CustomStringConvertible {
  /// The writes, one per line.
  public var description: String { operations.map(\.description).joined(separator: "\n") }
}

extension ServiceMapState {
  /// Plans the fewest writes that make the maps serve `table`.
  ///
  /// The order is: backends and slots nobody reads yet, then the word of each changed service, then new frontends; then
  /// frontends that go. At no point does a connection to a service that stays meet a mixture of old and new endpoints,
  /// or none. Services, slots and backends no longer used keep their values, and are cleared and freed by a later plan,
  /// a second or more on.
  ///
  /// - Parameters:
  ///   - table: what is wished.
  ///   - now: the time, for what has to rest before it is used again.
  /// - Returns: the writes, none when the maps serve the table already, and the state after them.
  /// - Throws: ``ServiceError/Code/tableFull`` or ``ServiceError/Code/conflictingFrontend``. A table equal to what is
  ///   there is not an error and has an empty plan.
  public func plan(
    for table: ServiceTable, at now: ContinuousClock.Instant = .now
  ) throws(ServiceError) -> ServiceMapPlan {
    var planner = Planner(before: self, now: now)
    return try planner.plan(table)
  }

  private struct Planner {
    let before: ServiceMapState
    var state: ServiceMapState
    let now: ContinuousClock.Instant
    var backendsUp: [ServiceMapOperation] = []
    var extents: [ServiceMapOperation] = []
    var words: [ServiceMapOperation] = []
    var frontendsUp: [ServiceMapOperation] = []
    var down: [ServiceMapOperation] = []

    init(before: ServiceMapState, now: ContinuousClock.Instant) {
      self.before = before
      self.now = now
      state = before
    }

    mutating func plan(_ table: ServiceTable) throws(ServiceError) -> ServiceMapPlan {
      let wish = try Self.frontends(of: table)
      let all = Set(before.frontends.keys).union(wish.keys)
      guard all.count <= Int(state.limits.frontends) else {
        throw Self.full("frontend", needed: all.count, limit: state.limits.frontends)
      }
      let freed = reclaim()
      let owners = Dictionary(grouping: before.frontends.keys) { before.frontends[$0] ?? 0 }
      for (position, entry) in table.entries.enumerated() where !entry.frontends.isEmpty {
        let index = try serviceIndex(for: entry, at: position, owners: owners, wish: wish)
        try install(entry, as: index)
      }
      removeFrontends(notIn: wish)
      retireServices()
      retireBackends()
      down += freed.services.filter { state.services[$0] == nil }.sorted().map {
        .setService(index: $0, ServiceWord(rawValue: 0))
      }
      let reused = Set(state.backends.values)
      down += freed.backends.filter { !reused.contains($0) }.sorted().map { .removeBackend(number: $0) }
      return ServiceMapPlan(operations: backendsUp + extents + words + frontendsUp + down, result: state)
    }

    private static func full(_ map: String, needed: Int, limit: UInt32, resting: Int = 0) -> ServiceError {
      let now = resting > 0 ? ", or try again in a second when \(resting) that are no longer used are free" : ""
      return ServiceError(
        code: .tableFull,
        message: """
          map \(map) has room for \(limit) entries and \(needed) are needed: raise the limit and load again\(now)
          """)
    }

    /// The entry that each wished frontend belongs to.
    private static func frontends(of table: ServiceTable) throws(ServiceError) -> [ServiceFrontend: Int] {
      var owner: [ServiceFrontend: Int] = [:]
      for (position, entry) in table.entries.enumerated() {
        guard entry.backends.count <= ServiceEntry.maximumBackends else {
          throw ServiceError(
            code: .tableFull,
            message: """
              \(entry.name) has \(entry.backends.count) backends and a service can have \
              \(ServiceEntry.maximumBackends): split it
              """)
        }
        for frontend in entry.frontends {
          if let other = owner.updateValue(position, forKey: frontend) {
            throw ServiceError(
              code: .conflictingFrontend,
              message: "\(frontend) is claimed by \(table.entries[other].name) and \(entry.name): keep it in one entry")
          }
        }
      }
      return owner
    }

    /// Frees what has rested; returns the numbers among it.
    private mutating func reclaim() -> (services: [UInt32], backends: [UInt32]) {
      for run in state.retiredSlots.release(at: now) { state.slotAllocator.release(run) }
      let services = state.retiredServices.release(at: now)
      for index in services {
        // No frontend has named it for a whole period, so its slots need no rest of their own.
        if let old = state.services.removeValue(forKey: index) { state.slotAllocator.release(old.word.slots) }
        state.unsound.remove(index)
        state.serviceAllocator.release(index..<(index + 1))
      }
      let backends = state.retiredBackends.release(at: now).map(\.number)
      for number in backends { state.backendAllocator.release(number..<(number + 1)) }
      return (services, backends)
    }

    /// The number a frontend of the entry has already, if only frontends of the entry have it; else a new one.
    private mutating func serviceIndex(
      for entry: ServiceEntry, at position: Int, owners: [UInt32: [ServiceFrontend]], wish: [ServiceFrontend: Int]
    ) throws(ServiceError) -> UInt32 {
      for frontend in entry.frontends {
        guard let index = before.frontends[frontend], index < state.limits.services else { continue }
        // Changing the word of a number that other frontends still name, even ones that are about to go, would hand
        // their connections to our backends.
        if owners[index, default: []].allSatisfy({ wish[$0] == position }) { return index }
      }
      guard let run = state.serviceAllocator.allocate(1) else {
        throw Self.full(
          "service", needed: state.services.count + 1, limit: state.limits.services,
          resting: state.retiredServices.entries.count)
      }
      extents.append(.resetCounter(service: run.lowerBound))
      return run.lowerBound
    }

    private mutating func install(_ entry: ServiceEntry, as index: UInt32) throws(ServiceError) {
      var numbers: [UInt32] = []
      for backend in entry.backends { numbers.append(try number(of: backend)) }
      let old = state.services[index]
      let local = entry.localBackends.count
      if old?.backends != numbers || old?.word.localCount != local || state.unsound.contains(index) {
        var base: UInt32 = 0
        if !numbers.isEmpty {
          guard let run = state.slotAllocator.allocate(numbers.count) else {
            throw ServiceError(
              code: .tableFull,
              message: """
                map service_slot has no \(numbers.count) consecutive free slots of \(state.limits.slots) for \
                \(entry.name): raise the limit and load again, or try again in a second when old slots are free
                """)
          }
          base = run.lowerBound
          extents.append(.setSlots(base: base, backends: numbers))
        }
        let word = ServiceWord(
          base: base, count: numbers.count, localCount: local, generation: (old?.word.generation ?? 0) &+ 1)
        words.append(.setService(index: index, word))
        if let old { state.retiredSlots.admit(old.word.slots, at: now) }
        state.services[index] = Installed(word: word, backends: numbers)
        state.unsound.remove(index)
      }
      for frontend in entry.frontends where state.frontends[frontend] != index {
        frontendsUp.append(.setFrontend(frontend, service: index))
        state.frontends[frontend] = index
      }
    }

    private mutating func number(of backend: ServiceBackend) throws(ServiceError) -> UInt32 {
      if let known = state.backends[backend] { return known }
      if let resting = state.retiredBackends.recall(where: { $0.backend == backend }) {
        state.backends[backend] = resting.number
        return resting.number
      }
      guard let run = state.backendAllocator.allocate(1) else {
        throw Self.full(
          "backend", needed: state.backends.count + state.retiredBackends.entries.count + 1,
          limit: state.limits.backends - 1,
          resting: state.retiredBackends.entries.count)
      }
      backendsUp.append(.setBackend(number: run.lowerBound, backend))
      state.backends[backend] = run.lowerBound
      return run.lowerBound
    }

    private mutating func removeFrontends(notIn wish: [ServiceFrontend: Int]) {
      for frontend in state.frontends.keys.filter({ wish[$0] == nil }).sorted() {
        down.append(.removeFrontend(frontend))
        state.frontends[frontend] = nil
      }
    }

    /// A service no frontend names keeps its word until it has rested: a program may be about to read it.
    private mutating func retireServices() {
      let used = Set(state.frontends.values).union(state.retiredServices.entries.map(\.element))
      for index in state.services.keys.filter({ !used.contains($0) }).sorted() {
        state.retiredServices.admit(index, at: now)
      }
    }

    private mutating func retireBackends() {
      let used = Set(state.services.values.flatMap(\.backends))
      for (backend, number) in state.backends.filter({ !used.contains($0.value) }).sorted(by: { $0.key < $1.key }) {
        state.backends[backend] = nil
        state.retiredBackends.admit(RetiredBackend(number: number, backend: backend), at: now)
      }
      for stray in state.strayBackends { state.retiredBackends.admit(stray, at: now) }
      state.strayBackends = []
    }
  }
}
