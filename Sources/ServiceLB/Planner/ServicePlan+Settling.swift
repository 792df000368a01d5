// SPDX-License-Identifier: Apache-2.0

internal import KubernetesModel
internal import NetworkTypes

extension ServicePlan {
  /// Plans again what has to be, and finds what became of the table.
  mutating func settle(_ changes: Changes) -> ServiceTableChange {
    var unsettled = changes.owners
    var change = ServiceTableChange()
    var checksChanged = false
    var old: [FrontendClaims.Owner: [ServiceEntry]] = [:]
    for owner in changes.owners {
      let before = records[owner]
      if !changes.isComplete { old[owner] = before?.entries ?? [] }
      let after = plan(owner)
      if before?.planned.healthCheck != after?.planned.healthCheck { checksChanged = true }
      changeClaims(of: owner, from: before, to: after, unsettled: &unsettled)
      records[owner] = after
    }
    if changes.isComplete, !claims.isContested {
      for owner in unsettled { records[owner]?.settleUncontested() }
      return change
    }
    for owner in unsettled {
      let before = old[owner] ?? records[owner]?.entries ?? []
      settle(owner)
      if changes.isComplete { continue }
      difference(from: before, to: records[owner]?.entries ?? [], &change)
    }
    change.updated.sort { $0.id < $1.id }
    change.removed.sort()
    if changes.nodeAddressesChanged { change.nodeAddresses = view.nodePortAddresses }
    if checksChanged, !changes.isComplete {
      change.healthChecks = records.values.compactMap(\.planned.healthCheck).sorted { $0.name < $1.name }
    }
    return change
  }

  /// Plans an object; nil if it is gone.
  private mutating func plan(_ owner: FrontendClaims.Owner) -> Record? {
    switch owner {
    case .service(let key):
      guard let service = services[key] else { return nil }
      var record = Record(created: service.metadata.creationTimestamp)
      let target = service.metadata.annotations.isEmpty ? nil : ServiceAnnotation.redirectTarget(of: service)
      record.planned = ServicePlanning.plan(
        service, slices: service.spec.isHeadless ? [] : parsedSlices(of: key),
        redirect: target.map { parsedSlices(of: $0) } ?? [], options: planner.options, node: view)
      return record
    case .pod(let key):
      guard let pod = pods[key] else { return nil }
      return Record(created: pod.metadata.creationTimestamp, planned: HostPortPlanning.plan(pod, node: view))
    }
  }

  private mutating func parsedSlices(of service: NamespacedName) -> [ParsedSlice] {
    guard let index = slices.index(forKey: service) else { return [] }
    var parsed: [ParsedSlice] = []
    parsed.reserveCapacity(slices.values[index].count)
    for position in slices.values[index].indices {
      if let ready = slices.values[index][position].parsed {
        parsed.append(ready)
      } else {
        let made = ParsedSlice(slices.values[index][position].slice, nodeName: view.nodeName, zone: view.zone)
        slices.values[index][position].parsed = made
        parsed.append(made)
      }
    }
    return parsed
  }

  /// Replaces an object's claims, and marks others whose own change by it.
  private mutating func changeClaims(
    of owner: FrontendClaims.Owner, from before: Record?, to after: Record?,
    unsettled: inout Set<FrontendClaims.Owner>
  ) {
    if let before, let after, before.created == after.created, before.planned.claimsAreEqual(to: after.planned) {
      return
    }
    for entry in before?.planned.entries ?? [] {
      let claimant = FrontendClaims.Claimant(created: before?.created, owner: owner, name: entry.name)
      for frontend in entry.frontends {
        unsettled.formUnion(claims.remove(frontend.key, claimant))
      }
    }
    for entry in after?.planned.entries ?? [] {
      let claimant = FrontendClaims.Claimant(created: after?.created, owner: owner, name: entry.name)
      for frontend in entry.frontends {
        unsettled.formUnion(claims.add(frontend.key, claimant))
      }
    }
  }

  /// Takes from an object's entries the frontends that others have.
  private mutating func settle(_ owner: FrontendClaims.Owner) {
    guard let index = records.index(forKey: owner) else { return }
    records.values[index].settleUncontested()
    if !claims.isContested { return }
    var entries: [ServiceEntry] = []
    var notes: [ServiceNote] = []
    let planned = records.values[index].planned.entries
    for entry in planned {
      let isMine: (ServiceFrontend) -> Bool = { [claims] frontend in
        guard let winner = claims.winner(of: frontend.key) else { return true }
        return winner.owner == owner && winner.name == entry.name
      }
      if entry.frontends.allSatisfy(isMine) {
        entries.append(entry)
        continue
      }
      var rest = entry
      rest.frontends.removeAll { !isMine($0) }
      if !rest.frontends.isEmpty { entries.append(rest) }
      for frontend in entry.frontends where !isMine(frontend) {
        if let winner = claims.winner(of: frontend.key) { notes.append(conflict(owner, frontend, winner)) }
      }
    }
    records.values[index].entries = entries
    records.values[index].conflicts = notes
  }

  private func conflict(
    _ owner: FrontendClaims.Owner, _ frontend: ServiceFrontend, _ winner: FrontendClaims.Claimant
  ) -> ServiceNote {
    let subject =
      switch owner {
      case .service(let key): "Service \(key)"
      case .pod(let key): "Pod \(key)"
      }
    let created = records[owner]?.created
    let reason = winner.created == created ? "which comes first by name" : "which is older"
    return ServiceNote(subject: subject, message: "\(frontend) belongs to \(winner.name), \(reason): it is left out")
  }

  private func difference(from before: [ServiceEntry], to after: [ServiceEntry], _ change: inout ServiceTableChange) {
    for entry in after where !before.contains(entry) { change.updated.append(entry) }
    for entry in before where !after.contains(where: { $0.id == entry.id }) { change.removed.append(entry.id) }
  }
}

extension ServicePlan.Record {
  /// Serves everything that was planned.
  fileprivate mutating func settleUncontested() {
    entries = planned.entries
    conflicts = []
  }
}

extension PlannedObject {
  /// Whether another plan of the same object claims the same.
  fileprivate func claimsAreEqual(to other: PlannedObject) -> Bool {
    entries.count == other.entries.count
      && zip(entries, other.entries).allSatisfy {
        $0.name == $1.name && $0.family == $1.family && $0.frontends == $1.frontends
      }
  }
}
