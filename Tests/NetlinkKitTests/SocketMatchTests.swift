// SPDX-License-Identifier: Apache-2.0

import NetlinkTesting
import NetworkTypes
import Testing

@testable import NetlinkKit

/// The kernel's interpreter of filter programs, written from its rules: what a program means, apart from who wrote it.
struct FilterInterpreter {
  struct Socket {
    var family: UInt8 = 2
    var source: [UInt8] = [0, 0, 0, 0]
    var sourcePort: UInt16 = 0
    var destination: [UInt8] = [0, 0, 0, 0]
    var destinationPort: UInt16 = 0
    var interface: UInt32 = 0
    var mark: UInt32 = 0
    var cgroup: UInt64 = 0
  }

  let bytes: [UInt8]

  private func word(_ offset: Int) -> UInt32 { (0..<4).reduce(0) { $0 | UInt32(bytes[offset + $1]) << (8 * $1) } }
  private func half(_ offset: Int) -> UInt16 { UInt16(bytes[offset]) | UInt16(bytes[offset + 1]) << 8 }

  /// Whether the kernel would take the program at all: distances reach an instruction, the end, or four bytes beyond it.
  var isValid: Bool {
    var starts: Set<Int> = [bytes.count]
    var place = 0
    var lengths: [(Int, Int, Int)] = []
    while place < bytes.count {
      starts.insert(place)
      guard place + 4 <= bytes.count else { return false }
      let minimum =
        switch bytes[place] {
        case 7, 8: 12 + [0: 0, 2: 4, 10: 16][bytes[place + 4], default: 1000]
        case 2...5: 8
        case 9: 8
        case 10, 13: 12
        case 1: 4
        default: 1000
        }
      lengths.append((place, minimum, Int(bytes[place + 1])))
      guard bytes[place + 1] >= 4, bytes[place + 1] & 3 == 0 else { return false }
      place += Int(bytes[place + 1])
    }
    guard place == bytes.count else { return false }
    return lengths.allSatisfy { start, minimum, yes in
      let target = start + Int(half(start + 2))
      // The kernel wants both distances to be at least as long as the instruction with what it needs.
      return yes >= minimum && Int(half(start + 2)) >= minimum
        && (starts.contains(target) || target == bytes.count + 4)
    }
  }

  func accepts(_ socket: Socket) -> Bool {
    var place = 0
    while place < bytes.count {
      let isMet: Bool =
        switch bytes[place] {
        case 2: socket.sourcePort >= half(place + 6)
        case 3: socket.sourcePort <= half(place + 6)
        case 4: socket.destinationPort >= half(place + 6)
        case 5: socket.destinationPort <= half(place + 6)
        case 7: host(place + 4, socket.family, socket.source, socket.sourcePort)
        case 8: host(place + 4, socket.family, socket.destination, socket.destinationPort)
        case 9: socket.interface == word(place + 4)
        case 10: socket.mark & word(place + 8) == word(place + 4)
        case 13: socket.cgroup == UInt64(word(place + 8)) << 32 | UInt64(word(place + 4))
        default: false
        }
      place += isMet ? Int(bytes[place + 1]) : Int(half(place + 2))
    }
    return place == bytes.count
  }

  private func host(_ place: Int, _ family: UInt8, _ address: [UInt8], _ port: UInt16) -> Bool {
    let wanted = Int32(bitPattern: word(place + 4))
    if wanted != -1, wanted != Int32(port) { return false }
    var address = address[...]
    if bytes[place] != 0, bytes[place] != family {
      guard family == 10, bytes[place] == 2, address.prefix(12) == [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff] else {
        return false
      }
      address = address.dropFirst(12)
    }
    let pattern = bytes[(place + 8)...]
    return (0..<Int(bytes[place + 1])).allSatisfy { bit in
      let shift = 7 - bit % 8
      return address[address.startIndex + bit / 8] >> shift & 1 == pattern[pattern.startIndex + bit / 8] >> shift & 1
    }
  }
}

/// An end from text, which must be a block.
func end(_ block: String, _ ports: ClosedRange<UInt16>? = nil) -> SocketEndpointMatch {
  guard let block = IPCIDR(block) else { preconditionFailure("\(block) is no block") }
  return SocketEndpointMatch(block, ports: ports)
}

