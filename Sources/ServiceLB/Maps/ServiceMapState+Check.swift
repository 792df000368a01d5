// SPDX-License-Identifier: Apache-2.0

internal import DatapathPrograms
internal import NetworkTypes

extension ServiceMapState {
  /// Programs look what is asked for in this notation up as IPv4.
  private static let mappedAdvice = "write an IPv4 address in its own notation"

  /// Refuses an entry that contradicts itself; puts lists in order that are not.
  func checked(_ entry: ServiceEntry) throws(ServiceError) -> ServiceEntry {
    func refuse(_ reason: String) -> ServiceError {
      ServiceError(code: .invalidTable, message: "\(entry.name) \(reason)")
    }
    let family = entry.family
    if let first = entry.frontends.first {
      for frontend in entry.frontends {
        guard frontend.address.family == family else { throw refuse("answers at \(frontend): of another family") }
        guard frontend.protocol == first.protocol else {
          throw refuse("answers at \(first) and \(frontend): make an entry for each protocol")
        }
        if frontend.address.isMapped { throw refuse("answers at \(frontend): \(Self.mappedAdvice)") }
      }
    }
    var isOrdered = true
    for index in entry.backends.indices {
      guard entry.backends[index].address.family == family else {
        throw refuse("has the backend \(entry.backends[index]): of another family")
      }
      if family == .ipv6, entry.backends[index].address.isMapped {
        throw refuse("has the backend \(entry.backends[index]): \(Self.mappedAdvice)")
      }
      if index > 0, !(entry.backends[index - 1].key < entry.backends[index].key) { isOrdered = false }
    }
    guard isOrdered else { throw refuse("has backends that are not in order, or one twice") }
    for (name, scope) in [("cluster", entry.cluster), ("local", entry.local)] {
      var next = 0
      for position in scope {
        guard position >= next, position < entry.backends.count else {
          throw refuse("has a \(name) scope that does not name its \(entry.backends.count) backends in order")
        }
        next = position + 1
      }
    }
    if case .maglev(let size) = entry.algorithm, !tableSizes.contains(size) {
      throw refuse(
        """
        asks for a Maglev table of \(size) places: \(tableSizes.sorted().map(String.init).joined(separator: " and ")) \
        are possible
        """)
    }
    if let seconds = entry.affinitySeconds, seconds == 0 {
      throw refuse("asks for session affinity of 0 seconds")
    }
    for index in entry.frontends.indices.dropFirst()
    where !(entry.frontends[index - 1].key < entry.frontends[index].key) {
      var ordered = entry
      ordered.frontends.sort()
      for index in ordered.frontends.indices.dropFirst()
      where ordered.frontends[index - 1].key == ordered.frontends[index].key {
        throw refuse("answers at \(ordered.frontends[index]) twice")
      }
      return ordered
    }
    return entry
  }

  /// Sums of what drafts need.
  struct Need {
    var services = 0
    var vips = 0
    var frontends4 = 0
    var frontends6 = 0
    var backends = 0
    /// Backends that are gone and come back.
    var revived = 0
    var ranges = 0

    init(_ drafts: [Draft]) {
      for draft in drafts {
        if draft.service == nil { services += 1 }
        vips += draft.newVIPs
        frontends4 += draft.newFrontends4
        frontends6 += draft.newFrontends6
        backends += draft.newBackends
        revived += draft.revivedBackends
        ranges += draft.newRanges
      }
    }
  }

  /// Frees what has rested, and TCP backends that have been gone for longest where indices are short.
  ///
  /// Drafts have to be made anew afterwards: a backend that was to come back may be no more.
  mutating func makeRoom(for need: Need, at now: ContinuousClock.Instant) {
    reclaim(at: now)
    while need.backends + need.revived > backendAllocator.available || need.services > serviceAllocator.available,
      releaseOldestDraining()
    {}
  }

