// SPDX-License-Identifier: Apache-2.0

internal import BPFMaps
internal import CDatapathABI
internal import DatapathPrograms
internal import NetlinkKit
internal import NetworkTypes
internal import SystemPackage

/// Attaches a pod's dispatcher and keeps its entry in the endpoint map.
///
/// The entry is written before the programs are attached and taken back after they are gone: in between they find it.
/// What they find when there is none they drop.
struct ProgramKeeper: Sendable {
  let datapath: PodDatapath
  let anchor: ProgramAnchor

  /// One direction of a pod's traffic.
  enum Flow: String, CaseIterable {
    case fromPod = "from"
    case toPod = "to"

    func isEgress(_ side: PlannedPrograms.Side) -> Bool { (self == .fromPod) == (side == .pod) }
    func hook(_ side: PlannedPrograms.Side) -> TrafficControlDirection { isEgress(side) ? .egress : .ingress }
  }

  /// What is not as planned; nil when all is.
  func state(of planned: PlannedPrograms, in view: NamespaceView) async throws -> String? {
    guard let index = try await view.index(of: planned.link) else { return "nothing" }
    var missing: [String] = []
    for flow in Flow.allCases {
      if try await place(flow, planned).isAttached(on: index, in: view) { continue }
      missing.append("no \(flow.rawValue)-pod program at \(flow.hook(planned.side)) of \(planned.link)")
    }
    let isEntryThere = try hasEntry(planned)
    if missing.count == Flow.allCases.count, !isEntryThere { return "nothing" }
    if !isEntryThere { missing.append("endpoint \(planned.endpoint) not in the endpoint map as planned") }
    return missing.isEmpty ? nil : missing.joined(separator: "; ")
  }

  /// Attaches what is missing, and leaves what is there alone: no packet passes unseen meanwhile.
  ///
  /// Takes back what it did when it fails.
  func attach(_ planned: PlannedPrograms, in view: NamespaceView) async throws -> ProgramChange {
    let index = try await view.requiredIndex(of: planned.link)
    guard planned.endpoint < datapath.endpoints.count else {
      throw DatapathError(
        code: .invalidArgument, message: "endpoint \(planned.endpoint): use 1...\(datapath.endpoints.count - 1)")
    }
    let before = try datapath.endpoints.value(at: planned.endpoint) ?? endpoint(flags: 0)
    let isPresent = before.flags & UInt32(ENDPOINT_PRESENT) != 0
    if isPresent, !isOwned(before, by: planned) {
      let owner = [before.ipv4.map(IPAddress.v4), before.ipv6.map(IPAddress.v6)].compactMap { $0?.description }
      throw DatapathError(
        code: .conflict,
        message:
          "endpoint \(planned.endpoint) belongs to \(owner.joined(separator: ", ")); remove that pod "
          + "first, or choose another number")
    }
    // Somebody was interrupted in `removeEntry`.
    if !isPresent, before.ipv4 != nil || before.ipv6 != nil { try forget(planned.endpoint) }
    var change = ProgramChange(attached: [], flagsBefore: isPresent ? before.flags : nil)
    do {
      try datapath.endpoints.setValue(entry(planned), at: planned.endpoint)
      let dispatcher = try datapath.makeDispatcher(endpoint: planned.endpoint)
      let (fromPod, toPod) = (place(.fromPod, planned), place(.toPod, planned))
      if try await !fromPod.isAttached(on: index, in: view) {
        try await fromPod.attach(dispatcher.egress, on: index, in: view)
        change.attached.append(.fromPod)
      }
      if try await !toPod.isAttached(on: index, in: view) {
        try await toPod.attach(dispatcher.ingress, on: index, in: view)
        change.attached.append(.toPod)
      }
    } catch {
      try? await takeBack(change, of: planned, in: view)
      throw error
    }
    return change
  }

