// SPDX-License-Identifier: Apache-2.0

internal import CDatapathABI
internal import DatapathPrograms
internal import NetworkTypes

extension ServiceMapState {
  /// The state that was read from maps.
  ///
  /// A process may have been killed at any write. What it left half-done is put right by the next plan: services without
  /// frontends, backends in no scope, extents that overlap or name another's backends, tables that are half new.
  /// Programs that ran while the last process wrote have to have ended: what nothing names is free at once.
  ///
  /// - Parameters:
  ///   - contents: What the maps hold.
  ///   - limits: The sizes of the maps.
  ///   - drainTime: How long the index of a TCP backend that is gone is kept for flows, counted from now.
  ///   - tableSizes: The sizes that entries may ask for.
  ///   - now: The time.
  package init(
    reading contents: ServiceMapContents, limits: ServiceLimits,
    drainTime: Duration = ServiceMapState.defaultDrainTime,
    tableSizes: Set<Int> = Set(MaglevTable.sizes), at now: ContinuousClock.Instant = .now
  ) {
    self.init(limits: limits, drainTime: drainTime, tableSizes: tableSizes)
    if contents.isEmpty { return }
    resetsNewCounters = true
    nodeAddresses = contents.nodeAddresses
    readFrontends(contents)
    readBackends(contents, at: now)
    readServices(contents, at: now)
    for range in contents.sourceRanges {
      if self[service: range.service] == nil {
        strayRanges.append(range)
      } else {
        self[service: range.service]?.ranges.append(range.range)
      }
    }
    rangeCount = contents.sourceRanges.count
    var usedSlots: [(pairs: Range<UInt32>, service: UInt32)] = []
    for index in installed.indices {
      guard installed[index] != nil else { continue }
      installed[index]?.ranges.sort { ($0.address, $0.prefixLength) < ($1.address, $1.prefixLength) }
      readScopes(UInt32(index), contents, &usedSlots)
    }
    readFreeSlots(usedSlots)
    serviceAllocator = IndexAllocator(1..<limits.services, epochBits: 0, usedBelow: installed.count) {
      (installed[Int($0)] != nil, 0)
    }
    for index in installed.indices {
      guard let service = installed[index] else { continue }
      if service.frontends.isEmpty { orphans.append(UInt32(index)) }
      if !Self.asksLocal(service), service.extents.local != .empty {
        installed[index]?.isLocalEnding = true
        resting.admit(.localScope(UInt32(index)), at: now)
      }
    }
  }

  private mutating func readFrontends(_ contents: ServiceMapContents) {
    var namedVIPs: Set<UInt32> = []
    for (key, word) in contents.frontends.sorted(by: { $0.key < $1.key }) {
      if key.address.family == .ipv6 { frontendCount6 += 1 }
      guard word.service > 0, word.service < limits.services else {
        owners[key] = 0
        strayFrontends.append(key)
        continue
      }
      owners[key] = word.service
      let vip = Int(word.vip) < contents.vips.count ? contents.vips[Int(word.vip)] : nil
      let isSound =
        vip == VIPRecord(frontend: key, service: word.service, epoch: word.epoch)
        && namedVIPs.insert(word.vip).inserted
      if self[service: word.service] == nil {
        self[service: word.service] = Installed(protocol: key.protocol)
      }
      self[service: word.service]?.frontends.append(
        InstalledFrontend(
          key: key,
          word: isSound ? word : FrontendWord(service: word.service, vip: 0, flags: word.flags, epoch: 0)))
    }
    vipAllocator = IndexAllocator(
      1..<limits.vips, epochBits: Int(FRONTEND_EPOCH_BITS), usedBelow: contents.vips.count
    ) { index in (namedVIPs.contains(index), contents.vips[Int(index)]?.epoch ?? 0) }
  }

