// SPDX-License-Identifier: Apache-2.0

import BPFMaps
import BPFTesting
import CDatapathABI
import DatapathPrograms
import Glibc
import KernelTestSupport
import LinuxSystem
import NetworkTypes
import Testing

/// Checksums of translated packets, whoever is to compute them: what a stack leaves to a device has the pseudo header's
/// sum in the field, and the programs cannot ask which it is.
@Suite("Checksums of translated packets", .serialized, .requires(.root))
struct ServiceChecksumTests {
  typealias Side = TrafficTests.Side

  /// A pod and a peer with a router between them, which completes all checksums, and ends that check them all.
  ///
  /// Between two ends of a veth pair nobody would: a checksum that is yet to be computed is as good as a right one. With
  /// `isOffloading` pod and peer leave checksums to their devices.
  private static func withRouter(
    at side: Side, isOffloading: Bool, _ services: TestServices,
    _ body: (borrowing PodFixture, _ pod: NetworkNamespace, _ peer: NetworkNamespace) async throws -> Void
  ) async throws {
    let fixture = try PodFixture(services: services.maps)
    try await withScratchNamespace { router in
      try await withScratchNamespace { pod in
        try await withScratchNamespace { peer in
          for namespace in [router, pod, peer] { try await skipDuplicateDetection(in: namespace) }
          try await connect(router, pod, port: "veth1") { $0.pod }
          try await connect(router, peer, port: "veth2") { $0.peer }
          try await NodeNetwork.forward(router)
          for port in ["veth1", "veth2"] { try await ethtool("-K \(port) tx off", in: router) }
          for end in [pod, peer] { try await ethtool("-K eth0 rx off tx \(isOffloading ? "on" : "off")", in: end) }
          let (toHost, toPod): (TrafficControlDirection, TrafficControlDirection) =
            side == .pod ? (.egress, .ingress) : (.ingress, .egress)
          let namespace = side == .pod ? pod : router
          let index = try await namespace.run { unsafe if_nametoindex(side == .pod ? "eth0" : "veth1") }
          let egress = try await fixture.dispatcher.egress.attach(toTrafficControl: toHost, of: index, in: namespace)
          let ingress = try await fixture.dispatcher.ingress.attach(toTrafficControl: toPod, of: index, in: namespace)
          try await body(fixture, pod, peer)
          try await egress.detach()
          try await ingress.detach()
        }
      }
    }
  }

  private static func connect(
    _ router: NetworkNamespace, _ end: NetworkNamespace, port: String, _ address: (Family) -> IPAddress
  ) async throws {
    let path = "/proc/\(getpid())/fd/\(end.descriptor)"
    try await ip("link add \(port) type veth peer name eth0 netns \(path)", in: router)
    for family in Family.allCases {
      let (option, bits) = family == .v4 ? ("-4", "32") : ("-6", "128 nodad")
      try await ip("\(option) address add \(family.node)/\(bits) dev \(port)", in: router)
      try await ip("\(option) address add \(address(family))/\(bits) dev eth0", in: end)
    }
    try await ip("link set \(port) up", in: router)
    try await ip("link set eth0 up", in: end)
    for family in Family.allCases {
      let option = family == .v4 ? "-4" : "-6"
      try await ip("\(option) route add \(address(family)) dev \(port)", in: router)
      try await ip("\(option) route add \(family.node) dev eth0", in: end)
      try await ip("\(option) route add default via \(family.node)", in: end)
    }
  }

  @Test(arguments: Side.allCases, [true, false])
  func `receivers that check find all checksums right, whoever computed them`(
    side: Side, isOffloading: Bool
  ) async throws {
    let services = try TestServices()
    for (family, kind) in TestSockets.ways {
      // With another port, and with the same.
      for (address, port) in [(family.vip, UInt16(80)), (family.otherVIP, 8080)] {
        try services.add(address, port, kind.ipProtocol, to: [.init(address: family.peer, port: 8080)])
      }
    }
    try await Self.withRouter(at: side, isOffloading: isOffloading, services) { fixture, pod, peer in
      try fixture.publish(ingress: [], egress: [.init(classID: 4)])
      for (family, kind) in TestSockets.ways {
        for (address, port) in [(family.vip, UInt16(80)), (family.otherVIP, 8080)] {
          // Of TCP so much that segments are cut later; of UDP an odd number of bytes too.
          for size in kind == .tcp ? [100_000] : [1, 1000] {
            let answer = try await ServiceTrafficTests.exchange(
              kind, from: pod, to: peer, at: address, port: port, size: size)
            #expect(answer == .echoed, "\(kind) in \(family), \(size) bytes to port \(port)")
          }
        }
      }
      #expect(try fixture.datapath.readDropCounters().isEmpty)
    }
  }

