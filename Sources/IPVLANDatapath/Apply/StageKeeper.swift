// SPDX-License-Identifier: Apache-2.0

internal import LinuxSystem
internal import NetlinkKit
internal import NetworkTypes

/// Makes, compares and removes the stages of a plan in the namespaces of one pod and its node.
///
/// Netlink's objects are NetlinkKit's to compare and change; settings and programs are added here.
struct StageKeeper: Sendable {
  let node: NamespaceView
  /// `nil` when the pod's namespace is gone: what was in it is gone too.
  let pod: NamespaceView?
  let programs: ProgramKeeper?
  private let localPods: LocalPodKeeper?
  private let surroundings: Surroundings

  init(node: NamespaceView, pod: NamespaceView?, programs: ProgramKeeper?) async throws(NetlinkError) {
    self.node = node
    self.pod = pod
    self.programs = programs
    localPods = programs.map { LocalPodKeeper(datapath: $0.datapath) }
    // By this number a request in the pod's namespace names the parent's.
    let nodeID = try await pod?.socket.namespaceIDs.ensureID(of: node.namespace)
    surroundings = Surroundings(pod: pod?.namespace, nodeID: nodeID)
  }

  /// How to take back what one stage did.
  enum Undo: Sendable {
    case changes(AppliedChanges)
    /// The setting had this value before.
    case setting(path: String, value: String)
    case programs(ProgramChange, PlannedPrograms)
    case localPods([LocalPodKeeper.Change])
  }

  private func view(_ stage: Stage) throws(DatapathError) -> NamespaceView {
    switch stage.place {
    case .node: return node
    case .pod:
      guard let pod else {
        // Not reached: additions and verifications have a namespace, and removal asks before.
        throw DatapathError(code: .namespaceUnreachable, message: "no namespace of the pod was given")
      }
      return pod
    }
  }

  private func desired(_ objects: [PlannedObject], _ stage: Stage) -> DesiredState {
    var surroundings = surroundings
    // The node's own slave lies on a parent beside it.
    if stage.place == .node { surroundings.nodeID = nil }
    return DesiredState(objects, isShared: stage.isShared, surroundings)
  }

  /// Makes a stage exist as planned, and reads it back.
  ///
  /// - Returns: how to take it back; nil when all was there.
  func make(_ stage: Stage) async throws -> Undo? {
    let view = try view(stage)
    switch stage.work {
    case .objects(let objects):
      try await discardHalfPairs(objects, in: view)
      let applied = try await view.socket.converge(to: desired(objects, stage), stale: .keep)
      return applied.isEmpty ? nil : .changes(applied)
    case .sysctl(let path, let value):
      let before = try await Sysctl.read(path, in: view.namespace)
      guard before != value else { return nil }
      try await Sysctl.write(value, to: path, in: view.namespace)
      return .setting(path: path, value: before)
    case .programs(let planned):
      let programs = try keeper(for: planned)
      if try await programs.state(of: planned, in: view) == nil { return nil }
      let change = try await programs.attach(planned, in: view)
      if let found = try await programs.state(of: planned, in: view) {
        try await programs.takeBack(change, of: planned, in: view)
        throw DatapathError(code: .kernel, message: "attached, and not as asked: \(found)")
      }
      return .programs(change, planned)
    case .localPod(let planned):
      // Wiring alone has nobody to tell.
      guard let localPods else { return nil }
      let changes = try localPods.add(planned)
      return changes.isEmpty ? nil : .localPods(changes)
    }
  }

  /// What is not as planned.
  func differences(_ stage: Stage) async throws -> [Difference] {
    let view = try view(stage)
    func difference(_ step: String, _ found: String) -> Difference {
      Difference(step: "\(stage.place.label)  \(step)", found: found)
    }
    switch stage.work {
    case .objects(let objects):
      do throws(NetlinkError) {
        let plan = try await view.socket.plan(desired(objects, stage), stale: .keep)
        return plan.steps.map { difference($0.description, $0.found ?? "nothing") }
      } catch {
        guard error.code == .conflict || error.code == .notFound else { throw error }
        return [difference(error.operation, error.reason)]
      }
    case .sysctl(let path, let value):
      let found = try await Sysctl.read(path, in: view.namespace)
      return found == value ? [] : [difference("sysctl \(path)=\(value)", found)]
    case .programs(let planned):
      guard let found = try await keeper(for: planned).state(of: planned, in: view) else { return [] }
      return [difference(planned.description, found)]
    case .localPod(let planned):
      guard let found = try localPods?.state(of: planned) else { return [] }
      return [difference(planned.description, found)]
    }
  }

  func takeBack(_ undo: Undo, of stage: Stage) async throws {
    let view = try view(stage)
    switch undo {
    case .changes(let applied): try await view.socket.takeBack(applied)
    case .setting(let path, let value): try await Sysctl.write(value, to: path, in: view.namespace)
    case .programs(let change, let planned): try await keeper(for: planned).takeBack(change, of: planned, in: view)
    case .localPods(let changes): try localPods?.takeBack(changes)
    }
  }

  /// Removes what a stage would have made, as far as it is there and ours; settings stay.
  ///
  /// - Returns: what could not be removed.
  func remove(_ stage: Stage) async -> [any Error] {
    do {
      switch stage.work {
      case .objects(let objects):
        guard stage.place == .node || pod != nil else { return [] }
        let socket = try view(stage).socket
        return await socket.attempt(try await socket.plan(removing: desired(objects, stage)))
      case .programs(let planned):
        try await programs?.detach(planned, in: stage.place == .pod ? pod : node)
        return []
      case .localPod(let planned):
        try localPods?.remove(planned)
        return []
      case .sysctl: return []
      }
    } catch {
      return [error]
    }
  }

  /// Removes the node's end of a pair whose other end is not in the pod: it is of an earlier sandbox.
  private func discardHalfPairs(_ objects: [PlannedObject], in view: NamespaceView) async throws {
    for object in objects {
      guard case .link(let planned) = object, case .veth(_, let peer, let mac) = planned.kind, let pod else { continue }
      if try await pod.socket.links.link(named: peer)?.address == mac { continue }
      let old = DesiredState([.link(planned)], isShared: false, surroundings)
      try await view.socket.apply(try await view.socket.plan(removing: old))
    }
  }

  private func keeper(for planned: PlannedPrograms) throws(DatapathError) -> ProgramKeeper {
    if let programs { return programs }
    throw DatapathError(
      code: .invalidArgument,
      message: "endpoint \(planned.endpoint) needs programs, and this wirer was made without a datapath")
  }
}

extension PodWiringPlan.Place {
  /// The place's name, as wide as the other's.
  var label: String { self == .node ? "node" : "pod " }
}
