// SPDX-License-Identifier: Apache-2.0

internal import NetworkTypes

extension ServiceMapState {
  /// Plans the fewest writes that make the maps serve `table`, and takes the state to where they lead.
  ///
  /// - Parameters:
  ///   - table: What is to be served; what is not in it goes.
  ///   - now: The time, for what has to rest before it is used again.
  /// - Returns: The writes; none when the maps serve the table already and nothing has become free.
  /// - Throws: ``ServiceError/Code/tableFull``, ``ServiceError/Code/invalidTable`` or
  ///   ``ServiceError/Code/conflictingFrontend``; the state is as before.
  public mutating func apply(
    _ table: ServiceTable, at now: ContinuousClock.Instant = .now
  ) throws(ServiceError) -> ServiceMapPlan {
    try plan(
      Change(entries: table.entries, isWhole: true, nodeAddresses: Set(table.nodeAddresses)), at: now)
  }

  /// Plans the writes for some entries alone, at a cost that goes with them and not with the table.
  ///
  /// - Parameters:
  ///   - change: What is new or different, and what goes.
  ///   - now: The time.
  /// - Returns: The writes.
  /// - Throws: As ``apply(_:at:)-(ServiceTable,_)``; a frontend that an entry outside the change has is a conflict.
  public mutating func apply(
    _ change: ServiceTableChange, at now: ContinuousClock.Instant = .now
  ) throws(ServiceError) -> ServiceMapPlan {
    try plan(
      Change(
        entries: change.updated, removed: change.removed, isWhole: false,
        nodeAddresses: change.nodeAddresses.map { Set($0) }), at: now)
  }

  mutating func plan(_ change: Change, at now: ContinuousClock.Instant) throws(ServiceError) -> ServiceMapPlan {
    reclaim(at: now, limit: change.isWhole ? .max : 64 + 8 * change.entries.count)
    let nodeAddresses = change.nodeAddresses ?? self.nodeAddresses
    var entries: [ServiceEntry] = []
    entries.reserveCapacity(change.entries.count)
    var emptied = change.removed
    for entry in change.entries {
      let entry = try checked(entry)
      if entry.frontends.isEmpty { emptied.append(entry.id) } else { entries.append(entry) }
    }
    let wish = try wish(entries)
    let addresses = self.nodeAddresses.union(nodeAddresses).count
    var outline = try outline(entries, emptied, wish, isWhole: change.isWhole)
    do throws(ServiceError) {
      try reserve(&outline, of: entries, addresses: addresses)
    } catch {
      guard error.code == .tableFull else { throw error }
      makeRoom(for: Need(outline.drafts), at: now)
      outline = try self.outline(entries, emptied, wish, isWhole: change.isWhole)
      try reserve(&outline, of: entries, addresses: addresses)
    }

    // From here on nothing fails.
    var plan = ServiceMapPlan()
    plan.cleared = cleared
    cleared = []
    plan.rangesDown = strayRanges
    rangeCount -= strayRanges.count
    strayRanges = []
    plan.nodeAddressesUp = nodeAddresses.subtracting(self.nodeAddresses).sorted()
    plan.nodeAddressesDown = self.nodeAddresses.subtracting(nodeAddresses).sorted()
    self.nodeAddresses = nodeAddresses
    plan.reserve(outline.drafts)
    for draft in outline.drafts { install(draft, entries[draft.position], &plan, at: now) }
    for key in outline.down { remove(key, &plan, at: now) }
    for index in outline.going {
      if let key = self[service: index]?.key, servicesByKey[key] != index { plan.needsGracePeriod = true }
      retire(index, &plan, at: now)
    }
    for index in orphans { retire(index, &plan, at: now) }
    orphans = []
    return plan
  }

  /// What a change comes to, before anything is taken.
  struct Outline {
    var drafts: [Draft]
    /// The services that go.
    var going: [UInt32]
    /// The frontends that nobody asks for any more.
    var down: [ServiceFrontend.Key]
  }

