// SPDX-License-Identifier: Apache-2.0

import BPFMaps
import CDatapathABI
import DatapathPrograms
import Glibc
import KernelTestSupport
import LinuxSystem
import NetworkTypes
import Testing

/// Real connections from a client outside by way of one node to a pod of another one.
@Suite("Traffic from outside", .serialized, .requires(.root))
struct DirectReturnTrafficTests {
  /// Runs an echo server in the pod and a client beside it, and says whom the server saw and whether all came back.
  static func exchange(
    _ network: NodeNetwork, _ kind: TestSockets.Kind, at address: IPAddress, port: UInt16, datagrams: Int = 1,
    size: Int
  ) async throws -> (seen: IPAddress?, isWhole: Bool) {
    let server = try await network.pod.run { try NodeSocket.listening(kind, port: 8080) }
    async let seen = network.pod.run { server.echo(datagrams: datagrams) }
    let isWhole = try await network.client.run {
      guard let client = NodeSocket.connected(kind, to: address, port: port) else { return false }
      return (0..<(kind == .udp ? datagrams : 1)).allSatisfy { _ in client.isEchoed(size) }
    }
    return (try await seen, isWhole)
  }

  static func received(_ namespace: NetworkNamespace) async throws -> UInt64 {
    try await namespace.run { TestSockets.receivedPackets("eth0") }
  }

  @Test(arguments: Family.allCases)
  func `42: the backend sees this node without direct return, and each reply comes back through it`(
    family: Family
  ) async throws {
    for kind in [TestSockets.Kind.udp, .tcp] {
      try await NodeNetwork.run(forwarding: .snat, family, kind == .udp ? .udp : .tcp) { network, front, _ in
        let before = try await Self.received(network.front)
        let (seen, isWhole) = try await Self.exchange(
          network, kind, at: family.vip, port: 80, datagrams: 100, size: kind == .udp ? 500 : 500_000)
        #expect(isWhole && seen == family.front)
        let counts = try front.programs.readCounters()
        #expect(counts.requests.packets > 0 && counts.replies.packets > 0 && counts.encapsulated.packets == 0)
        if kind == .udp {
          #expect(counts.requests.packets == 100 && counts.replies.packets == 100)
          #expect(try await Self.received(network.front) - before >= 200)
        }
      }
    }
  }

  @Test(arguments: Family.allCases)
  func `42: with direct return the backend sees the client, and answers it straight`(family: Family) async throws {
    for kind in [TestSockets.Kind.udp, .tcp] {
      try await NodeNetwork.run(
        forwarding: .dsr(), family, kind == .udp ? .udp : .tcp, flags: NodeFixture.direct
      ) { network, front, back in
        let before = try await Self.received(network.front)
        let (seen, isWhole) = try await Self.exchange(
          network, kind, at: family.vip, port: 80, datagrams: 100, size: kind == .udp ? 500 : 500_000)
        #expect(isWhole && seen == family.outside)
        let counts = try front.programs.readCounters()
        #expect(counts.requests.packets == 0 && counts.replies.packets == 0)
        #expect(counts.encapsulated.packets > 0)
        #expect(try back.programs.readCounters().decapsulated.packets == counts.encapsulated.packets)
        if kind == .udp {
          #expect(counts.encapsulated.packets == 100)
          // Neighbours' questions beside the requests, and no reply.
          #expect(try await Self.received(network.front) - before < 150)
        }
        // Of TCP a whole segment may come alone, and is too long with all that is put in front of it.
        #expect(Set(try front.pods.readDropCounters().keys).isSubset(of: kind == .tcp ? [.fragmentationNeeded] : []))
        #expect(try back.pods.readDropCounters().isEmpty)
      }
    }
  }

  @Test(arguments: Family.allCases)
  func `4: a node port of one node is answered by another, in its name`(family: Family) async throws {
    for kind in [TestSockets.Kind.udp, .tcp] {
      try await NodeNetwork.run(
        forwarding: .dsr(), family, kind == .udp ? .udp : .tcp, flags: NodeFixture.direct
      ) { network, front, _ in
        let (seen, isWhole) = try await Self.exchange(network, kind, at: family.front, port: 30_080, size: 100)
        #expect(isWhole && seen == family.outside)
        #expect(try front.programs.readCounters().encapsulated.packets > 0)
      }
    }
  }

  @Test(arguments: Family.allCases)
  func `who sends too long packets is told, and then gets through`(family: Family) async throws {
    try await NodeNetwork.run(
      forwarding: .dsr(), family, .udp, flags: NodeFixture.direct
    ) { network, front, _ in
      let added = family == .v4 ? 36 : 56
      let header = family == .v4 ? 28 : 48
      let server = try await network.pod.run { try NodeSocket.listening(.udp, port: 8080) }
      async let seen = network.pod.run { server.echo() }
      let mtu = try await network.client.run {
        guard let client = NodeSocket.connected(.udp, to: family.vip, port: 80) else { return 0 }
        let longest = [UInt8](repeating: 1, count: 1500 - header)
        let (level, name) = family == .v4 ? (CInt(IPPROTO_IP), CInt(14)) : (CInt(IPPROTO_IPV6), CInt(24))
        // The answer comes while the call is under way, or a moment later.
        _ = client.send(longest)
        for _ in 0..<200 where client.option(level, name) == 1500 { usleep(10_000) }
        // The socket was told too; that is said once.
        #expect(client.option(SOL_SOCKET, SO_ERROR) == Int(EMSGSIZE))
        return client.isEchoed(1500 - header - added) ? client.option(level, name) : 0
      }
      #expect(mtu == 1500 - added)
      #expect(try await seen == family.outside)
      #expect(try front.pods.readDropCounters()[.fragmentationNeeded]?.packets == 1)
    }
  }
}
