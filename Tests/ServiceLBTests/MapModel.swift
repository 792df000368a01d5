// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import ServiceLB

/// Looks at maps, after each write, as programs do: one that starts now, and ones that have read something before.
struct MapModel {
  /// What a program that has started earlier holds.
  struct Held {
    var time: ContinuousClock.Instant
    var key: ServiceFrontend.Key
    var name: ServicePortName?
    var word: FrontendWord
    var extents: ServiceExtents
    var cluster: [BackendRecord?]
    var local: [BackendRecord?]
    /// What it may meet when it goes on from the word.
    var allowed: [Scopes]
  }

  /// The sets of backends of an entry, by address.
  struct Scopes: Hashable {
    var cluster: Set<ServiceBackend.Key>
    var local: Set<ServiceBackend.Key>

    init(_ entry: ServiceEntry) {
      cluster = Set(
        entry.cluster.filter { Self.isTable(entry) ? entry.backends[$0].weight > 0 : true }
          .map { entry.backends[$0].key })
      local = Set(
        entry.local.filter { Self.isTable(entry) ? entry.backends[$0].weight > 0 : true }
          .map { entry.backends[$0].key })
    }

    init(_ cluster: [BackendRecord?], _ local: [BackendRecord?]) {
      self.cluster = Set(cluster.compactMap { $0?.key })
      self.local = Set(local.compactMap { $0?.key })
    }

    static func isTable(_ entry: ServiceEntry) -> Bool { if case .maglev = entry.algorithm { true } else { false } }
  }

  var maps = ServiceMapContents()
  var violations: [String] = []
  private var held: [Held] = []
  private var backends: [[UInt32]: BackendRecord] = [:]
  private var vips: [[UInt32]: VIPRecord] = [:]
  /// What a frontend may be met with before the next plan is done; nil: nothing is there.
  private var before: [ServiceFrontend.Key: Scopes] = [:]
  private var ranges: [ServiceFrontend.Key: [IPCIDR]?] = [:]

  static let clients = ["192.0.2.1", "198.51.100.1", "203.0.113.1"].compactMap { IPAddress($0) }

  private func observed(_ key: ServiceFrontend.Key) -> Scopes? {
    guard let word = maps.frontends[key] else { return nil }
    let extents = maps.extents(of: word.service)
    return Scopes(maps.backends(in: extents.cluster), maps.backends(in: extents.local))
  }

  /// Ranges that a frontend is open to; nil: everyone.
  private func openTo(_ key: ServiceFrontend.Key) -> [IPCIDR]? {
    guard let word = maps.frontends[key], word.flags.contains(.sourceRanges) else { return nil }
    return maps.sourceRanges.filter { $0.service == word.service }.map(\.range)
  }

  /// Plays a plan write by write, up to `limit` writes.
  mutating func play(
    _ plan: ServiceMapPlan, towards table: ServiceTable, limit: Int = .max, at now: ContinuousClock.Instant
  ) {
    held.removeAll { $0.time + .seconds(1) <= now }
    var after: [ServiceFrontend.Key: ServiceEntry] = [:]
    var byName: [ServicePortName: ServiceEntry] = [:]
    for entry in table.entries {
      byName[entry.name] = entry
      for frontend in entry.frontends { after[frontend.key] = entry }
    }
    before = [:]
    ranges = [:]
    for key in maps.frontends.keys {
      before[key] = observed(key)
      ranges[key] = openTo(key)
    }
    for index in held.indices {
      if let entry = after[held[index].key] { held[index].allowed.append(Scopes(entry)) }
      if let name = held[index].name, let entry = byName[name] {
        held[index].allowed.append(Scopes(entry))
      } else if let key = maps.frontends.first(where: { $1.service == held[index].word.service && after[$0] != nil })?
        .key,
        let heir = after[key]
      {
        // The service has another name in this table.
        held[index].allowed.append(Scopes(heir))
      }
    }
    hold(Dictionary(uniqueKeysWithValues: maps.frontends.keys.map { ($0, owner($0)) }), at: now, after, byName)
    for operation in plan.operations.prefix(limit) {
      maps.apply(operation)
      look(after, operation)
    }
    ownersByKey = after.mapValues(\.name)
    // A service may have another name now.
    let names = Dictionary(maps.frontends.map { ($1.service, ownersByKey[$0]) }) { $1 ?? $0 }
    for index in held.indices { held[index].name = (names[held[index].word.service] ?? nil) ?? held[index].name }
  }