  private mutating func outline(
    _ entries: [ServiceEntry], _ emptied: [ServiceEntry.ID], _ wish: [ServiceFrontend.Key: Int], isWhole: Bool
  ) throws(ServiceError) -> Outline {
    let stamp = nextPlan()
    let drafts = try draft(entries, wish, isWhole: isWhole, stamp)
    let going = leaving(emptied, drafts, entries, isWhole: isWhole, stamp)
    if !isWhole { try checkOwners(entries, wish, stamp, going) }
    return Outline(
      drafts: drafts, going: going, down: frontendsDown(drafts, going, wish, isWhole: isWhole))
  }

  /// Which entry each frontend belongs to.
  private func wish(_ entries: [ServiceEntry]) throws(ServiceError) -> [ServiceFrontend.Key: Int] {
    var wish: [ServiceFrontend.Key: Int] = [:]
    wish.reserveCapacity(entries.count)
    for (position, entry) in entries.enumerated() {
      for frontend in entry.frontends {
        if let other = wish.updateValue(position, forKey: frontend.key) {
          throw ServiceError(
            code: .conflictingFrontend,
            message: "\(frontend) is claimed by \(entries[other].name) and \(entry.name): keep it in one entry")
        }
      }
    }
    return wish
  }

  /// Finds each entry's service, and what it changes; services that stay get the stamp.
  private mutating func draft(
    _ entries: [ServiceEntry], _ wish: [ServiceFrontend.Key: Int], isWhole: Bool, _ stamp: UInt32
  ) throws(ServiceError) -> [Draft] {
    var drafts: [Draft] = []
    var unnamed: [Int] = []
    for (position, entry) in entries.enumerated() {
      guard let index = servicesByKey[entry.id] else {
        unnamed.append(position)
        continue
      }
      guard self[service: index]?.visited != stamp else { throw Self.twice(entry) }
      self[service: index]?.visited = stamp
      if let draft = draft(entry, at: position, from: index, wish, isWhole: isWhole) {
        drafts.append(draft)
      }
    }
    var seen: Set<ServiceEntry.ID> = []
    seen.reserveCapacity(unnamed.count)
    for position in unnamed {
      let entry = entries[position]
      guard seen.insert(entry.id).inserted else { throw Self.twice(entry) }
      let known = knownService(of: entry, at: position, wish, isWhole: isWhole, stamp)
      if let known { self[service: known]?.visited = stamp }
      if let draft = draft(entry, at: position, from: known, wish, isWhole: isWhole) {
        drafts.append(draft)
      }
    }
    // An index that is given up counts as leaving.
    for draft in drafts where draft.service == nil {
      if let index = servicesByKey[entries[draft.position].id] { self[service: index]?.visited = 0 }
    }
    return drafts
  }

  private static func twice(_ entry: ServiceEntry) -> ServiceError {
    ServiceError(code: .invalidTable, message: "\(entry.name) is there twice for \(entry.family): make it one entry")
  }

  /// The service that has the entry's frontends under another name that goes, or under none: as after a restart, or
  /// when a port is renamed.
  private func knownService(
    of entry: ServiceEntry, at position: Int, _ wish: [ServiceFrontend.Key: Int], isWhole: Bool, _ stamp: UInt32
  ) -> UInt32? {
    for frontend in entry.frontends {
      guard let index = owners[frontend.key], index != 0, let service = self[service: index],
        service.visited != stamp, service.key == nil || isWhole, service.key?.family ?? entry.family == entry.family,
        service.protocol == frontend.protocol
      else { continue }
      // What others are to have of it must not follow the entry.
      let isUnknown = isWhole && service.key == nil
      if service.frontends.allSatisfy({ wish[$0.key] == position || (isUnknown && wish[$0.key] == nil) }) {
        return index
      }
    }
    return nil
  }

