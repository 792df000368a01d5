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
        failures.append(wrap(error, step: "look for other pods on \(record.eni.link)", pod: record.pod))
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
      for stage in plan.stages {
        do {
          differences += try await keeper.differences(stage)
        } catch {
          throw wrap(error, step: nil, pod: record.pod)
        }
      }
      return differences
    }
  }

  // MARK: Under the lock

  /// Without a namespace for a pod whose namespace is gone, and with it what was in there.
  private func keeper(for namespace: NetworkNamespace?, pod: PodIdentity) async throws(DatapathError) -> StageKeeper {
    do {
      var podView: NamespaceView?
      if let namespace { podView = try await NamespaceView(namespace) }
      return try await StageKeeper(node: view, pod: podView, programs: programs)
    } catch {
      throw DatapathError(
        code: .namespaceUnreachable,
        message: "the pod's namespace can't be entered; try again, or remove the pod without one if it is gone",
        pod: pod, underlying: error)
    }
  }

  /// Removes as much as it can.
  private func remove(
    _ steps: [PodWiringPlan.Step], with keeper: StageKeeper, pod: PodIdentity
  ) async -> [DatapathError] {
    var failures: [DatapathError] = []
    for stage in PodWiringPlan.stages(steps) {
      for error in await keeper.remove(stage) { failures.append(wrap(error, step: nil, pod: nil, identity: pod)) }
    }
    return failures
  }

  private func apply(
    _ plan: PodWiringPlan, with keeper: StageKeeper, pod: PodAttachment
  ) async throws(DatapathError) {
    var done: [(stage: Stage, undo: StageKeeper.Undo)] = []
    for stage in plan.stages {
      do {
        if let undo = try await keeper.make(stage) { done.append((stage, undo)) }
      } catch {
        for (stage, undo) in done.reversed() { try? await keeper.takeBack(undo, of: stage) }
        throw wrap(error, step: nil, pod: pod)
      }
    }
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
      throw wrap(error, step: nil, pod: pod)
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
        try await view.has(
          PlannedRoute(
            destination: nil, gateway: record.eni.gateway, link: record.eni.link, table: record.eni.routeTable))
      }
    }
  }
}

/// Puts the pod and the step into an error from below.
private func wrap(
  _ error: any Error, step: String?, pod: PodAttachment?, identity: PodIdentity? = nil
) -> DatapathError {
  let name = identity ?? pod?.pod
  if let error = error as? DatapathError {
    return DatapathError(
      code: error.code, message: error.message, pod: error.pod ?? name, step: error.step ?? step,
      underlying: error.underlying)
  }
  if let error = error as? NetlinkError { return wrap(error, step: step, pod: pod, name: name) }
  if error is BPFError {
    return DatapathError(
      code: .programs, message: "the pod's programs or their maps", pod: name, step: step, underlying: error)
  }
  return DatapathError(code: .kernel, message: "failed", pod: name, step: step, underlying: error)
}

private func wrap(_ error: NetlinkError, step: String?, pod: PodAttachment?, name: PodIdentity?) -> DatapathError {
  let step = step ?? error.operation
  switch error.code {
  case .conflict:
    if let pod, error.operation.hasPrefix("ip route add \(pod.address)/32 ") {
      return DatapathError(
        code: .addressInUse, message: "\(pod.address) is in use: \(error.reason)", pod: name, step: step)
    }
    return DatapathError(code: .conflict, message: error.reason, pod: name, step: step)
  case .diverged: return DatapathError(code: .kernel, message: error.reason, pod: name, step: step)
  case .notSupported where error.operation.hasPrefix("ip link add") && error.operation.contains(" type ipvlan"):
    return DatapathError(
      code: .notSupported,
      message: "this kernel has no ipvlan; load its module (modprobe ipvlan), or wire the pod by veth", pod: name,
      step: step, underlying: error)
  case .addressInUse:
    return DatapathError(
      code: .addressInUse, message: "the kernel refused", pod: name, step: step, underlying: error)
  case .exists, .busy:
    return DatapathError(code: .conflict, message: "the kernel refused", pod: name, step: step, underlying: error)
  default:
    return DatapathError(code: .kernel, message: "the kernel refused", pod: name, step: step, underlying: error)
  }
}
