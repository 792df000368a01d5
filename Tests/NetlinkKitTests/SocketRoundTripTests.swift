// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import Testing

@testable import NetlinkKit

@Suite("Captured sockets")
struct SocketRoundTripTests {
  private static let replies: [(name: String, protocol: SocketProtocol)] = [
    ("tcp", .tcp), ("tcp-listener", .tcp), ("udp", .udp), ("udp-mapped", .udp), ("tcp6-listener", .tcp), ("raw", .raw),
  ]

  @Test(arguments: replies) func `every byte of a socket comes back`(name: String, protocol: SocketProtocol) throws {
    try Fixture("sock-reply-\(name)").expectRoundTrip(headerSize: InternetSocket.headerSize) { message, span, writer in
      try #require(try InternetSocket(message, in: span, protocol: `protocol`)).encodeReply(into: writer)
    }
  }

  @Test(arguments: ["listener", "connected", "path"]) func `every byte of a unix socket comes back`(name: String) throws
  {
    try Fixture("unix-reply-\(name)").expectRoundTrip(headerSize: UnixSocket.headerSize) { message, span, writer in
      try #require(try UnixSocket(message, in: span)).encodeReply(into: writer)
    }
  }

  private func socket(_ name: String, _ protocol: SocketProtocol) throws -> InternetSocket {
    let fixture = try Fixture("sock-reply-\(name)")
    let span = unsafe fixture.bytes.span.bytes
    var cursor = MessageCursor()
    let message = try #require(try cursor.next(in: span))
    return try #require(try InternetSocket(message, in: span, protocol: `protocol`))
  }

  @Test func `a TCP connection says all that the kernel says of it`() throws {
    let socket = try socket("tcp", .tcp)
    #expect(socket.family == .ipv4)
    #expect(socket.state == .established)
    #expect(socket.destination.description == "127.0.0.1:7777")
    #expect(socket.source.address == IPAddress("127.0.0.1"))
    #expect(socket.mark == 0x123)
    #expect(socket.typeOfService == 0x10)
    #expect(socket.cookie != 0)
    #expect(socket.inode != 0)
    #expect(socket.userID == 0)
    #expect(socket.congestionControl == "cubic")
    #expect(socket.options?.contains(.isConnectionOriented) == true)
    #expect(socket.shutdown == [])
    #expect(socket.memory?.receiveLimit == 131_072)
    #expect(socket.timer.kind == .keepAlive)
    let tcp = try #require(socket.tcp)
    #expect(tcp.congestionWindow == 10)
    #expect(tcp.pathMTU == 65535)
    // Five bytes, and one for the opening.
    #expect(tcp.bytesAcknowledged == 6)
    #expect(tcp.bytesSent == 5)
    #expect(tcp.totalRetransmissions == 0)
    #expect(tcp.slowStartThreshold == nil)
    #expect(try #require(tcp.roundTripTime) > .zero)
    #expect(try #require(tcp.roundTripTime) < .seconds(1))
  }

  @Test func `other sockets say what is theirs`() throws {
    let listener = try socket("tcp6-listener", .tcp)
    #expect(listener.state == .listening)
    #expect(listener.isIPv6Only == true)
    #expect(listener.source.description == "[::1]:8888")
    #expect(listener.sendQueue == 7)
    let mapped = try socket("udp-mapped", .udp)
    #expect(mapped.family == .ipv6)
    #expect(mapped.destination.address.mappedIPv4 == IPv4Address("127.0.0.1"))
    #expect(mapped.destination.port == 9998)
    #expect(mapped.boundInterface == .loopback)
    #expect(mapped.isIPv6Only == nil)
    let udp = try socket("udp", .udp)
    #expect(udp.source.description == "127.0.0.1:5000")
    #expect(udp.options?.contains(.receivesErrors) == true)
    #expect(udp.tcp == nil)
    #expect(try socket("raw", .raw).rawProtocol == 47)
  }

