// SPDX-License-Identifier: Apache-2.0

internal import NetworkTypes

// What has rested becomes free. The writes that say so in the maps wait for the next plan, in ``cleared``.
extension ServiceMapState {
  /// Frees what has rested.
  ///
  /// - Parameters:
  ///   - now: The time.
  ///   - limit: How many things at most, so that a small change stays small.
  mutating func reclaim(at now: ContinuousClock.Instant, limit: Int = .max) {
    var left = limit
    while left > 0, let element = resting.release(at: now) {
      left -= 1
      free(element, at: now)
    }
    while left > 0, let first = draining.first, first.until <= now {
      left -= 1
      _ = releaseOldestDraining()
    }
  }

  /// Frees the TCP backend that has been gone for longest; false: there is none.
  mutating func releaseOldestDraining() -> Bool {
    guard let oldest = draining.popFirst() else { return false }
    releaseBackend(of: oldest.service, oldest.key, oldest.retirement)
    return true
  }

  /// The TCP backends that are gone: the numbers of their retirements by index.
  var drainingBackends: [UInt32: UInt32] {
    Dictionary(draining.map { ($0.index, $0.retirement) }, uniquingKeysWith: { _, last in last })
  }

  /// Frees the TCP backends that are gone and that no flow names.
  ///
  /// - Parameter isUsed: Whether a flow names a backend, by its index and the number of its retirement.
  package mutating func releaseDraining(unless isUsed: (_ index: UInt32, _ retirement: UInt32) -> Bool) {
    var unused: [Draining] = []
    draining.filter { element in
      if isUsed(element.index, element.retirement) { return true }
      unused.append(element)
      return false
    }
    for element in unused { releaseBackend(of: element.service, element.key, element.retirement) }
  }

  private mutating func free(_ element: Resting, at now: ContinuousClock.Instant) {
    switch element {
    case .slots(let run):
      slotAllocator.release(run)
    case .vip(let index):
      vipAllocator.release(index)
    case .stray(let index):
      cleared.append(.releaseBackend(index: index))
      backendAllocator.release(index)
    case .backend(let service, let key, let retirement):
      guard let backend = retired(of: service, key, retirement) else { return }
      if self[service: service]?.protocol == .udp {
        releaseBackend(of: service, key, retirement)
      } else {
        draining.append(
          Draining(
            service: service, key: key, retirement: retirement, index: backend.index, until: now + drainTime))
      }
    case .localScope(let index):
      endLocalScope(of: index)
    case .service(let index):
      clearService(index)
    }
  }

  private func retired(
    of service: UInt32, _ key: ServiceBackend.Key, _ retirement: UInt32
  ) -> InstalledBackend? {
    guard let backends = self[service: service]?.backends, case let (position, isFound) = backends.position(of: key),
      isFound, backends[position].retirement == retirement
    else { return nil }
    return backends[position]
  }

  private mutating func releaseBackend(of service: UInt32, _ key: ServiceBackend.Key, _ retirement: UInt32) {
    guard let backend = retired(of: service, key, retirement),
      let position = self[service: service]?.backends.position(of: key).index
    else { return }
    cleared.append(.releaseBackend(index: backend.index))
    backendAllocator.release(backend.index)
    self[service: service]?.backends.remove(at: position)
    releaseServiceIfDone(service)
  }

  /// No frontend has named the service for a while: its slots are free at once.
  private mutating func clearService(_ index: UInt32) {
    guard let service = self[service: index], service.frontends.isEmpty, !service.isCleared else { return }
    if service.extents.cluster != .empty { cleared.append(.setCluster(service: index, .empty)) }
    if service.extents.local != .empty { cleared.append(.setLocal(service: index, .empty)) }
    if service.configuration != ServiceConfiguration() {
      cleared.append(.setConfiguration(service: index, ServiceConfiguration()))
    }
    for run in service.runs { slotAllocator.release(run) }
    self[service: index]?.extents = ServiceExtents()
    self[service: index]?.configuration = ServiceConfiguration()
    self[service: index]?.clusterTable = []
    self[service: index]?.localTable = []
    self[service: index]?.isCleared = true
    releaseServiceIfDone(index)
  }

  private mutating func releaseServiceIfDone(_ index: UInt32) {
    guard let service = self[service: index], service.isCleared, service.frontends.isEmpty, service.backends.isEmpty
    else { return }
    self[service: index] = nil
    serviceAllocator.release(index)
  }

  /// No frontend has asked for the service's local scope for a while.
  private mutating func endLocalScope(of index: UInt32) {
    guard let service = self[service: index], service.isLocalEnding, !service.frontends.isEmpty else { return }
    self[service: index]?.isLocalEnding = false
    for position in service.backends.indices { self[service: index]?.backends[position].isInLocal = false }
    guard service.extents.local != .empty else { return }
    cleared.append(.setLocal(service: index, .empty))
    self[service: index]?.extents.local = .empty
    self[service: index]?.localTable = []
    guard service.ownsSlots else { return }
    let kept = Self.pairs(of: service.extents.cluster.slots)
    for run in service.runs {
      let pairs = Self.pairs(of: run)
      for rest in [
        pairs.lowerBound..<max(pairs.lowerBound, min(pairs.upperBound, kept.lowerBound)),
        min(pairs.upperBound, max(pairs.lowerBound, kept.upperBound))..<pairs.upperBound,
      ]
      where !kept.isEmpty && !rest.isEmpty {
        slotAllocator.release(rest.lowerBound * 2..<rest.upperBound * 2)
      }
      if kept.isEmpty { slotAllocator.release(run) }
    }
  }

  private static func pairs(of slots: Range<UInt32>) -> Range<UInt32> {
    slots.isEmpty ? 0..<0 : slots.lowerBound / 2..<(slots.upperBound - 1) / 2 + 1
  }
}
