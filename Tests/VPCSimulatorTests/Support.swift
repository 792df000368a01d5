// SPDX-License-Identifier: Apache-2.0

import ENIProvider
import Logging
import NetworkTypes
import Synchronization
import Testing

@testable import VPCSimulator

/// A fabric that writes down what it is asked, and refuses on demand.
final class RecordingFabric: Fabric {
  struct Refusal: Error {}

  private struct State {
    var log: [String] = []
    var ports: [String: FabricPort] = [:]
    var refusals: [String: Int] = [:]
  }

  private let state = Mutex(State())

  /// One line per effect: `attach eni-1 node-1 10.0.0.1,10.0.0.2/24 via 10.0.0.253`.
  var log: [String] { state.withLock { $0.log } }

  /// The ports that are attached.
  var ports: [String: FabricPort] { state.withLock { $0.ports } }

  /// Makes the next effects of a kind (`attach`, `detach`, `set`) fail.
  func refuse(_ kind: String, _ count: Int = 1) { state.withLock { $0.refusals[kind] = count } }

  private func record(_ kind: String, _ line: String, _ change: (inout [String: FabricPort]) -> Void) throws {
    try state.withLock { state in
      if let left = state.refusals[kind], left > 0 {
        state.refusals[kind] = left - 1
        state.log.append("refused \(kind)")
        throw Refusal()
      }
      state.log.append(line)
      change(&state.ports)
    }
  }

  func attach(_ port: FabricPort) async throws {
    let addresses = port.addresses.map(\.description).joined(separator: ",")
    try record(
      "attach", "attach \(port.eni) \(port.mac) \(port.node) \(addresses)/\(port.prefixLength) via \(port.gateway)"
    ) { $0[port.eni] = port }
  }

  func detach(_ eni: String) async throws {
    try record("detach", "detach \(eni)") { $0[eni] = nil }
  }

  func setAddresses(_ addresses: [IPv4Address], of eni: String) async throws {
    try record("set", "set \(eni) \(addresses.map(\.description).joined(separator: ","))") {
      $0[eni]?.addresses = addresses
    }
  }
}

extension VPCConfiguration {
  /// One small VPC: two vSwitches of two zones, two nodes of the first zone and one of the second.
  static func small(instanceType: String = "ecs.g7.xlarge") throws -> VPCConfiguration {
    VPCConfiguration(
      cidr: try block("10.0.0.0/16"),
      vSwitches: [
        .init(id: "vsw-a", cidr: try block("10.0.0.0/24"), zone: "z-a"),
        .init(id: "vsw-b", cidr: try block("10.0.1.0/29"), zone: "z-b"),
      ], securityGroups: ["sg-1", "sg-2"],
      instances: [
        .init(id: "node-1", zone: "z-a", type: instanceType), .init(id: "node-2", zone: "z-a", type: instanceType),
        .init(id: "node-3", zone: "z-b", type: instanceType),
      ])
  }

  static func block(_ text: String) throws -> IPv4CIDR {
    guard let block = IPv4CIDR(text) else { throw BadBlock() }
    return block
  }

  struct BadBlock: Error {}
}

/// The key that tests sign with.
let testKey = Credentials(accessKeyID: "testid", accessKeySecret: "testsecret")

/// A server on loopback, its region and its fabric.
struct RunningSimulator: Sendable {
  var port: Int
  var simulation: VPCSimulation
  var fabric: RecordingFabric

  /// A client of the server.
  func client(
    _ style: SignatureStyle = .acs3, credentials: Credentials = testKey, timing: Timing = .system
  ) throws -> ECSClient {
    let retry = RetryPolicy(maximumAttempts: 4, initialDelay: .milliseconds(5))
    guard let endpoint = Endpoint("http://127.0.0.1:\(port)") else { throw VPCConfiguration.BadBlock() }
    return ECSClient(
      .init(region: "cn-hangzhou", endpoint: endpoint, signatureStyle: style, retry: retry), credentials: credentials,
      timing: timing)
  }
}

/// Runs a body against a server on a free port, and stops the server.
func withSimulator<Value: Sendable>(
  _ configuration: VPCConfiguration, delay: Duration = .milliseconds(20),
  _ body: @escaping @Sendable (RunningSimulator) async throws -> Value
) async throws -> Value {
  let fabric = RecordingFabric()
  var logger = Logger(label: "test")
  logger.logLevel = .critical
  let simulation = try VPCSimulation(configuration, fabric: fabric, delays: .init(all: delay), logger: logger)
  let server = ECSSimulator(simulation, credentials: [testKey], port: 0, logger: logger)
  let (ports, continuation) = AsyncStream.makeStream(of: Int.self)
  return try await withThrowingTaskGroup(of: Value?.self) { group in
    group.addTask {
      defer { continuation.finish() }
      try await server.run { continuation.yield($0) }
      return nil
    }
    var iterator = ports.makeAsyncIterator()
    guard let port = await iterator.next() else {
      try await group.waitForAll()
      throw CancellationError()
    }
    group.addTask { try await body(RunningSimulator(port: port, simulation: simulation, fabric: fabric)) }
    defer { group.cancelAll() }
    while let finished = try await group.next() {
      if let value = finished { return value }
    }
    throw CancellationError()
  }
}

/// Expects a body to be refused with a code and an HTTP status.
func expectRefusal<Value>(
  _ expected: (code: String, status: Int), sourceLocation: SourceLocation = #_sourceLocation,
  _ body: () throws -> Value
) {
  let failure = #expect(throws: APIFailure.self, sourceLocation: sourceLocation) { _ = try body() }
  #expect(failure?.code == expected.code, sourceLocation: sourceLocation)
  #expect(failure?.status == expected.status, sourceLocation: sourceLocation)
}