  @Test func `both words of a cookie count`() throws {
    var bytes = try Fixture("sock-reply-udp").bytes
    // The higher word of idiag_cookie.
    bytes[16 + 48] = 7
    let span = unsafe bytes.span.bytes
    var cursor = MessageCursor()
    let message = try #require(try cursor.next(in: span))
    let socket = try #require(try InternetSocket(message, in: span, protocol: .udp))
    #expect(socket.cookie == 7 << 32 | 4)
    let writer = MessageWriter()
    writer.begin(type: 21, flags: 0, sequence: 1)
    DestroySocket(socket: socket).encode(into: writer)
    #expect(Array(writer.bytes.suffix(8)) == [4, 0, 0, 0, 7, 0, 0, 0])
  }

  @Test func `an abstract name may have zero bytes anywhere`() throws {
    let bytes = Bytes.message(
      20, [1, 1, 10, 0] + Bytes.of(UInt32(5)) + [UInt8](repeating: 0, count: 8) + Bytes.attribute(0, [0, 65, 0]),
      sequence: 1)
    let span = unsafe bytes.span.bytes
    var cursor = MessageCursor()
    let message = try #require(try cursor.next(in: span))
    let socket = try #require(try UnixSocket(message, in: span))
    #expect(socket.name == "\0A\0")
    let writer = MessageWriter()
    writer.begin(type: 20, flags: 0, sequence: 1)
    socket.encodeReply(into: writer)
    #expect(Array(writer.bytes.dropFirst(16)) == Array(bytes.dropFirst(16)))
  }

  @Test func `unix sockets say what is theirs`() throws {
    func socket(_ name: String) throws -> UnixSocket {
      let fixture = try Fixture("unix-reply-\(name)")
      let span = unsafe fixture.bytes.span.bytes
      var cursor = MessageCursor()
      let message = try #require(try cursor.next(in: span))
      return try #require(try UnixSocket(message, in: span))
    }
    let listener = try socket("listener")
    #expect(listener.name == "\0abstract-name")
    #expect(listener.state == .listening)
    #expect(listener.pendingConnections.count == 1)
    #expect(listener.sendQueue == 3)
    #expect(listener.receiveQueue == 1)
    let path = try socket("path")
    #expect(path.name == "/tmp/a.sock")
    #expect(path.kind == .datagram)
    #expect(path.userID == 0)
    let connected = try socket("connected")
    #expect(connected.peer != nil)
    #expect(connected.receiveQueue == 3)
    #expect(connected.kind == .stream)
  }

  @Test func `any cut and any flipped bit of a real socket gives a value or an error`() throws {
    for (name, `protocol`) in SocketRoundTripTests.replies {
      let whole = try Fixture("sock-reply-\(name)").bytes
      var outcomes: Set<Bool> = []
      func attempt(_ bytes: [UInt8]) {
        let span = unsafe bytes.span.bytes
        var cursor = MessageCursor()
        do throws(WireError) {
          while let message = try cursor.next(in: span) {
            let tcp = try InternetSocket(message, in: span, protocol: `protocol`)?.tcp
            _ = tcp?.sendWindow
            _ = try UnixSocket(message, in: span)
          }
          outcomes.insert(true)
        } catch { outcomes.insert(false) }
      }
      for length in whole.indices { attempt(Array(whole.prefix(length))) }
      for place in whole.indices {
        var bytes = whole
        bytes[place] ^= 1 << (place % 8)
        attempt(bytes)
        bytes[place] = 0xff
        attempt(bytes)
      }
      #expect(outcomes == [true, false])
    }
  }

  @Test func `a shorter TCP struct leaves out what is behind its end`() {
    let short = TCPInformation([UInt8](repeating: 1, count: 104))
    #expect(short.totalRetransmissions == 0x0101_0101)
    #expect(short.deliveryRate == nil)
    #expect(short.bytesAcknowledged == nil)
    #expect(TCPInformation([]).roundTripTime == nil)
  }
}

/// What this module sends beside what `ss` sends for the same thing.
@Suite("Socket requests beside ss")
struct SocketRequestTests {
  private struct Request {
    let type: Int
    let header: [UInt8]
    let program: [UInt8]
  }

