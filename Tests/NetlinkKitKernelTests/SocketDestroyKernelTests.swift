// SPDX-License-Identifier: Apache-2.0

import Glibc
import KernelTestSupport
import LinuxSystem
import NetworkTypes
import Testing

@testable import NetlinkKit

@Suite("Destroying sockets", .serialized, .requires(.root), .requires(.socketDestroy))
struct SocketDestroyKernelTests {
  @Test func `a connected UDP socket learns at once that its endpoint went away, and others do not`() async throws {
    try await withDiagnostics { namespace, diagnostics in
      let stale = try await TestSocket.udp(to: "127.0.0.9", 53, in: namespace)
      let mapped = try await TestSocket.udp(to: "::ffff:127.0.0.9", 53, in: namespace)
      let bound = try await TestSocket.udp(to: "127.0.0.9", 53, from: 7000, in: namespace)
      let other = try await TestSocket.udp(to: "127.0.0.8", 53, in: namespace)
      let otherPort = try await TestSocket.udp(to: "127.0.0.9", 54, in: namespace)
      let gone = end("127.0.0.9/32", 53...53)
      let expected: Set<UInt64> = [try stale.cookie(), try mapped.cookie(), try bound.cookie()]

      // One that waits is woken: on a thread of its own, as it takes one.
      async let waiting = namespace.run { stale.receive() }
      try await Task.sleep(for: .milliseconds(50))
      let outcome = try await diagnostics.destroy(SocketMatch(.udp, states: .connected, destinations: [gone]))
      #expect(Set(outcome.destroyed.map(\.cookie)) == expected)
      #expect(outcome.failures.isEmpty)
      #expect(try await waiting == ECONNABORTED)
      #expect(mapped.receive() == ECONNABORTED)
      #expect(bound.receive() == ECONNABORTED)
      #expect(bound.send() == EDESTADDRREQ)
      #expect(other.send() != EDESTADDRREQ)
      #expect(otherPort.send() != EDESTADDRREQ)
      #expect(try await diagnostics.sockets(SocketMatch(.udp, destinations: [gone])).isEmpty)
      #expect(try await diagnostics.sockets(SocketMatch(.udp, states: .connected)).count == 2)
      // Nothing is left to do, which is no error.
      #expect(try await diagnostics.destroy(SocketMatch(.udp, destinations: [gone])).destroyed.isEmpty)
      // The socket can be used again.
      try stale.connect("127.0.0.8", 53)
      #expect(stale.send() == 0)
    }
  }

  @Test(arguments: ["127.0.0.1", "::1"])
  func `both ends of a TCP connection learn that it is gone, and the listener stays`(address: String) async throws {
    try await withDiagnostics { namespace, diagnostics in
      let listener = try await TestSocket.listener(address, in: namespace)
      let (client, server) = try await TestSocket.connection(to: listener, address, in: namespace)
      let (second, _) = try await TestSocket.connection(to: listener, address, in: namespace)
      let end = SocketEndpointMatch(ports: try client.port()...client.port())
      async let waiting = namespace.run { client.receive() }
      try await Task.sleep(for: .milliseconds(50))
      let outcome = try await diagnostics.destroy(SocketMatch(.tcp, sources: [end]))
      #expect(outcome.destroyed.map(\.cookie) == [try client.cookie()])
      #expect(try await waiting == ECONNABORTED)
      // After that, the end of the stream.
      #expect(client.receive() == 0)
      #expect(server.receive() == ECONNRESET)
      #expect(second.send() == 0)
      let left = try await diagnostics.sockets(SocketMatch(.tcp))
      #expect(left.filter { $0.state == .listening }.map(\.cookie) == [try listener.cookie()])
      #expect(!left.contains { $0.source.port == outcome.destroyed.first?.source.port })
    }
  }

  @Test func `a mapped TCP connection, a listener and a connection that waits are destroyed`() async throws {
    try await withDiagnostics { namespace, diagnostics in
      let listener = try await TestSocket.listener("::", in: namespace)
      let port = try listener.port()
      let client = try await TestSocket.open(SOCK_STREAM, .ipv6, in: namespace)
      try client.connect("::ffff:127.0.0.1", port)
      let mapped = end("127.0.0.1/32", port...port)
      let outcome = try await diagnostics.destroy(SocketMatch(.tcp, destinations: [mapped]))
      #expect(outcome.destroyed.map(\.cookie) == [try client.cookie()])
      #expect(client.receive() == ECONNABORTED)
      let own = SocketMatch(.tcp, states: .listening, sources: [SocketEndpointMatch(port: port)])
      // What waited to be accepted goes first, or accepting would succeed.
      _ = try listener.accept()
      async let waiting = namespace.run { () -> CInt in
        do {
          _ = try listener.accept()
          return 0
        } catch { return (error as? TestSocket.Failure)?.errno ?? -1 }
      }
      try await Task.sleep(for: .milliseconds(50))
      #expect(try await diagnostics.destroy(own).destroyed.map(\.cookie) == [try listener.cookie()])
      #expect(try await waiting == EINVAL)
      #expect(try await diagnostics.sockets(SocketMatch(.tcp, states: .listening)).isEmpty)
    }
  }