  private var ownersByKey: [ServiceFrontend.Key: ServicePortName] = [:]
  private func owner(_ key: ServiceFrontend.Key) -> ServicePortName? { ownersByKey[key] }

  /// The process has ended and come back: no program runs for as long as that.
  ///
  /// Killed half-way, it is not known which frontend is whose.
  mutating func restart(isKilled: Bool) {
    held = []
    if isKilled { ownersByKey = [:] }
  }

  private mutating func hold(
    _ names: [ServiceFrontend.Key: ServicePortName?], at now: ContinuousClock.Instant,
    _ after: [ServiceFrontend.Key: ServiceEntry], _ byName: [ServicePortName: ServiceEntry]
  ) {
    for (key, word) in maps.frontends {
      let extents = maps.extents(of: word.service)
      // After a restart a service is whoever gets one of its frontends.
      let name =
        (names[key] ?? nil)
        ?? maps.frontends.keys.sorted().first { maps.frontends[$0]?.service == word.service && after[$0] != nil }
        .flatMap { after[$0]?.name }
      var allowed: [Scopes] = before[key].map { [$0] } ?? []
      if let entry = after[key] { allowed.append(Scopes(entry)) }
      if let name, let entry = byName[name] { allowed.append(Scopes(entry)) }
      held.append(
        Held(
          time: now, key: key, name: name, word: word, extents: extents, cluster: maps.backends(in: extents.cluster),
          local: maps.backends(in: extents.local), allowed: allowed))
    }
    for (index, record) in maps.backends.enumerated() {
      if let record { backends[[UInt32(index), record.epoch]] = record }
    }
    for (index, record) in maps.vips.enumerated() {
      if let record { vips[[UInt32(index), record.epoch]] = record }
    }
  }

