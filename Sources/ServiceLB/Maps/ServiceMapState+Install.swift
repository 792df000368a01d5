// SPDX-License-Identifier: Apache-2.0

internal import NetworkTypes

extension ServiceMapPlan {
  /// Makes room for what drafts ask for.
  mutating func reserve(_ drafts: [ServiceMapState.Draft]) {
    guard drafts.count > 64 else { return }
    backends.reserveCapacity(drafts.reduce(0) { $0 + $1.newBackends })
    slotValues.reserveCapacity(drafts.reduce(0) { $0 + $1.slots })
    let frontends = drafts.reduce(0) { $0 + $1.newVIPs }
    vips.reserveCapacity(frontends)
    frontendsUp.reserveCapacity(frontends)
  }
}

// Puts an entry into the state, and its writes into a plan. All that it takes was found to be there.
extension ServiceMapState {
  mutating func install(
    _ draft: Draft, _ entry: ServiceEntry, _ plan: inout ServiceMapPlan, at now: ContinuousClock.Instant
  ) {
    let key = entry.id
    let index: UInt32
    var service: Installed
    if let known = draft.service, let there = self[service: known] {
      index = known
      service = there
      // The only reference, so that what follows changes it in place.
      self[service: known] = nil
      if let old = service.key, old != key, servicesByKey[old] == known { servicesByKey[old] = nil }
    } else {
      guard let taken = serviceAllocator.allocate() else { preconditionFailure("service indices were counted") }
      index = taken.index
      service = Installed(protocol: entry.frontends.first?.protocol ?? .tcp)
      if !taken.isNew || resetsNewCounters { plan.counters.append(index) }
    }
    if service.key != key {
      servicesByKey[key] = index
      service.key = key
    }
    let keptLocal = Self.asksLocal(service)
    installBackends(entry, in: &service, index, draft, &plan, at: now)
    if draft.scopesDiffer { installScopes(draft, in: &service, index, &plan, at: now) }
    let configuration = ServiceConfiguration(entry)
    if service.configuration != configuration {
      service.configuration = configuration
      plan.configurations.append((index, configuration))
    }
    installRanges(entry, in: &service, index, &plan)
    service.visited = plans
    installFrontends(entry, in: &service, index, &plan, at: now)
    if Self.asksLocal(entry) {
      service.isLocalEnding = false
    } else if keptLocal {
      // A program may have read a frontend's word that asks for it: it is kept up for a while.
      service.isLocalEnding = true
      resting.admit(.localScope(index), at: now)
    }
    self[service: index] = service
  }

  private mutating func installBackends(
    _ entry: ServiceEntry, in service: inout Installed, _ index: UInt32, _ draft: Draft, _ plan: inout ServiceMapPlan,
    at now: ContinuousClock.Instant
  ) {
    let old = service.backends
    var merged: [InstalledBackend] = []
    merged.reserveCapacity(old.count + draft.newBackends)
    var next = 0
    var cluster = 0
    var local = 0
    for position in entry.backends.indices {
      let wanted = entry.backends[position]
      let key = wanted.key
      let isInCluster = cluster < entry.cluster.count && entry.cluster[cluster] == position
      if isInCluster { cluster += 1 }
      let isLocal = local < entry.local.count && entry.local[local] == position
      if isLocal { local += 1 }
      let isInLocal = isLocal && draft.keepsLocal
      while next < old.count, old[next].key < key {
        var gone = old[next]
        if !gone.isRetired { retire(&gone, of: index, service.protocol, &plan, at: now) }
        merged.append(gone)
        next += 1
      }
      let state = Self.state(of: wanted, isServing: isInCluster || isLocal)
      if next < old.count, old[next].key == key {
        var there = old[next]
        next += 1
        if there.state != state || there.isRetired {
          if state == .active || there.isRetired {
            plan.statesUp.append((there.index, state))
          } else {
            plan.statesDown.append((there.index, state))
          }
        }
        there.retirement = 0
        there.state = state
        there.weight = wanted.weight
        there.isInCluster = isInCluster
        there.isInLocal = isInLocal
        merged.append(there)
        continue
      }
      guard let taken = backendAllocator.allocate() else { preconditionFailure("backend indices were counted") }
      plan.backends.append(
        (
          taken.index,
          BackendRecord(
            address: key.address, port: key.port, protocol: service.protocol, state: state, service: index,
            epoch: taken.epoch)
        ))
      merged.append(
        InstalledBackend(
          key: key, index: taken.index, retirement: 0, weight: wanted.weight, state: state, isInCluster: isInCluster,
          isInLocal: isInLocal))
    }
    while next < old.count {
      var gone = old[next]
      if !gone.isRetired { retire(&gone, of: index, service.protocol, &plan, at: now) }
      merged.append(gone)
      next += 1
    }
    service.backends = merged
  }