  private func parse(_ bytes: [UInt8]) throws -> Request {
    let span = unsafe bytes.span.bytes
    var cursor = MessageCursor()
    let message = try #require(try cursor.next(in: span))
    let header = Array(bytes[message.payload.prefix(56)])
    var program: [UInt8] = []
    var attributes = message.attributes(after: 56)
    while let attribute = try attributes.next(in: span) {
      #expect(attribute.type == 1)
      program = Array(bytes[attribute.payload])
    }
    return Request(type: Int(message.type), header: header, program: program)
  }

  private func ours(_ request: some NetlinkRequest) throws -> Request {
    let writer = MessageWriter()
    writer.begin(type: UInt16(request.type), flags: 0, sequence: 1)
    request.encode(into: writer)
    return try parse(writer.bytes)
  }

  private static let connected = SocketStates(rawValue: 0xfff).subtracting([
    .listening, .closed, .timeWait, .init(.synReceived),
  ])

  @Test(arguments: [
    ("tcp-dst-port", AddressFamily.ipv4, SocketMatch(.tcp, destinations: [end("10.0.0.0/8", 53...53)])),
    ("udp-dst", .ipv4, SocketMatch(.udp, destinations: [end("10.0.0.2/32", 53...53)])),
    ("udp6-src", .ipv6, SocketMatch(.udp, sources: [end("fd00::1/128", 53...53)])),
    ("tcp-range", .ipv4, SocketMatch(.tcp, destinations: [.init(ports: 1000...2000)])),
    ("tcp-or", .ipv4, SocketMatch(.tcp, destinations: [end("10.0.0.1/32"), end("10.0.0.2/32")])),
    ("tcp-mark", .ipv4, SocketMatch(.tcp, mark: SocketMarkMatch(1, mask: 15))),
    ("tcp-cgroup", .ipv4, SocketMatch(.tcp, cgroupID: 1)),
  ]) func `a listing asks for what ss asks for`(name: String, family: AddressFamily, match: SocketMatch) throws {
    var match = match
    match.states = name == "udp-dst" ? .established : SocketRequestTests.connected
    let theirs = try parse(try Fixture("sock-request-\(name)").bytes)
    let ours = try ours(ListSockets(match: match, family: family))
    #expect(ours.type == theirs.type)
    #expect(ours.header == theirs.header)
    // The programs may say the same in other words.
    let (one, other) = (FilterInterpreter(bytes: ours.program), FilterInterpreter(bytes: theirs.program))
    var accepted = 0
    for address in ["10.0.0.1", "10.0.0.2", "10.9.9.9", "11.0.0.1", "fd00::1", "fd00::2", "::ffff:10.0.0.2"] {
      for port in [53, 54, 999, 1000, 1500, 2000, 2001] as [UInt16] {
        for (mark, interface) in [(0, 0), (1, 1), (0xf1, 2), (2, 1)] as [(UInt32, UInt32)] {
          let end = try #require(IPAddress(address))
          let socket = FilterInterpreter.Socket(
            family: end.family.rawValue, source: end.bytes, sourcePort: port, destination: end.bytes,
            destinationPort: port, interface: interface, mark: mark, cgroup: UInt64(interface))
          #expect(one.accepts(socket) == other.accepts(socket), "\(address):\(port) \(mark) \(interface)")
          accepted += one.accepts(socket) ? 1 : 0
        }
      }
    }
    #expect(accepted > 0)
  }

  @Test func `a socket is destroyed with what ss sends for it`() throws {
    let reply = try Fixture("sock-reply-udp").bytes
    let span = unsafe reply.span.bytes
    var cursor = MessageCursor()
    let message = try #require(try cursor.next(in: span))
    let socket = try #require(try InternetSocket(message, in: span, protocol: .udp))
    let ours = try ours(DestroySocket(socket: socket))
    let theirs = try parse(try Fixture("sock-request-destroy-udp").bytes)
    #expect(ours.type == theirs.type)
    #expect(ours.header == theirs.header)
  }
}
