// SPDX-License-Identifier: Apache-2.0

import KernelTestSupport
import LinuxSystem
import NetworkTypes
import ServiceLB
import SystemPackage
import Testing

extension ServiceKernelTests {
  @Suite("Service connections")
  struct ConnectTests {
    @Test func `TCP to a cluster IP spreads over all backends, and the peer is the cluster IP`() async throws {
      try await withBalancer { balancer, namespace in
        let backends = Servers.endpoints(3, port: 8080)
        try balancer.apply(ServiceTable(entries: [try entry("web", ["10.96.0.1:80/TCP"], backends)]))
        let counts = try await namespace.run {
          let servers = try Servers(.tcp, at: backends)
          var counts = [0, 0, 0]
          for _ in 0..<300 {
            let client = try Socket(.tcp)
            try client.connect("10.96.0.1:80")
            #expect(try client.peer() == "10.96.0.1:80")
            let (number, accepted) = try servers.acceptConnection()
            counts[number] += 1
            try accepted.send("hello \(number)")
            #expect(try client.receive().text == "hello \(number)")
          }
          return counts
        }
        // 300 throws of a fair die with three faces fall below 60 on a face about once in 10^6 runs.
        for count in counts { #expect(count > 60, "\(counts)") }
        let counters = try #require(try balancer.counters(of: frontend("10.96.0.1:80/TCP")))
        #expect(counters == ServiceCounters(translated: 300))
      }
    }

    @Test func `a service without endpoints refuses at once: TCP, UDP connected and not`() async throws {
      try await withBalancer { balancer, namespace in
        try balancer.apply(
          ServiceTable(entries: [
            try entry("idle", ["10.96.0.9:80/TCP"], []), try entry("mute", ["10.96.0.9:53/UDP"], []),
          ]))
        let duration = try await namespace.run {
          ContinuousClock().measure {
            #expect(throws: Errno.connectionRefused) { try Socket(.tcp).connect("10.96.0.9:80") }
            #expect(throws: Errno.connectionRefused) { try Socket(.udp).connect("10.96.0.9:53") }
            #expect(throws: Errno.connectionRefused) { try Socket(.udp).send("?", to: "10.96.0.9:53") }
          }
        }
        #expect(duration < .seconds(1))
        #expect(try balancer.counters(of: frontend("10.96.0.9:53/UDP")) == ServiceCounters(refused: 2))
      }
    }

    @Test func `a change of endpoints concerns new connections and leaves the old ones`() async throws {
      try await withBalancer { balancer, namespace in
        let backends = Servers.endpoints(2, port: 8080)
        let first = ServiceTable(entries: [try entry("web", ["10.96.0.1:80/TCP"], [backends[0]])])
        let second = ServiceTable(entries: [try entry("web", ["10.96.0.1:80/TCP"], [backends[1]])])
        try balancer.apply(first)
        try await namespace.run {
          let servers = try Servers(.tcp, at: backends)
          let old = try Socket(.tcp)
          try old.connect("10.96.0.1:80")
          let (number, accepted) = try servers.acceptConnection()
          #expect(number == 0)

          try balancer.apply(second)
          for _ in 0..<20 {
            let new = try Socket(.tcp)
            try new.connect("10.96.0.1:80")
            #expect(try servers.acceptConnection().number == 1)
          }
          try old.send("still here")
          #expect(try accepted.receive().text == "still here")
          try accepted.send("so am I")
          #expect(try old.receive().text == "so am I")
          #expect(try old.peer() == "10.96.0.1:80")

          try balancer.apply(ServiceTable())
          #expect(throws: Errno.networkUnreachable) { try Socket(.tcp).connect("10.96.0.1:80") }
          try old.send("even now")
          #expect(try accepted.receive().text == "even now")
        }
      }
    }

    @Test func `other addresses, ports and protocols are left alone`() async throws {
      try await withBalancer { balancer, namespace in
        let backends = Servers.endpoints(1, port: 8080)
        try balancer.apply(
          ServiceTable(entries: [
            try entry("web", ["127.0.9.9:80/TCP"], backends), try entry("dns", ["127.0.9.9:81/UDP"], backends),
          ]))
        try await namespace.run {
          let servers = try Servers(.tcp, at: backends)
          let others = try Servers(.tcp, at: ["127.0.9.9:81", "127.0.9.8:80"])
          for endpoint in others.endpoints + backends {
            let client = try Socket(.tcp)
            try client.connect(endpoint)
            #expect(try client.peer() == endpoint)
          }
          #expect(try others.acceptConnection().number == 0)
          #expect(try others.acceptConnection().number == 1)
          #expect(try servers.acceptConnection().number == 0)
          #expect(throws: Errno.connectionRefused) { try Socket(.tcp).connect("127.0.9.9:82") }
        }
      }
    }

    @Test func `no connection fails while endpoints come and go`() async throws {
      try await withBalancer { balancer, namespace in
        let backends = Servers.endpoints(4, port: 8080)
        func table(_ round: Int) throws -> ServiceTable {
          // Each round another set, another owner now and then: new words, new numbers, new frontends.
          let chosen = backends.enumerated().filter { ($0.offset + round) % 3 != 0 }.map(\.element)
          var entries = [try entry("web\(round / 20 % 2)", ["10.96.0.1:80/TCP"], chosen)]
          if round % 2 == 0 { entries.append(try entry("other", ["10.96.0.2:80/TCP"], [backends[round % 4]])) }
          return ServiceTable(entries: entries)
        }
        try balancer.apply(try table(0))
        let connected = Flag()
        async let connections = namespace.run {
          connected.set()
          let servers = try Servers(.tcp, at: backends)
          var count = 0
          while !connected.isDone {
            let client = try Socket(.tcp)
            try client.connect("10.96.0.1:80")
            _ = try servers.acceptConnection()
            count += 1
          }
          return count
        }
        let updates = await Result { () async throws in
          while !connected.isSet { try await Task.sleep(for: .milliseconds(5)) }
          // Two and a half seconds, so that numbers and slots are used again meanwhile.
          for round in 1...500 {
            try balancer.apply(try table(round))
            try await Task.sleep(for: .milliseconds(5))
          }
        }
        connected.finish()
        let count = try await connections
        try updates.get()
        #expect(count > 500)
        let counters = try #require(try balancer.counters(of: frontend("10.96.0.1:80/TCP")))
        #expect(counters.refused == 0)
      }
    }

    @Test func `detached, the cluster IP is nobody's`() async throws {
      try await withScratchCgroup { cgroup in
        try await withScratchNamespace { namespace in
          let balancer = try ServiceLoadBalancer.load(limits: smallLimits)
          let backends = Servers.endpoints(1, port: 8080)
          try balancer.apply(ServiceTable(entries: [try entry("web", ["10.96.0.1:80/TCP"], backends)]))
          let attachments = try balancer.attach(toCgroup: cgroup)
          try await namespace.run {
            let servers = try Servers(.tcp, at: backends)
            try Socket(.tcp).connect("10.96.0.1:80")
            _ = try servers.acceptConnection()
          }
          try await attachments.detach()
          try await namespace.run {
            #expect(throws: Errno.networkUnreachable) { try Socket(.tcp).connect("10.96.0.1:80") }
            return
          }
        }
      }
    }
  }
}