@Suite("Socket filter programs")
struct SocketFilterProgramTests {
  private func socket(
    _ source: String, _ sourcePort: UInt16, _ destination: String, _ destinationPort: UInt16,
    interface: UInt32 = 0, mark: UInt32 = 0, cgroup: UInt64 = 0
  ) throws -> (InternetSocket, FilterInterpreter.Socket) {
    let from = try #require(IPAddress(source))
    let to = try #require(IPAddress(destination))
    let ours = InternetSocket(
      protocol: .udp, family: from.family, state: .established, source: .init(address: from, port: sourcePort),
      destination: .init(address: to, port: destinationPort), boundInterface: InterfaceIndex(rawValue: interface),
      cookie: 1, timer: SocketTimer(kind: .off, milliseconds: 0, retransmissions: 0), receiveQueue: 0, sendQueue: 0,
      userID: 0, inode: 0, mark: mark, cgroupID: cgroup)
    let theirs = FilterInterpreter.Socket(
      family: from.family.rawValue, source: from.bytes, sourcePort: sourcePort, destination: to.bytes,
      destinationPort: destinationPort, interface: interface, mark: mark, cgroup: cgroup)
    return (ours, theirs)
  }

  private func sockets() throws -> [(InternetSocket, FilterInterpreter.Socket)] {
    [
      try socket("10.0.0.1", 1000, "10.0.0.2", 53), try socket("10.0.0.1", 1000, "10.0.0.2", 54),
      try socket("10.0.0.1", 2000, "10.0.1.2", 53, interface: 7), try socket("10.1.0.1", 999, "11.0.0.2", 1001),
      try socket("127.0.0.1", 65535, "127.0.0.1", 0, mark: 0x1ff), try socket("0.0.0.0", 53, "0.0.0.0", 0),
      try socket("::ffff:10.0.0.1", 1000, "::ffff:10.0.0.2", 53, mark: 0x0f),
      try socket("fd00::1", 1000, "fd00::2", 53, cgroup: 0x1_0000_0002), try socket("fd00::1", 1, "fd00:0:0:1::2", 53),
      try socket("::", 53, "::", 0), try socket("fe80::1", 4000, "fe80::2", 4001, interface: 7, mark: 1),
    ]
  }

  private static let ends: [SocketEndpointMatch] = [
    .any, end("10.0.0.2/32", 53...53),
    end("10.0.0.0/23"), end("0.0.0.0/0"),
    end("::/0", 50...60), SocketEndpointMatch(port: 53),
    SocketEndpointMatch(ports: 1000...1001), end("fd00::/63", 53...53),
    end("fe80::2/128"), end("::ffff:0:0/96"),
    SocketEndpointMatch(ports: 0...0), end("10.0.0.1/32", 0...65535),
  ]

  /// Matches with none, one and several ends on each side, and all other conditions.
  private func matches() -> [SocketMatch] {
    var matches: [SocketMatch] = []
    let ends = SocketFilterProgramTests.ends
    for first in ends {
      matches.append(SocketMatch(.udp, sources: [first]))
      matches.append(SocketMatch(.udp, destinations: [first]))
      for second in ends {
        matches.append(SocketMatch(.udp, sources: [first], destinations: [second]))
        matches.append(SocketMatch(.udp, destinations: [first, second]))
        matches.append(SocketMatch(.udp, sources: [first, second], destinations: [second, first, second]))
      }
    }
    for interface in [nil, InterfaceIndex(rawValue: 7)] {
      matches.append(SocketMatch(.udp, boundInterface: .some(interface)))
      matches.append(SocketMatch(.udp, destinations: [ends[5]], boundInterface: .some(interface)))
    }
    matches.append(SocketMatch(.udp, mark: SocketMarkMatch(0x1f, mask: 0x0f)))
    matches.append(SocketMatch(.udp, mark: SocketMarkMatch(0x1ff)))
    matches.append(SocketMatch(.udp, cgroupID: 0x1_0000_0002))
    return matches
  }

  @Test func `a program accepts exactly the sockets that fit, for every combination of conditions`() throws {
    let sockets = try sockets()
    var outcomes: [Bool: Int] = [:]
    for match in matches() {
      let interpreter = FilterInterpreter(bytes: SocketFilterProgram(match).bytes)
      try #require(interpreter.isValid, "\(match)")
      for (ours, theirs) in sockets {
        #expect(interpreter.accepts(theirs) == match.contains(ours), "\(match): \(ours)")
        outcomes[match.contains(ours), default: 0] += 1
      }
    }
    // Both happen often, so the agreement means something.
    #expect(outcomes[true, default: 0] > 500)
    #expect(outcomes[false, default: 0] > 500)
  }

  @Test func `thousands of ends are sorted out here, and the rest by the kernel still`() throws {
    let many = (0..<5000).map {
      SocketEndpointMatch(IPCIDR(host: .v4(IPv4Address(rawValue: 0x0a00_0000 + $0))), port: 53)
    }
    let few = SocketEndpointMatch(port: 1000)
    let program = SocketFilterProgram(SocketMatch(.udp, sources: [few], destinations: many))
    #expect(program == SocketFilterProgram(SocketMatch(.udp, sources: [few])))
    let hundred = SocketFilterProgram(SocketMatch(.udp, sources: [few], destinations: Array(many.prefix(500))))
    #expect(hundred.bytes.count > 500 * 16)
    #expect(hundred.bytes.count <= SocketFilterProgram.limit)
    #expect(FilterInterpreter(bytes: hundred.bytes).isValid)
    let writer = MessageWriter()
    writer.begin(type: 20, flags: 0, sequence: 1)
    ListSockets(match: SocketMatch(.udp, destinations: many), family: .ipv4).encode(into: writer)
    #expect(writer.failure == nil)
  }