  /// The service does not have the backend any more.
  mutating func retire(
    _ backend: inout InstalledBackend, of service: UInt32, _ protocol: IPProtocol, _ plan: inout ServiceMapPlan,
    at now: ContinuousClock.Instant
  ) {
    plan.statesDown.append((backend.index, .gone))
    if `protocol` == .udp { plan.goneDatagramBackends.insert(backend.index) }
    backend.state = .gone
    backend.isInCluster = false
    backend.isInLocal = false
    backend.retirement = nextRetirement()
    resting.admit(.backend(service: service, key: backend.key, retirement: backend.retirement), at: now)
  }

  private mutating func installScopes(
    _ draft: Draft, in service: inout Installed, _ index: UInt32, _ plan: inout ServiceMapPlan,
    at now: ContinuousClock.Instant
  ) {
    let first = plan.slotValues.count
    var extents = ServiceExtents()
    if let positions = draft.clusterTable {
      // Positions are those of the entry's backends: of the ones that are not gone.
      let indices = service.backends.filter { !$0.isRetired }.map(\.index)
      let cluster = positions.map { indices[$0] }
      let local = draft.localTable?.map { indices[$0] }
      if draft.isInPlace {
        change(service.clusterTable, to: cluster, at: service.extents.cluster.first, &plan)
        if let local { change(service.localTable, to: local, at: service.extents.local.first, &plan) }
        service.clusterTable = cluster
        service.localTable = local ?? []
        return
      }
      plan.slotValues += cluster
      plan.slotValues += local ?? []
      extents.cluster = SlotExtent(first: draft.block, count: cluster.count)
      if let local {
        extents.local = SlotExtent(first: draft.block + UInt32(cluster.count), count: local.count)
      } else if draft.keepsLocal {
        extents.local = extents.cluster
      }
      service.clusterTable = cluster
      service.localTable = local ?? []
    } else {
      service.clusterTable = []
      service.localTable = []
      if draft.keepsLocal {
        // Those of the cluster scope alone, of both, of the local scope alone: each scope is one run.
        for backend in service.backends where backend.isInCluster && !backend.isInLocal {
          plan.slotValues.append(backend.index)
        }
        let local = plan.slotValues.count
        for backend in service.backends where backend.isInCluster && backend.isInLocal {
          plan.slotValues.append(backend.index)
        }
        let end = plan.slotValues.count
        for backend in service.backends where !backend.isInCluster && backend.isInLocal {
          plan.slotValues.append(backend.index)
        }
        extents.local = SlotExtent(
          first: draft.block + UInt32(local - first), count: plan.slotValues.count - local)
        extents.cluster = SlotExtent(first: draft.block, count: end - first)
      } else {
        for backend in service.backends where backend.isInCluster { plan.slotValues.append(backend.index) }
        extents.cluster = SlotExtent(first: draft.block, count: plan.slotValues.count - first)
      }
    }
    if plan.slotValues.count > first {
      plan.slotRuns.append(ServiceMapPlan.SlotRun(first: draft.block, values: first..<plan.slotValues.count))
    }
    if extents.cluster != service.extents.cluster || !service.isSound {
      plan.clusters.append((index, extents.cluster))
    }
    if extents.local != service.extents.local || !service.isSound { plan.locals.append((index, extents.local)) }
    for run in service.runs { resting.admit(.slots(run), at: now) }
    service.extents = extents
    service.isSound = true
    service.ownsSlots = true
  }

