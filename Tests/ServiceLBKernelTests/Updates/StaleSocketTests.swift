// SPDX-License-Identifier: Apache-2.0

import Glibc
import KernelTestSupport
import LinuxSystem
import NetworkTypes
import ServiceLB
import SystemPackage
import Testing

extension ServiceKernelTests {
  @Suite("UDP sockets whose endpoint is gone")
  struct StaleSocketTests {
    @Test(arguments: [
      ("10.96.0.1:53", "127.0.1.1:5353", "127.0.1.2:5353"), ("[fd00::1]:53", "[::1]:5353", "[::1]:5354"),
    ])
    func `they are ended and go elsewhere, and others are left alone`(
      address: String, first: String, second: String
    ) async throws {
      try await withScratchCgroup { cgroup in
        try await withScratchNamespace { namespace in
          let family = try Updates.key(address).address.family
          let balancer = try ServiceLoadBalancer.load(limits: Updates.limits)
          let attachments = try await balancer.attach(cgroup: cgroup)
          let before = try Updates.entry("dns", address, .udp, [first])
          try balancer.apply(ServiceTable(entries: [before]))

          let sockets = Held()
          try await namespace.run {
            for endpoint in [first, second] {
              let server = try PlainSocket(.udp, family)
              try server.bind(endpoint)
              sockets.append(server)
            }
            // Through the service; to the endpoint by its own address; through the service, and then elsewhere.
            for endpoints in [[address], [first], [address, second]] {
              let client = try PlainSocket(.udp, family)
              for endpoint in endpoints { try client.connect(endpoint) }
              try client.send(1)
              sockets.append(client)
            }
          }
          let update = try balancer.update(try Updates.entry("dns", address, .udp, [second]))
          #expect(update.goneDatagramBackends.count == 1)
          #expect(try await balancer.endStaleDatagramSockets(in: [namespace]) == 1)
          #expect(throws: Errno.connectionAbort) { try sockets[2].receive() }
          try sockets[3].send(2)
          try sockets[4].send(3)
          #expect([try sockets[0].receive(), try sockets[0].receive()] == [1, 1])
          #expect(try sockets[0].receive() == 2)
          #expect([try sockets[1].receive(), try sockets[1].receive()] == [1, 3])
          // The same socket again: it asks again and gets the other endpoint.
          try await namespace.run { try sockets[2].connect(address) }
          try sockets[2].send(4)
          #expect(try sockets[1].receive() == 4)
          #expect(try await balancer.endStaleDatagramSockets(in: [namespace]) == 0)
          try await attachments.detach()
        }
      }
    }
  }
}

/// Sockets made on another thread.
private final class Held: @unchecked Sendable {
  private var sockets: [PlainSocket] = []
  func append(_ socket: PlainSocket) { sockets.append(socket) }
  subscript(index: Int) -> PlainSocket { sockets[index] }
}
