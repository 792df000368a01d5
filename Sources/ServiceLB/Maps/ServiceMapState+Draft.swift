// SPDX-License-Identifier: Apache-2.0

internal import NetworkTypes

extension ServiceMapState {
  /// What is asked for.
  struct Change {
    /// What is to be served.
    var entries: [ServiceEntry]
    /// What is not, beside entries without frontends.
    var removed: [ServiceEntry.ID] = []
    /// Whether ``entries`` is all.
    var isWhole: Bool
    /// Nil: they stay.
    var nodeAddresses: Set<IPAddress>?
  }

  /// What an entry costs, and what of it is there already.
  struct Draft {
    /// Which entry of the change.
    var position: Int
    /// The index that it has and keeps; nil: it gets one.
    var service: UInt32?
    var newBackends = 0
    var revivedBackends = 0
    var newVIPs = 0
    var newFrontends4 = 0
    var newFrontends6 = 0
    var newRanges = 0
    /// Whether slots have to be written.
    var scopesDiffer = false
    /// Whether it keeps a local scope.
    var keepsLocal = false
    /// How many slots are to be allocated, in one run.
    var slots = 0
    /// The run.
    var block: UInt32 = 0
    /// Positions of backends, slot by slot, where the extents are Maglev tables; one for both if the other is nil.
    var clusterTable: [Int]?
    var localTable: [Int]?
    /// Whether tables are changed where they are.
    var isInPlace = false
  }

  /// The flags of a frontend's word.
  static func flags(of frontend: ServiceFrontend, in entry: ServiceEntry) -> FrontendWord.Flags {
    var flags: FrontendWord.Flags = []
    if frontend.kind == .clusterIP {
      if entry.isInternalLocal { flags.insert(.internalLocal) }
    } else {
      flags.insert(.external)
      if entry.isExternalLocal { flags.insert(.externalLocal) }
      if frontend.kind == .nodePort { flags.insert(.nodePort) }
      if frontend.kind == .loadBalancer, !entry.sourceRanges.isEmpty { flags.insert(.sourceRanges) }
    }
    if !frontend.servesCluster { flags.insert(.notInternal) }
    if entry.isLocalRedirect { flags.insert(.localRedirect) }
    if entry.affinitySeconds != nil || entry.algorithm != .random || entry.isDirectReturn { flags.insert(.configured) }
    return flags
  }

  /// Finds out what an entry changes; nil: nothing.
  ///
  /// - Parameters:
  ///   - entry: The entry, checked.
  ///   - position: Its position in the change.
  ///   - index: The service it is to be; nil: a new one.
  /// - Returns: What it costs.
  func draft(_ entry: ServiceEntry, at position: Int, as index: UInt32?) -> Draft? {
    var draft = Draft(position: position, service: index)
    let asksLocal = Self.asksLocal(entry)
    guard let index, let service = self[service: index] else {
      draft.newBackends = entry.backends.count
      draft.newVIPs = entry.frontends.count
      for frontend in entry.frontends { count(frontend, in: &draft) }
      draft.newRanges = Self.ranges(of: entry).count
      draft.keepsLocal = asksLocal
      draft.scopesDiffer = true
      measureScopes(entry, nil, &draft)
      return draft
    }
    draft.keepsLocal = asksLocal || Self.asksLocal(service) || service.isLocalEnding
    var differs = service.key != entry.id || service.configuration != ServiceConfiguration(entry)
    // Frontends.
    var old = service.frontends[...]
    for frontend in entry.frontends {
      let key = frontend.key
      while let first = old.first, first.key < key {
        differs = true
        old.removeFirst()
      }
      if let first = old.first, first.key == key, first.word.vip != 0 {
        if first.word.flags != Self.flags(of: frontend, in: entry) { differs = true }
        old.removeFirst()
      } else {
        differs = true
        draft.newVIPs += 1
        count(frontend, in: &draft)
      }
    }
    if !old.isEmpty { differs = true }
    // Backends and scopes.
    let marks = Self.compareBackends(entry, service, keepsLocal: draft.keepsLocal)
    draft.newBackends = marks.added
    draft.revivedBackends = marks.revived
    if marks.differ { differs = true }
    draft.scopesDiffer =
      marks.scopesDiffer || !service.isSound || draft.keepsLocal != Self.keepsLocal(service)
      || Self.tableSize(entry) != Self.tableSize(service)
    if draft.scopesDiffer {
      differs = true
      measureScopes(entry, service, &draft)
    }
    // Source ranges.
    let ranges = Self.ranges(of: entry)
    if service.ranges != ranges {
      differs = true
      let there = Set(service.ranges)
      draft.newRanges = ranges.count { !there.contains($0) }
    }
    // A local scope that nobody asks for any more has to be ended.
    if Self.asksLocal(service) != asksLocal { differs = true }
    return differs ? draft : nil
  }

  private func count(_ frontend: ServiceFrontend, in draft: inout Draft) {
    guard owners[frontend.key] == nil else { return }
    if frontend.address.family == .ipv4 { draft.newFrontends4 += 1 } else { draft.newFrontends6 += 1 }
  }