  /// Makes sure that everything the drafts need is there, and takes the slots; when it throws nothing is taken.
  ///
  /// - Parameters:
  ///   - outline: The drafts get their blocks of slots.
  ///   - entries: The entries they are of.
  ///   - addresses: How many addresses the node has.
  /// - Throws: ``ServiceError/Code/tableFull``.
  mutating func reserve(
    _ outline: inout Outline, of entries: [ServiceEntry], addresses: Int
  ) throws(ServiceError) {
    let need = Need(outline.drafts)
    let names = Names(entries: entries, drafts: outline.drafts)
    let down6 = outline.down.count { $0.address.family == .ipv6 }
    let count4 = owners.count - frontendCount6
    try check("frontend4", limits.frontends, used: count4 - (outline.down.count - down6), need.frontends4, names) {
      $0.newFrontends4
    }
    try check("frontend6", limits.frontends, used: frontendCount6 - down6, need.frontends6, names) {
      $0.newFrontends6
    }
    try check("source_range", limits.sourceRanges, used: rangeCount, need.ranges, names) { $0.newRanges }
    guard addresses <= Int(limits.nodeAddresses) else {
      throw ServiceError(
        code: .tableFull,
        message: """
          map node_address has room for \(limits.nodeAddresses) entries and \(addresses) are needed, one for each \
          address of the node: raise the limit and load again
          """)
    }
    try check("service", limits.services - 1, free: serviceAllocator.available, need.services, names) {
      $0.service == nil ? 1 : 0
    }
    try check("vip", limits.vips - 1, free: vipAllocator.available, need.vips, names) { $0.newVIPs }
    try check("backend", limits.backends - 1, free: backendAllocator.available, need.backends, names) {
      $0.newBackends
    }
    try reserveSlots(&outline.drafts, names)
  }

  private mutating func reserveSlots(_ drafts: inout [Draft], _ names: Names) throws(ServiceError) {
    for index in drafts.indices where drafts[index].slots > 0 {
      if let first = slotAllocator.allocate(drafts[index].slots) {
        drafts[index].block = first
        continue
      }
      let longest = slotAllocator.longestFree
      let free = slotAllocator.freeCount
      for taken in drafts[..<index] where taken.slots > 0 {
        slotAllocator.release(taken.block..<(taken.block + UInt32(taken.slots)))
      }
      let needed = drafts.reduce(0) { $0 + SlotAllocator.space(for: $1.slots) }
      throw ServiceError(
        code: .tableFull,
        message: """
          map service_slot has room for \(limits.slots) slots and \(needed) are needed, where \
          \(slotAllocator.freeCount) are free; \(names.name(drafts[index])) does not fit: it needs \
          \(drafts[index].slots) in a row, and of the \(free) left \(longest) are in a row\
          \(names.largest { SlotAllocator.space(for: $0.slots) }): raise the limit and load again\(hint)
          """)
    }
  }

  /// What is about to become free.
  private var hint: String {
    resting.count == 0 ? "" : ", or try again in \(Self.quarantine) when what was replaced is free"
  }

  private func check(
    _ map: String, _ limit: UInt32, used: Int, _ needed: Int, _ names: Names, _ cost: (Draft) -> Int
  ) throws(ServiceError) {
    try check(map, limit, free: Int(limit) - used, needed, names, cost)
  }

  private func check(
    _ map: String, _ limit: UInt32, free: Int, _ needed: Int, _ names: Names, _ cost: (Draft) -> Int
  ) throws(ServiceError) {
    guard needed > free, needed > 0 else { return }
    throw ServiceError(
      code: .tableFull,
      message: """
        map \(map) has room for \(limit) entries and \(Int(limit) - max(free, 0) + needed) are needed, \(needed) of \
        them new\(names.first(beyond: max(free, 0), cost).map { "; \($0) does not fit" } ?? "")\
        \(names.largest(cost)): raise the limit and load again\(hint)
        """)
  }

  /// Names for errors.
  struct Names {
    var entries: [ServiceEntry]
    var drafts: [Draft]

    func name(_ draft: Draft) -> String { entries[draft.position].name.description }

    /// The first entry whose cost, with those before it, is more than what is free.
    func first(beyond free: Int, _ cost: (Draft) -> Int) -> String? {
      var sum = 0
      for draft in drafts {
        sum += cost(draft)
        if sum > free { return name(draft) }
      }
      return nil
    }

    /// The three entries that cost most.
    func largest(_ cost: (Draft) -> Int) -> String {
      guard drafts.count > 1 else { return "" }
      let costs = drafts.map { (cost($0), name($0)) }.filter { $0.0 > 0 }
        .sorted { ($1.0, $0.1) < ($0.0, $1.1) }.prefix(3)
      return "; most is for \(costs.map { "\($0.1) (\($0.0))" }.joined(separator: ", "))"
    }
  }
}
