// SPDX-License-Identifier: Apache-2.0

import BPFMaps
import CDatapathABI
import DatapathPrograms
import Glibc
import KernelTestSupport
import LinuxSystem
import NetworkTypes
import SystemPackage
import Testing

extension ServiceKernelTests {
  @Suite("Backends that sockets get")
  struct SocketChoiceTests {
    /// Whom a number of new connections get.
    private static func backends(_ count: Int, of frontend: Endpoint, at servers: Servers) throws -> [Int] {
      try (0..<count).map { _ in
        try Socket(.tcp, frontend.family).connect(frontend)
        return try servers.acceptConnection().number
      }
    }

    @Test(arguments: [AddressFamily.ipv4, .ipv6])
    func `7: session affinity keeps a namespace at one backend until it was away for long enough`(
      family: AddressFamily
    ) async throws {
      try await withSockets { table, namespace in
        let backends = Servers.endpoints(4, port: 8080, family)
        let frontend: Endpoint = family == .ipv4 ? "10.96.0.1:80" : "[fd96::1]:80"
        let served = try table.serve(frontend, .tcp, to: backends, affinity: 10_800)
        let cookie = try await namespace.cookie()
        try await namespace.run {
          let servers = try Servers(.tcp, at: backends)
          let first = Set(try Self.backends(30, of: frontend, at: servers))
          #expect(first.count == 1)
          let key = affinity_key(
            client: ip_address(
              word: (UInt32(truncatingIfNeeded: cookie), UInt32(truncatingIfNeeded: cookie >> 32), 0, 0)),
            service: served.index, kind: UInt32(AFFINITY_COOKIE))
          var entry = try #require(try table.maps.affinities.value(forKey: key))
          #expect(served.backends.firstIndex(of: entry.backend) == first.first)
          // Each time as if three hours had passed: 20 times the same of four happens once in 10^11 runs.
          var seen: Set<Int> = []
          for _ in 0..<20 {
            entry.last_used = entry.last_used &- 10_801 * 1_000_000_000
            try table.maps.affinities.updateValue(entry, forKey: key)
            seen.formUnion(try Self.backends(1, of: frontend, at: servers))
            entry = try #require(try table.maps.affinities.value(forKey: key))
          }
          #expect(seen.count > 1)
        }
        try await withServiceNamespace { other in
          // Another pod is another client. 20 services would agree by chance once in 10^12 runs; one does often.
          _ = try await other.run {
            let servers = try Servers(.tcp, at: backends)
            #expect(Set(try Self.backends(10, of: frontend, at: servers)).count == 1)
          }
          #expect(try table.maps.affinities.entries().count == 2)
        }
      }
    }

    @Test func `8: affinity does not hold on to a backend that takes no flows`() async throws {
      try await withSockets { table, namespace in
        let backends = Servers.endpoints(2, port: 8080)
        let served = try table.serve("10.96.0.1:80", .tcp, to: backends, affinity: 10_800)
        try await namespace.run {
          let servers = try Servers(.tcp, at: backends)
          for state in [BACKEND_TERMINATING, BACKEND_GONE] {
            let had = try Self.backends(1, of: "10.96.0.1:80", at: servers)[0]
            table.setExtents(of: served, cluster: [1 - had])
            table.set(state, of: served.backends[had])
            #expect(try Self.backends(3, of: "10.96.0.1:80", at: servers) == [1 - had, 1 - had, 1 - had])
            table.set(BACKEND_ACTIVE, of: served.backends[had])
            table.setExtents(of: served, cluster: [0, 1])
          }
          // While all terminate, the one that it had is as good as the others.
          for backend in served.backends { table.set(BACKEND_TERMINATING, of: backend) }
          #expect(Set(try Self.backends(20, of: "10.96.0.1:80", at: servers)).count == 1)
          // An index that was given to another endpoint meanwhile is not the one that is remembered.
          let had = try Self.backends(1, of: "10.96.0.1:80", at: servers)[0]
          table.maps.backends[served.backends[had]].epoch = 2
          table.setExtents(of: served, cluster: [1 - had])
          #expect(try Self.backends(3, of: "10.96.0.1:80", at: servers) == [1 - had, 1 - had, 1 - had])
        }
      }
    }