  @Test func `no condition is no program`() {
    #expect(SocketFilterProgram(SocketMatch(.tcp)).bytes.isEmpty)
    #expect(SocketFilterProgram(SocketMatch(.tcp, destinations: [.any])).bytes.isEmpty)
  }
}

@Suite("Socket matches")
struct SocketMatchTests {
  private func socket(_ change: (inout InternetSocket) -> Void = { _ in }) -> InternetSocket {
    let end = SocketEndpoint(address: .v4(IPv4Address(rawValue: 0x0a00_0001)), port: 80)
    var socket = InternetSocket(
      protocol: .tcp, family: .ipv4, state: .established, source: end, destination: end, cookie: 7,
      timer: SocketTimer(kind: .off, milliseconds: 0, retransmissions: 0), receiveQueue: 0, sendQueue: 0, userID: 5,
      inode: 9)
    change(&socket)
    return socket
  }

  @Test func `every condition counts`() {
    #expect(SocketMatch(.tcp).contains(socket()))
    #expect(!SocketMatch(.udp).contains(socket()))
    #expect(!SocketMatch(.tcp, family: .ipv6).contains(socket()))
    #expect(!SocketMatch(.tcp, states: .listening).contains(socket()))
    #expect(SocketMatch(.tcp, states: .connected).contains(socket()))
    #expect(SocketMatch(.tcp, cookie: 7, userID: 5, inode: 9).contains(socket()))
    #expect(!SocketMatch(.tcp, cookie: 8).contains(socket()))
    #expect(!SocketMatch(.tcp, userID: 6).contains(socket()))
    #expect(!SocketMatch(.tcp, inode: 10).contains(socket()))
    #expect(!SocketMatch(.tcp, mark: SocketMarkMatch(0)).contains(socket()))
    #expect(SocketMatch(.tcp, mark: SocketMarkMatch(0)).contains(socket { $0.mark = 0 }))
    #expect(!SocketMatch(.tcp, cgroupID: 3).contains(socket()))
    #expect(SocketMatch(.tcp, cgroupID: 3).contains(socket { $0.cgroupID = 3 }))
    #expect(!SocketMatch(.tcp, states: .all).contains(socket { $0.state = .bound }))
    #expect(!SocketMatch(.tcp, states: .connected).contains(socket { $0.state = .listening }))
    #expect(!SocketMatch(.tcp, states: .connected).contains(socket { $0.state = SocketState(rawValue: 200) }))
  }

  @Test func `an empty list of ends is no socket, and nobody is asked`() async throws {
    #expect(!SocketMatch(.tcp, destinations: []).contains(socket()))
    let kernel = scriptedKernel { _, sequence in [.datagram(Bytes.done(sequence: sequence))] }
    let diagnostics = SocketDiagnostics(over: kernel.socket)
    #expect(try await diagnostics.sockets(SocketMatch(.tcp, destinations: [])).isEmpty)
    #expect(try await diagnostics.destroy(SocketMatch(.tcp, sources: [])).destroyed.isEmpty)
    #expect(kernel.requests.isEmpty)
  }

  @Test func `all sockets are not destroyed by accident`() async throws {
    let kernel = scriptedKernel { _, sequence in [.datagram(Bytes.done(sequence: sequence))] }
    let diagnostics = SocketDiagnostics(over: kernel.socket)
    for match in [
      SocketMatch(.tcp), SocketMatch(.udp, family: .ipv4, states: .connected), SocketMatch(.udp, destinations: [.any]),
      SocketMatch(.udp, sources: [.init(port: 53), .any]), SocketMatch(.udp, boundInterface: .some(nil)),
      SocketMatch(.udp, mark: SocketMarkMatch(0, mask: 0)),
    ] {
      let error = await #expect(throws: NetlinkError.self) { try await diagnostics.destroy(match) }
      #expect(error?.code == .invalidArgument)
    }
    #expect(kernel.requests.isEmpty)
  }

  @Test func `a match reads as a sentence`() {
    let match = SocketMatch(
      .udp, destinations: [end("10.0.0.2/32", 53...53), SocketEndpointMatch(ports: 1...2)],
      mark: SocketMarkMatch(1, mask: 15))
    #expect("\(match)" == "UDP sockets to 10.0.0.2/32 port 53 or any address ports 1...2 with mark 0x1/0xf")
  }
}
