// SPDX-License-Identifier: Apache-2.0

import Glibc
import KernelTestSupport
import LinuxSystem
import NetworkTypes
import Testing

@testable import NetlinkKit

/// Runs `body` in a scratch namespace, with diagnostics there.
func withDiagnostics(_ body: (NetworkNamespace, SocketDiagnostics) async throws -> Void) async throws {
  try await withScratchNamespace { namespace in
    try await Scratch.$namespace.withValue(namespace) {
      try await body(namespace, SocketDiagnostics(in: namespace))
    }
  }
}

/// An end from text, which must be a block.
func end(_ block: String, _ ports: ClosedRange<UInt16>? = nil) -> SocketEndpointMatch {
  guard let block = IPCIDR(block) else { preconditionFailure("\(block) is no block") }
  return SocketEndpointMatch(block, ports: ports)
}

extension KernelFeature {
  /// Sockets of a protocol and their diagnostics, by opening one and listing.
  static func sockets(_ protocol: SocketProtocol, _ type: __socket_type, _ number: CInt) -> KernelFeature {
    KernelFeature("\(`protocol`) diagnostics") {
      do {
        let namespace = try await NetworkNamespace.makeAnonymous()
        _ = try await TestSocket.open(type, protocol: number, in: namespace)
        _ = try await SocketDiagnostics(in: namespace).sockets(SocketMatch(`protocol`))
        return .available
      } catch {
        return .missing(reason: "\(error)")
      }
    }
  }
}

@Suite("Sockets of a namespace", .serialized, .requires(.root))
struct SocketListKernelTests {
  @Test func `sockets are listed with what their owners know of them`() async throws {
    try await withDiagnostics { namespace, diagnostics in
      let listener = try await TestSocket.listener(backlog: 5, in: namespace)
      let (client, server) = try await TestSocket.connection(to: listener, in: namespace)
      try client.set(SOL_SOCKET, SO_MARK, 0x77)
      server.send()
      let sockets = try await diagnostics.sockets(SocketMatch(.tcp), details: .all)
      #expect(sockets.count == 3)
      let one = try #require(sockets.first { $0.cookie == (try? client.cookie()) })
      #expect(one.state == .established)
      #expect(one.inode == (try client.inode()))
      #expect(one.source.port == (try client.port()))
      #expect(one.destination.description == "127.0.0.1:\(try listener.port())")
      #expect(one.mark == 0x77)
      #expect(one.receiveQueue == 1)
      #expect(one.tcp?.bytesReceived == 1)
      let other = try #require(sockets.first { $0.cookie == (try? server.cookie()) })
      #expect(other.source == one.destination)
      #expect(other.destination == one.source)
      #expect(other.tcp?.bytesSent == 1)
      let listening = try #require(sockets.first { $0.state == .listening })
      #expect(listening.cookie == (try listener.cookie()))
      #expect(listening.sendQueue == 5)
    }
  }