  /// Changes a table where it is: each place is one store, and one flow's decision reads one place.
  private func change(_ old: [UInt32], to new: [UInt32], at first: UInt32, _ plan: inout ServiceMapPlan) {
    var position = 0
    while position < new.count {
      guard old[position] != new[position] else {
        position += 1
        continue
      }
      let start = position
      let values = plan.slotValues.count
      while position < new.count, old[position] != new[position] {
        plan.slotValues.append(new[position])
        position += 1
      }
      plan.slotRuns.append(
        ServiceMapPlan.SlotRun(first: first + UInt32(start), values: values..<plan.slotValues.count))
    }
  }

  private mutating func installRanges(
    _ entry: ServiceEntry, in service: inout Installed, _ index: UInt32, _ plan: inout ServiceMapPlan
  ) {
    let wanted = Self.ranges(of: entry)
    guard wanted != service.ranges else { return }
    let (old, new) = (Set(service.ranges), Set(wanted))
    plan.rangesUp += wanted.filter { !old.contains($0) }.map { SourceRange(service: index, range: $0) }
    plan.rangesDown += service.ranges.filter { !new.contains($0) }.map { SourceRange(service: index, range: $0) }
    rangeCount += wanted.count - service.ranges.count
    service.ranges = wanted
  }

  private mutating func installFrontends(
    _ entry: ServiceEntry, in service: inout Installed, _ index: UInt32,
    _ plan: inout ServiceMapPlan, at now: ContinuousClock.Instant
  ) {
    let old = service.frontends
    var frontends: [InstalledFrontend] = []
    frontends.reserveCapacity(max(entry.frontends.count, old.count))
    var next = 0
    for wanted in entry.frontends {
      let key = wanted.key
      // What others are to have, or nobody, is taken away later.
      while next < old.count, old[next].key < key {
        frontends.append(old[next])
        next += 1
      }
      let flags = Self.flags(of: wanted, in: entry)
      if next < old.count, old[next].key == key {
        var there = old[next]
        next += 1
        if there.word.vip != 0 {
          if there.word.flags != flags {
            there.word = FrontendWord(
              service: index, vip: there.word.vip, flags: flags, epoch: there.word.epoch)
            plan.frontendsUp.append((key, there.word))
          }
          frontends.append(there)
          continue
        }
      }
      guard let vip = vipAllocator.allocate() else { preconditionFailure("VIP indices were counted") }
      let word = FrontendWord(service: index, vip: vip.index, flags: flags, epoch: vip.epoch)
      plan.vips.append((vip.index, VIPRecord(frontend: key, service: index, epoch: vip.epoch)))
      plan.frontendsUp.append((key, word))
      frontends.append(InstalledFrontend(key: key, word: word))
      if let owner = owners.updateValue(index, forKey: key) {
        if owner != index { takeFrontend(key, from: owner, at: now) }
      } else if key.address.family == .ipv6 {
        frontendCount6 += 1
      }
    }
    frontends += old[next...]
    service.frontends = frontends
  }

  /// A service does not have the frontend any more; its VIP index rests.
  mutating func takeFrontend(_ key: ServiceFrontend.Key, from owner: UInt32, at now: ContinuousClock.Instant) {
    guard owner != 0, let position = self[service: owner]?.frontends.firstIndex(where: { $0.key == key }) else {
      return
    }
    if let old = self[service: owner]?.frontends.remove(at: position), old.word.vip != 0 {
      resting.admit(.vip(old.word.vip), at: now)
    }
  }
}