  @Test func `sockets with the same addresses and ports are all destroyed`() async throws {
    try await withDiagnostics { namespace, diagnostics in
      var sockets: [TestSocket] = []
      for _ in 0..<5 { sockets.append(try await TestSocket.udp(to: "127.0.0.9", 53, from: 7001, in: namespace)) }
      let gone = end("127.0.0.9/32", 53...53)
      let outcome = try await diagnostics.destroy(SocketMatch(.udp, destinations: [gone]))
      #expect(outcome.failures.isEmpty)
      #expect(Set(outcome.destroyed.map(\.cookie)) == Set(try sockets.map { try $0.cookie() }))
      for socket in sockets { #expect(socket.receive() == ECONNABORTED) }
    }
  }

  @Test func `unconnected sockets that share a port are found by chance, and none is forgotten`() async throws {
    try await withDiagnostics { namespace, diagnostics in
      var sockets: [TestSocket] = []
      for _ in 0..<4 {
        let socket = try await TestSocket.open(SOCK_DGRAM, in: namespace)
        try socket.set(SOL_SOCKET, SO_REUSEPORT, 1)
        try socket.bind("127.0.0.1", 7003)
        sockets.append(socket)
      }
      let outcome = try await diagnostics.destroy(SocketMatch(.udp, sources: [SocketEndpointMatch(port: 7003)]))
      #expect(!outcome.destroyed.isEmpty)
      let named = Set(outcome.destroyed.map(\.cookie)).union(outcome.failures.map(\.socket.cookie))
      #expect(named == Set(try sockets.map { try $0.cookie() }))
      #expect(outcome.destroyed.count + outcome.failures.count == 4)
      // They keep their port.
      #expect(try await diagnostics.sockets(SocketMatch(.udp, sources: [SocketEndpointMatch(port: 7003)])).count == 4)
    }
  }

  @Test func `a new socket with the addresses and ports of one that was listed is not hit`() async throws {
    try await withDiagnostics { namespace, diagnostics in
      let gone = end("127.0.0.9/32", 53...53)
      var listed: InternetSocket
      do {
        let old = try await TestSocket.udp(to: "127.0.0.9", 53, from: 7002, in: namespace)
        listed = try #require(try await diagnostics.sockets(SocketMatch(.udp, destinations: [gone])).first)
        #expect(listed.cookie == (try old.cookie()))
      }
      let new = try await TestSocket.udp(to: "127.0.0.9", 53, from: 7002, in: namespace)
      #expect(try await !diagnostics.destroy(listed))
      #expect(
        try await diagnostics.sockets(SocketMatch(.udp, destinations: [gone])).map(\.cookie) == [try new.cookie()])
      listed.cookie = try new.cookie()
      #expect(try await diagnostics.destroy(listed))
      #expect(new.receive() == ECONNABORTED)
    }
  }

  @Test func `sockets bound to links and with marks are found for destruction`() async throws {
    try await withDiagnostics { namespace, diagnostics in
      let bound = try await TestSocket.open(SOCK_DGRAM, in: namespace)
      try bound.bind(toDevice: "lo")
      try bound.connect("127.0.0.9", 53)
      let marked = try await TestSocket.udp(to: "127.0.0.9", 53, in: namespace)
      try marked.set(SOL_SOCKET, SO_MARK, 0x10)
      let first = try await diagnostics.destroy(SocketMatch(.udp, boundInterface: .some(.loopback)))
      #expect(first.destroyed.map(\.cookie) == [try bound.cookie()])
      let second = try await diagnostics.destroy(SocketMatch(.udp, mark: SocketMarkMatch(0x10, mask: 0x10)))
      #expect(second.destroyed.map(\.cookie) == [try marked.cookie()])
    }
  }

  @Test func `sockets of a namespace are destroyed from outside of it, and only there`() async throws {
    try await withScratchNamespace { inside in
      try await withScratchNamespace { outside in
        let one = try await TestSocket.udp(to: "127.0.0.9", 53, in: inside)
        let other = try await TestSocket.udp(to: "127.0.0.9", 53, in: outside)
        let gone = SocketMatch(.udp, destinations: [end("127.0.0.9/32")])
        #expect(try await SocketDiagnostics(in: inside).destroy(gone).destroyed.count == 1)
        #expect(one.receive() == ECONNABORTED)
        #expect(other.send() != EDESTADDRREQ)
      }
    }
  }

  @Test func `hundreds of sockets are destroyed in one call`() async throws {
    try await withDiagnostics { namespace, diagnostics in
      var sockets: [TestSocket] = []
      for _ in 0..<300 { sockets.append(try await TestSocket.udp(to: "127.0.0.9", 53, in: namespace)) }
      let gone = SocketMatch(.udp, destinations: [end("127.0.0.9/32", 53...53)])
      let outcome = try await diagnostics.destroy(gone)
      #expect(outcome.destroyed.count == 300)
      #expect(outcome.failures.isEmpty)
      #expect(sockets.allSatisfy { $0.receive() == ECONNABORTED })
    }
  }
}