  @Test func `each condition finds its sockets, and the kernel and this module agree on which`() async throws {
    try await withDiagnostics { namespace, diagnostics in
      let socket = try await NetlinkSocket(in: namespace)
      let veth = try await socket.links.add(
        NewLink(name: "v0", kind: .veth(peer: VethPeer(name: "v1", isUp: true)), isUp: true))
      var kept: [TestSocket] = []
      for (address, port) in [
        ("127.0.0.1", 53), ("127.0.0.2", 53), ("127.0.1.1", 1000), ("127.0.1.1", 1001), ("::1", 53), ("::1", 1000),
        ("::ffff:127.0.0.1", 53), ("::ffff:127.0.1.1", 2000),
      ] as [(String, UInt16)] {
        kept.append(try await TestSocket.udp(to: address, port, in: namespace))
      }
      let marked = try await TestSocket.udp(to: "127.0.0.9", 9, in: namespace)
      try marked.set(SOL_SOCKET, SO_MARK, 0x1f)
      let bound = try await TestSocket.open(SOCK_DGRAM, in: namespace)
      try bound.bind(toDevice: "v0")
      try bound.bind("0.0.0.0", 4444)
      kept += [marked, bound]
      let all = try await diagnostics.sockets(SocketMatch(.udp))
      #expect(all.count == kept.count)
      let cgroup = try #require(all.first?.cgroupID)

      let matches: [(SocketMatch, Int)] = [
        (SocketMatch(.udp, destinations: [end("127.0.0.1/32", 53...53)]), 2),
        (SocketMatch(.udp, family: .ipv4, destinations: [end("127.0.0.1/32", 53...53)]), 1),
        (SocketMatch(.udp, destinations: [end("127.0.0.0/24")]), 4),
        (SocketMatch(.udp, destinations: [end("127.0.1.0/24", 1000...1001)]), 2),
        (SocketMatch(.udp, destinations: [.init(ports: 1000...2000)]), 4),
        (
          SocketMatch(.udp, destinations: [end("127.0.0.2/32"), end("::1/128", 53...53), .init(ports: 2000...2000)]), 3
        ),
        (SocketMatch(.udp, destinations: [end("::ffff:0:0/96")]), 2),
        (SocketMatch(.udp, sources: [end("127.0.0.0/8")], destinations: [.init(ports: 53...53)]), 3),
        (SocketMatch(.udp, sources: [.init(ports: 4444...4444)]), 1),
        (SocketMatch(.udp, states: .closed), 1), (SocketMatch(.udp, states: .connected), 9),
        (SocketMatch(.udp, boundInterface: .some(veth.index)), 1), (SocketMatch(.udp, boundInterface: .some(nil)), 9),
        (SocketMatch(.udp, mark: SocketMarkMatch(0x1f)), 1),
        (SocketMatch(.udp, mark: SocketMarkMatch(0xff, mask: 0xf)), 1),
        (SocketMatch(.udp, mark: SocketMarkMatch(0)), 9), (SocketMatch(.udp, cgroupID: cgroup), 10),
        (SocketMatch(.udp, cgroupID: cgroup + 1_000_000), 0), (SocketMatch(.udp, destinations: [end("10.0.0.0/8")]), 0),
        (SocketMatch(.udp, destinations: []), 0),
      ]
      for (match, count) in matches {
        #expect(try await diagnostics.sockets(match).count == count, "\(match)")
        if match.isHopeless { continue }
        // What the kernel sorts out by itself is the same.
        for family in match.family.map({ [$0] }) ?? AddressFamily.allCases {
          let theirs = try await diagnostics.socket.dump(
            ListSockets(match: match, family: family, comparesAgain: false))
          #expect(theirs.allSatisfy(match.contains), "\(match)")
          let ours = try await diagnostics.sockets(match).filter { $0.family == family }
          #expect(theirs.map(\.cookie) == ours.map(\.cookie), "\(match)")
        }
      }
      // What only this module can sort out.
      #expect(try await diagnostics.sockets(SocketMatch(.udp, cookie: marked.cookie())).count == 1)
      #expect(try await diagnostics.sockets(SocketMatch(.udp, inode: bound.inode())).count == 1)
      #expect(try await diagnostics.sockets(SocketMatch(.udp, userID: 0)).count == 10)
      #expect(try await diagnostics.sockets(SocketMatch(.udp, userID: 4711)).isEmpty)
    }
  }

  @Test func `hundreds of endpoints are one question, and thousands are answered too`() async throws {
    try await withDiagnostics { namespace, diagnostics in
      let socket = try await TestSocket.udp(to: "127.0.3.3", 53, in: namespace)
      for count in [400, 5000] {
        let ends = (0..<count).map {
          SocketEndpointMatch(IPCIDR(host: .v4(IPv4Address(rawValue: 0x7f00_0300 + UInt32($0)))), port: 53)
        }
        let found = try await diagnostics.sockets(SocketMatch(.udp, destinations: ends))
        #expect(found.map(\.cookie) == [try socket.cookie()])
      }
    }
  }

  @Test(.requires(.socketDestroy), .requires(.sockets(.raw, SOCK_RAW, 47)))
  func `raw sockets say their protocol, and are destroyed by it`() async throws {
    try await withDiagnostics { namespace, diagnostics in
      let raw = try await TestSocket.open(SOCK_RAW, protocol: 47, in: namespace)
      let sockets = try await diagnostics.sockets(SocketMatch(.raw))
      #expect(sockets.map(\.rawProtocol) == [47])
      #expect(sockets.map(\.cookie) == [try raw.cookie()])
      let outcome = try await diagnostics.destroy(SocketMatch(.raw, cookie: try raw.cookie()))
      #expect(outcome.destroyed.count == 1)
      #expect(raw.receive() == ECONNABORTED)
    }
  }

  @Test(.requires(.sockets(.udpLite, SOCK_DGRAM, 136)))
  func `UDP-Lite sockets are listed apart from UDP ones, and cannot be destroyed`() async throws {
    try await withDiagnostics { namespace, diagnostics in
      let lite = try await TestSocket.open(SOCK_DGRAM, protocol: 136, in: namespace)
      try lite.connect("127.0.0.9", 53)
      let match = SocketMatch(.udpLite, destinations: [end("127.0.0.9/32", 53...53)])
      #expect(try await diagnostics.sockets(SocketMatch(.udp)).isEmpty)
      #expect(try await diagnostics.sockets(match).map(\.cookie) == [try lite.cookie()])
      let error = await #expect(throws: NetlinkError.self) { try await diagnostics.destroy(match) }
      #expect(error?.code == .notSupported)
      #expect(error?.message.contains("cannot destroy UDP-Lite sockets") == true)
    }
  }

