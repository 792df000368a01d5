// SPDX-License-Identifier: Apache-2.0

import Glibc
import KernelTestSupport
import LinuxSystem
import NetlinkKit
import NetworkTypes
import Testing

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
