// SPDX-License-Identifier: Apache-2.0

import ENIProvider
import ExampleTestSupport
import Foundation
import Glibc
import KernelTestSupport
import LinuxSystem
import NetlinkKit
import NetworkTypes
import Testing

@Suite("ecs-simulator", .serialized, .timeLimit(.minutes(2)))
struct ECSSimulatorTests {
  private let simulator = Program("ecs-simulator")

  private struct Line: Decodable {
    var endpoint: String
    var accessKeyID: String
    var vSwitches: [String: String]
    var instances: [String]

    init(_ text: String) throws { self = try JSONDecoder().decode(Line.self, from: Data(text.utf8)) }
  }

  // MARK: Serving

  @Test(arguments: [SIGTERM, SIGINT])
  func `it says what it serves, and ends with status 0 when asked to`(_ signal: Int32) async throws {
    let arguments = [
      "--port", "0", "--output", "json", "--vswitch", "vsw-a=10.8.1.0/24", "--vswitch", "vsw-b=10.8.2.0/24",
      "--instance", "node-1", "--instance", "node-2",
    ]
    let outcome = try await simulator.serve(arguments, endWith: signal) { text in
      let line = try Line(text)
      #expect(line.endpoint.hasPrefix("http://127.0.0.1:"))
      #expect(line.vSwitches == ["vsw-a": "10.8.1.0/24", "vsw-b": "10.8.2.0/24"])
      #expect(line.instances == ["node-1", "node-2"])
      #expect(line.accessKeyID == "testid")
      #expect(text.hasSuffix("}\n") && !text.contains("testsecret"))
    }
    #expect(outcome.hasExited)
    #expect(outcome.status == 0)
    #expect(outcome.output.hasSuffix("}\n"))
    #expect(outcome.errors.isEmpty)
  }

  @Test func `a port that is taken is a failure of one sentence`() async throws {
    let first = try await simulator.serve(["--port", "0", "--output", "json"]) { text in
      let port = try #require(try Line(text).endpoint.split(separator: ":").last.map(String.init))
      let second = try await simulator.run(["--port", port], environment: [:])
      #expect(second.status == 1)
      #expect(second.errors.hasPrefix("ecs-simulator: port \(port) of 127.0.0.1 is in use"))
      #expect(second.errors.split(separator: "\n").count == 1)
    }
    #expect(first.status == 0)
    #expect(!first.output.isEmpty)
  }

  // MARK: Plugging in NICs

  private func attach(
    _ client: ECSClient, to instance: InstanceIdentifier
  ) async throws -> NetworkInterface {
    let eni = try await client.createNetworkInterface(
      NetworkInterfaceRequest(vSwitch: "vsw-sim", securityGroups: ["sg-sim"]), token: .random())
    try await client.waitUntil(eni.id, is: .available, within: .seconds(5), checkingEvery: .milliseconds(50))
    try await client.attachNetworkInterface(eni.id, to: instance)
    try await client.waitUntil(eni.id, is: .inUse, within: .seconds(5), checkingEvery: .milliseconds(50))
    return eni
  }

  /// Configures the NIC of an interface as a node would.
  private func bringUp(_ eni: NetworkInterface, in socket: NetlinkSocket, peer: IPv4Address) async throws {
    let nic = try #require(try await socket.links.link(withAddress: eni.mac))
    #expect(nic.name == "eth0")
    try await socket.links.change(nic.index, LinkChanges(isUp: true))
    try await socket.addresses.add(
      InterfaceAddress(index: nic.index, address: .v4(eni.primaryAddress), prefixLength: 32))
    try await socket.routes.add(
      Route(destination: IPCIDR(host: .v4(peer)), interface: nic.index, scope: .link))
  }

