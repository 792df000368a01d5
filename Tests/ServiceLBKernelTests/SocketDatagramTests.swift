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
  @Suite("Sockets that send datagrams")
  struct SocketDatagramTests {
    /// What UDP sockets of both families call one frontend and its backends.
    struct Case: Sendable, CustomTestStringConvertible {
      var family: AddressFamily
      var isMapped = false
      var frontend: Endpoint { family == .ipv4 ? "10.96.0.10:53" : "[fd96::10]:53" }
      var other: Endpoint { family == .ipv4 ? "10.96.0.11:53" : "[fd96::11]:53" }
      var backends: [Endpoint] { Servers.endpoints(3, port: 5353, family) }
      var testDescription: String { isMapped ? "IPv4 at IPv6 sockets" : "\(family)" }

      func socket() throws -> Socket { try Socket(.udp, isMapped ? .ipv6 : family) }
      func name(_ endpoint: Endpoint) -> Endpoint { isMapped ? endpoint.mapped : endpoint }
    }

    static let cases = [Case(family: .ipv4), Case(family: .ipv6), Case(family: .ipv4, isMapped: true)]

    @Test(arguments: cases)
    func `23: connected UDP sockets spread, and replies come from the cluster IP`(_ test: Case) async throws {
      try await withSockets { table, namespace in
        try table.serve(test.frontend, .udp, to: test.backends)
        try await namespace.run {
          let servers = try Servers(.udp, at: test.backends)
          var counts = [0, 0, 0]
          for _ in 0..<300 {
            let client = try test.socket()
            try client.connect(test.name(test.frontend))
            #expect(try client.peer() == test.name(test.frontend))
            try client.send("?")
            let number = try servers.answerDatagram()
            let reply = try client.receive()
            #expect(reply.text == "\(number)")
            #expect(reply.from == test.name(test.frontend))
            counts[number] += 1
          }
          for count in counts { #expect(count > 60, "\(counts)") }
        }
      }
    }

    @Test(arguments: cases)
    func `23: an unconnected UDP socket stays with one backend, and replies come from the cluster IP`(_ test: Case)
      async throws
    {
      try await withSockets { table, namespace in
        let served = try table.serve(test.frontend, .udp, to: test.backends)
        try await namespace.run {
          let servers = try Servers(.udp, at: test.backends)
          var counts = [0, 0, 0]
          for _ in 0..<300 {
            let client = try test.socket()
            var seen: Set<Int> = []
            for _ in 0..<3 {
              try client.send("?", to: test.name(test.frontend))
              seen.insert(try servers.answerDatagram())
              #expect(try client.receive().from == test.name(test.frontend))
            }
            #expect(seen.count == 1)
            for number in seen { counts[number] += 1 }
          }
          for count in counts { #expect(count > 60, "\(counts)") }
        }
        #expect(try table.counts(of: served) == [900, 0, 0, 0])
        // One service needs no more than the socket's own record.
        #expect(try table.maps.datagramPeers.entries().isEmpty)
      }
    }

    @Test(arguments: cases)
    func `one socket may ask several services and others besides`(_ test: Case) async throws {
      try await withSockets { table, namespace in
        try table.serve(test.frontend, .udp, to: [test.backends[0]])
        try table.serve(test.other, .udp, to: [test.backends[1]])
        try await namespace.run {
          let servers = try Servers(.udp, at: test.backends)
          let client = try test.socket()
          for _ in 0..<3 {
            try client.send("?", to: test.name(test.frontend))
            #expect(try servers.answerDatagram() == 0)
            try client.send("?", to: test.name(test.other))
            #expect(try servers.answerDatagram() == 1)
            try client.send("?", to: test.name(test.backends[2]))
            #expect(try servers.answerDatagram() == 2)
            #expect(try client.receive().from == test.name(test.frontend))
            #expect(try client.receive().from == test.name(test.other))
            #expect(try client.receive().from == test.name(test.backends[2]))
          }
          // From now on it asks the backends themselves.
          for number in [0, 1] {
            try client.send("?", to: test.name(test.backends[number]))
            #expect(try servers.answerDatagram() == number)
            #expect(try client.receive().from == test.name(test.backends[number]))
          }
        }
        #expect(try table.maps.datagramPeers.entries().isEmpty)
      }
    }

    @Test(arguments: cases)
    func `34: two services that share a backend answer by the name that was asked last`(_ test: Case) async throws {
      try await withSockets { table, namespace in
        try table.serve(test.frontend, .udp, to: [test.backends[0]])
        try table.serve(test.other, .udp, to: [test.backends[0]])
        try await namespace.run {
          let servers = try Servers(.udp, at: test.backends)
          let client = try test.socket()
          for frontend in [test.frontend, test.other, test.frontend, test.frontend, test.other] {
            try client.send("?", to: test.name(frontend))
            #expect(try servers.answerDatagram() == 0)
            #expect(try client.receive().from == test.name(frontend))
          }
        }
      }
    }

    @Test func `two services that share one of several backends are told apart by the others`() async throws {
      try await withSockets { table, namespace in
        let backends = Servers.endpoints(3, port: 5353)
        try table.serve("10.96.0.10:53", .udp, to: [backends[0]])
        // One in three hashes hits the shared backend, and then again: most sockets get another one.
        try table.serve("10.96.0.11:53", .udp, to: backends)
        try await namespace.run {
          let servers = try Servers(.udp, at: backends)
          var shared = 0
          for _ in 0..<100 {
            let client = try Socket(.udp)
            try client.send("?", to: "10.96.0.10:53")
            #expect(try servers.answerDatagram() == 0)
            try client.send("?", to: "10.96.0.11:53")
            let isShared = try servers.answerDatagram() == 0
            shared += isShared ? 1 : 0
            #expect(try client.receive().from == (isShared ? "10.96.0.11:53" : "10.96.0.10:53"))
            #expect(try client.receive().from == "10.96.0.11:53")
          }
          #expect(shared < 30, "\(shared)")
        }
      }
    }

    @Test(arguments: cases)
    func `a socket that connects anew forgets the service it asked for before`(_ test: Case) async throws {
      try await withSockets { table, namespace in
        try table.serve(test.frontend, .udp, to: [test.backends[0]])
        try table.serve(test.other, .udp, to: [test.backends[0]])
        try await namespace.run {
          let servers = try Servers(.udp, at: test.backends)
          let client = try test.socket()
          for target in [test.frontend, test.backends[0], test.other, test.backends[0]].map(test.name) {
            try client.connect(target)
            #expect(try client.peer() == target)
            try client.send("?")
            #expect(try servers.answerDatagram() == 0)
            #expect(try client.receive().from == target)
          }
        }
      }
    }

    @Test func `a socket that was disconnected may ask the backend by its own name`() async throws {
      try await withSockets { table, namespace in
        let backends = Servers.endpoints(1, port: 5353)
        try table.serve("10.96.0.10:53", .udp, to: backends)
        try await namespace.run {
          let servers = try Servers(.udp, at: backends)
          let client = try Socket(.udp)
          try client.connect("10.96.0.10:53")
          try client.disconnect()
          #expect(throws: Errno(rawValue: ENOTCONN)) { try client.peer() }
          try client.send("?", to: "10.96.0.10:53")
          #expect(try servers.answerDatagram() == 0)
          #expect(try client.receive().from == "10.96.0.10:53")
          try client.send("?", to: backends[0])
          #expect(try servers.answerDatagram() == 0)
          #expect(try client.receive().from == backends[0])
        }
      }
    }

    @Test func `a connected socket that names a service again goes to the backend it has`() async throws {
      try await withSockets { table, namespace in
        let backends = Servers.endpoints(3, port: 5353)
        try table.serve("10.96.0.10:53", .udp, to: backends)
        try table.serve("10.96.0.11:53", .udp, to: [backends[2]])
        try await namespace.run {
          let servers = try Servers(.udp, at: backends)
          for _ in 0..<20 {
            let client = try Socket(.udp)
            try client.connect("10.96.0.10:53")
            try client.send("?")
            let number = try servers.answerDatagram()
            #expect(try client.receive().from == "10.96.0.10:53")
            try client.send("?", to: "10.96.0.10:53")
            #expect(try servers.answerDatagram() == number)
            #expect(try client.receive().from == "10.96.0.10:53")
            // It may send to another one, and stays connected to the first.
            try client.send("?", to: "10.96.0.11:53")
            #expect(try servers.answerDatagram() == 2)
            #expect(try client.peer() == "10.96.0.10:53")
          }
        }
      }
    }

    @Test(arguments: cases)
    func `26, 27: a socket follows the endpoints with its next datagram, and finds the first one there is`(
      _ test: Case
    ) async throws {
      try await withSockets { table, namespace in
        let served = try table.serve(test.frontend, .udp, to: test.backends)
        let besides = try table.serve(test.other, .udp, to: test.backends)
        table.setExtents(of: served, cluster: [])
        table.setExtents(of: besides, cluster: [2])
        try await namespace.run {
          let servers = try Servers(.udp, at: test.backends)
          let client = try test.socket()
          // Also where another service has the socket's own record.
          for isFirst in [true, false] {
            table.setExtents(of: served, cluster: [])
            if !isFirst { for backend in served.backends { table.set(BACKEND_ACTIVE, of: backend) } }
            let asker = isFirst ? client : try test.socket()
            if !isFirst {
              try asker.send("?", to: test.name(test.other))
              #expect(try servers.answerDatagram() == 2)
              #expect(try asker.receive().from == test.name(test.other))
            }
            #expect(throws: Errno.connectionRefused) { try asker.send("?", to: test.name(test.frontend)) }
            for number in [0, 1, 0] {
              for (other, backend) in served.backends.enumerated() {
                table.set(other == number ? BACKEND_ACTIVE : BACKEND_GONE, of: backend)
              }
              table.setExtents(of: served, cluster: [number])
              try asker.send("?", to: test.name(test.frontend))
              #expect(try servers.answerDatagram() == number)
              #expect(try asker.receive().from == test.name(test.frontend))
            }
          }
        }
      }
    }

    @Test func `17: a socket stays with a backend that terminates`() async throws {
      try await withSockets { table, namespace in
        let backends = Servers.endpoints(2, port: 5353)
        let served = try table.serve("10.96.0.10:53", .udp, to: backends)
        table.setExtents(of: served, cluster: [0])
        try await namespace.run {
          let servers = try Servers(.udp, at: backends)
          let client = try Socket(.udp)
          try client.send("?", to: "10.96.0.10:53")
          #expect(try servers.answerDatagram() == 0)
          table.setExtents(of: served, cluster: [1])
          table.set(BACKEND_TERMINATING, of: served.backends[0])
          try client.send("?", to: "10.96.0.10:53")
          #expect(try servers.answerDatagram() == 0)
          table.set(BACKEND_GONE, of: served.backends[0])
          try client.send("?", to: "10.96.0.10:53")
          #expect(try servers.answerDatagram() == 1)
        }
      }
    }

    @Test func `34: a service that is made anew at its address takes over the sockets that send to it`() async throws {
      try await withSockets { table, namespace in
        let backends = Servers.endpoints(2, port: 5353)
        try table.serve("10.96.0.10:53", .udp, to: [backends[0]])
        try await namespace.run {
          let servers = try Servers(.udp, at: backends)
          let client = try Socket(.udp)
          try client.send("?", to: "10.96.0.10:53")
          #expect(try servers.answerDatagram() == 0)
          // The backend of the old one is there still, and as good as ever.
          try table.serve("10.96.0.10:53", .udp, to: [backends[1]])
          try client.send("?", to: "10.96.0.10:53")
          #expect(try servers.answerDatagram() == 1)
        }
      }
    }

    @Test(arguments: cases)
    func `19: datagrams to a service without endpoints are refused at once`(_ test: Case) async throws {
      try await withSockets { table, namespace in
        let served = try table.serve(test.frontend, .udp, to: [])
        try await namespace.run {
          #expect(throws: Errno.connectionRefused) { try test.socket().connect(test.name(test.frontend)) }
          #expect(throws: Errno.connectionRefused) { try test.socket().send("?", to: test.name(test.frontend)) }
        }
        #expect(try table.counts(of: served) == [0, 2, 0, 0])
      }
    }

    @Test func `TCP and UDP at one address and port are two services`() async throws {
      try await withSockets { table, namespace in
        let backends = Servers.endpoints(2, port: 5353)
        try table.serve("10.96.0.10:53", .tcp, to: [backends[0]])
        try table.serve("10.96.0.10:53", .udp, to: [backends[1]])
        try await namespace.run {
          let streams = try Servers(.tcp, at: backends)
          let datagrams = try Servers(.udp, at: backends)
          try Socket(.tcp).connect("10.96.0.10:53")
          #expect(try streams.acceptConnection().number == 0)
          try Socket(.udp).send("?", to: "10.96.0.10:53")
          #expect(try datagrams.answerDatagram() == 1)
        }
      }
    }

    @Test(.requires(.udpLite))
    func `UDP-Lite is no service's`() async throws {
      try await withSockets { table, namespace in
        try table.serve("127.0.9.9:53", .udp, to: Servers.endpoints(1, port: 5353))
        try await namespace.run {
          let itself = try Servers(.udpLite, at: ["127.0.9.9:53"])
          let client = try Socket(.udpLite)
          try client.connect("127.0.9.9:53")
          try client.send("?")
          #expect(try itself.answerDatagram() == 0)
          try Socket(.udpLite).send("?", to: "127.0.9.9:53")
          #expect(try itself.answerDatagram() == 0)
        }
      }
    }

    @Test func `one call may send to several services`() async throws {
      try await withSockets { table, namespace in
        let backends = Servers.endpoints(3, port: 5353)
        try table.serve("10.96.0.10:53", .udp, to: [backends[0]])
        try table.serve("10.96.0.11:53", .udp, to: [backends[1]])
        try await namespace.run {
          let servers = try Servers(.udp, at: backends)
          let client = try Socket(.udp)
          let targets: [Endpoint] = ["10.96.0.10:53", "10.96.0.11:53", "10.96.0.10:53", backends[2]]
          #expect(try client.sendMany("?", to: targets) == 4)
          #expect(try (0..<4).map { _ in try servers.answerDatagram() }.sorted() == [0, 0, 1, 2])
          let senders = try (0..<4).map { _ in try client.receive().from.description }
          #expect(senders.sorted() == targets.map(\.description).sorted())
        }
      }
    }
  }
}

extension KernelFeature {
  /// Sockets of UDP-Lite.
  fileprivate static let udpLite = KernelFeature("UDP-Lite") {
    (try? Socket(.udpLite)) == nil ? .missing(reason: "such sockets are refused") : .available
  }
}