  /// Whether a frontend of the entry asks for its local scope.
  static func asksLocal(_ entry: ServiceEntry) -> Bool {
    (entry.isInternalLocal || entry.isExternalLocal)
      && entry.frontends.contains { $0.kind == .clusterIP ? entry.isInternalLocal : entry.isExternalLocal }
  }

  /// Whether a frontend of the service asks for its local scope.
  static func asksLocal(_ service: Installed) -> Bool {
    service.frontends.contains { !$0.word.flags.isDisjoint(with: [.internalLocal, .externalLocal]) }
  }

  static func keepsLocal(_ service: Installed) -> Bool { asksLocal(service) || service.isLocalEnding }

  /// The size of Maglev tables, or 0.
  static func tableSize(_ entry: ServiceEntry) -> Int {
    if case .maglev(let size) = entry.algorithm { size } else { 0 }
  }

  static func tableSize(_ service: Installed) -> Int { max(service.clusterTable.count, service.localTable.count) }

  /// An entry's source ranges as they are kept: masked, each once, in order; none where no frontend asks for them.
  static func ranges(of entry: ServiceEntry) -> [IPCIDR] {
    entry.sourceRanges.isEmpty || !entry.frontends.contains { $0.kind == .loadBalancer }
      ? []
      : Set(entry.sourceRanges.map(\.masked)).sorted { ($0.address, $0.prefixLength) < ($1.address, $1.prefixLength) }
  }

  /// The state that a backend's record is to say.
  static func state(of backend: ServiceBackend, isServing: Bool) -> BackendRecord.State {
    backend.isTerminating || !isServing ? .terminating : .active
  }

  /// Goes through the backends of an entry with their scopes.
  static func forEachBackend(
    of entry: ServiceEntry,
    _ body: (_ position: Int, _ backend: ServiceBackend, _ isInCluster: Bool, _ isInLocal: Bool) -> Void
  ) {
    var cluster = 0
    var local = 0
    for position in entry.backends.indices {
      let isInCluster = cluster < entry.cluster.count && entry.cluster[cluster] == position
      if isInCluster { cluster += 1 }
      let isInLocal = local < entry.local.count && entry.local[local] == position
      if isInLocal { local += 1 }
      body(position, entry.backends[position], isInCluster, isInLocal)
    }
  }

  private static func compareBackends(
    _ entry: ServiceEntry, _ service: Installed, keepsLocal: Bool
  ) -> (added: Int, revived: Int, differ: Bool, scopesDiffer: Bool) {
    var (added, revived, differ, scopesDiffer) = (0, 0, false, false)
    let isTable = tableSize(entry) > 0
    var next = 0
    forEachBackend(of: entry) { _, backend, isInCluster, isLocal in
      let key = backend.key
      let isInLocal = isLocal && keepsLocal
      while next < service.backends.count, service.backends[next].key < key {
        if !service.backends[next].isRetired {
          differ = true
          if service.backends[next].isInCluster || service.backends[next].isInLocal { scopesDiffer = true }
        }
        next += 1
      }
      guard next < service.backends.count, service.backends[next].key == key else {
        added += 1
        differ = true
        if isInCluster || isInLocal { scopesDiffer = true }
        return
      }
      let old = service.backends[next]
      next += 1
      if old.isRetired { revived += 1 }
      if old.isRetired || old.state != state(of: backend, isServing: isInCluster || isLocal) { differ = true }
      let wasInCluster = old.isInCluster && !old.isRetired
      let wasInLocal = old.isInLocal && !old.isRetired
      if wasInCluster != isInCluster || wasInLocal != isInLocal { scopesDiffer = true }
      if isTable, old.weight != backend.weight { scopesDiffer = true }
    }
    while next < service.backends.count {
      if !service.backends[next].isRetired {
        differ = true
        if service.backends[next].isInCluster || service.backends[next].isInLocal { scopesDiffer = true }
      }
      next += 1
    }
    return (added, revived, differ, scopesDiffer)
  }

  /// Fills in how many slots the scopes need, and the tables where they are tables.
  private func measureScopes(_ entry: ServiceEntry, _ service: Installed?, _ draft: inout Draft) {
    let size = Self.tableSize(entry)
    guard size > 0 else {
      if draft.keepsLocal {
        Self.forEachBackend(of: entry) { if $2 || $3 { draft.slots += 1 } }
      } else {
        draft.slots = entry.cluster.count
      }
      return
    }
    let cluster = table(entry, entry.cluster, size)
    let isShared = draft.keepsLocal && entry.local == entry.cluster
    let local = draft.keepsLocal && !isShared ? table(entry, entry.local, size) : nil
    draft.clusterTable = cluster
    draft.localTable = local
    if let service, service.isSound, service.ownsSlots, service.extents.cluster.count == cluster.count,
      service.extents.local.count == (isShared ? cluster.count : local?.count ?? 0),
      isShared == (service.extents.local == service.extents.cluster && service.extents.local.count > 0),
      service.clusterTable.count == cluster.count, service.localTable.count == local?.count ?? 0
    {
      draft.isInPlace = true
      return
    }
    draft.slots = cluster.count + (local?.count ?? 0)
  }

  private func table(_ entry: ServiceEntry, _ positions: [Int], _ size: Int) -> [Int] {
    MaglevTable(backends: positions.map { entry.backends[$0] }, size: size).slots.map { positions[Int($0)] }
  }
}
