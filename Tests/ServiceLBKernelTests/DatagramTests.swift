// SPDX-License-Identifier: Apache-2.0

import KernelTestSupport
import LinuxSystem
import NetworkTypes
import ServiceLB
import SystemPackage
import Testing

extension ServiceKernelTests {
  @Suite("Service datagrams")
  struct DatagramTests {
    @Test func `connected UDP sockets spread, and replies come from the cluster IP`() async throws {
      try await withBalancer { balancer, namespace in
        let backends = Servers.endpoints(3, port: 5353)
        try balancer.apply(ServiceTable(entries: [try entry("dns", ["10.96.0.10:53/UDP"], backends)]))
        try await namespace.run {
          let servers = try Servers(.udp, at: backends)
          var counts = [0, 0, 0]
          for _ in 0..<300 {
            let client = try Socket(.udp)
            try client.connect("10.96.0.10:53")
            #expect(try client.peer() == "10.96.0.10:53")
            try client.send("?")
            let number = try servers.answerDatagram()
            let reply = try client.receive()
            #expect(reply.text == "\(number)")
            #expect(reply.from == "10.96.0.10:53")
            counts[number] += 1
          }
          for count in counts { #expect(count > 60, "\(counts)") }
        }
      }
    }

    @Test func `an unconnected UDP socket stays with one backend, and replies come from the cluster IP`() async throws {
      try await withBalancer { balancer, namespace in
        let backends = Servers.endpoints(3, port: 5353)
        try balancer.apply(ServiceTable(entries: [try entry("dns", ["10.96.0.10:53/UDP"], backends)]))
        try await namespace.run {
          let servers = try Servers(.udp, at: backends)
          var counts = [0, 0, 0]
          for _ in 0..<300 {
            let client = try Socket(.udp)
            var seen: Set<Int> = []
            for _ in 0..<3 {
              try client.send("?", to: "10.96.0.10:53")
              seen.insert(try servers.answerDatagram())
              #expect(try client.receive().from == "10.96.0.10:53")
            }
            #expect(seen.count == 1)
            for number in seen { counts[number] += 1 }
          }
          for count in counts { #expect(count > 60, "\(counts)") }
        }
      }
    }

    @Test func `one socket may ask several services and others besides`() async throws {
      try await withBalancer { balancer, namespace in
        let backends = Servers.endpoints(2, port: 5353)
        try balancer.apply(
          ServiceTable(entries: [
            try entry("a", ["10.96.0.10:53/UDP"], [backends[0]]), try entry("b", ["10.96.0.11:53/UDP"], [backends[1]]),
          ]))
        try await namespace.run {
          let servers = try Servers(.udp, at: backends)
          let other = try Servers(.udp, at: ["127.0.1.9:53"])
          let client = try Socket(.udp)
          for _ in 0..<3 {
            try client.send("?", to: "10.96.0.10:53")
            #expect(try servers.answerDatagram() == 0)
            try client.send("?", to: "10.96.0.11:53")
            #expect(try servers.answerDatagram() == 1)
            try client.send("?", to: "127.0.1.9:53")
            #expect(try other.answerDatagram() == 0)
            #expect(try client.receive().from == "10.96.0.10:53")
            #expect(try client.receive().from == "10.96.0.11:53")
            #expect(try client.receive().from == "127.0.1.9:53")
          }
        }
      }
    }

    @Test func `a socket that connects anew forgets the service it asked for before`() async throws {
      try await withBalancer { balancer, namespace in
        let backends = Servers.endpoints(1, port: 5353)
        try balancer.apply(
          ServiceTable(entries: [
            try entry("a", ["10.96.0.10:53/UDP"], backends), try entry("b", ["10.96.0.11:53/UDP"], backends),
          ]))
        try await namespace.run {
          let servers = try Servers(.udp, at: backends)
          let client = try Socket(.udp)
          for target in ["10.96.0.10:53", "127.0.1.1:5353", "10.96.0.11:53", "127.0.1.1:5353"] as [Endpoint] {
            try client.connect(target)
            #expect(try client.peer() == target)
            try client.send("?")
            #expect(try servers.answerDatagram() == 0)
            #expect(try client.receive().from == target)
          }
        }
      }
    }

    @Test func `an unconnected socket follows the endpoints with its next datagram`() async throws {
      try await withBalancer { balancer, namespace in
        let backends = Servers.endpoints(2, port: 5353)
        @Sendable func table(_ backends: [Endpoint]) throws -> ServiceTable {
          ServiceTable(entries: [try entry("dns", ["10.96.0.10:53/UDP"], backends)])
        }
        try balancer.apply(try table([]))
        try await namespace.run {
          let servers = try Servers(.udp, at: backends)
          let client = try Socket(.udp)
          #expect(throws: Errno.connectionRefused) { try client.send("?", to: "10.96.0.10:53") }
          for number in [0, 1, 0] {
            try balancer.apply(try table([backends[number]]))
            try client.send("?", to: "10.96.0.10:53")
            #expect(try servers.answerDatagram() == number)
            #expect(try client.receive().from == "10.96.0.10:53")
          }
        }
      }
    }

    @Test func `TCP and UDP at one address and port are two services`() async throws {
      try await withBalancer { balancer, namespace in
        let backends = Servers.endpoints(2, port: 5353)
        try balancer.apply(
          ServiceTable(entries: [
            try entry("t", ["10.96.0.10:53/TCP"], [backends[0]]), try entry("u", ["10.96.0.10:53/UDP"], [backends[1]]),
          ]))
        try await namespace.run {
          let streams = try Servers(.tcp, at: backends)
          let datagrams = try Servers(.udp, at: backends)
          let stream = try Socket(.tcp)
          try stream.connect("10.96.0.10:53")
          #expect(try streams.acceptConnection().number == 0)
          let datagram = try Socket(.udp)
          try datagram.send("?", to: "10.96.0.10:53")
          #expect(try datagrams.answerDatagram() == 1)
        }
      }
    }
  }
}
