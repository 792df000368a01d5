// SPDX-License-Identifier: Apache-2.0

import ExampleSupport
import Foundation
import LinuxSystem
import NetworkTypes
import ServiceList

/// Programs each mode with the same services, and times traffic in turn: A B C, B C A, C A B.
struct Latency: Sendable {
  var modes: [Mode]
  var profiles: [Profile]
  var rounds: Int
  var operations: Int
  var processor: Int
  /// What else each node knows; nil for nothing.
  var flows: OpenFlows?

  /// A mode that is ready.
  private struct Contender: Sendable {
    let mode: Mode
    let stage: Stage
    let servers: Servers
    let balancer: any Balancer
    let flows: OpenFlows?
  }

  /// Measures one list.
  ///
  /// - Parameters:
  ///   - list: The services.
  ///   - count: What the operations' names say.
  ///   - figures: Where the rounds go.
  ///   - report: Is called with the cost of programming a mode.
  /// - Throws: With the mode's name, where its services do not work.
  func run(
    _ list: ServiceList, count: Int, into figures: inout Figures, report: (Mode, Cost) throws -> Void
  ) async throws {
    let targets = try Targets(list, profiles)
    var contenders: [Contender] = []
    for mode in modes {
      try Task.checkCancellation()
      Progress.say("\(count) services: \(mode.rawValue)")
      let contender = try await prepare(mode, list, targets) { try report(mode, $0) }
      contenders.append(contender)
      // The first operations find caches and neighbours empty; and whether it works at all shows here.
      for target in targets.all { _ = try await time(contender, target, count: max(operations / 10, 20)) }
    }
    for round in 0..<rounds {
      try Task.checkCancellation()
      for target in targets.all {
        for turn in contenders.indices {
          let contender = contenders[(round + turn) % contenders.count]
          let sample = try await time(contender, target, count: operations)
          figures.add(
            Round(sample), contender.mode, Operation(count: count, place: target.place, profile: target.profile))
        }
      }
    }
    for contender in contenders where contender.mode == .ipvs { try contender.flows?.checkTheyLast() }
    for contender in contenders {
      await contender.servers.stop()
      try await contender.balancer.remove()
    }
  }

  private func prepare(
    _ mode: Mode, _ list: ServiceList, _ targets: Targets, _ report: (Cost) throws -> Void
  ) async throws -> Contender {
    let stage = try await Stage()
    try await stage.serve(targets.addresses)
    let balancer = try await mode.balancer(at: stage, for: list)
    try report(try await balancer.program(list))
    var flows = flows
    if flows != nil { Progress.say("\(mode.rawValue): \(flows?.count ?? 0) flows") }
    try await flows?.open(to: list, mode, at: stage, on: processor)
    let servers = try await balancer.serving {
      try await Servers(targets.ports, in: stage.server, on: processor)
    }
    return Contender(mode: mode, stage: stage, servers: servers, balancer: balancer, flows: flows)
  }

  private func time(_ contender: Contender, _ target: Targets.Target, count: Int) async throws -> Sample {
    let peer = contender.mode.isFloor ? target.backend : target.service
    do {
      return try await contender.balancer.serving {
        try await contender.stage.time(target.profile, to: peer, count: count, on: processor)
      }
    } catch let error as ExampleError {
      throw ExampleError("\(contender.mode.rawValue): \(error)")
    }
  }
}

/// Whom the traffic is for.
struct Targets: Sendable {
  struct Target: Sendable {
    var place: Place
    var profile: Profile
    var service: ServiceList.Backend
    var backend: ServiceList.Backend
  }

  private(set) var all: [Target] = []
  /// Of all backends that may be asked.
  private(set) var addresses: Set<IPAddress> = []
  private(set) var ports: Set<NetworkTypes.Port> = []

  init(_ list: ServiceList, _ profiles: [Profile]) throws {
    for profile in profiles {
      let transport: IPProtocol = profile == .udp ? .udp : .tcp
      let lines = list.lines.filter { $0.protocol == transport }
      for (place, line) in [(Place.first, lines.first), (Place.last, lines.last)] {
        guard let line, let backend = line.backends.first else {
          throw ExampleError("the \(place.rawValue) \(transport) service of the list is missing, or has no backend")
        }
        addresses.formUnion(line.backends.map(\.address))
        ports.formUnion(line.backends.map(\.port))
        all.append(
          Target(
            place: place, profile: profile, service: ServiceList.Backend(address: line.address, port: line.port),
            backend: backend))
      }
    }
  }
}

/// What goes to standard error.
enum Progress {
  static func say(_ text: String) { try? FileHandle.standardError.write(contentsOf: Data("svc-bench: \(text)\n".utf8)) }
}