  private mutating func look(_ after: [ServiceFrontend.Key: ServiceEntry], _ operation: ServiceMapOperation) {
    // A write that changes what a program may see; the rest are to places that nobody looks at.
    func report(_ text: String) { if violations.count < 20 { violations.append("\(text) after \(operation)") } }
    for key in Set(maps.frontends.keys).union(after.keys).union(before.keys) {
      let met = observed(key)
      let wanted = after[key].map { Scopes($0) }
      let isTable = after[key].map { Scopes.isTable($0) } ?? false
      guard let word = maps.frontends[key], let met else {
        if before[key] != nil, wanted != nil { report("\(key) is gone") }
        continue
      }
      let extents = maps.extents(of: word.service)
      let asksLocal = !word.flags.isDisjoint(with: [.internalLocal, .externalLocal])
      let local = asksLocal ? maps.backends(in: extents.local) : []
      for record in maps.backends(in: extents.cluster) + local {
        guard let record else {
          report("\(key) meets a hole")
          continue
        }
        if record.service != word.service { report("\(key) meets \(record) of another service") }
      }
      func isOne(_ scope: KeyPath<Scopes, Set<ServiceBackend.Key>>) -> Bool {
        let met = met[keyPath: scope]
        if met == before[key]?[keyPath: scope] || met == wanted?[keyPath: scope] { return true }
        let both = (before[key]?[keyPath: scope] ?? []).union(wanted?[keyPath: scope] ?? [])
        return isTable && met.isSubset(of: both)
      }
      if !isOne(\.cluster) { report("\(key) meets \(met.cluster)") }
      if asksLocal, !isOne(\.local) { report("\(key) meets locally \(met.local)") }
      let vip = Int(word.vip) < maps.vips.count ? maps.vips[Int(word.vip)] : nil
      if vip != VIPRecord(frontend: key, service: word.service, epoch: word.epoch) {
        report("\(key) has the VIP \(String(describing: vip))")
      }
      for client in Self.clients {
        let isOpen = openTo(key).map { $0.contains { $0.contains(client) } } ?? true
        var answers: [Bool] = []
        if before[key] != nil {
          answers.append((ranges[key] ?? nil).map { $0.contains { $0.contains(client) } } ?? true)
        }
        if let entry = after[key] {
          let isRestricted =
            !entry.sourceRanges.isEmpty
            && entry.frontends.contains { $0.key == key && $0.kind == .loadBalancer }
          answers.append(!isRestricted || entry.sourceRanges.contains { $0.contains(client) })
        }
        if !answers.contains(isOpen) { report("\(key) is \(isOpen ? "open" : "closed") to \(client)") }
      }
    }
    for held in held {
      let present = maps.extents(of: held.word.service)
      for (records, isLocal) in [(maps.backends(in: present.cluster), false), (maps.backends(in: present.local), true)]
      {
        if isLocal, held.word.flags.isDisjoint(with: [.internalLocal, .externalLocal]) { continue }
        let met = Set(records.compactMap { $0?.key })
        if records.contains(where: { $0?.service != held.word.service }) { report("held \(held.word) meets another's") }
        let allowed = held.allowed.map { isLocal ? $0.local : $0.cluster }
        let isTable = met.count < records.count
        if !allowed.contains(met), !isTable || !met.isSubset(of: allowed.reduce(Set()) { $0.union($1) }) {
          report("held word of \(held.key), \(held.word), meets \(met)\(isLocal ? " locally" : "")")
        }
      }
      let vip = Int(held.word.vip) < maps.vips.count ? maps.vips[Int(held.word.vip)] : nil
      if vip != VIPRecord(frontend: held.key, service: held.word.service, epoch: held.word.epoch) {
        report("held \(held.word) has the VIP \(String(describing: vip))")
      }
      let asksLocal = !held.word.flags.isDisjoint(with: [.internalLocal, .externalLocal])
      let extents = [(held.extents.cluster, held.cluster)] + (asksLocal ? [(held.extents.local, held.local)] : [])
      for (extent, old) in extents {
        let now = maps.backends(in: extent)
        let isTable = Set(old.compactMap { $0?.key }).count < old.count
        for (before, now) in zip(old, now) {
          guard let before, let now else {
            report("held extent of \(held.key) meets a hole")
            continue
          }
          if now.service != before.service { report("held extent of \(held.key) meets another's \(now)") }
          if !isTable, now.key != before.key || now.epoch != before.epoch {
            report("held extent of \(held.key) meets \(now) for \(before)")
          }
        }
      }
    }
    for (index, record) in maps.backends.enumerated() {
      guard let record, let known = backends[[UInt32(index), record.epoch]] else { continue }
      if record.key != known.key || (record.service != known.service && record.service != 0) {
        report("backend \(index) was \(known) and is \(record)")
      }
    }
    for (index, record) in maps.vips.enumerated() {
      guard let record, let known = vips[[UInt32(index), record.epoch]], known != record else { continue }
      report("VIP \(index) was \(known) and is \(record)")
    }
  }
}

/// What clients meet, without indices.
struct Behaviour: Hashable {
  struct Served: Hashable {
    var flags: FrontendWord.Flags
    var cluster: [String]
    var local: [String]
    var configuration: ServiceConfiguration
    var ranges: Set<IPCIDR>
  }

  var served: [ServiceFrontend.Key: Served] = [:]
  var nodeAddresses: Set<IPAddress> = []

  init(_ maps: ServiceMapContents) {
    nodeAddresses = maps.nodeAddresses
    for (key, word) in maps.frontends {
      let extents = maps.extents(of: word.service)
      func texts(_ extent: SlotExtent) -> [String] {
        maps.backends(in: extent).map { $0.map { "\($0.key) \($0.state)" } ?? "hole" }.sorted()
      }
      let index = Int(word.service)
      served[key] = Served(
        flags: word.flags, cluster: texts(extents.cluster),
        local: word.flags.isDisjoint(with: [.internalLocal, .externalLocal]) ? [] : texts(extents.local),
        configuration: word.flags.contains(.configured) && index < maps.configurations.count
          ? maps.configurations[index] : ServiceConfiguration(),
        ranges: word.flags.contains(.sourceRanges)
          ? Set(maps.sourceRanges.filter { $0.service == word.service }.map(\.range)) : [])
    }
  }
}
