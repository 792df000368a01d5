// SPDX-License-Identifier: Apache-2.0

import ENIProvider
import Foundation
import KernelTestSupport
import LinuxSystem
import NetlinkKit
import NetworkTypes
import Testing

@Suite("ecs-simulator", .serialized)
struct ECSSimulatorTests {
  private let simulator = Program("ecs-simulator")

  @Test(.requires(.root)) func `attaching plugs a NIC with the interface's MAC address into the node`() async throws {
    let name = "twktest-ecs-\(getpid())"
    let node = try await NetworkNamespace.makeNamed(name)
    defer { try? NetworkNamespace.removeNamed(name) }
    let socket = try await NetlinkSocket(in: node)
    let endpoint = try #require(Endpoint("http://127.0.0.1:39472"))
    let client = ECSClient(
      .init(region: "cn-hangzhou", endpoint: endpoint),
      credentials: Credentials(accessKeyID: "testid", accessKeySecret: "testsecret"))
    let arguments = ["--port", "39472", "--delay", "20", "--instance", "i-a=\(name)", "--output", "json"]
    let outcome = try await simulator.run(arguments) { process in
      let eni = try await client.createNetworkInterface(
        NetworkInterfaceRequest(vSwitch: "vsw-sim", securityGroups: ["sg-sim"]), token: .random())
      try await client.waitUntil(
        eni.id, is: .available, within: .seconds(5), checkingEvery: .milliseconds(50))
      #expect(try await socket.links.link(withAddress: eni.mac) == nil)
      try await client.attachNetworkInterface(eni.id, to: "i-a")
      try await client.waitUntil(eni.id, is: .inUse, within: .seconds(5), checkingEvery: .milliseconds(50))
      #expect(try await socket.links.link(withAddress: eni.mac)?.name == "eth0")
      process.terminate()
    }
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(outcome.output.contains("\"endpoint\":\"http://127.0.0.1:39472\""))
    #expect(try await socket.links.all().map(\.name) == ["lo"])
  }

  @Test func `help says what it serves`() async throws {
    let outcome = try await simulator.run(["--help"])
    #expect(outcome.status == 0)
    #expect(outcome.output.contains("AttachNetworkInterface"))
  }

  @Test(arguments: [
    ["--port", "x"], ["--vswitch", "vsw"], ["--vpc-cidr", "10.0.0.0"], ["--instance-type", "abacus"],
  ])
  func `wrong usage is exit status 2`(arguments: [String]) async throws {
    let outcome = try await simulator.run(arguments)
    #expect(outcome.status == 2)
    #expect(outcome.errors.contains("Usage"))
  }

  @Test(.requires(.root)) func `a node that does not exist is named`() async throws {
    let outcome = try await simulator.run(["--port", "0", "--instance", "i-a=twktest-missing"])
    #expect(outcome.status == 1)
    #expect(outcome.errors.contains("twktest-missing"))
    #expect(outcome.errors.split(separator: "\n").count == 1)
  }
}
