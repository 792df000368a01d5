// SPDX-License-Identifier: Apache-2.0

internal import BPFMaps
public import DatapathPrograms
public import LinuxSystem
internal import NetlinkKit
internal import NetworkTypes

/// Connects pods of one node to its ENIs, and disconnects them.
///
/// Each verb is idempotent. Adding what is there changes nothing; removing what is not there succeeds; an addition
/// that fails takes back what it made, in reverse. Operations run one after the other.
///
/// ```swift
/// let wirer = try await PodWirer(node: node, namespace: .current(), datapath: datapath)
/// let record = try await wirer.add(pod, on: eni, in: podNamespace, mode: .best())
/// // store `record`; later, perhaps in another process:
/// try await wirer.remove(record, from: podNamespace)
/// ```
///
/// - Requires: CAP_NET_ADMIN and CAP_SYS_ADMIN; CAP_BPF for programs.
public actor PodWirer {
  /// The node.
  public nonisolated let node: NodeConfiguration
  private let view: NamespaceView
  private let programs: ProgramKeeper?
  private let lock = SerialLock()

  /// Makes a wirer for a node.
  ///
  /// - Parameters:
  ///   - node: What all its pods have in common.
  ///   - namespace: The node's network namespace.
  ///   - datapath: The programs to attach; `nil` for wiring alone, with pods that have no endpoint.
  ///   - anchor: What keeps attached programs in place. The same for all of a node's pods, always.
  /// - Throws: `kernel` when no netlink socket can be opened in the namespace.
  public init(
    node: NodeConfiguration, namespace: NetworkNamespace, datapath: PodDatapath? = nil,
    anchor: ProgramAnchor = .filter
  ) async throws(DatapathError) {
    self.node = node
    do {
      view = try await NamespaceView(namespace)
    } catch {
      throw DatapathError(code: .kernel, message: "open a netlink socket in the node's namespace", underlying: error)
    }
    programs = datapath.map { ProgramKeeper(datapath: $0, anchor: anchor) }
  }

  /// Connects a pod.
  ///
  /// What is there as planned stays untouched; what is missing or ours and wrong is made.
  ///
  /// - Parameters:
  ///   - pod: The pod.
  ///   - eni: The ENI, whose NIC is in the node's namespace.
  ///   - namespace: The pod's network namespace.
  ///   - mode: How the pod shares the ENI. Not another than that of the ENI's other pods.
  /// - Returns: What to store, and to hand to ``remove(_:from:)``.
  /// - Throws: ``DatapathError``: `invalidArgument`, `linkNotFound`, `modeConflict`, `addressInUse`, `conflict`,
  ///   `notSupported`, `namespaceUnreachable`, `programs`, `kernel`. Nothing is left of the addition then.
  public func add(
    _ pod: PodAttachment, on eni: ENIAttachment, in namespace: NetworkNamespace, mode: WiringMode
  ) async throws(DatapathError) -> WiringRecord {
    let record = WiringRecord(mode: mode, node: node, eni: eni, pod: pod)
    let plan = try PodWiringPlan(record)
    try await lock.locked { () async throws(DatapathError) in
      let keeper = try await keeper(for: namespace, pod: pod.pod)
      try await check(eni, mode: mode, pod: pod)
      try await apply(plan, with: keeper, pod: pod)
    }
    return record
  }

  /// Disconnects a pod, and takes what its ENI's pods share when it was the last.
  ///
  /// - Parameters:
  ///   - record: From ``add(_:on:in:mode:)``. One that was never added is not an error.
  ///   - namespace: The pod's network namespace; `nil` when it is gone.
  /// - Throws: ``DatapathError``: `namespaceUnreachable` before anything is removed; `programs` and `kernel` after
  ///   everything else was.
  public func remove(_ record: WiringRecord, from namespace: NetworkNamespace?) async throws(DatapathError) {
    let plan = try PodWiringPlan(record)
    try await lock.locked { () async throws(DatapathError) in
      let keeper = try await keeper(for: namespace, pod: record.pod.pod)
      var failures = await remove(plan.removalSteps, with: keeper, pod: record.pod.pod)
      do {
        if try await isLast(record) {
          failures += await remove(plan.lastPodRemovalSteps, with: keeper, pod: record.pod.pod)
        }
      } catch {
        failures.append(wrap(error, step: "look for other pods on \(record.eni.link)", pod: record.pod.pod))
      }
      if let first = failures.first { throw first }
    }
  }

  /// Reads everything back and compares.
  ///
  /// - Parameters:
  ///   - record: From ``add(_:on:in:mode:)``.
  ///   - namespace: The pod's network namespace.
  /// - Returns: What is not as planned, in the plan's order; empty when all is well.
  /// - Throws: ``DatapathError``: `namespaceUnreachable`, `programs`, `kernel`.
  public func verify(
    _ record: WiringRecord, in namespace: NetworkNamespace
  ) async throws(DatapathError) -> [Difference] {
    let plan = try PodWiringPlan(record)
    return try await lock.locked { () async throws(DatapathError) in
      let keeper = try await keeper(for: namespace, pod: record.pod.pod)
      var differences: [Difference] = []
      for step in plan.steps {
        do {
          switch try await keeper.state(of: step) {
          case .asPlanned: break
          case .absent: differences.append(Difference(step: step.description, found: "nothing"))
          case .differs(let found, _): differences.append(Difference(step: step.description, found: found))
          }
        } catch {
          throw wrap(error, step: step.description, pod: record.pod.pod)
        }
      }
      return differences
    }
  }

  // MARK: Under the lock

  /// Without a namespace for a pod whose namespace is gone, and with it what was in there.
  private func keeper(for namespace: NetworkNamespace?, pod: PodIdentity) async throws(DatapathError) -> ObjectKeeper {
    guard let namespace else { return ObjectKeeper(node: view, pod: nil, programs: programs) }
    do {
      return ObjectKeeper(node: view, pod: try await NamespaceView(namespace), programs: programs)
    } catch {
      throw DatapathError(
        code: .namespaceUnreachable,
        message: "the pod's namespace can't be entered; try again, or remove the pod without one if it is gone",
        pod: pod, underlying: error)
    }
  }

  /// Removes as much as it can.
  private func remove(
    _ steps: [PodWiringPlan.Step], with keeper: ObjectKeeper, pod: PodIdentity
  ) async -> [DatapathError] {
    var failures: [DatapathError] = []
    for step in steps {
      do {
        try await keeper.remove(step)
      } catch {
        failures.append(wrap(error, step: step.removalDescription, pod: pod))
      }
    }
    return failures
  }

  private func apply(
    _ plan: PodWiringPlan, with keeper: ObjectKeeper, pod: PodAttachment
  ) async throws(DatapathError) {
    var done: [(PodWiringPlan.Step, Undo)] = []
    for step in plan.steps {
      do {
        if let undo = try await ensure(step, with: keeper, pod: pod) { done.append((step, undo)) }
      } catch {
        for (step, undo) in done.reversed() { try? await keeper.undo(step, undo) }
        throw wrap(error, step: step.description, pod: pod.pod)
      }
    }
  }

  /// Makes one object exist as planned, and reads it back: some of the kernel's acknowledgements are not kept.
  private func ensure(
    _ step: PodWiringPlan.Step, with keeper: ObjectKeeper, pod: PodAttachment
  ) async throws -> Undo? {
    switch try await keeper.state(of: step) {
    case .asPlanned: return nil
    case .absent: break
    case .differs(let found, let isOurs):
      if case .route(let route) = step.object, route.destination == .host(pod.address), !isOurs {
        throw DatapathError(code: .addressInUse, message: "\(pod.address) is in use: \(found)")
      }
      guard isOurs, !(step.isShared && step.ownLink != nil) else {
        throw DatapathError(code: .conflict, message: "in the way, and not this pod's to change: \(found)")
      }
      switch step.object {
      case .link, .address, .route, .rule: try await keeper.remove(step)
      // Made over what is there. Above all, another pod's entry in the endpoint map must not be taken away here.
      case .up, .neighbour, .sysctl, .programs: break
      }
    }
    let undo: Undo
    do {
      undo = try await keeper.make(step)
    } catch {
      // A link is made in several requests, and a later one may fail; every other step cleans up after itself.
      if step.ownLink != nil { try? await keeper.remove(step) }
      throw error
    }
    let failure: DatapathError
    switch try await keeper.state(of: step) {
    case .asPlanned: return undo
    case .absent: failure = DatapathError(code: .kernel, message: "acknowledged, and not there")
    case .differs(let found, _):
      failure = DatapathError(code: .kernel, message: "acknowledged, and not as asked: \(found)")
    }
    try? await keeper.undo(step, undo)
    throw failure
  }

  /// What must hold before anything is touched: it is the NIC that was meant, and nobody uses it in another way.
  private func check(_ eni: ENIAttachment, mode: WiringMode, pod: PodAttachment) async throws(DatapathError) {
    do {
      guard let parent = try await view.socket.links.link(at: eni.index) else {
        throw DatapathError(
          code: .linkNotFound, message: "no link \(eni.index) (\(eni.link)) on the node; attach the ENI first")
      }
      guard parent.name == eni.link, parent.address == eni.mac else {
        throw DatapathError(
          code: .linkNotFound,
          message: "link \(eni.index) is \(parent.name) with address \(parent.address?.description ?? "none"), not "
            + "\(eni.link) with \(eni.mac); the ENI was attached again, look it up by its MAC address")
      }
      for link in try await view.socket.links.all() {
        guard case .ipvlan(eni.index, let other, let flag)? = link.kind else { continue }
        if mode == .veth {
          throw DatapathError(
            code: .modeConflict, message: "\(eni.link) carries ipvlan pods (\(link.name)); use ipvlan or another ENI")
        }
        if other != .l2 || flag != .bridge {
          throw DatapathError(
            code: .modeConflict,
            message: "\(eni.link) is in use by \(link.name) in mode \(other) \(flag), and a slave in mode l2 would "
              + "change it; remove it or use another ENI")
        }
      }
      if mode == .ipvlan, try await view.podRules(to: eni.routeTable) > 0 {
        throw DatapathError(
          code: .modeConflict,
          message: "\(eni.link) carries veth pods (table \(eni.routeTable)); use veth or another ENI")
      }
    } catch {
      throw wrap(error, step: nil, pod: pod.pod)
    }
  }

  private func isLast(_ record: WiringRecord) async throws -> Bool {
    switch record.mode {
    case .ipvlan: try await view.podRoutes(by: Ownership.helper(on: record.eni)) == 0
    case .veth:
      // The table's route is the proof that the ENI's address is ours to take away.
      if try await view.podRules(to: record.eni.routeTable) > 0 {
        false
      } else {
        try await view.route(
          PlannedRoute(
            destination: nil, gateway: record.eni.gateway, link: record.eni.link, table: record.eni.routeTable)
        ).state == .asPlanned
      }
    }
  }
}

/// Puts the pod and the step into an error from below.
private func wrap(_ error: any Error, step: String?, pod: PodIdentity) -> DatapathError {
  if let error = error as? DatapathError {
    return DatapathError(
      code: error.code, message: error.message, pod: error.pod ?? pod, step: error.step ?? step,
      underlying: error.underlying)
  }
  if let error = error as? NetlinkError {
    let code: DatapathError.Code =
      switch error.code {
      case .addressInUse: .addressInUse
      case .exists, .busy: .conflict
      default: .kernel
      }
    return DatapathError(code: code, message: "the kernel refused", pod: pod, step: step, underlying: error)
  }
  if error is BPFError {
    return DatapathError(
      code: .programs, message: "the pod's programs or their maps", pod: pod, step: step, underlying: error)
  }
  return DatapathError(code: .kernel, message: "failed", pod: pod, step: step, underlying: error)
}
