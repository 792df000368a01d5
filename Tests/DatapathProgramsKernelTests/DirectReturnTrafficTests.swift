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
    let server = try await network.pod.run { try TestSocket.listening(kind, port: 8080) }
    async let seen = network.pod.run { server.echo(datagrams: datagrams) }
    let isWhole = try await network.client.run {
      guard let client = TestSocket.connected(kind, to: address, port: port) else { return false }
      return (0..<(kind == .udp ? datagrams : 1)).allSatisfy { _ in client.isEchoed(size) }
    }
    let peer = try await seen
    server.end()
    return (peer, isWhole)
  }

  static func received(_ namespace: NetworkNamespace) async throws -> UInt64 {
    try await namespace.run { TestSockets.receivedPackets("eth0") }
  }

  @Test func `42: the backend sees this node without direct return, and each reply comes back through it`() async throws
  {
    try await NodeNetwork.run(forwarding: .snat) { network, front, _ in
      for (family, kind) in TestSockets.ways {
        let before = (counts: try front.programs.readCounters(), frames: try await Self.received(network.front))
        let (seen, isWhole) = try await Self.exchange(
          network, kind, at: family.vip, port: 80, datagrams: 100, size: kind == .udp ? 500 : 500_000)
        #expect(isWhole && seen == family.front, "\(kind) in \(family)")
        let counts = try front.programs.readCounters()
        let requests = counts.requests.packets - before.counts.requests.packets
        let replies = counts.replies.packets - before.counts.replies.packets
        #expect(requests > 0 && replies > 0 && counts.encapsulated.packets == 0)
        if kind == .udp {
          #expect(requests == 100 && replies == 100, "\(family)")
          #expect(try await Self.received(network.front) - before.frames >= 200, "\(family)")
        }
      }
    }
  }

  @Test func `42: with direct return the backend sees the client, and answers it straight`() async throws {
    try await NodeNetwork.run(forwarding: .dsr(), flags: NodeFixture.direct) { network, front, back in
      for (family, kind) in TestSockets.ways {
        let before = (counts: try front.programs.readCounters(), frames: try await Self.received(network.front))
        let (seen, isWhole) = try await Self.exchange(
          network, kind, at: family.vip, port: 80, datagrams: 100, size: kind == .udp ? 500 : 500_000)
        #expect(isWhole && seen == family.outside, "\(kind) in \(family)")
        let counts = try front.programs.readCounters()
        #expect(counts.requests.packets == 0 && counts.replies.packets == 0)
        let encapsulated = counts.encapsulated.packets - before.counts.encapsulated.packets
        #expect(encapsulated > 0)
        #expect(try back.programs.readCounters().decapsulated.packets == counts.encapsulated.packets)
        if kind == .udp {
          #expect(encapsulated == 100, "\(family)")
          // Neighbours' questions beside the requests, and no reply.
          #expect(try await Self.received(network.front) - before.frames < 150, "\(family)")
        }
      }
      // Of TCP a whole segment may come alone, and is too long with all that is put in front of it.
      #expect(Set(try front.pods.readDropCounters().keys).isSubset(of: [.fragmentationNeeded]))
      #expect(try back.pods.readDropCounters().isEmpty)
    }
  }

  @Test func `4: a node port of one node is answered by another, in its name`() async throws {
    try await NodeNetwork.run(forwarding: .dsr(), flags: NodeFixture.direct) { network, front, _ in
      for (family, kind) in TestSockets.ways {
        let before = try front.programs.readCounters()
        let (seen, isWhole) = try await Self.exchange(network, kind, at: family.front, port: 30_080, size: 100)
        #expect(isWhole && seen == family.outside, "\(kind) in \(family)")
        #expect(try front.programs.readCounters().encapsulated.packets > before.encapsulated.packets)
      }
    }
  }

  @Test func `who sends too long packets is told, and then gets through`() async throws {
    try await NodeNetwork.run(forwarding: .dsr(), flags: NodeFixture.direct) { network, front, _ in
      for (number, family) in Family.allCases.enumerated() {
        let added = family == .v4 ? 36 : 56
        let header = family == .v4 ? 28 : 48
        let server = try await network.pod.run { try TestSocket.listening(.udp, port: 8080) }
        async let seen = network.pod.run { server.echo() }
        let mtu = try await network.client.run {
          guard let client = TestSocket.connected(.udp, to: family.vip, port: 80) else { return 0 }
          let longest = [UInt8](repeating: 1, count: 1500 - header)
          let (level, name) = family == .v4 ? (CInt(IPPROTO_IP), CInt(14)) : (CInt(IPPROTO_IPV6), CInt(24))
          // The answer comes while the call is under way, or a moment later.
          _ = client.send(longest)
          for _ in 0..<200 where client.option(level, name) == 1500 { usleep(10_000) }
          // The socket was told too; that is said once.
          #expect(client.option(SOL_SOCKET, SO_ERROR) == Int(EMSGSIZE), "\(family)")
          return client.isEchoed(1500 - header - added) ? client.option(level, name) : 0
        }
        #expect(mtu == 1500 - added, "\(family)")
        #expect(try await seen == family.outside, "\(family)")
        server.end()
        #expect(try front.pods.readDropCounters()[.fragmentationNeeded]?.packets == UInt64(number + 1))
      }
    }
  }
}
