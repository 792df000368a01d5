// SPDX-License-Identifier: Apache-2.0

import Glibc
import KernelTestSupport
import LinuxSystem
import NetworkTypes
import Testing

@testable import NetlinkKit

/// Runs `body` in a scratch namespace, with diagnostics there.
private func withDiagnostics(_ body: (NetworkNamespace, SocketDiagnostics) async throws -> Void) async throws {
  try await withScratchNamespace { namespace in
    try await Scratch.$namespace.withValue(namespace) {
      try await body(namespace, SocketDiagnostics(in: namespace))
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

      func end(_ block: String? = nil, _ ports: ClosedRange<UInt16>? = nil) -> SocketEndpointMatch {
        SocketEndpointMatch(block.flatMap { IPCIDR($0) }, ports: ports)
      }
      let matches: [(SocketMatch, Int)] = [
        (SocketMatch(.udp, destinations: [end("127.0.0.1/32", 53...53)]), 2),
        (SocketMatch(.udp, family: .ipv4, destinations: [end("127.0.0.1/32", 53...53)]), 1),
        (SocketMatch(.udp, destinations: [end("127.0.0.0/24")]), 4),
        (SocketMatch(.udp, destinations: [end("127.0.1.0/24", 1000...1001)]), 2),
        (SocketMatch(.udp, destinations: [end(nil, 1000...2000)]), 4),
        (SocketMatch(.udp, destinations: [end("127.0.0.2/32"), end("::1/128", 53...53), end(nil, 2000...2000)]), 3),
        (SocketMatch(.udp, destinations: [end("::ffff:0:0/96")]), 2),
        (SocketMatch(.udp, sources: [end("127.0.0.0/8")], destinations: [end(nil, 53...53)]), 3),
        (SocketMatch(.udp, sources: [end(nil, 4444...4444)]), 1),
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

  @Test(.requires(.socketDestroy)) func `raw sockets say their protocol, and are destroyed by it`() async throws {
    try await withDiagnostics { namespace, diagnostics in
      let raw = try await TestSocket.open(SOCK_RAW, protocol: 47, in: namespace)
      do {
        let sockets = try await diagnostics.sockets(SocketMatch(.raw))
        #expect(sockets.map(\.rawProtocol) == [47])
        #expect(sockets.map(\.cookie) == [try raw.cookie()])
        let outcome = try await diagnostics.destroy(SocketMatch(.raw, cookie: try raw.cookie()))
        #expect(outcome.destroyed.count == 1)
        #expect(raw.receive() == ECONNABORTED)
      } catch let error as NetlinkError {
        // A kernel without raw_diag says so in these words.
        #expect(error.code == .notSupported)
        #expect(error.message.contains("raw_diag"))
      }
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

@Suite("Destroying sockets", .serialized, .requires(.root), .requires(.socketDestroy))
struct SocketDestroyKernelTests {
  @Test func `a connected UDP socket learns at once that its endpoint went away, and others do not`() async throws {
    try await withDiagnostics { namespace, diagnostics in
      let stale = try await TestSocket.udp(to: "127.0.0.9", 53, in: namespace)
      let mapped = try await TestSocket.udp(to: "::ffff:127.0.0.9", 53, in: namespace)
      let bound = try await TestSocket.udp(to: "127.0.0.9", 53, from: 7000, in: namespace)
      let other = try await TestSocket.udp(to: "127.0.0.8", 53, in: namespace)
      let otherPort = try await TestSocket.udp(to: "127.0.0.9", 54, in: namespace)
      let gone = SocketEndpointMatch(IPCIDR("127.0.0.9/32"), port: 53)
      let expected: Set<UInt64> = [try stale.cookie(), try mapped.cookie(), try bound.cookie()]

      // One that waits is woken.
      let waiting = Task.detached { stale.receive() }
      try await Task.sleep(for: .milliseconds(50))
      let outcome = try await diagnostics.destroy(SocketMatch(.udp, states: .connected, destinations: [gone]))
      #expect(Set(outcome.destroyed.map(\.cookie)) == expected)
      #expect(outcome.failures.isEmpty)
      #expect(await waiting.value == ECONNABORTED)
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
      let waiting = Task.detached { client.receive() }
      try await Task.sleep(for: .milliseconds(50))
      let outcome = try await diagnostics.destroy(SocketMatch(.tcp, sources: [end]))
      #expect(outcome.destroyed.map(\.cookie) == [try client.cookie()])
      #expect(await waiting.value == ECONNABORTED)
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
      let mapped = SocketEndpointMatch(IPCIDR("127.0.0.1/32"), port: port)
      let outcome = try await diagnostics.destroy(SocketMatch(.tcp, destinations: [mapped]))
      #expect(outcome.destroyed.map(\.cookie) == [try client.cookie()])
      #expect(client.receive() == ECONNABORTED)
      let own = SocketMatch(.tcp, states: .listening, sources: [SocketEndpointMatch(port: port)])
      // What waited to be accepted goes first, or accepting would succeed.
      _ = try listener.accept()
      let waiting = Task.detached { () -> CInt in
        do {
          _ = try listener.accept()
          return 0
        } catch { return (error as? TestSocket.Failure)?.errno ?? -1 }
      }
      try await Task.sleep(for: .milliseconds(50))
      #expect(try await diagnostics.destroy(own).destroyed.map(\.cookie) == [try listener.cookie()])
      #expect(await waiting.value == EINVAL)
      #expect(try await diagnostics.sockets(SocketMatch(.tcp, states: .listening)).isEmpty)
    }
  }

  @Test func `sockets with the same addresses and ports are all destroyed`() async throws {
    try await withDiagnostics { namespace, diagnostics in
      var sockets: [TestSocket] = []
      for _ in 0..<5 { sockets.append(try await TestSocket.udp(to: "127.0.0.9", 53, from: 7001, in: namespace)) }
      let gone = SocketEndpointMatch(IPCIDR("127.0.0.9/32"), port: 53)
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
      let gone = SocketEndpointMatch(IPCIDR("127.0.0.9/32"), port: 53)
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
        let gone = SocketMatch(.udp, destinations: [SocketEndpointMatch(IPCIDR("127.0.0.9/32"))])
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
      let gone = SocketMatch(.udp, destinations: [SocketEndpointMatch(IPCIDR("127.0.0.9/32"), port: 53)])
      let outcome = try await diagnostics.destroy(gone)
      #expect(outcome.destroyed.count == 300)
      #expect(outcome.failures.isEmpty)
      #expect(sockets.allSatisfy { $0.receive() == ECONNABORTED })
    }
  }
}

/// What this module reads of sockets is what `ss` prints, field by field.
@Suite("Sockets beside ss", .serialized, .requires(.root))
struct SocketComparisonTests {
  /// One line of `ss -H -O -n -e -m -i`: the columns, and the words behind them.
  private struct Row {
    let columns: [String]
    let words: [Substring]

    init(_ line: Substring) {
      let parts = line.split(separator: " ")
      columns = parts.prefix(5).map(String.init)
      words = Array(parts.dropFirst(5))
    }

    /// What follows `KEY:` in a word.
    subscript(key: String) -> String? {
      words.first { $0.hasPrefix(key + ":") }.map { String($0.dropFirst(key.count + 1)) }
    }

    /// The value of a key with its two numbers, or one.
    func numbers(_ key: String) -> [Double] {
      (self[key] ?? "").split(separator: "/").compactMap { Double($0) }
    }
  }

  /// An end as `ss` prints it.
  private func text(_ end: SocketEndpoint, _ socket: InternetSocket, isSource: Bool) -> String {
    let isAny = end.address == IPAddress("0.0.0.0") || end.address == IPAddress("::")
    let port = end.port == 0 ? "*" : "\(end.port)"
    // A socket that speaks both families is bound to anything.
    let isBoth = isAny && socket.family == .ipv6 && socket.isIPv6Only == false
    let address = isBoth ? "*" : socket.family == .ipv6 ? "[\(end.address)]" : "\(end.address)"
    let device = isSource && socket.boundInterface != nil ? "%lo" : ""
    return "\(address)\(device):\(port)"
  }

  private func rows(_ options: String) async throws -> [Row] {
    let namespace = try #require(Scratch.namespace)
    let output = try await inNamespaceOf(NetlinkSocket(in: namespace), "ss -H -O -n -a -e -m -i \(options)")
    return output.split(separator: "\n").map(Row.init)
  }

  private func milliseconds(_ duration: Duration?) -> Double {
    let (seconds, attoseconds) = (duration ?? .zero).components
    return Double(seconds) * 1000 + Double(attoseconds) / 1e15
  }

  private func compare(_ our: InternetSocket, _ row: Row) {
    let name = "\(our)"
    #expect(our.state.description == row.columns[0], "\(name)")
    #expect("\(our.receiveQueue)" == row.columns[1], "\(name)")
    #expect("\(our.sendQueue)" == row.columns[2], "\(name)")
    #expect(text(our.source, our, isSource: true) == row.columns[3], "\(name)")
    #expect(text(our.destination, our, isSource: false) == row.columns[4], "\(name)")
    #expect(String(our.cookie, radix: 16) == row["sk"], "\(name)")
    #expect("\(our.inode)" == row["ino"], "\(name)")
    #expect((our.userID == 0 ? nil : "\(our.userID)") == row["uid"], "\(name)")
    #expect((our.mark ?? 0) == row["fwmark"].flatMap { UInt32($0.dropFirst(2), radix: 16) } ?? 0, "\(name)")
    let v6only = row["v6only"]
    if our.isIPv6Only == true || v6only != nil { #expect(v6only == (our.isIPv6Only == true ? "1" : "0"), "\(name)") }
    let memory = our.memory.map {
      "(r\($0.receiveAllocated),rb\($0.receiveLimit),t\($0.sendAllocated),tb\($0.sendLimit),f\($0.forwardAllocated),"
        + "w\($0.sendQueued),o\($0.options),bl\($0.backlog),d\($0.drops))"
    }
    #expect(memory == row["skmem"], "\(name)")
    guard let tcp = our.tcp else { return }
    #expect(our.congestionControl.map { row.words.contains(Substring($0)) } == true, "\(name)")
    let numbers: [(String, UInt64?)] = [
      ("cwnd", tcp.congestionWindow.map(UInt64.init)), ("mss", tcp.sendSegmentSize.map(UInt64.init)),
      ("rcvmss", tcp.receiveSegmentSize.map(UInt64.init)), ("pmtu", tcp.pathMTU.map(UInt64.init)),
      ("bytes_acked", tcp.bytesAcknowledged), ("bytes_received", tcp.bytesReceived), ("bytes_sent", tcp.bytesSent),
      ("segs_out", tcp.segmentsSent.map(UInt64.init)), ("segs_in", tcp.segmentsReceived.map(UInt64.init)),
      ("delivered", tcp.deliveredPackets.map(UInt64.init)), ("snd_wnd", tcp.sendWindow.map(UInt64.init)),
    ]
    // ss leaves out what is 0, and says nothing of a listener's connection.
    for (key, number) in numbers where our.state == .established {
      #expect((number ?? 0) == row[key].flatMap { UInt64($0) } ?? 0, "\(name): \(key)")
    }
    guard our.state == .established else { return }
    let times = row.numbers("rtt")
    #expect(times.count == 2, "\(name)")
    #expect(
      zip(times, [tcp.roundTripTime, tcp.roundTripTimeVariation]).allSatisfy { abs($0 - milliseconds($1)) < 0.002 })
    #expect(row.numbers("rto").first.map { abs($0 - milliseconds(tcp.retransmissionTimeout)) < 0.002 } == true)
    #expect((row.numbers("minrtt").first ?? 0).distance(to: milliseconds(tcp.minimumRoundTripTime)).magnitude < 0.002)
    #expect(tcp.isDeliveryRateLimitedByProgram == row.words.contains("app_limited"), "\(name)")
  }

  @Test func `all fields of TCP and UDP sockets of both families agree`() async throws {
    try await withDiagnostics { namespace, diagnostics in
      var kept: [TestSocket] = []
      for address in ["127.0.0.1", "::1", "::"] {
        let listener = try await TestSocket.listener(address, backlog: 7, in: namespace)
        let (client, server) = try await TestSocket.connection(
          to: listener, address == "::" ? "::1" : address, in: namespace)
        try client.set(SOL_SOCKET, SO_MARK, 0x123)
        client.send()
        client.send()
        if address == "::1" { _ = server.receive() }
        kept += [listener, client, server]
      }
      kept.append(try await TestSocket.udp(to: "::ffff:127.0.0.1", 9998, in: namespace))
      let bound = try await TestSocket.open(SOCK_DGRAM, in: namespace)
      try bound.bind(toDevice: "lo")
      try bound.bind("127.0.0.1", 5353)
      let free = try await TestSocket.open(SOCK_DGRAM, .ipv6, in: namespace)
      try free.bind("::", 5354)
      kept += [bound, free]
      // What is on its way arrives before either looks.
      try await Task.sleep(for: .milliseconds(300))
      for (`protocol`, option) in [(SocketProtocol.tcp, "-t"), (.udp, "-u")] {
        let ours = try await diagnostics.sockets(SocketMatch(`protocol`), details: .all)
        let theirs = try await rows(option)
        #expect(ours.count == theirs.count)
        #expect(!ours.isEmpty)
        for our in ours {
          let row = try #require(theirs.first { $0["sk"] == String(our.cookie, radix: 16) }, "\(our)")
          compare(our, row)
        }
      }
      withExtendedLifetime(kept) {}
    }
  }
}
