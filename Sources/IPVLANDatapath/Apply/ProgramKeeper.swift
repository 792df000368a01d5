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

  /// First in the line of filters.
  static let priority: UInt16 = 1
  static let handle: UInt32 = 0x54

  /// One direction of a pod's traffic.
  enum Flow: String, CaseIterable {
    case fromPod = "from"
    case toPod = "to"

    func isEgress(_ side: PlannedPrograms.Side) -> Bool { (self == .fromPod) == (side == .pod) }
    func direction(_ side: PlannedPrograms.Side) -> TrafficDirection { isEgress(side) ? .egress : .ingress }
    func hook(_ side: PlannedPrograms.Side) -> TrafficControlDirection { isEgress(side) ? .egress : .ingress }
  }

  func state(of planned: PlannedPrograms, in view: NamespaceView) async throws -> ObjectState {
    guard let index = try await view.index(of: planned.link) else { return .absent }
    var missing: [String] = []
    for flow in Flow.allCases {
      if try await isAttached(flow, planned, on: index, in: view) { continue }
      missing.append("no \(flow.rawValue)-pod program at \(flow.direction(planned.side)) of \(planned.link)")
    }
    let isEntryThere = try hasEntry(planned)
    if missing.isEmpty, isEntryThere { return .asPlanned }
    if missing.count == Flow.allCases.count, !isEntryThere { return .absent }
    if !isEntryThere { missing.append("endpoint \(planned.endpoint) not in the endpoint map as planned") }
    return .differs(found: missing.joined(separator: "; "), isOurs: true)
  }

  /// Attaches what is missing.
  ///
  /// Takes back what it did when it fails.
  func attach(_ planned: PlannedPrograms, in view: NamespaceView) async throws -> Undo {
    let index = try await view.requiredIndex(of: planned.link)
    guard planned.endpoint < datapath.endpoints.count else {
      throw DatapathError(
        code: .invalidArgument, message: "endpoint \(planned.endpoint): use 1...\(datapath.endpoints.count - 1)")
    }
    let before = try datapath.endpoints.value(at: planned.endpoint)
    if let before, before.flags & UInt32(ENDPOINT_PRESENT) != 0, before.address != planned.address.networkOrder {
      throw DatapathError(
        code: .conflict,
        message:
          "endpoint \(planned.endpoint) belongs to \(IPv4Address(networkOrder: before.address)); remove that pod "
          + "first, or choose another number")
    }
    let isEntryOld = try hasEntry(planned)
    do {
      try datapath.endpoints.setValue(entry(planned), at: planned.endpoint)
      let dispatcher = try datapath.makeDispatcher(endpoint: planned.endpoint)
      try await attach(.fromPod, dispatcher.egress, planned, on: index, in: view)
      try await attach(.toPod, dispatcher.ingress, planned, on: index, in: view)
    } catch {
      try? await detachPrograms(planned, in: view)
      if !isEntryOld { try? removeEntry(planned) }
      throw error
    }
    return isEntryOld ? .keepEndpoint : .remove
  }

  /// Detaches the programs, then takes the entry back, if it is this pod's.
  func detach(_ planned: PlannedPrograms, in view: NamespaceView?, keepsEndpoint: Bool = false) async throws {
    try await detachPrograms(planned, in: view)
    if !keepsEndpoint { try removeEntry(planned) }
  }

  // MARK: Programs

  private func isAttached(
    _ flow: Flow, _ planned: PlannedPrograms, on index: InterfaceIndex, in view: NamespaceView
  ) async throws -> Bool {
    switch anchor {
    case .filter:
      return try await filter(flow, planned, on: index, in: view) != nil
    case .pinnedLink(let directory):
      return try isPinned(pin(flow, planned, in: directory))
    }
  }

  private func attach(
    _ flow: Flow, _ program: borrowing BPFProgram, _ planned: PlannedPrograms, on index: InterfaceIndex,
    in view: NamespaceView
  ) async throws {
    switch anchor {
    case .filter:
      try await view.socket.qdiscs.ensureClsact(on: index)
      try await view.socket.filters.replace(
        BPFFilter(
          interface: index, direction: flow.direction(planned.side), priority: Self.priority, handle: Self.handle,
          programDescriptor: program.descriptor, name: name(flow, planned)))
    case .pinnedLink(let directory):
      try BPFFileSystem.makeDirectory(directory)
      let path = pin(flow, planned, in: directory)
      // A file that is left over from a link that went away attaches nothing.
      try BPFFileSystem.removePin(at: path)
      let attachment = try await program.attach(
        toTrafficControl: flow.hook(planned.side), of: index.rawValue, in: view.namespace, mechanism: .tcx)
      try attachment.persist(at: path)
    }
  }

  private func detachPrograms(_ planned: PlannedPrograms, in view: NamespaceView?) async throws {
    switch anchor {
    case .filter:
      guard let view, let index = try await view.index(of: planned.link) else { return }
      for flow in Flow.allCases {
        guard let filter = try await filter(flow, planned, on: index, in: view) else { continue }
        try await view.socket.filters.remove(filter)
      }
    case .pinnedLink(let directory):
      for flow in Flow.allCases {
        let path = pin(flow, planned, in: directory)
        guard try isPinned(path) else { continue }
        try await Attachment.open(pinnedAt: path).detach()
        try BPFFileSystem.removePin(at: path)
      }
    }
  }

  private func isPinned(_ path: FilePath) throws -> Bool {
    do {
      _ = try Attachment.open(pinnedAt: path)
      return true
    } catch {
      if error.code == .notFound { return false }
      throw error
    }
  }

  private func filter(
    _ flow: Flow, _ planned: PlannedPrograms, on index: InterfaceIndex, in view: NamespaceView
  ) async throws -> InstalledFilter? {
    try await view.socket.filters.all(on: index, direction: flow.direction(planned.side))
      .first { $0.program?.name == name(flow, planned) && $0.program?.isDirectAction == true }
  }

  private func name(_ flow: Flow, _ planned: PlannedPrograms) -> String {
    "\(Ownership.aliasPrefix)\(flow.rawValue)-pod:\(planned.endpoint)"
  }

  private func pin(_ flow: Flow, _ planned: PlannedPrograms, in directory: FilePath) -> FilePath {
    directory.appending("\(flow.rawValue)_pod_\(planned.endpoint)")
  }

  // MARK: The endpoint map

  private func entry(_ planned: PlannedPrograms) -> endpoint {
    let policy = planned.requiresPolicy ? UInt32(ENDPOINT_POLICY_REQUIRED) : 0
    return endpoint(address: planned.address.networkOrder, flags: UInt32(ENDPOINT_PRESENT) | policy)
  }

  private func hasEntry(_ planned: PlannedPrograms) throws(BPFError) -> Bool {
    let (found, wanted) = (try datapath.endpoints.value(at: planned.endpoint), entry(planned))
    return found?.address == wanted.address && found?.flags == wanted.flags
  }

  private func removeEntry(_ planned: PlannedPrograms) throws(BPFError) {
    guard let found = try datapath.endpoints.value(at: planned.endpoint),
      found.flags & UInt32(ENDPOINT_PRESENT) != 0, found.address == planned.address.networkOrder
    else { return }
    try datapath.endpoints.setValue(endpoint(address: 0, flags: 0), at: planned.endpoint)
    // The number's next owner must not inherit replies.
    try datapath.removeFlows(ofEndpoint: planned.endpoint)
  }
}
