// SPDX-License-Identifier: Apache-2.0

import Glibc
import KernelTestSupport
import LinuxSystem
import NetworkTypes
import ServiceLB
import SystemPackage
import Testing

/// One service port, from text.
func entry(_ service: String, _ frontends: [String], _ backends: [Endpoint]) throws -> ServiceEntry {
  ServiceEntry(
    name: ServicePortName(namespace: "default", service: service), frontends: try frontends.map(frontend),
    remoteBackends: try backends.map {
      ServiceBackend(address: $0.address, port: try #require(Port(rawValue: $0.port)))
    })
}

/// `10.96.0.1:80/TCP` as a frontend.
func frontend(_ text: String) throws -> ServiceFrontend {
  let parts = text.split(separator: "/")
  let endpoint = Endpoint(stringLiteral: String(parts[0]))
  return ServiceFrontend(
    address: endpoint.address, port: try #require(Port(rawValue: endpoint.port)),
    protocol: parts[1] == "UDP" ? .udp : .tcp)
}

/// Limits that take little memory.
let smallLimits = ServiceLimits(frontends: 64, services: 512, slots: 4096, backends: 64, datagramPeers: 1024)

/// A load balancer attached to a cgroup that this process is in, and a network namespace with loopback.
func withBalancer(
  _ body: (ServiceLoadBalancer, NetworkNamespace) async throws -> Void
) async throws {
  try await withScratchCgroup { cgroup in
    try await withScratchNamespace { namespace in
      let balancer = try ServiceLoadBalancer.load(limits: smallLimits)
      let attachments = try balancer.attach(toCgroup: cgroup)
      try await body(balancer, namespace)
      try await attachments.detach()
    }
  }
}

/// Servers at 127.0.1.1, 127.0.1.2, …, all at one port.
struct Servers {
  let endpoints: [Endpoint]
  let sockets: [Socket]

  static func endpoints(_ count: Int, port: UInt16) -> [Endpoint] {
    (1...count).map { Endpoint(stringLiteral: "127.0.1.\($0):\(port)") }
  }

  init(_ kind: Socket.Kind, at endpoints: [Endpoint]) throws {
    self.endpoints = endpoints
    sockets = try endpoints.map {
      let socket = try Socket(kind)
      try socket.bind($0)
      if kind == .tcp { try socket.listen() }
      socket.stopWaiting()
      return socket
    }
  }

  /// The number of the server that was sent a datagram, which it answers with its own number.
  func answerDatagram() throws -> Int {
    try first { number, socket in
      do {
        let datagram = try socket.receive()
        try socket.send("\(number)", to: datagram.from)
        return number
      } catch Errno.wouldBlock {
        return nil
      }
    }
  }

  /// The number of the server that has a new connection, and the connection.
  func acceptConnection() throws -> (number: Int, socket: Socket) {
    try first { number, socket in socket.accept().map { (number, $0) } }
  }

  /// What the first server says that has something to say, within five seconds: loopback too may deliver late.
  private func first<Result>(_ body: (Int, Socket) throws -> Result?) throws -> Result {
    let deadline = ContinuousClock.now + .seconds(5)
    repeat {
      for (number, socket) in sockets.enumerated() {
        if let result = try body(number, socket) { return result }
      }
      usleep(100)
    } while ContinuousClock.now < deadline
    throw Errno.timedOut
  }
}
