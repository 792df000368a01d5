// SPDX-License-Identifier: Apache-2.0

internal import LinuxSystem
internal import NetlinkKit
internal import NetworkTypes

/// Compares, makes and removes the objects of a plan, one at a time, in the namespaces of one pod and its node.
struct ObjectKeeper: Sendable {
  let node: NamespaceView
  /// `nil` when the pod's namespace is gone: what was in it is gone too.
  let pod: NamespaceView?
  let programs: ProgramKeeper?

  typealias Step = PodWiringPlan.Step

  func view(_ step: Step) throws(DatapathError) -> NamespaceView {
    switch step.place {
    case .node: return node
    case .pod:
      guard let pod else { throw Self.noNamespace }
      return pod
    }
  }

  func state(of step: Step) async throws -> ObjectState {
    let view = try view(step)
    switch step.object {
    case .link(let link):
      // A pair's other end is looked at where it was born.
      return try await view.state(of: link, peer: pod)
    case .up(let link, let isARPEnabled):
      return try await view.isUp(link, isARPEnabled: isARPEnabled)
    case .address(let address, let prefixLength, let link, let isHostScope):
      return try await view.address(address, prefixLength: prefixLength, link: link, isHostScope: isHostScope).state
    case .neighbour(let address, let mac, let link):
      return try await view.neighbour(address, mac: mac, link: link)
    case .route(let route):
      return try await view.route(route).state
    case .rule(let rule):
      return try await view.rule(rule).state
    case .sysctl(let path, let value):
      let found = try await Sysctl.read(path, in: view.namespace)
      return found == value ? .asPlanned : .differs(found: found, isOurs: true)
    case .programs(let planned):
      guard let programs else { throw Self.noPrograms(planned) }
      return try await programs.state(of: planned, in: view)
    }
  }

  func make(_ step: Step) async throws -> Undo {
    let view = try view(step)
    switch step.object {
    case .link(let link):
      try await view.make(link, node: node, peer: pod)
      return .remove
    case .up(let link, let isARPEnabled):
      return try await view.bringUp(link, isARPEnabled: isARPEnabled)
    case .address(let address, let prefixLength, let link, let isHostScope):
      try await view.addAddress(address, prefixLength: prefixLength, link: link, isHostScope: isHostScope)
      return .remove
    case .neighbour(let address, let mac, let link):
      try await view.setNeighbour(address, mac: mac, link: link)
      return .nothing
    case .route(let route):
      try await view.addRoute(route)
      return .remove
    case .rule(let rule):
      try await view.addRule(rule)
      return .remove
    case .sysctl(let path, let value):
      let before = try await Sysctl.read(path, in: view.namespace)
      try await Sysctl.write(value, to: path, in: view.namespace)
      return .restore(before)
    case .programs(let planned):
      guard let programs else { throw Self.noPrograms(planned) }
      return try await programs.attach(planned, in: view)
    }
  }

  /// Removes what the step would have made, if it is there and ours.
  ///
  /// What is not there is not an error.
  func remove(_ step: Step) async throws {
    if step.place == .pod, pod == nil {
      if case .programs(let planned) = step.object { try await programs?.detach(planned, in: nil) }
      return
    }
    let view = try view(step)
    do {
      switch step.object {
      case .link(let link):
        try await view.remove(link)
      case .address(let address, let prefixLength, let link, let isHostScope):
        let (state, found) = try await view.address(
          address, prefixLength: prefixLength, link: link, isHostScope: isHostScope)
        if state == .asPlanned, let found { try await view.socket.addresses.remove(found) }
      case .route(let route):
        let (state, found) = try await view.route(route)
        if state.isOurs, let found { try await view.socket.routes.remove(found) }
      case .rule(let rule):
        let (state, found) = try await view.rule(rule)
        if state.isOurs, let found { try await view.socket.rules.remove(found) }
      case .programs(let planned):
        try await programs?.detach(planned, in: view)
      case .up, .neighbour, .sysctl: break
      }
    } catch let error as NetlinkError where error.code == .notFound {}
  }

  func undo(_ step: Step, _ undo: Undo) async throws {
    switch (undo, step.object) {
    case (.remove, _): try await remove(step)
    case (.programs(let change), .programs(let planned)):
      try await programs?.takeBack(change, of: planned, in: view(step))
    case (.setDown, .up(let link, _)):
      let view = try view(step)
      if let index = try await view.index(of: link) {
        try await view.socket.links.change(index, LinkChanges(isUp: false))
      }
    case (.restore(let value), .sysctl(let path, _)):
      try await Sysctl.write(value, to: path, in: try view(step).namespace)
    default: break
    }
  }

  /// Not reached: additions and verifications have a namespace, and removal asks before.
  private static var noNamespace: DatapathError {
    DatapathError(code: .namespaceUnreachable, message: "no namespace of the pod was given")
  }

  private static func noPrograms(_ planned: PlannedPrograms) -> DatapathError {
    DatapathError(
      code: .invalidArgument,
      message: "endpoint \(planned.endpoint) needs programs, and this wirer was made without a datapath")
  }
}

extension ObjectState {
  /// Whether what is there may be removed.
  var isOurs: Bool {
    switch self {
    case .asPlanned: true
    case .absent: false
    case .differs(_, let isOurs): isOurs
    }
  }
}