  @Test(arguments: [IPProtocol.tcp, .udp], Family.allCases)
  func `a whole checksum that equals the pseudo header's sum is changed as a whole one`(
    ipProtocol: IPProtocol, family: Family
  ) throws {
    let made = try ServiceTests.fixture(family, ipProtocol)
    let fixture = made.pod
    let place = family.transportOffset + (ipProtocol == .tcp ? 16 : 6)
    func packet(_ destination: IPAddress, _ port: UInt16, _ filler: UInt16) -> Packet {
      let message: Message = ipProtocol == .tcp ? .tcp(from: 1000, to: port, flags: .syn) : .udp(from: 1000, to: port)
      return message.packet(
        from: family.pod, to: destination, payload: [UInt8(filler >> 8), UInt8(truncatingIfNeeded: filler)])
    }
    func sum(_ bytes: some Sequence<UInt8>, _ start: Int = 0) -> Int {
      var total = start
      for (index, byte) in bytes.enumerated() { total += index % 2 == 0 ? Int(byte) << 8 : Int(byte) }
      while total > 0xffff { total = total & 0xffff + total >> 16 }
      return total
    }
    let bare = packet(family.vip, 80, 0).bytes
    let addresses = family == .v4 ? bare[26..<34] : bare[22..<54]
    let pseudo = sum(addresses, (ipProtocol == .tcp ? 6 : 17) + bare.count - family.transportOffset)
    let checksum = Int(bare[place]) << 8 | Int(bare[place + 1])
    // The filler takes from the checksum what it has more than the pseudo header's sum.
    let filler = UInt16(sum([UInt8](), checksum + 0xffff - pseudo))
    let request = packet(family.vip, 80, filler)
    try #require(Int(request.bytes[place]) << 8 | Int(request.bytes[place + 1]) == pseudo)
    for _ in 0..<2 {
      let sent = packet(family.peer, 8080, filler).bytes
      #expect(try fixture.run(request, .egress) == .passes(Packet(parsing: sent)))
    }
  }

  @Test(arguments: [IPProtocol.tcp, .udp, .sctp], Family.allCases)
  func `without the programs that write in place others write`(ipProtocol: IPProtocol, family: Family) throws {
    let made = try ServiceTests.fixture(family, ipProtocol)
    let fixture = made.pod
    let port: UInt16 = ipProtocol == .sctp ? 80 : 8080
    func message(_ source: UInt16, _ destination: UInt16) -> Message {
      switch ipProtocol {
      case .tcp: .tcp(from: source, to: destination)
      case .udp: .udp(from: source, to: destination)
      default: .sctp(from: source, to: destination)
      }
    }
    let request = message(1000, 80).packet(from: family.pod, to: family.vip, payload: ServiceTests.payload)
    let sent = message(1000, port).packet(from: family.pod, to: family.peer, payload: ServiceTests.payload)
    let reply = message(port, 1000).packet(from: family.peer, to: family.pod, payload: ServiceTests.payload)
    let received = message(80, 1000).packet(from: family.vip, to: family.pod, payload: ServiceTests.payload)
    for isEmpty in [false, true] {
      if isEmpty {
        try fixture.datapath.programs.clear(at: UInt32(POD_PROGRAM_SEND))
        try fixture.datapath.programs.clear(at: UInt32(POD_PROGRAM_RECEIVE))
      }
      for _ in 0..<2 {
        #expect(try fixture.run(request, .egress) == .passes(Packet(parsing: sent.bytes)))
        #expect(try fixture.run(reply, .ingress) == .passes(Packet(parsing: received.bytes)))
      }
    }
    #expect(try fixture.datapath.flows.entries().count == 2)
  }
}