  private mutating func readBackends(_ contents: ServiceMapContents, at now: ContinuousClock.Instant) {
    for (number, record) in contents.backends.enumerated() {
      guard let record, number > 0, number < Int(limits.backends), record.service > 0,
        record.service < limits.services
      else { continue }
      let index = UInt32(number)
      if self[service: record.service] == nil {
        self[service: record.service] = Installed(protocol: record.protocol)
      }
      let backend = InstalledBackend(
        key: record.key, index: index, retirement: 0, weight: 1, state: record.state, isInCluster: false,
        isInLocal: false)
      self[service: record.service]?.backends.append(backend)
    }
    let count = contents.backends.count
    backendAllocator = IndexAllocator(1..<limits.backends, epochBits: 32, usedBelow: count) { index in
      let record = contents.backends[Int(index)]
      return (
        (record?.service).map { $0 > 0 && $0 < limits.services } ?? false, record?.epoch ?? 0
      )
    }
    for index in installed.indices {
      guard var service = installed[index] else { continue }
      installed[index] = nil
      // The one that takes flows comes first among those of one address; the others are strays.
      service.backends.sort { ($0.key, $0.state.rawValue, $0.index) < ($1.key, $1.state.rawValue, $1.index) }
      var kept: [InstalledBackend] = []
      kept.reserveCapacity(service.backends.count)
      for var backend in service.backends {
        if kept.last?.key == backend.key {
          resting.admit(.stray(backend.index), at: now)
          continue
        }
        if backend.state == .gone {
          backend.retirement = nextRetirement()
          resting.admit(
            .backend(service: UInt32(index), key: backend.key, retirement: backend.retirement), at: now)
        }
        kept.append(backend)
      }
      service.backends = kept
      installed[index] = service
    }
  }

  /// Indices that have extents or a configuration and nothing else are services too, that go.
  private mutating func readServices(_ contents: ServiceMapContents, at now: ContinuousClock.Instant) {
    for (index, extents) in contents.services.enumerated()
    where index > 0 && index < Int(limits.services) && extents != ServiceExtents() {
      if self[service: UInt32(index)] == nil { self[service: UInt32(index)] = Installed(protocol: .tcp) }
      installed[index]?.extents = extents
    }
    for (index, configuration) in contents.configurations.enumerated()
    where index > 0 && index < Int(limits.services) && configuration != ServiceConfiguration() {
      if self[service: UInt32(index)] == nil { self[service: UInt32(index)] = Installed(protocol: .tcp) }
      installed[index]?.configuration = configuration
    }
  }

  /// Finds which backends the extents of a service name, and whether they make sense.
  private mutating func readScopes(
    _ index: UInt32, _ contents: ServiceMapContents, _ used: inout [(pairs: Range<UInt32>, service: UInt32)]
  ) {
    guard var service = self[service: index] else { return }
    self[service: index] = nil
    defer { self[service: index] = service }
    var positions: [UInt32: Int] = [:]
    if service.extents != ServiceExtents() {
      positions.reserveCapacity(service.backends.count)
      for (position, backend) in service.backends.enumerated() { positions[backend.index] = position }
    }
    var isTable = false
    func table(_ extent: SlotExtent) -> [UInt32]? {
      guard extent.count > 0 else { return [] }
      let slots = extent.slots
      guard !slots.isEmpty, slots.upperBound <= limits.slots, Int(slots.upperBound) <= contents.slots.count else {
        return nil
      }
      let values = Array(contents.slots[Int(slots.lowerBound)..<Int(slots.upperBound)])
      guard values.allSatisfy({ positions[$0] != nil }) else { return nil }
      if Set(values).count < values.count { isTable = true }
      return values
    }
    guard let cluster = table(service.extents.cluster), let local = table(service.extents.local) else {
      service.isSound = false
      service.ownsSlots = false
      return
    }
    for backend in cluster { if let position = positions[backend] { service.backends[position].isInCluster = true } }
    for backend in local { if let position = positions[backend] { service.backends[position].isInLocal = true } }
    // A scope that names what is gone is from before.
    if service.backends.contains(where: { $0.isRetired && ($0.isInCluster || $0.isInLocal) }) {
      service.isSound = false
    }
    if isTable {
      service.clusterTable = cluster
      service.localTable = service.extents.local == service.extents.cluster ? [] : local
      // Weights cannot be told from a table.
      for position in service.backends.indices { service.backends[position].weight = 0 }
    }
    used += Installed.runs(of: service.extents).map { ($0.lowerBound / 2..<($0.upperBound - 1) / 2 + 1, index) }
  }

  /// What no extent names is free.
  private mutating func readFreeSlots(_ used: [(pairs: Range<UInt32>, service: UInt32)]) {
    slotAllocator = SlotAllocator()
    let end = limits.slots / 2
    var next: UInt32 = 0
    for (run, service) in used.sorted(by: { ($0.pairs.lowerBound, $0.service) < ($1.pairs.lowerBound, $1.service) }) {
      if run.lowerBound < next {
        // Another service's slots.
        self[service: service]?.isSound = false
        self[service: service]?.ownsSlots = false
      }
      if run.lowerBound > next { slotAllocator.release(next * 2..<run.lowerBound * 2) }
      next = max(next, run.upperBound)
    }
    if next < end { slotAllocator.release(next * 2..<end * 2) }
  }
}
