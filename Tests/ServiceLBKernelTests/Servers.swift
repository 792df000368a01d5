// SPDX-License-Identifier: Apache-2.0

import Glibc
import NetworkTypes
import SystemPackage

/// Servers at 127.0.1.1, 127.0.1.2, … or fd00::1:1, fd00::1:2, …, all at one port.
struct Servers {
  let endpoints: [Endpoint]
  let sockets: [Socket]

  static func endpoints(_ count: Int, port: UInt16, _ family: AddressFamily = .ipv4) -> [Endpoint] {
    (1...count).map {
      family == .ipv4
        ? Endpoint(.v4(IPv4Address(127, 0, 1, UInt8($0))), port)
        : Endpoint(.v6(IPv6Address(high: 0xfd00 << 48, low: 0x1_0000 + UInt64($0))), port)
    }
  }

  init(_ kind: Socket.Kind, at endpoints: [Endpoint]) throws {
    self.endpoints = endpoints
    sockets = try endpoints.map {
      let socket = try Socket(kind, $0.family)
      try socket.bind($0)
      if kind == .tcp || kind == .mptcp { try socket.listen() }
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
