// SPDX-License-Identifier: Apache-2.0

import BPFMaps
import DatapathPrograms
import Glibc
import KernelTestSupport
import LinuxSystem
import NetworkTypes
import Testing

/// A connection by way of a node whose driver takes part, for a while.
@Suite("Traffic from outside in the driver", .serialized, .requires(.root))
struct DriverTrafficTests {
  /// A client that does not leave checksums to its device, as real cards would not to the next one.
  static func prepare(_ network: NodeNetwork) async throws {
    for namespace in [network.client, network.back] {
      try await setOffloads(["tx-checksum-ip-generic": false], of: "eth0", in: namespace)
    }
  }

  @Test(arguments: [XDPMode.native, .generic], Family.allCases)
  func `4: further packets of a connection are the driver's, and the connection outlives its program`(
    mode: XDPMode, family: Family
  ) async throws {
    try await NodeNetwork.run(forwarding: .snat, family, .tcp) { network, front, back in
      try await Self.prepare(network)
      // A veth takes frames from its peer's driver where it runs a program itself, if only one that lets all pass.
      let port = try await network.fabric.run { unsafe if_nametoindex("port1") }
      let atPort = try await back.programs.fromOutsideInDriver.attach(toXDP: port, in: network.fabric, mode: mode)
      let server = try await network.pod.run { try NodeSocket.listening(.tcp, port: 8080) }
      async let seen = network.pod.run { server.echo() }
      let client = try #require(
        try await network.client.run { NodeSocket.connected(.tcp, to: family.front, port: 30_080) })
      func exchange() async throws -> Bool {
        try await network.client.run { (0..<20).allSatisfy { _ in client.isEchoed(1000) } }
      }
      #expect(try await exchange())
      let before = try front.programs.readCounters()
      #expect(before.inDriver.packets == 0 && before.requests.packets >= 20 && before.replies.packets >= 20)

      let index = try await network.front.run { unsafe if_nametoindex("eth0") }
      let attachment = try await front.programs.fromOutsideInDriver.attach(toXDP: index, in: network.front, mode: mode)
      #expect(attachment.xdpMode == mode)
      #expect(try await exchange())
      let during = try front.programs.readCounters()
      let passed =
        (during.requests.packets - before.requests.packets) + (during.replies.packets - before.replies.packets)
      // The first of each way may have met a neighbour that was yet to be asked for.
      #expect(during.inDriver.packets >= 30 && during.inDriver.packets + 10 >= passed)

      try await attachment.detach()
      #expect(try await exchange())
      let after = try front.programs.readCounters()
      // A packet that was under way when it went may still have been the driver's.
      #expect(after.inDriver.packets <= during.inDriver.packets + 2)
      #expect(after.requests.packets >= during.requests.packets + 20)
      try await network.client.run { client.finish() }
      #expect(try await seen == family.front)
      try await atPort.detach()
    }
  }

  @Test(arguments: Family.allCases)
  func `what is not the driver's passes it: first packets, datagrams of clients, direct return`(
    family: Family
  ) async throws {
    for (kind, forwarding) in [(TestSockets.Kind.tcp, NodeDatapath.Forwarding.dsr()), (.udp, .snat)] {
      let flags = forwarding == .snat ? NodeFixture.external : NodeFixture.direct
      try await NodeNetwork.run(
        forwarding: forwarding, family, kind == .tcp ? .tcp : .udp, flags: flags
      ) { network, front, _ in
        try await Self.prepare(network)
        let index = try await network.front.run { unsafe if_nametoindex("eth0") }
        let attachment = try await front.programs.fromOutsideInDriver.attach(
          toXDP: index, in: network.front, mode: .generic)
        let (seen, isWhole) = try await DirectReturnTrafficTests.exchange(
          network, kind, at: family.vip, port: 80, datagrams: 20, size: 1000)
        #expect(isWhole && seen == (forwarding == .snat ? family.front : family.outside))
        let counts = try front.programs.readCounters()
        if forwarding == .snat {
          #expect(counts.requests.packets == 20 && counts.replies.packets == 20)
          #expect((1...20).contains(counts.inDriver.packets))
        } else {
          #expect(counts.inDriver.packets == 0 && counts.encapsulated.packets > 0)
        }
        try await attachment.detach()
      }
    }
  }
}