  @Test(.requires(.sockets(.sctp, SOCK_STREAM, 132))) func `SCTP listeners are listed`() async throws {
    try await withDiagnostics { namespace, diagnostics in
      let sctp = try await TestSocket.open(SOCK_STREAM, protocol: 132, in: namespace)
      try sctp.bind("127.0.0.1", 5000)
      #expect(listen(sctp.descriptor, 3) == 0)
      let sockets = try await diagnostics.sockets(SocketMatch(.sctp, states: .listening))
      #expect(sockets.map(\.source.description) == ["127.0.0.1:5000"])
      let error = await #expect(throws: NetlinkError.self) {
        try await diagnostics.destroy(SocketMatch(.sctp, sources: [.init(port: 5000)]))
      }
      #expect(error?.code == .notSupported)
      #expect(error?.message.contains("cannot destroy SCTP sockets") == true)
    }
  }

  @Test(.requires(.sockets(.mptcp, SOCK_STREAM, 262)))
  func `a protocol whose number has more than eight bits is asked for by its number`() async throws {
    try await withDiagnostics { namespace, diagnostics in
      let mptcp = try await TestSocket.open(SOCK_STREAM, protocol: 262, in: namespace)
      try mptcp.bind("127.0.0.1", 5001)
      #expect(listen(mptcp.descriptor, 3) == 0)
      let sockets = try await diagnostics.sockets(SocketMatch(.mptcp, states: .listening))
      #expect(sockets.map(\.cookie) == [try mptcp.cookie()])
    }
  }

  @Test func `a protocol that no kernel has diagnostics of is not supported`() async throws {
    try await withDiagnostics { _, diagnostics in
      let error = await #expect(throws: NetlinkError.self) {
        try await diagnostics.sockets(SocketMatch(SocketProtocol(rawValue: 99)))
      }
      #expect(error?.code == .notSupported)
    }
  }

  @Test func `unix sockets of the namespace are listed`() async throws {
    try await withDiagnostics { namespace, diagnostics in
      let name = "terwaykit-\(getpid())"
      let pair = try await namespace.run { () throws -> [CInt] in
        var pair: [CInt] = [0, 0]
        guard unsafe socketpair(AF_UNIX, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0, &pair) == 0 else {
          throw TestSocket.Failure(call: "socketpair", errno: errno)
        }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0[1...].copyBytes(from: name.utf8) }
        let listener = socket(AF_UNIX, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
        _ = unsafe withUnsafePointer(to: &address) { address in
          unsafe address.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            unsafe bind(listener, $0, socklen_t(3 + name.utf8.count))
          }
        }
        listen(listener, 3)
        return pair + [listener]
      }
      defer { for descriptor in pair { close(descriptor) } }
      let sockets = try await diagnostics.unixSockets()
      let listener = try #require(sockets.first { $0.name == "\0" + name })
      #expect(listener.state == .listening)
      #expect(listener.sendQueue == 3)
      let connected = sockets.filter { $0.peer != nil }
      #expect(connected.count == 2)
      #expect(connected.first?.peer == connected.last?.inode)
      #expect(try await diagnostics.unixSockets(states: .listening).map(\.inode) == [listener.inode])
    }
  }

  @Test func `without capabilities sockets are listed, without marks`() async throws {
    try await withScratchNamespace { namespace in
      let socket = try await TestSocket.udp(to: "127.0.0.1", 53, in: namespace)
      let cookie = try socket.cookie()
      try await withoutCapabilities(in: namespace) {
        let diagnostics = SocketDiagnostics(over: NetlinkSocket(over: try KernelTransport(.socketDiagnostics)))
        let found = try await diagnostics.sockets(SocketMatch(.udp))
        #expect(found.map(\.cookie) == [cookie])
        #expect(found.map(\.mark) == [nil])
        let byMark = await #expect(throws: NetlinkError.self) {
          try await diagnostics.sockets(SocketMatch(.udp, mark: SocketMarkMatch(0)))
        }
        #expect(byMark?.code == .permissionDenied)
        let destruction = await #expect(throws: NetlinkError.self) {
          try await diagnostics.destroy(SocketMatch(.udp, cookie: cookie))
        }
        #expect(destruction?.code == .permissionDenied)
      }
      #expect(socket.send() != EDESTADDRREQ)
    }
  }

  @Test func `no descriptor is left behind`() async throws {
    try await withScratchNamespace { namespace in
      try await expectNoDescriptorLeak {
        let diagnostics = try await SocketDiagnostics(in: namespace)
        _ = try await diagnostics.sockets(SocketMatch(.tcp))
        _ = try? await diagnostics.sockets(SocketMatch(SocketProtocol(rawValue: 99)))
        _ = try? await diagnostics.destroy(SocketMatch(.tcp))
        let generic = try await GenericNetlinkSocket(in: namespace)
        _ = try? await generic.ethtool.features(of: .name("lo"))
        _ = try? await generic.ethtool.channels(of: .name("lo"))
        _ = try? await NetworkSettings(of: namespace).value(of: .ipForward)
        _ = try? await NetworkSettings(of: namespace).value(of: .reversePathFilter, for: .link("no-such"))
      }
    }
  }
}