    @Test func `7, 9: affinity of the cluster scope is none of the local one`() async throws {
      try await withSockets { table, namespace in
        let backends = Servers.endpoints(3, port: 8080)
        let served = try table.serve("10.96.0.1:80", .tcp, to: backends, local: [2], affinity: 10_800)
        try table.add(
          "10.96.0.2:80", .tcp, flags: FRONTEND_INTERNAL_LOCAL | FRONTEND_CONFIGURED, to: served)
        try await namespace.run {
          let servers = try Servers(.tcp, at: backends)
          table.setExtents(of: served, cluster: [0], local: [2])
          #expect(try Self.backends(3, of: "10.96.0.1:80", at: servers) == [0, 0, 0])
          #expect(try Self.backends(3, of: "10.96.0.2:80", at: servers) == [2, 2, 2])
          table.setExtents(of: served, cluster: [0, 1, 2], local: [2])
          #expect(try Self.backends(3, of: "10.96.0.1:80", at: servers) == [0, 0, 0])
        }
      }
    }

    @Test func `least load takes the one of two that has fewer connections, and counts them until they are closed`()
      async throws
    {
      try await withSockets { table, namespace in
        let backends = Servers.endpoints(2, port: 8080)
        let served = try table.serve("10.96.0.1:80", .tcp, to: backends, algorithm: SERVICE_LEAST_LOAD)
        try await namespace.run {
          let servers = try Servers(.tcp, at: backends)
          var open: [Socket] = []
          for _ in 0..<200 {
            let client = try Socket(.tcp)
            try client.connect("10.96.0.1:80")
            _ = try servers.acceptConnection()
            open.append(client)
          }
          let loads = served.backends.map { table.load(of: $0) }
          #expect(loads.reduce(0, +) == 200)
          // At random 200 would differ by more than 40 once in 300 runs; so they differ by 8 once in 10^6.
          #expect(abs(Int(loads[0]) - Int(loads[1])) < 20, "\(loads)")
          open.removeAll()
          #expect(served.backends.map { table.load(of: $0) } == [0, 0])

          table.maps.backends[served.backends[0]].load = 1000
          let counts = try Self.backends(100, of: "10.96.0.1:80", at: servers)
          // Only who draws the loaded one twice gets it: one in four.
          let loaded = counts.filter { $0 == 0 }.count
          #expect(loaded > 5 && loaded < 50, "\(loaded)")
        }
      }
    }

    @Test func `a load is not taken off an index that is another endpoint's by now`() async throws {
      try await withSockets { table, namespace in
        let backends = Servers.endpoints(1, port: 8080)
        let served = try table.serve("10.96.0.1:80", .tcp, to: backends)
        try await namespace.run {
          let servers = try Servers(.tcp, at: backends)
          var client: Socket? = try Socket(.tcp)
          try client?.connect("10.96.0.1:80")
          _ = try servers.acceptConnection()
          table.maps.backends[served.backends[0]].epoch = 2
          table.maps.backends[served.backends[0]].load = 5
          client = nil
          #expect(table.load(of: served.backends[0]) == 5)
        }
      }
    }

    @Test func `39: with Maglev a backend gets its share of the table`() async throws {
      try await withSockets { table, namespace in
        let backends = Servers.endpoints(3, port: 8080)
        // Weights 1, 3 and 0, in a table of the smaller size.
        try table.serve(
          "10.96.0.1:80", .tcp, to: backends, algorithm: SERVICE_MAGLEV,
          slots: (0..<16_381).map { $0 % 4 == 0 ? 0 : 1 })
        try await namespace.run {
          let servers = try Servers(.tcp, at: backends)
          let counts = try Self.backends(400, of: "10.96.0.1:80", at: servers)
          let light = counts.filter { $0 == 0 }.count
          #expect(light > 50 && light < 160, "\(light)")
          #expect(!counts.contains(2))
        }
      }
    }
  }
}