  /// An entry's draft.
  ///
  /// A service that another entry takes a frontend from, and that is to change, gets a new index: a program that has
  /// read the frontend's old word must not meet what its client was not promised.
  private func draft(
    _ entry: ServiceEntry, at position: Int, from index: UInt32?, _ wish: [ServiceFrontend.Key: Int], isWhole: Bool
  ) -> Draft? {
    guard let draft = draft(entry, at: position, as: index) else { return nil }
    guard let index, let service = self[service: index] else { return draft }
    let loses = service.frontends.contains { frontend in wish[frontend.key].map { $0 != position } ?? false }
    let changes = draft.scopesDiffer || service.configuration != ServiceConfiguration(entry)
    guard (loses && changes) || service.protocol != entry.frontends.first?.protocol else { return draft }
    return self.draft(entry, at: position, as: nil)
  }

  /// The services that go.
  private func leaving(
    _ emptied: [ServiceEntry.ID], _ drafts: [Draft], _ entries: [ServiceEntry], isWhole: Bool, _ stamp: UInt32
  ) -> [UInt32] {
    if isWhole {
      return installed.indices.filter {
        guard let service = installed[$0] else { return false }
        return !service.frontends.isEmpty && service.visited != stamp
      }.map { UInt32($0) }
    }
    let givenUp = drafts.filter { $0.service == nil }.map { entries[$0.position].id }
    return (emptied + givenUp).compactMap { key in
      servicesByKey[key].flatMap { self[service: $0]?.visited == stamp ? nil : $0 }
    }
  }

  /// In a change of some entries: others must not have what these ask for.
  private func checkOwners(
    _ entries: [ServiceEntry], _ wish: [ServiceFrontend.Key: Int], _ stamp: UInt32, _ going: [UInt32]
  ) throws(ServiceError) {
    for entry in entries {
      for frontend in entry.frontends {
        guard let owner = owners[frontend.key], owner != 0, let service = self[service: owner], let key = service.key,
          service.visited != stamp, !going.contains(owner)
        else { continue }
        throw ServiceError(
          code: .conflictingFrontend,
          message: "\(frontend) is claimed by \(key.name) and \(entry.name): change both at once")
      }
    }
  }

  /// The frontends that nobody asks for any more.
  private func frontendsDown(
    _ drafts: [Draft], _ going: [UInt32], _ wish: [ServiceFrontend.Key: Int], isWhole: Bool
  ) -> [ServiceFrontend.Key] {
    var down: [ServiceFrontend.Key] = []
    for draft in drafts {
      guard let index = draft.service, let service = self[service: index] else { continue }
      for frontend in service.frontends where wish[frontend.key] == nil { down.append(frontend.key) }
    }
    for index in going {
      guard let service = self[service: index] else { continue }
      for frontend in service.frontends where wish[frontend.key] == nil { down.append(frontend.key) }
    }
    if isWhole, !strayFrontends.isEmpty {
      down += strayFrontends.filter { owners[$0] == 0 && wish[$0] == nil }
    }
    return down
  }

  /// Takes a frontend away that nobody asks for.
  private mutating func remove(
    _ key: ServiceFrontend.Key, _ plan: inout ServiceMapPlan, at now: ContinuousClock.Instant
  ) {
    guard let owner = owners.removeValue(forKey: key) else { return }
    if key.address.family == .ipv6 { frontendCount6 -= 1 }
    plan.frontendsDown.append(key)
    takeFrontend(key, from: owner, at: now)
  }

  /// A service has no frontends any more.
  private mutating func retire(_ index: UInt32, _ plan: inout ServiceMapPlan, at now: ContinuousClock.Instant) {
    guard var service = self[service: index], service.frontends.isEmpty else { return }
    self[service: index] = nil
    if let key = service.key, servicesByKey[key] == index { servicesByKey[key] = nil }
    service.key = nil
    for position in service.backends.indices where !service.backends[position].isRetired {
      retire(&service.backends[position], of: index, service.protocol, &plan, at: now)
    }
    plan.rangesDown += service.ranges.map { SourceRange(service: index, range: $0) }
    rangeCount -= service.ranges.count
    service.ranges = []
    self[service: index] = service
    resting.admit(.service(index), at: now)
  }
}
