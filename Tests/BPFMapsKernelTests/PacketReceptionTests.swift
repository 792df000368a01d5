// SPDX-License-Identifier: Apache-2.0

import BPFTesting
import Glibc
import KernelTestSupport
import LinuxSystem
import NetworkTypes
import Testing

extension BPFKernelTests {
  /// The kernel as judge of what `Packet` builds: it drops what has a wrong checksum or length.
  @Suite("Packets that the kernel receives")
  struct PacketReceptionTests {
    private static let ours = IPv4Address(10, 9, 0, 1)
    private static let theirs = IPv4Address(10, 9, 0, 2)
    private static let ours6 = IPv6Address(high: 0xfd00 << 48, low: 1)
    private static let theirs6 = IPv6Address(high: 0xfd00 << 48, low: 2)
    private static let station = MACAddress(truncating: 0x0200_0000_000a)
    private static let data = (0..<2000).map { UInt8(truncatingIfNeeded: $0) }

    /// Lends a namespace whose `left` has the station and addresses of ours.
    private func withStation(_ body: (NetworkNamespace) async throws -> Void) async throws {
      try await withScratchNamespace { namespace in
        _ = try await namespace.makePair()
        try await namespace.shell(
          """
          ip link set left address \(Self.station)
          ip address add \(Self.ours6)/64 dev left nodad
          ip neighbour replace 10.9.0.2 lladdr 02:00:00:00:00:02 dev left
          ip neighbour add \(Self.theirs6) lladdr 02:00:00:00:00:02 dev left
          """)
        try await body(namespace)
      }
    }

    private static func udp(_ family: CInt, _ checksum: Checksum<UInt16> = .correct, payload: [UInt8]) -> Packet {
      let link = Layer.ethernet(to: station)
      let transport = Layer.udp(from: 1000, to: 4711) { $0.checksum = checksum }
      return family == AF_INET
        ? Packet(link, .ipv4(from: theirs, to: ours), transport, payload: payload)
        : Packet(link, .ipv6(from: theirs6, to: ours6), .destinationOptions([]), transport, payload: payload)
    }

    @Test(arguments: [AF_INET, AF_INET6])
    func `datagrams and their fragments arrive, those with a wrong checksum do not`(family: CInt) async throws {
      try await withStation { namespace in
        try await namespace.run {
          let receiver = try TestSocket(family, SOCK_DGRAM)
          let bound = unsafe TestSocket.withAny(family, 4711) { unsafe bind(receiver.descriptor, $0, $1) }
          try #require(bound == 0)
          let sender = try FrameSocket("right")
          // In order: whatever is wrong would arrive before what is right.
          #expect(sender.send(Self.udp(family, .wrong, payload: [6, 6, 6]).bytes))
          #expect(sender.send(Self.udp(family, payload: [1, 2, 3]).bytes))
          #expect(receiver.receive() == [1, 2, 3])
          var broken = Self.udp(family, payload: [6, 6, 6])
          broken.udp?.length = 4
          #expect(sender.send(broken.bytes))
          let fragments = try Self.udp(family, payload: Self.data).fragments(mtu: 600, identification: 7)
          #expect(fragments.count == 4)
          for fragment in fragments.reversed() { #expect(sender.send(fragment.bytes)) }
          #expect(receiver.receive() == Self.data)
        }
      }
    }

    @Test func `an echo request is answered by a packet that is read back`() async throws {
      try await withStation { namespace in
        try await namespace.run {
          let socket = try FrameSocket("right")
          let request = Packet(
            .ethernet(to: Self.station), .ipv4(from: Self.theirs, to: Self.ours),
            .echoRequest(identifier: 7, sequence: 3), payload: [1, 2, 3, 4, 5])
          #expect(socket.send(request.bytes))
          let answer = socket.receive { Packet(parsing: $0).icmp?.type == 0 }
          let reply = Packet(parsing: try #require(answer))
          #expect(reply.icmp?.identifier == 7 && reply.icmp?.sequence == 3)
          #expect(reply.payload == [1, 2, 3, 4, 5])
          #expect(reply.wrongChecksums.isEmpty)
          #expect(reply.ipv4?.source == Self.ours)

          let request6 = Packet(
            .ethernet(to: Self.station), .ipv6(from: Self.theirs6, to: Self.ours6), .hopByHop(options: []),
            .echoRequestV6(identifier: 8), payload: [9])
          #expect(socket.send(request6.bytes))
          let answer6 = socket.receive { Packet(parsing: $0).icmpv6?.type == 129 }
          let reply6 = Packet(parsing: try #require(answer6))
          #expect(reply6.icmpv6?.identifier == 8)
          #expect(reply6.wrongChecksums.isEmpty)
        }
      }
    }

    @Test func `an opened connection is answered, and an ARP request`() async throws {
      try await withStation { namespace in
        try await namespace.run {
          let listener = try TestSocket(AF_INET, SOCK_STREAM)
          let bound = unsafe TestSocket.withAny(AF_INET, 4711) { unsafe bind(listener.descriptor, $0, $1) }
          try #require(bound == 0)
          try #require(listen(listener.descriptor, 4) == 0)
          let socket = try FrameSocket("right")
          let syn = Packet(
            .ethernet(to: Self.station), .ipv4(from: Self.theirs, to: Self.ours),
            .tcp(from: 1000, to: 4711, flags: .syn) {
              $0.sequence = 41
              $0.options = [.maximumSegmentSize(1400), .selectiveAcknowledgementPermitted]
            })
          #expect(socket.send(syn.bytes))
          let answer = socket.receive { Packet(parsing: $0).tcp?.flags == [.syn, .ack] }
          let reply = Packet(parsing: try #require(answer))
          #expect(reply.tcp?.acknowledgement == 42)
          #expect(reply.tcp?.options.contains(.selectiveAcknowledgementPermitted) == true)

          let request = Packet(
            .ethernet(to: MACAddress(truncating: .max)), .arpRequest(from: Self.theirs, for: Self.ours))
          #expect(socket.send(request.padded().bytes))
          let arp = socket.receive { Packet(parsing: $0).arp?.operation == 2 }
          #expect(Packet(parsing: try #require(arp)).arp?.senderStation == Self.station)
        }
      }
    }
  }
}

extension TestSocket {
  /// Any address of the family.
  static func withAny<Result>(
    _ family: CInt, _ port: UInt16, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result
  ) -> Result {
    // Family, port and zeros: the same for both families.
    var name = [UInt8](repeating: 0, count: family == AF_INET ? 16 : 28)
    name[0] = UInt8(truncatingIfNeeded: family)
    name[2] = UInt8(port >> 8)
    name[3] = UInt8(truncatingIfNeeded: port)
    return unsafe name.withUnsafeBytes { bytes in
      unsafe bytes.withMemoryRebound(to: sockaddr.self) { address in
        guard let start = address.baseAddress else { preconditionFailure("an array of bytes has a start") }
        return unsafe body(start, socklen_t(bytes.count))
      }
    }
  }
}
