// SPDX-License-Identifier: Apache-2.0

import ENIProvider
import NetworkTypes
import Testing

@testable import VPCSimulator

@Suite("Client and server", .timeLimit(.minutes(15)))
struct ClientServerTests {
  let request = NetworkInterfaceRequest(
    vSwitch: "vsw-a", securityGroups: ["sg-1", "sg-2"], secondaryAddresses: .count(2), name: "n",
    description: "pod 网卡 a+b*c~d/e?f=g&h", tags: ["creator": "x y", "k": ""])

  @Test(arguments: SignatureStyle.allCases)
  func `an interface lives its whole life, and the fabric follows`(_ style: SignatureStyle) async throws {
    try await withSimulator(.small()) { [request] simulator in
      let client = try simulator.client(style)
      let soon = Duration.milliseconds(10)
      let created = try await client.createNetworkInterface(request, token: .random())
      #expect(created.status == .creating)
      #expect(created.description == request.description)
      #expect(created.tags == request.tags)
      #expect(created.securityGroups == ["sg-1", "sg-2"])
      #expect(created.privateAddresses.count == 3)
      #expect(created.zone == "z-a")
      let eni = try await client.waitUntil(created.id, is: .available, within: .seconds(5), checkingEvery: soon)
      #expect(eni.tags == request.tags)

      try await client.attachNetworkInterface(eni.id, to: "node-1")
      try await client.attachNetworkInterface(eni.id, to: "node-1")
      let attached = try await client.waitUntil(eni.id, is: .inUse, within: .seconds(5), checkingEvery: soon)
      #expect(attached.attachment == .init(instance: "node-1", deviceIndex: 1))
      #expect(simulator.fabric.ports[eni.id.rawValue]?.mac == eni.mac)

      let assigned = try await client.assignPrivateAddresses(.count(2), to: eni.id, token: .random())
      #expect(assigned == [IPv4Address(10, 0, 0, 4), IPv4Address(10, 0, 0, 5)])
      #expect(simulator.fabric.ports[eni.id.rawValue]?.addresses.suffix(2) == assigned[...])
      let explicit = [IPv4Address(10, 0, 0, 99)]
      #expect(try await client.assignPrivateAddresses(.addresses(explicit), to: eni.id, token: .random()) == explicit)
      try await client.unassignPrivateAddresses(assigned, from: eni.id)
      try await client.unassignPrivateAddresses(assigned + explicit, from: eni.id)
      #expect(try await client.vSwitch("vsw-a")?.availableAddressCount == 249)
      #expect(try await client.vSwitch("vsw-z") == nil)

      let listed = try await client.networkInterfaces(
        matching: .init(
          instance: "node-1", vSwitch: "vsw-a", status: .inUse, kind: .secondary, tags: ["creator": "x y"]))
      #expect(listed.map(\.id) == [eni.id])
      #expect(try await client.networkInterfaces(matching: .init(tags: ["creator": "z"])).isEmpty)

      try await client.detachNetworkInterface(eni.id, from: "node-1")
      try await client.waitUntil(eni.id, is: .available, within: .seconds(5), checkingEvery: soon)
      try await client.detachNetworkInterface(eni.id, from: "node-1")
      try await client.deleteNetworkInterface(eni.id)
      try await client.waitUntilAbsent(eni.id, within: .seconds(5), checkingEvery: soon)
      try await client.deleteNetworkInterface(eni.id)
      #expect(try await client.vSwitch("vsw-a")?.availableAddressCount == 252)
      #expect(
        simulator.fabric.log == [
          "attach eni-sim00000001 00:16:3e:00:00:01 node-1 10.0.0.1,10.0.0.2,10.0.0.3/24 via 10.0.0.253",
          "set eni-sim00000001 10.0.0.1,10.0.0.2,10.0.0.3,10.0.0.4,10.0.0.5",
          "set eni-sim00000001 10.0.0.1,10.0.0.2,10.0.0.3,10.0.0.4,10.0.0.5,10.0.0.99",
          "set eni-sim00000001 10.0.0.1,10.0.0.2,10.0.0.3,10.0.0.99",
          "set eni-sim00000001 10.0.0.1,10.0.0.2,10.0.0.3", "detach eni-sim00000001",
        ])
    }
  }

  @Test(arguments: SignatureStyle.allCases)
  func `a lost answer does not create or assign twice`(_ style: SignatureStyle) async throws {
    try await withSimulator(.small()) { [request] simulator in
      let client = try simulator.client(style)
      let lost = APIFailure(code: "ServiceUnavailable", status: 503, message: "lost")
      await simulator.simulation.plan(lost, for: "CreateNetworkInterface", count: 2, .afterWork)
      let token = ClientToken.random()
      let eni = try await client.createNetworkInterface(request, token: token)
      await simulator.simulation.settle()
      #expect(try await client.createNetworkInterface(request, token: token).id == eni.id)
      #expect(try await client.networkInterfaces(matching: .init()).count == 1)

      await simulator.simulation.plan(lost, for: "AssignPrivateIpAddresses", .afterWork)
      let assigned = try await client.assignPrivateAddresses(.count(3), to: eni.id, token: .random())
      #expect(try await client.networkInterface(eni.id)?.secondaryAddresses.count == 5)
      #expect(assigned.count == 3)

      await simulator.simulation.plan(lost, for: "AttachNetworkInterface", .afterWork)
      await simulator.simulation.plan(lost, for: "DetachNetworkInterface", .afterWork)
      await simulator.simulation.plan(lost, for: "DeleteNetworkInterface", .afterWork)
      try await client.attachNetworkInterface(eni.id, to: "node-1")
      await simulator.simulation.settle()
      try await client.detachNetworkInterface(eni.id, from: "node-1")
      await simulator.simulation.settle()
      try await client.deleteNetworkInterface(eni.id)
      await simulator.simulation.settle()
      #expect(try await client.networkInterface(eni.id) == nil)
    }
  }

  @Test func `a token used with other parameters is refused`() async throws {
    try await withSimulator(.small()) { [request] simulator in
      let client = try simulator.client()
      let token = ClientToken.random()
      _ = try await client.createNetworkInterface(request, token: token)
      var other = request
      other.secondaryAddresses = .count(3)
      let failure = await #expect(throws: ENIError.self) {
        try await client.createNetworkInterface(other, token: token)
      }
      #expect(failure?.code == .tokenMismatch)
    }
  }

  @Test func `throttling is outlived, and told when it does not end`() async throws {
    try await withSimulator(.small()) { simulator in
      let client = try simulator.client()
      let throttled = APIFailure(code: "Throttling.User", status: 429, message: "slow down")
      await simulator.simulation.plan(throttled, for: "DescribeVSwitches", count: 3)
      #expect(try await client.vSwitch("vsw-a") != nil)
      await simulator.simulation.plan(throttled, for: "DescribeVSwitches", count: 4)
      let failure = await #expect(throws: ENIError.self) { try await client.vSwitch("vsw-a") }
      #expect(failure?.code == .throttled)
      #expect(failure?.requestID?.isEmpty == false)
    }
  }

  @Test(arguments: SignatureStyle.allCases)
  func `a wrong secret, an unknown key, a slow clock and a used nonce are authentication errors`(
    _ style: SignatureStyle
  )
    async throws
  {
    try await withSimulator(.small()) { simulator in
      var slow = Timing.system
      slow.wallClock = { APITimestamp(secondsSince1970: APITimestamp.now().secondsSince1970 - 3_600) }
      var repeating = Timing.system
      repeating.nonce = { "always the same" }
      let used = try simulator.client(style, timing: repeating)
      _ = try await used.vSwitch("vsw-a")
      let cases: [(ECSClient, String)] = [
        (
          try simulator.client(style, credentials: .init(accessKeyID: "testid", accessKeySecret: "no")),
          "SignatureDoesNotMatch"
        ),
        (
          try simulator.client(style, credentials: .init(accessKeyID: "no", accessKeySecret: "no")),
          "InvalidAccessKeyId.NotFound"
        ),
        (try simulator.client(style, timing: slow), "InvalidTimeStamp.Expired"), (used, "SignatureNonceUsed"),
      ]
      for (client, apiCode) in cases {
        let failure = await #expect(throws: ENIError.self) { try await client.vSwitch("vsw-a") }
        #expect(failure?.code == .authentication)
        #expect(failure?.apiCode == apiCode)
      }
    }
  }

  @Test func `a listing longer than a page is complete`() async throws {
    try await withSimulator(.small(), delay: .zero) { simulator in
      let client = try simulator.client()
      let plain = NetworkInterfaceRequest(vSwitch: "vsw-a", securityGroups: ["sg-1"])
      for _ in 0..<120 { _ = try await client.createNetworkInterface(plain, token: .random()) }
      let found = try await client.networkInterfaces(matching: .init())
      #expect(Set(found.map(\.id)).count == 120)
    }
  }

  @Test func `what the fabric refuses is undone`() async throws {
    try await withSimulator(.small()) { [request] simulator in
      let client = try simulator.client()
      let eni = try await client.createNetworkInterface(request, token: .random())
      await simulator.simulation.settle()
      simulator.fabric.refuse("attach")
      try await client.attachNetworkInterface(eni.id, to: "node-1")
      await simulator.simulation.settle()
      #expect(try await client.networkInterface(eni.id)?.status == .available)
      try await client.attachNetworkInterface(eni.id, to: "node-1")
      await simulator.simulation.settle()

      simulator.fabric.refuse("set", 100)
      let failure = await #expect(throws: ENIError.self) {
        try await client.assignPrivateAddresses(.count(1), to: eni.id, token: .random())
      }
      #expect(failure?.code == .unavailable)
      let secondary = try #require(try await client.networkInterface(eni.id)).secondaryAddresses
      #expect(secondary.count == 2)
      await #expect(throws: ENIError.self) { try await client.unassignPrivateAddresses(secondary, from: eni.id) }
      #expect(try await client.networkInterface(eni.id)?.secondaryAddresses == secondary)
      #expect(try await client.vSwitch("vsw-a")?.availableAddressCount == 249)
      simulator.fabric.refuse("set", 0)

      simulator.fabric.refuse("detach")
      try await client.detachNetworkInterface(eni.id, from: "node-1")
      await simulator.simulation.settle()
      #expect(try await client.networkInterface(eni.id)?.status == .detaching)
      try await client.detachNetworkInterface(eni.id, from: "node-1")
      await simulator.simulation.settle()
      #expect(try await client.networkInterface(eni.id)?.status == .available)
    }
  }

  @Test func `a server that stops takes its NICs away`() async throws {
    let fabric = try await withSimulator(.small()) { [request] simulator in
      let client = try simulator.client()
      let eni = try await client.createNetworkInterface(request, token: .random())
      await simulator.simulation.settle()
      try await client.attachNetworkInterface(eni.id, to: "node-1")
      await simulator.simulation.settle()
      #expect(simulator.fabric.ports.count == 1)
      return simulator.fabric
    }
    #expect(fabric.ports.isEmpty)
    #expect(fabric.log.last == "detach eni-sim00000001")
  }

  @Test func `a server that stops amid new connections ends in order`() async throws {
    for _ in 0..<10 {
      try await withSimulator(.small()) { simulator in
        // Enough callers that some connections are accepted and not served yet when the server is told to stop.
        for _ in 0..<40 {
          Task { try? await simulator.client().vSwitch("vsw-a") }
        }
        try await Task.sleep(for: .milliseconds(3))
      }
    }
  }

  @Test func `a port that is taken is one clear sentence`() async throws {
    try await withSimulator(.small()) { simulator in
      let second = ECSSimulator(simulator.simulation, credentials: [testKey], port: simulator.port)
      let failure = await #expect(throws: ECSSimulatorError.self) { try await second.run() }
      #expect(failure?.message.contains("port \(simulator.port) of 127.0.0.1 is in use") == true)
      #expect(failure?.message.contains("choose another") == true)
    }
  }

  @Test func `a server that is not there is a transport error`() async throws {
    let port = try await withSimulator(.small()) { $0.port }
    let gone = RunningSimulator(
      port: port, simulation: try VPCSimulation(.small(), fabric: NoFabric()), fabric: RecordingFabric())
    let failure = await #expect(throws: ENIError.self) { try await gone.client().vSwitch("vsw-a") }
    #expect(failure?.code == .transport)
    #expect(failure?.message.contains("127.0.0.1:\(port)") == true)
  }
}
