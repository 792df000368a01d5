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
  /// Numbers are rows of the list of what kube-proxy does.
  @Suite("Sockets that connect")
  struct SocketConnectTests {
    @Test(arguments: [AddressFamily.ipv4, .ipv6])
    func `1, 22: TCP to a cluster IP spreads over all backends, and the peer is the cluster IP`(
      family: AddressFamily
    ) async throws {
      try await withSockets { table, namespace in
        let backends = Servers.endpoints(3, port: 8080, family)
        let frontend: Endpoint = family == .ipv4 ? "10.96.0.1:80" : "[fd96::1]:80"
        let served = try table.serve(frontend, .tcp, to: backends)
        let counts = try await namespace.run {
          let servers = try Servers(.tcp, at: backends)
          var counts = [0, 0, 0]
          for _ in 0..<300 {
            let client = try Socket(.tcp, family)
            try client.connect(frontend)
            #expect(try client.peer() == frontend)
            let (number, accepted) = try servers.acceptConnection()
            counts[number] += 1
            try accepted.send("hello")
            #expect(try client.receive().text == "hello")
          }
          return counts
        }
        // 300 throws of a fair die with three faces fall below 60 on a face about once in 10^6 runs.
        for count in counts { #expect(count > 60, "\(counts)") }
        #expect(try table.counts(of: served) == [300, 0, 0, 0])
      }
    }

    @Test func `22: an IPv6 socket that uses IPv4 is translated by the IPv4 tables`() async throws {
      try await withSockets { table, namespace in
        let backends = Servers.endpoints(1, port: 8080)
        try table.serve("10.96.0.1:80", .tcp, to: backends)
        try await namespace.run {
          let servers = try Servers(.tcp, at: backends)
          let frontend = ("10.96.0.1:80" as Endpoint).mapped
          let client = try Socket(.tcp, .ipv6)
          try client.connect(frontend)
          #expect(try client.peer() == frontend)
          _ = try servers.acceptConnection()
          let picky = try Socket(.tcp, .ipv6)
          try picky.set(CInt(IPPROTO_IPV6), IPV6_V6ONLY)
          #expect(throws: Errno.networkUnreachable) { try picky.connect(frontend) }
        }
      }
    }

    @Test func `19: a service without endpoints refuses at once`() async throws {
      try await withSockets { table, namespace in
        let four = try table.serve("10.96.0.9:80", .tcp, to: [])
        let six = try table.serve("[fd96::9]:80", .tcp, to: [])
        try await namespace.run {
          #expect(throws: Errno.connectionRefused) { try Socket(.tcp).connect("10.96.0.9:80") }
          #expect(throws: Errno.connectionRefused) { try Socket(.tcp, .ipv6).connect("[fd96::9]:80") }
        }
        #expect(try table.counts(of: four) == [0, 1, 0, 0])
        #expect(try table.counts(of: six) == [0, 1, 0, 0])
      }
    }

    @Test(arguments: [false, true])
    func `9, 20: an internal traffic policy of Local uses endpoints of this node, or none`(
      hasPacketPath: Bool
    ) async throws {
      try await withSockets(ServiceConstants(hasPacketPath: hasPacketPath)) { table, namespace in
        let backends = Servers.endpoints(3, port: 8080)
        try table.serve("10.96.0.1:80", .tcp, flags: FRONTEND_INTERNAL_LOCAL, to: backends, local: [1])
        let far = try table.serve("10.96.0.2:80", .tcp, flags: FRONTEND_INTERNAL_LOCAL, to: backends)
        let none = try table.serve("10.96.0.3:80", .tcp, flags: FRONTEND_INTERNAL_LOCAL, to: [])
        try await namespace.run {
          let servers = try Servers(.tcp, at: backends)
          for _ in 0..<20 {
            try Socket(.tcp).connect("10.96.0.1:80")
            #expect(try servers.acceptConnection().number == 1)
          }
          // Nobody routes 10.96.0.2 here: what goes on untranslated is unreachable, as another errno.
          #expect(throws: hasPacketPath ? Errno.networkUnreachable : Errno(rawValue: EHOSTUNREACH)) {
            try Socket(.tcp).connect("10.96.0.2:80")
          }
          // Without an endpoint anywhere the policy does not matter.
          #expect(throws: Errno.connectionRefused) { try Socket(.tcp).connect("10.96.0.3:80") }
        }
        #expect(try table.counts(of: far) == [0, 0, 1, 0])
        #expect(try table.counts(of: none) == [0, 1, 0, 0])
      }
    }

    @Test func `5, 6, 10, 11, 31: outside addresses are served to sockets by the cluster scope`() async throws {
      try await withSockets { table, namespace in
        let backends = Servers.endpoints(2, port: 8080)
        let flags = FRONTEND_EXTERNAL | FRONTEND_EXTERNAL_LOCAL | FRONTEND_SOURCE_RANGES
        let served = try table.serve("192.0.2.10:443", .tcp, flags: flags, to: [backends[0]], local: [])
        try table.add("198.51.100.7:9443", .tcp, flags: flags, to: served)
        try await namespace.run {
          let servers = try Servers(.tcp, at: backends)
          for frontend in ["192.0.2.10:443", "198.51.100.7:9443"] as [Endpoint] {
            let client = try Socket(.tcp)
            try client.connect(frontend)
            #expect(try servers.acceptConnection().number == 0)
            #expect(try client.peer() == frontend)
          }
        }
      }
    }

    @Test func `5: another node's external address is not translated`() async throws {
      try await withSockets { table, namespace in
        let backends = Servers.endpoints(1, port: 8080)
        try table.serve("127.0.9.1:80", .tcp, flags: FRONTEND_EXTERNAL | FRONTEND_NOT_INTERNAL, to: backends)
        try await namespace.run {
          let itself = try Servers(.tcp, at: ["127.0.9.1:80"])
          try Socket(.tcp).connect("127.0.9.1:80")
          #expect(try itself.acceptConnection().number == 0)
        }
      }
    }

    @Test func `38: a local redirect is not for the namespace that it leads to`() async throws {
      try await withSockets { table, namespace in
        let backends = Servers.endpoints(1, port: 5353)
        try table.serve("127.0.9.1:53", .tcp, flags: FRONTEND_LOCAL_REDIRECT, to: backends)
        try table.serve("127.0.9.1:53", .udp, flags: FRONTEND_LOCAL_REDIRECT, to: backends)
        try table.serve("[::1]:53", .tcp, flags: FRONTEND_LOCAL_REDIRECT, to: Servers.endpoints(1, port: 5353, .ipv6))
        try await namespace.run {
          let cache = try Servers(.tcp, at: backends)
          let datagrams = try Servers(.udp, at: backends)
          try Socket(.tcp).connect("127.0.9.1:53")
          _ = try cache.acceptConnection()
          try Socket(.udp).send("?", to: "127.0.9.1:53")
          _ = try datagrams.answerDatagram()

          let itself = try Servers(.tcp, at: ["127.0.9.1:53", "[::1]:53"])
          let ownDatagrams = try Servers(.udp, at: ["127.0.9.1:53"])
          try Socket(.tcp).connect("127.0.9.1:53")
          #expect(try itself.acceptConnection().number == 0)
          try Socket(.tcp, .ipv6).connect("[::1]:53")
          #expect(try itself.acceptConnection().number == 1)
          try Socket(.udp).send("?", to: "127.0.9.1:53")
          #expect(try ownDatagrams.answerDatagram() == 0)
        }
      }
    }

    @Test func `16: terminating endpoints take connections while they are all there is`() async throws {
      try await withSockets { table, namespace in
        let backends = Servers.endpoints(2, port: 8080)
        let served = try table.serve("10.96.0.1:80", .tcp, to: backends)
        for backend in served.backends { table.set(BACKEND_TERMINATING, of: backend) }
        try await namespace.run {
          let servers = try Servers(.tcp, at: backends)
          for _ in 0..<10 {
            try Socket(.tcp).connect("10.96.0.1:80")
            _ = try servers.acceptConnection()
          }
        }
      }
    }

    @Test func `17: connections go on while their endpoint terminates and goes`() async throws {
      try await withSockets { table, namespace in
        let backends = Servers.endpoints(2, port: 8080)
        let served = try table.serve("10.96.0.1:80", .tcp, to: backends)
        table.setExtents(of: served, cluster: [0])
        try await namespace.run {
          let servers = try Servers(.tcp, at: backends)
          let old = try Socket(.tcp)
          try old.connect("10.96.0.1:80")
          let (number, accepted) = try servers.acceptConnection()
          #expect(number == 0)
          for state in [BACKEND_TERMINATING, BACKEND_GONE] {
            table.setExtents(of: served, cluster: [1])
            table.set(state, of: served.backends[0])
            try Socket(.tcp).connect("10.96.0.1:80")
            #expect(try servers.acceptConnection().number == 1)
            try old.send("still here")
            #expect(try accepted.receive().text == "still here")
            #expect(try old.peer() == "10.96.0.1:80")
          }
        }
      }
    }

    @Test func `25: a pod reaches itself through its service`() async throws {
      try await withSockets { table, namespace in
        try table.serve("10.96.0.1:80", .tcp, to: ["198.51.100.7:8080"])
        try await namespace.run {
          let servers = try Servers(.tcp, at: ["198.51.100.7:8080"])
          let client = try Socket(.tcp)
          try client.bind("198.51.100.7:0")
          try client.connect("10.96.0.1:80")
          let (_, accepted) = try servers.acceptConnection()
          #expect(try accepted.peer().address == ("198.51.100.7:0" as Endpoint).address)
          try accepted.send("me")
          #expect(try client.receive().text == "me")
        }
      }
    }

    @Test func `34: a service that is made anew at its address serves new connections, and the old ones go on`()
      async throws
    {
      try await withSockets { table, namespace in
        let backends = Servers.endpoints(2, port: 8080)
        try table.serve("10.96.0.1:80", .tcp, to: [backends[0]])
        try await namespace.run {
          let servers = try Servers(.tcp, at: backends)
          let old = try Socket(.tcp)
          try old.connect("10.96.0.1:80")
          let (_, accepted) = try servers.acceptConnection()
          try table.remove("10.96.0.1:80", .tcp)
          #expect(throws: Errno.networkUnreachable) { try Socket(.tcp).connect("10.96.0.1:80") }
          try table.serve("10.96.0.1:80", .tcp, to: [backends[1]])
          let new = try Socket(.tcp)
          try new.connect("10.96.0.1:80")
          #expect(try servers.acceptConnection().number == 1)
          try old.send("still here")
          #expect(try accepted.receive().text == "still here")
          #expect(try old.peer() == "10.96.0.1:80")
        }
      }
    }

    @Test func `other addresses, ports and protocols are left alone`() async throws {
      try await withSockets { table, namespace in
        let backends = Servers.endpoints(1, port: 8080)
        try table.serve("127.0.9.9:80", .tcp, to: backends)
        try table.serve("127.0.9.9:81", .udp, to: backends)
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

    @Test func `two services may share a backend, from one client port`() async throws {
      try await withSockets { table, namespace in
        let backends = Servers.endpoints(1, port: 8080)
        try table.serve("10.96.0.1:80", .tcp, to: backends)
        try table.serve("10.96.0.2:80", .tcp, to: backends)
        try await namespace.run {
          let servers = try Servers(.tcp, at: backends)
          let first = try Socket(.tcp)
          try first.bind("127.0.0.1:40000")
          try first.connect("10.96.0.1:80")
          _ = try servers.acceptConnection()
          let second = try Socket(.tcp)
          try second.bind("127.0.0.1:40000")
          // One pair of ends can be one connection only: told at once, instead of mixing both.
          #expect(throws: Errno(rawValue: EADDRNOTAVAIL)) { try second.connect("10.96.0.2:80") }
          #expect(try first.peer() == "10.96.0.1:80")
        }
      }
    }

    @Test func `a message with the connection's first packet is translated`() async throws {
      try await withSockets { table, namespace in
        let backends = Servers.endpoints(1, port: 8080)
        try table.serve("10.96.0.1:80", .tcp, to: backends)
        try await namespace.run {
          let servers = try Servers(.tcp, at: backends)
          let eager = try Socket(.tcp)
          try eager.send("hello", to: "10.96.0.1:80", flags: 0x2000_0000)  // MSG_FASTOPEN
          #expect(try eager.peer() == "10.96.0.1:80")
          #expect(try servers.acceptConnection().socket.receive().text == "hello")
          let deferring = try Socket(.tcp)
          try deferring.set(CInt(IPPROTO_TCP), 30)  // TCP_FASTOPEN_CONNECT
          try deferring.connect("10.96.0.1:80")
          try deferring.send("hello")
          #expect(try deferring.peer() == "10.96.0.1:80")
          #expect(try servers.acceptConnection().socket.receive().text == "hello")
        }
      }
    }

    @Test(.requires(.multipathTCP))
    func `an MPTCP socket is told the service, and counted until it is closed`() async throws {
      try await withSockets { table, namespace in
        let backends = Servers.endpoints(1, port: 8080)
        let served = try table.serve("10.96.0.1:80", .tcp, to: backends)
        try await namespace.run {
          let servers = try Servers(.tcp, at: backends)
          var client: Socket? = try Socket(.mptcp)
          try client?.connect("10.96.0.1:80")
          _ = try servers.acceptConnection()
          #expect(try client?.peer() == "10.96.0.1:80")
          #expect(table.load(of: served.backends[0]) == 1)
          client = nil
          #expect(table.load(of: served.backends[0]) == 0)
        }
      }
    }

    @Test func `sockets that find their slot taken have storage, and keep it when the slot is free again`() async throws
    {
      try await withSockets { table, namespace in
        let backends = Servers.endpoints(1, port: 8080)
        let served = try table.serve("10.96.0.1:80", .tcp, to: backends)
        try await namespace.run {
          let slots = try table.maps.socketSlots.mapped()
          let cookie = slots.field(\.cookie)
          func occupy(_ isTaken: Bool) {
            for index in 0..<UInt32(SOCKET_SLOTS) { slots.store(isTaken ? .max : 0, in: cookie, at: index) }
          }
          func taken() -> Int { (0..<UInt32(SOCKET_SLOTS)).count { slots.load(cookie, at: $0) != 0 } }
          let servers = try Servers(.tcp, at: backends)
          func connect() throws -> Socket {
            let client = try Socket(.tcp)
            try client.connect("10.96.0.1:80")
            _ = try servers.acceptConnection()
            return client
          }
          var clients = try (0..<20).map { _ in try connect() }
          #expect(taken() == 20)
          clients.removeAll()
          #expect(taken() == 0)
          #expect(table.load(of: served.backends[0]) == 0)

          occupy(true)
          clients = try (0..<20).map { _ in try connect() }
          occupy(false)
          clients += try (0..<20).map { _ in try connect() }
          #expect(taken() == 20)
          for client in clients { #expect(try client.peer() == "10.96.0.1:80") }
          #expect(table.load(of: served.backends[0]) == 40)
          clients.removeAll()
          #expect(taken() == 0)
          #expect(table.load(of: served.backends[0]) == 0)
        }
      }
    }

    @Test func `a socket that failed to connect to a service may connect to its backend by name`() async throws {
      try await withSockets { table, namespace in
        let backends = Servers.endpoints(1, port: 8080)
        let served = try table.serve("10.96.0.1:80", .tcp, to: backends)
        try await namespace.run {
          let client = try Socket(.tcp)
          #expect(throws: Errno.connectionRefused) { try client.connect("10.96.0.1:80") }
          #expect(table.load(of: served.backends[0]) == 1)
          let servers = try Servers(.tcp, at: backends)
          try client.connect(backends[0])
          _ = try servers.acceptConnection()
          #expect(try client.peer() == backends[0])
          #expect(table.load(of: served.backends[0]) == 0)
        }
      }
    }
  }
}

extension KernelFeature {
  /// Sockets of MPTCP.
  fileprivate static let multipathTCP = KernelFeature("MPTCP", minimumKernel: KernelVersion(5, 6)) {
    (try? Socket(.mptcp)) == nil ? .missing(reason: "such sockets are refused") : .available
  }
}
