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

  @Test(arguments: [XDPMode.native, .generic])
  func `4: further packets of a connection are the driver's, and the connection outlives its program`(
    mode: XDPMode
  ) async throws {
    try await NodeNetwork.run(forwarding: .snat) { network, front, back in
      try await Self.prepare(network)
      // A veth takes frames from its peer's driver where it runs a program itself, if only one that lets all pass.
      let port = try await network.fabric.run { unsafe if_nametoindex("port1") }
      let atPort = try await back.programs.fromOutsideInDriver.attach(toXDP: port, in: network.fabric, mode: mode)
      let index = try await network.front.run { unsafe if_nametoindex("eth0") }
      for family in Family.allCases {
        let server = try await network.pod.run { try TestSocket.listening(.tcp, port: 8080) }
        async let seen = network.pod.run { server.echo() }
        let client = try #require(
          try await network.client.run { TestSocket.connected(.tcp, to: family.front, port: 30_080) })
        func exchange() async throws -> Bool {
          try await network.client.run { (0..<20).allSatisfy { _ in client.isEchoed(1000) } }
        }
        let begin = try front.programs.readCounters()
        #expect(try await exchange())
        let before = try front.programs.readCounters()
        #expect(before.inDriver.packets == begin.inDriver.packets, "\(family)")
        #expect(before.requests.packets - begin.requests.packets >= 20, "\(family)")
        #expect(before.replies.packets - begin.replies.packets >= 20, "\(family)")

        let attachment = try await front.programs.fromOutsideInDriver.attach(
          toXDP: index, in: network.front, mode: mode)
        #expect(attachment.xdpMode == mode)
        #expect(try await exchange())
        let during = try front.programs.readCounters()
        let inDriver = during.inDriver.packets - before.inDriver.packets
        let passed =
          (during.requests.packets - before.requests.packets) + (during.replies.packets - before.replies.packets)
        // The first of each way may have met a neighbour that was yet to be asked for.
        #expect(inDriver >= 30 && inDriver + 10 >= passed, "\(family)")

        try await attachment.detach()
        #expect(try await exchange())
        let after = try front.programs.readCounters()
        // A packet that was under way when it went may still have been the driver's.
        #expect(after.inDriver.packets <= during.inDriver.packets + 2, "\(family)")
        #expect(after.requests.packets >= during.requests.packets + 20, "\(family)")
        try await network.client.run { client.finish() }
        #expect(try await seen == family.front)
        server.end()
      }
      try await atPort.detach()
    }
  }

  @Test(arguments: [TestSockets.Kind.tcp, .udp])
  func `what is not the driver's passes it: first packets, datagrams of clients, direct return`(
    kind: TestSockets.Kind
  ) async throws {
    let isDirect = kind == .tcp
    try await NodeNetwork.run(
      forwarding: isDirect ? .dsr() : .snat, flags: isDirect ? NodeFixture.direct : NodeFixture.external
    ) { network, front, _ in
      try await Self.prepare(network)
      let index = try await network.front.run { unsafe if_nametoindex("eth0") }
      let attachment = try await front.programs.fromOutsideInDriver.attach(
        toXDP: index, in: network.front, mode: .generic)
      for family in Family.allCases {
        let before = try front.programs.readCounters()
        let (seen, isWhole) = try await DirectReturnTrafficTests.exchange(
          network, kind, at: family.vip, port: 80, datagrams: 20, size: 1000)
        #expect(isWhole && seen == (isDirect ? family.outside : family.front), "\(family)")
        let counts = try front.programs.readCounters()
        let inDriver = counts.inDriver.packets - before.inDriver.packets
        if isDirect {
          #expect(inDriver == 0 && counts.encapsulated.packets > before.encapsulated.packets, "\(family)")
        } else {
          #expect(counts.requests.packets - before.requests.packets == 20, "\(family)")
          #expect(counts.replies.packets - before.replies.packets == 20, "\(family)")
          #expect((1...20).contains(inDriver), "\(family)")
        }
      }
      try await attachment.detach()
    }
  }
}
