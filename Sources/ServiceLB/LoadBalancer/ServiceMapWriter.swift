// SPDX-License-Identifier: Apache-2.0

internal import BPFMaps
internal import CDatapathABI
internal import DatapathPrograms
internal import NetworkTypes
internal import Synchronization

/// Performs plans, and reads what the maps hold.
///
/// Arrays are written through memory that is shared with the kernel, hashes by batches.
final class ServiceMapWriter: Sendable {
  let maps: ServiceMaps
  private let clusterField: BPFMappedArray<service>.Field
  private let localField: BPFMappedArray<service>.Field
  private let stateField: BPFMappedArray<backend>.ByteField
  private let serviceField: BPFMappedArray<backend>.HalfField
  private let epochField: BPFMappedArray<backend>.HalfField
  private let slotFields: (even: BPFMappedArray<slot_pair>.HalfField, odd: BPFMappedArray<slot_pair>.HalfField)
  private let revisionField: BPFMappedArray<service_state>.HalfField
  private let gracePeriod = Mutex<BPFGracePeriod?>(nil)

  init(_ maps: ServiceMaps) {
    self.maps = maps
    clusterField = maps.services.field(\.cluster.value)
    localField = maps.services.field(\.local.value)
    stateField = maps.backends.field(\.state)
    serviceField = maps.backends.field(\.service)
    epochField = maps.backends.field(\.epoch)
    slotFields = (maps.slots.field(\.backend.0), maps.slots.field(\.backend.1))
    revisionField = maps.state.field(\.revision)
  }

  /// Does all writes of a plan, in its order.
  func perform(_ plan: ServiceMapPlan) throws(BPFError) {
    if plan.isEmpty { return }
    for operation in plan.cleared { clear(operation) }
    try remove(plan.frontendsDown)
    try update(plan.nodeAddressesUp.map { (ip_address($0), present(value: 1)) }, in: maps.nodeAddresses)
    for (index, record) in plan.backends {
      // First the epoch, so that whoever remembers the last use does not take the new one for it.
      maps.backends.store(record.epoch, in: epochField, at: index)
      atomicMemoryFence(ordering: .acquiringAndReleasing)
      maps.backends[index] = record.stored
    }
    for (index, state) in plan.statesUp {
      maps.backends.store(state.rawValue, in: stateField, at: index, ordering: .releasing)
    }
    for run in plan.slotRuns { write(plan.slotValues[run.values], at: run.first) }
    for index in plan.counters { try maps.counters.setEveryValue(service_counter(), at: index) }
    if !plan.rangesUp.isEmpty {
      try maps.sourceRanges.update(plan.rangesUp.map { ($0.stored, present(value: 1)) })
    }
    for (index, extent) in plan.clusters {
      maps.services.store(extent.rawValue, in: clusterField, at: index, ordering: .releasing)
    }
    for (index, extent) in plan.locals {
      maps.services.store(extent.rawValue, in: localField, at: index, ordering: .releasing)
    }
    for (index, configuration) in plan.configurations { maps.configurations[index] = configuration.stored }
    for (index, record) in plan.vips { maps.vips[index] = record.stored }
    atomicMemoryFence(ordering: .acquiringAndReleasing)
    try update(plan.frontendsUp)
    if !plan.rangesDown.isEmpty { try maps.sourceRanges.removeValues(forKeys: plan.rangesDown.map(\.stored)) }
    if !plan.nodeAddressesDown.isEmpty {
      try maps.nodeAddresses.removeValues(forKeys: plan.nodeAddressesDown.map { ip_address($0) })
    }
    if plan.needsGracePeriod { try waitForPrograms() }
    for (index, state) in plan.statesDown {
      maps.backends.store(state.rawValue, in: stateField, at: index, ordering: .releasing)
    }
    maps.state.store(maps.state.load(revisionField, at: 0) &+ 1, in: revisionField, at: 0)
  }

  private func clear(_ operation: ServiceMapOperation) {
    switch operation {
    case .releaseBackend(let index): maps.backends.store(0, in: serviceField, at: index)
    case .setCluster(let index, let extent): maps.services.store(extent.rawValue, in: clusterField, at: index)
    case .setLocal(let index, let extent): maps.services.store(extent.rawValue, in: localField, at: index)
    case .setConfiguration(let index, let configuration): maps.configurations[index] = configuration.stored
    default: preconditionFailure("\(operation) clears nothing")
    }
  }

  /// Each slot is one store, because tables are changed while programs read them.
  private func write(_ values: ArraySlice<UInt32>, at first: UInt32) {
    var slot = first
    for value in values {
      maps.slots.store(value, in: slot & 1 == 0 ? slotFields.even : slotFields.odd, at: slot >> 1)
      slot += 1
    }
  }

  private func update(_ entries: [(ip_address, present)], in map: borrowing BPFHashMap<ip_address, present>)
    throws(BPFError)
  {
    if !entries.isEmpty { try map.update(entries) }
  }

  private func update(_ frontends: [(key: ServiceFrontend.Key, word: FrontendWord)]) throws(BPFError) {
    // One call each costs less than a batch of one.
    if frontends.count == 1, let (key, word) = frontends.first {
      if let key = key.stored4 { try maps.frontends4.updateValue(frontend_word(value: word.rawValue), forKey: key) }
      if let key = key.stored6 { try maps.frontends6.updateValue(frontend_word(value: word.rawValue), forKey: key) }
      return
    }
    var entries4: [(frontend_key4, frontend_word)] = []
    var entries6: [(frontend_key6, frontend_word)] = []
    entries4.reserveCapacity(frontends.count)
    for (key, word) in frontends {
      if let key = key.stored4 {
        entries4.append((key, frontend_word(value: word.rawValue)))
      } else if let key = key.stored6 {
        entries6.append((key, frontend_word(value: word.rawValue)))
      }
    }
    if !entries4.isEmpty { try maps.frontends4.update(entries4) }
    if !entries6.isEmpty { try maps.frontends6.update(entries6) }
  }

  private func remove(_ frontends: [ServiceFrontend.Key]) throws(BPFError) {
    if frontends.isEmpty { return }
    let keys4 = frontends.compactMap(\.stored4)
    let keys6 = frontends.compactMap(\.stored6)
    if !keys4.isEmpty { try maps.frontends4.removeValues(forKeys: keys4) }
    if !keys6.isEmpty { try maps.frontends6.removeValues(forKeys: keys6) }
  }

  /// Returns when no program runs any more that has read something before.
  func waitForPrograms() throws(BPFError) {
    let period = try gracePeriod.withLock { (period) throws(BPFError) in
      if let period { return period }
      let made = try BPFGracePeriod()
      period = made
      return made
    }
    try period.waitBlocking()
  }
}