  @Test(.requires(.root), arguments: [SIGTERM, SIGKILL])
  func `attaching plugs NICs into the nodes that the VPC connects, and no end of it leaves one behind`(
    _ signal: Int32
  ) async throws {
    let names = ["a", "b"].map { "twktest-ecs-\($0)-\(getpid())" }
    let first = try await NetworkNamespace.makeNamed(names[0])
    defer { try? NetworkNamespace.removeNamed(names[0]) }
    let second = try await NetworkNamespace.makeNamed(names[1])
    defer { try? NetworkNamespace.removeNamed(names[1]) }
    let one = try await NetlinkSocket(in: first)
    let other = try await NetlinkSocket(in: second)
    let arguments = [
      "--port", "0", "--delay", "20", "--instance", "i-a=\(names[0])", "--instance", "i-b=\(names[1])", "--output",
      "json",
    ]
    let outcome = try await simulator.serve(arguments, endWith: signal) { text in
      let line = try Line(text)
      #expect(line.instances == ["i-a", "i-b"])
      let client = ECSClient(
        .init(region: "cn-hangzhou", endpoint: Endpoint(line.endpoint)),
        credentials: Credentials(accessKeyID: "testid", accessKeySecret: "testsecret"))
      let left = try await attach(client, to: "i-a")
      #expect(try await other.links.all().map(\.name) == ["lo"])
      let right = try await attach(client, to: "i-b")
      try await bringUp(left, in: one, peer: right.primaryAddress)
      try await bringUp(right, in: other, peer: left.primaryAddress)
      #expect(try await Traffic.udp(from: first, to: second, at: right.primaryAddress) == left.primaryAddress)
    }
    #expect(outcome.status == (signal == SIGKILL ? SIGKILL : 0), "\(outcome.errors)")
    #expect(outcome.hasExited == (signal != SIGKILL))
    // The VPC's namespace went with the process; the kernel takes a moment to empty it.
    for _ in 0..<100 {
      if try await one.links.all().count + other.links.all().count == 2 { break }
      try await Task.sleep(for: .milliseconds(20))
    }
    #expect(try await one.links.all().map(\.name) == ["lo"])
    #expect(try await other.links.all().map(\.name) == ["lo"])
  }

  @Test(.requires(.root)) func `a node that does not exist is named`() async throws {
    let outcome = try await simulator.run(["--port", "0", "--instance", "i-a=twktest-missing"])
    #expect(outcome.status == 1)
    #expect(outcome.errors.contains("twktest-missing"))
    #expect(outcome.errors.split(separator: "\n").count == 1)
  }

  // MARK: Usage

  @Test func `help says what it serves`() async throws {
    let outcome = try await simulator.run(["--help"])
    #expect(outcome.status == 0)
    #expect(outcome.output.contains("AttachNetworkInterface"))
  }

  @Test(arguments: [
    (["--port", "65536"], "--port"), (["--port", "x"], "--port"), (["--nonsense"], "--nonsense"),
    (["--output", "xml"], "--output"), (["--vswitch", "vsw-a"], "write ID=CIDR"),
    (["--vswitch", "vsw-a=10.8.0.0/33"], "10.8.0.0/33"), (["--vswitch", "vsw-a=10.9.0.0/24"], "outside"),
    (["--vpc-cidr", "10.8.0.0"], "--vpc-cidr"), (["--instance", "a b"], "--instance"),
    (["--instance", "a", "--instance", "a"], "twice"), (["--instance", "a="], "write INSTANCE=NETNS"),
    (["--instance", "a=one", "--instance", "b"], "\"b\" has no network namespace"),
    (["--instance-type", "ecs.huge"], "ecs.huge"), (["--access-key-id", "only-half"], "--access-key-secret"),
  ])
  func `wrong usage names the operand, with status 2`(_ arguments: [String], _ word: String) async throws {
    let outcome = try await simulator.run(arguments, environment: [:])
    #expect(outcome.status == 2)
    #expect(outcome.errors.contains(word))
    #expect(outcome.errors.contains("Usage"))
    #expect(outcome.output.isEmpty)
  }

  @Test func `half a key in the environment is wrong usage`() async throws {
    let outcome = try await simulator.run([], environment: ["ALIBABA_CLOUD_ACCESS_KEY_ID": "half"])
    #expect(outcome.status == 2)
    #expect(outcome.errors.contains("--access-key-secret"))
  }
}
