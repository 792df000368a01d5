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
  /// The node's own namespace is the machine's first one, whose loopback these tests use; only sockets of their control
  /// group meet the programs.
  @Suite("Node ports at sockets")
  struct NodePortSocketTests {
    private static let port: UInt16 = 31_999
    /// What is no namespace's own is set in the first one alone.
    private static let inNodeNamespace = KernelFeature("the machine's first network namespace") {
      unsafe access("/proc/sys/net/core/netdev_budget", F_OK) == 0
        ? .available : .missing(reason: "the tests run in another one")
    }

    /// A node port of both families, with servers at 127.0.1.1 and at ::1.
    private static func serve(_ table: SocketTable, _ kind: Socket.Kind) throws -> Servers {
      let servers = try Servers(kind, at: ["127.0.1.1:0", "[::1]:0"])
      let backends = try servers.sockets.map { try $0.name() }
      let flags = FRONTEND_EXTERNAL | FRONTEND_NODE_PORT
      try table.serve("0.0.0.0:\(port)", kind, flags: flags, to: [backends[0]])
      try table.serve("[::]:\(port)", kind, flags: flags, to: [backends[1]])
      return servers
    }

    @Test(.requires(inNodeNamespace))
    func `28: the node reaches node ports at its loopback addresses`() async throws {
      try await withSockets { table, _ in
        let servers = try Self.serve(table, .tcp)
        for (host, number) in [("127.0.0.1", 0), ("127.9.9.9", 0), ("0.0.0.0", 0), ("[::1]", 1), ("[::]", 1)] {
          let frontend = Endpoint(stringLiteral: "\(host):\(Self.port)")
          let client = try Socket(.tcp, frontend.family)
          try client.connect(frontend)
          #expect(try servers.acceptConnection().number == number, "\(host)")
          #expect(try client.peer() == frontend)
        }
        let mapped = ("127.0.0.1:\(Self.port)" as Endpoint).mapped
        let client = try Socket(.tcp, .ipv6)
        try client.connect(mapped)
        #expect(try servers.acceptConnection().number == 0)
        #expect(try client.peer() == mapped)
      }
    }

    @Test(.requires(inNodeNamespace))
    func `28: datagrams to node ports at loopback addresses too`() async throws {
      try await withSockets { table, _ in
        let servers = try Self.serve(table, .udp)
        for (host, number) in [("127.0.0.1", 0), ("[::1]", 1)] {
          let frontend = Endpoint(stringLiteral: "\(host):\(Self.port)")
          let client = try Socket(.udp, frontend.family)
          try client.send("?", to: frontend)
          #expect(try servers.answerDatagram() == number)
          #expect(try client.receive().from == frontend)
        }
      }
    }

    @Test func `4: node ports are served at the node's addresses, to all namespaces`() async throws {
      try await withSockets { table, namespace in
        let backends = Servers.endpoints(1, port: 8080)
        try table.serve("0.0.0.0:30080", .tcp, flags: FRONTEND_EXTERNAL | FRONTEND_NODE_PORT, to: backends)
        try table.serve("0.0.0.0:8090", .tcp, flags: FRONTEND_EXTERNAL | FRONTEND_NODE_PORT, to: backends)
        let six = Servers.endpoints(2, port: 8080, .ipv6)
        try table.serve("[::]:30080", .tcp, flags: FRONTEND_EXTERNAL | FRONTEND_NODE_PORT, to: [six[0]])
        for address in [("198.51.100.7:0" as Endpoint).address, six[1].address] {
          try table.maps.nodeAddresses.updateValue(present(value: 1), forKey: ip_address(address))
        }
        try await namespace.run {
          let servers = try Servers(.tcp, at: backends + [six[0]])
          let client = try Socket(.tcp)
          try client.connect("198.51.100.7:30080")
          #expect(try servers.acceptConnection().number == 0)
          #expect(try client.peer() == "198.51.100.7:30080")
          try Socket(.tcp, .ipv6).connect(Endpoint(six[1].address, 30_080))
          #expect(try servers.acceptConnection().number == 1)
          // Not the node's address, a pod's own loopback address, out of the range of node ports.
          for other in ["127.0.9.1:30080", "127.0.0.1:30080", "0.0.0.0:30080", "198.51.100.7:8090"] as [Endpoint] {
            #expect(throws: Errno.connectionRefused, "\(other)") { try Socket(.tcp).connect(other) }
          }
        }
      }
    }

    @Test func `4: the range of node ports is the loader's`() async throws {
      try await withSockets(ServiceConstants(nodePorts: 8000...8099)) { table, namespace in
        let backends = Servers.endpoints(1, port: 9090)
        for frontend in ["0.0.0.0:8000", "0.0.0.0:8099", "0.0.0.0:8100", "0.0.0.0:7999"] as [Endpoint] {
          try table.serve(frontend, .tcp, flags: FRONTEND_EXTERNAL | FRONTEND_NODE_PORT, to: backends)
        }
        try table.maps.nodeAddresses.updateValue(
          present(value: 1), forKey: ip_address(("198.51.100.7:0" as Endpoint).address))
        try await namespace.run {
          let servers = try Servers(.tcp, at: backends)
          for port: UInt16 in [8000, 8099] {
            try Socket(.tcp).connect("198.51.100.7:\(port)")
            _ = try servers.acceptConnection()
          }
          for port: UInt16 in [7999, 8100] {
            #expect(throws: Errno.connectionRefused) { try Socket(.tcp).connect("198.51.100.7:\(port)") }
          }
        }
      }
    }

    @Test(.requires(inNodeNamespace), arguments: [Socket.Kind.tcp, .udp])
    func `29: nobody on the node can listen at a node port`(_ kind: Socket.Kind) async throws {
      try await withSockets { table, namespace in
        _ = try Self.serve(table, kind)
        let busy = Errno(rawValue: EADDRINUSE)
        let taken: [Endpoint] = [
          "0.0.0.0:\(Self.port)", "127.0.0.1:\(Self.port)", "[::]:\(Self.port)", "[::1]:\(Self.port)",
          ("127.0.0.1:\(Self.port)" as Endpoint).mapped,
        ]
        for endpoint in taken {
          #expect(throws: busy, "\(endpoint)") { try Socket(kind, endpoint.family).bind(endpoint) }
        }
        // Other ports, the other protocol, and pods are free to.
        try Socket(kind).bind("127.0.0.1:\(Self.port - 1)")
        try Socket(kind == .tcp ? .udp : .tcp).bind("127.0.0.1:\(Self.port)")
        try await namespace.run { try Socket(kind).bind("0.0.0.0:\(Self.port)") }
      }
    }

    @Test(.requires(inNodeNamespace))
    func `29: nobody on the node can listen at an external address that is served, but at a cluster IP`() async throws {
      try await withSockets { table, _ in
        let backends = Servers.endpoints(1, port: 8080)
        try table.serve("127.0.9.1:31234", .tcp, flags: FRONTEND_EXTERNAL, to: backends)
        try table.serve("127.0.9.2:31234", .tcp, to: backends)
        try table.serve("127.0.9.3:31234", .tcp, flags: FRONTEND_EXTERNAL | FRONTEND_NOT_INTERNAL, to: backends)
        #expect(throws: Errno(rawValue: EADDRINUSE)) { try Socket(.tcp).bind("127.0.9.1:31234") }
        try Socket(.tcp).bind("127.0.9.2:31234")
        try Socket(.tcp).bind("127.0.9.3:31234")
      }
    }
  }
}
