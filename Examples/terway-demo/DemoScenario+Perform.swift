// SPDX-License-Identifier: Apache-2.0

import BPFMaps
import CDatapathABI
import DatapathPrograms
import KubernetesModel
import NetworkTypes

extension DemoScenario {
  /// Tries one flow and compares what happened with what had to.
  func perform(_ attempt: Attempt) async throws -> FlowResult {
    for node in cluster.nodes.values { node.flows.clear() }
    let denied = if case .dropped = attempt.expectation { true } else { false }
    let roundTrips = denied ? 1 : attempt.connections == 1 ? 20 : 2
    let before = try await wireCounters()
    let answer = try await attempt.from.process.perform(
      PodRequest(
        kind: attempt.kind, address: attempt.address, port: attempt.port, connections: attempt.connections,
        roundTrips: roundTrips, timeout: denied ? 400 : 2000))
    let wire = try await wireCounters().filter { link, frames in
      // Neighbour discovery and the like: a few frames. The flow itself would be several per round trip.
      frames - (before[link] ?? 0) >= UInt64(attempt.connections * roundTrips)
    }
    let (expected, observed, isAsExpected) = try await judge(attempt, answer)
    let path: String
    let isRightWay: Bool
    switch attempt.way {
    case .insideNode, .overVPC:
      // The sender's link first.
      let first = wire.keys.first { $0 == attempt.from.link }
      let others = wire.keys.filter { $0 != first }.sorted()
      path =
        wire.isEmpty
        ? "inside \(attempt.from.node.name)" : ([first].compactMap(\.self) + others).joined(separator: " - VPC - ")
      isRightWay = wire.isEmpty == (attempt.way == .insideNode)
    case .bySockets, .byPackets:
      let chosen = try choices(of: attempt.from, attempt.kind == .udp ? .udp : .tcp)
      path = chosen == 0 ? "translated at sockets" : "translated at packets"
      // Two sockets, one after the other, may get the same port, and are one flow then.
      isRightWay = attempt.way == .bySockets ? chosen == 0 : chosen * 2 > attempt.connections
    case .any:
      path = "-"
      isRightWay = true
    }
    return FlowResult(
      flow: attempt.flow, source: attempt.from.name, destinations: try destinations(of: attempt), path: path,
      expected: expected, observed: observed, latency: answer.roundTrips.median,
      verdict: isAsExpected && isRightWay ? .passed : .failed)
  }

  private func destinations(of attempt: Attempt) throws -> [String] {
    switch attempt.expectation {
    case .answers(let names): names.sorted()
    case .refused, .forbidden: []
    case .dropped: cluster.pods.values.filter { $0.address == attempt.address }.map(\.key.name)
    }
  }

  /// How many flows the programs at a pod's packets chose a backend for.
  private func choices(of source: Source, _ transport: IPProtocol) throws -> Int {
    guard case .pod(let pod) = source else { return 0 }
    return try pod.node.datapath.flows.entries().count { key, state in
      UInt32(key.endpoint) == pod.endpoint && key.protocol == transport.rawValue
        && state.flags & UInt32(FLOW_SERVICE) != 0
    }
  }

  private func wireCounters() async throws -> [String: UInt64] {
    var counters: [String: UInt64] = [:]
    for node in cluster.nodes.values { counters.merge(try await node.wireCounters()) { $1 } }
    return counters
  }

  private func judge(_ attempt: Attempt, _ answer: PodAnswer) async throws -> (String, String, Bool) {
    let failures = answer.failures.sorted { $0.key < $1.key }.map { "\($0.value) x \($0.key)" }
    switch attempt.expectation {
    case .answers(let names):
      let counts = answer.servers.sorted { $0.key < $1.key }
      let many = attempt.connections > 1
      let seen = counts.map { many ? "\($0.value) x \($0.key)" : $0.key } + failures
      // A program that asked for a service must see the service as its peer.
      let isRightPeer = answer.peer == "\(attempt.address):\(attempt.port)"
      return (
        many ? "each of \(names.sorted().joined(separator: ", "))" : names.joined(),
        (seen + (isRightPeer ? [] : ["peer \(answer.peer ?? "none")"])).joined(separator: ", "),
        Set(answer.servers.keys) == names && failures.isEmpty && isRightPeer
      )
    case .refused:
      return (
        "connection refused", (answer.servers.keys.sorted() + failures).joined(separator: ", "),
        answer.failures == ["connection refused": attempt.connections]
      )
    case .forbidden:
      return (
        Sockets.bypassRefused, (answer.servers.keys.sorted() + failures).joined(separator: ", "),
        answer.failures == [Sockets.bypassRefused: attempt.connections]
      )
    case .dropped(let reason, let direction, let pod):
      let record = try await pod.node.flows.first {
        $0.endpoint == pod.endpoint && $0.direction == direction && $0.verdict == .dropped(reason)
          && $0.destination == .v4(attempt.address) && $0.destinationPort == attempt.port
      }
      return (
        "drop \(reason) at \(pod.key.name)",
        record.map { "\($0)" }
          ?? (["no flow record"] + answer.servers.keys.sorted() + failures).joined(separator: ", "),
        record != nil && answer.servers.isEmpty && answer.failures == ["timed out": 1]
      )
    }
  }
}
