// SPDX-License-Identifier: Apache-2.0

import ENIProvider
import ExampleSupport
import Logging
import NetworkTypes
import VPCSimulator

/// The simulated region, behind a real HTTP port on loopback.
struct Cloud: Sendable {
  static let vSwitch: VSwitchIdentifier = "vsw-demo"
  static let prefixLength = 24
  static let instances: [InstanceIdentifier] = ["i-node-a", "i-node-b"]

  let client: ECSClient
  let fabric: VPCFabric

  /// Serves the region while `body` runs, then takes every NIC away.
  static func serve<Result: Sendable>(
    port: Int, progress: Progress, _ body: @escaping @Sendable (Cloud) async throws -> Result
  ) async throws -> Result {
    guard let vpc = IPv4CIDR("10.0.0.0/16"), let vSwitch = IPv4CIDR("10.0.1.0/24") else {
      preconditionFailure("the demo's own blocks are valid")
    }
    let fabric = try await VPCFabric()
    let simulation = try VPCSimulation(
      VPCConfiguration(
        cidr: vpc, vSwitches: [.init(id: Self.vSwitch, cidr: vSwitch)], instances: instances.map { .init(id: $0) }),
      fabric: fabric, delays: .init(all: .milliseconds(50)), logger: quietLogger)
    let credentials = Credentials(accessKeyID: "demo", accessKeySecret: "demo-secret")
    let simulator = ECSSimulator(simulation, credentials: [credentials], port: port, logger: quietLogger)
    return try await withThrowingTaskGroup(of: Result?.self) { group in
      let (running, announce) = AsyncStream<Int>.makeStream()
      group.addTask {
        defer { announce.finish() }
        try await simulator.run(onRunning: { announce.yield($0) })
        return nil
      }
      group.addTask {
        guard let port = await running.first(where: { _ in true }),
          let endpoint = Endpoint("http://127.0.0.1:\(port)")
        else { return nil }
        progress.say("ECS API simulator listens on 127.0.0.1:\(port)")
        let client = ECSClient(.init(region: "cn-hangzhou", endpoint: endpoint), credentials: credentials)
        return try await body(Cloud(client: client, fabric: fabric))
      }
      while let result = try await group.next() {
        guard let result else { continue }
        group.cancelAll()
        try await group.waitForAll()
        try await fabric.close()
        return result
      }
      throw ExampleError("the ECS API simulator ended before the demo did")
    }
  }

  /// Creates a network interface with secondary addresses and attaches it: Terway's way to real VPC addresses.
  func attachInterface(to instance: InstanceIdentifier, secondaryAddresses count: Int) async throws -> NetworkInterface
  {
    let created = try await client.createNetworkInterface(
      NetworkInterfaceRequest(
        vSwitch: Self.vSwitch, securityGroups: ["sg-sim"], secondaryAddresses: count == 0 ? nil : .count(count),
        tags: ["creator": "terway-demo"]), token: .random())
    try await client.waitUntil(created.id, is: .available, within: .seconds(10), checkingEvery: .milliseconds(20))
    try await client.attachNetworkInterface(created.id, to: instance)
    return try await client.waitUntil(
      created.id, is: .inUse, within: .seconds(20), checkingEvery: .milliseconds(20))
  }

  /// The address of the VPC's router.
  func gateway() async throws -> IPv4Address {
    guard let vSwitch = try await client.vSwitch(Self.vSwitch) else {
      throw ExampleError("the cloud has no vSwitch \(Self.vSwitch)")
    }
    return vSwitch.gateway
  }

  private static var quietLogger: Logger {
    // The server calls it an error when it is cancelled, which is how the demo ends it.
    var logger = Logger(label: "terway-demo")
    logger.logLevel = .critical
    return logger
  }
}