  /// Undoes what one call of `attach` did, and no more: a pod is not left without programs that it had before.
  func takeBack(_ change: ProgramChange, of planned: PlannedPrograms, in view: NamespaceView) async throws {
    for flow in change.attached { try await place(flow, planned).detach(from: planned.link, in: view) }
    if let flags = change.flagsBefore {
      try datapath.endpoints.setValue(
        endpoint(ipv4: planned.address, ipv6: planned.address6, flags: flags), at: planned.endpoint)
    } else {
      try await removeEntry(planned)
    }
  }

  /// Detaches the programs, then takes the entry back, if it is this pod's.
  func detach(_ planned: PlannedPrograms, in view: NamespaceView?) async throws {
    for flow in Flow.allCases { try await place(flow, planned).detach(from: planned.link, in: view) }
    try await removeEntry(planned)
  }

  private func place(_ flow: Flow, _ planned: PlannedPrograms) -> AnchoredProgram {
    Self.place(flow, planned, anchor)
  }

  static func place(_ flow: Flow, _ planned: PlannedPrograms, _ anchor: ProgramAnchor) -> AnchoredProgram {
    AnchoredProgram(
      anchor: anchor, hook: flow.hook(planned.side),
      filterName: "\(Ownership.aliasPrefix)\(flow.rawValue)-pod:\(planned.endpoint)",
      pinName: "\(flow.rawValue)_pod_\(planned.endpoint)")
  }

  // MARK: The endpoint map

  private func entry(_ planned: PlannedPrograms) -> endpoint {
    let policy = planned.requiresPolicy ? UInt32(ENDPOINT_POLICY_REQUIRED) : 0
    let router = planned.isRouter ? UInt32(ENDPOINT_ROUTER) : 0
    let siblings = planned.side == .pod ? UInt32(ENDPOINT_SIBLINGS) : 0
    return endpoint(
      ipv4: planned.address, ipv6: planned.address6, flags: UInt32(ENDPOINT_PRESENT) | policy | router | siblings)
  }

  private func hasEntry(_ planned: PlannedPrograms) throws(BPFError) -> Bool {
    let (found, wanted) = (try datapath.endpoints.value(at: planned.endpoint), entry(planned))
    return found?.ipv4 == wanted.ipv4 && found?.ipv6 == wanted.ipv6 && found?.flags == wanted.flags
  }

  private func isOwned(_ found: endpoint, by planned: PlannedPrograms) -> Bool {
    found.belongs(to: planned.address, planned.address6)
  }

  /// Closes the pod's entry, forgets what belongs to the number, then frees it, in this order.
  ///
  /// A program that found the entry open may still make a flow; none can be left when flows are forgotten.
  ///
  /// Until all is forgotten the entry keeps the address: that is how an interrupted removal is recognised, and finished,
  /// by its repetition or by the number's next owner.
  private func removeEntry(_ planned: PlannedPrograms) async throws(BPFError) {
    guard let found = try datapath.endpoints.value(at: planned.endpoint),
      isOwned(found, by: planned)
    else { return }
    try datapath.endpoints.setValue(endpoint(ipv4: found.ipv4, ipv6: found.ipv6, flags: 0), at: planned.endpoint)
    try await BPFGracePeriod().wait()
    try forget(planned.endpoint)
    try datapath.endpoints.setValue(endpoint(flags: 0), at: planned.endpoint)
  }

  /// Forgets what the maps know by an endpoint's number: its next owner must inherit neither the compiled policy, which
  /// would let it pass before its own is compiled, nor the replies.
  private func forget(_ number: UInt32) throws(BPFError) {
    datapath.setPolicy(endpoint_policy(), ofEndpoint: number)
    try datapath.removeFlows(ofEndpoint: number)
  }
}

/// What one call of `ProgramKeeper.attach` did.
struct ProgramChange: Sendable, Hashable {
  /// The directions that had no program.
  var attached: [ProgramKeeper.Flow]
  /// The entry's flags as they were; nil: the number was free.
  var flagsBefore: UInt32?
}
