// SPDX-License-Identifier: Apache-2.0

import BPFMaps
import CDatapathABI
import DatapathPrograms
import Glibc
import KernelTestSupport
import LinuxSystem
import NetworkTypes
import Testing

/// A pod and a peer in namespaces of their own, with a veth pair between them and the dispatcher at one of its ends.
@Suite("Traffic through the pod datapath", .serialized, .requires(.root))
struct TrafficTests {
  /// Where the dispatcher sits.
  enum Side: CaseIterable {
    /// At the pod's own interface, as on an ipvlan slave.
    case pod
    /// At the host's end, as in veth mode.
    case host
  }

  static let patience = 3000
  /// A packet that must not arrive is waited for this long.
  static let impatience = 300

  /// Makes the pair, attaches, runs the body.
  static func withPod(
    at side: Side, services: ServiceMaps? = nil,
    _ body: (borrowing PodFixture, _ pod: NetworkNamespace, _ peer: NetworkNamespace) async throws -> Void
  ) async throws {
    let fixture = try PodFixture(recordsAllowedFlows: true, services: services)
    try await withScratchNamespace { pod in
      try await withScratchNamespace { peer in
        let ends = try await wire(pod, peer)
        let (toHost, toPod): (TrafficControlDirection, TrafficControlDirection) =
          side == .pod ? (.egress, .ingress) : (.ingress, .egress)
        let (namespace, interface) = side == .pod ? (pod, ends.pod) : (peer, ends.peer)
        let egress = try await fixture.dispatcher.egress.attach(
          toTrafficControl: toHost, of: interface, in: namespace)
        let ingress = try await fixture.dispatcher.ingress.attach(
          toTrafficControl: toPod, of: interface, in: namespace)
        try await body(fixture, pod, peer)
        try await egress.detach()
        try await ingress.detach()
      }
    }
  }

  private static func wire(
    _ pod: NetworkNamespace, _ peer: NetworkNamespace
  ) async throws -> (pod: UInt32, peer: UInt32) {
    for namespace in [pod, peer] { try await skipDuplicateDetection(in: namespace) }
    // Both ends are born in the pod's namespace; one moves by way of the peer's descriptor. Where both have one number the kernel
    // takes its time, up to a second, to say that the link is ready (`linkwatch_urgent_event`), and IPv6 waits for that.
    let path = "/proc/\(getpid())/fd/\(peer.descriptor)"
    try await ip("link add eth0 index 7 type veth peer name veth1 netns \(path)", in: pod)
    try await ip("address add \(PodFixture.pod)/24 dev eth0", in: pod)
    try await ip("address add \(PodFixture.peer)/24 dev veth1", in: peer)
    try await ip("address add \(Family.v6.pod)/64 dev eth0 nodad", in: pod)
    try await ip("address add \(Family.v6.peer)/64 dev veth1 nodad", in: peer)
    try await ip("link set eth0 up", in: pod)
    try await ip("link set veth1 up", in: peer)
    let podIndex = try await pod.run { unsafe if_nametoindex("eth0") }
    let peerIndex = try await peer.run { unsafe if_nametoindex("veth1") }
    return (podIndex, peerIndex)
  }

  /// One exchange from a client's to a server's namespace.
  static func exchange(
    _ kind: TestSockets.Kind, from client: NetworkNamespace, to server: NetworkNamespace, at address: IPAddress,
    port: UInt16, size: Int = 32, milliseconds: Int
  ) async throws -> Bool {
    let listener = try await server.run { try TestSocket.listening(kind, port: port, milliseconds: milliseconds) }
    async let served = server.run { listener.echo() }
    let answered = try await client.run {
      TestSocket.connected(kind, to: address, port: port, milliseconds: milliseconds)?.isEchoed(size) ?? false
    }
    _ = try await served
    listener.end()
    return answered
  }

  @Test(arguments: Side.allCases)
  func `allowed TCP and UDP flow, and everything else is dropped for its reason`(side: Side) async throws {
    try await Self.withPod(at: side) { fixture, pod, peer in
      try fixture.publish(
        ingress: [.init(classID: 4, ipProtocol: .tcp, ports: .exact(8080))],
        egress: [.init(classID: 4, ipProtocol: .udp, ports: .exact(53))])
      for family in Family.allCases {
        #expect(
          try await Self.exchange(
            .udp, from: pod, to: peer, at: family.peer, port: 53, milliseconds: Self.patience))
        #expect(
          try await Self.exchange(
            .tcp, from: peer, to: pod, at: family.pod, port: 8080, milliseconds: Self.patience))
      }
      #expect(try fixture.datapath.readDropCounters().isEmpty)
      var dropped: UInt64 = 0
      for family in Family.allCases {
        #expect(
          try await !Self.exchange(
            .udp, from: pod, to: peer, at: family.peer, port: 54, milliseconds: Self.impatience))
        #expect(
          try await !Self.exchange(
            .tcp, from: peer, to: pod, at: family.pod, port: 8081, milliseconds: Self.impatience))
        let drops = try fixture.datapath.readDropCounters()
        #expect((drops[.policy]?.packets ?? 0) >= dropped + 2, "\(family)")
        dropped = drops[.policy]?.packets ?? 0
        // The kernel's own router solicitations and reports pass; nothing else may be dropped here.
        #expect(Set(drops.keys).isSubset(of: [.policy]), "\(drops)")
      }
    }
  }

  @Test(arguments: Side.allCases)
  func `a fragmented datagram passes both ways by its ports`(side: Side) async throws {
    try await Self.withPod(at: side) { fixture, pod, peer in
      try fixture.publish(ingress: [], egress: [.init(classID: 4, ipProtocol: .udp, ports: .exact(53))])
      for family in Family.allCases {
        #expect(
          try await Self.exchange(
            .udp, from: pod, to: peer, at: family.peer, port: 53, size: 4000, milliseconds: Self.patience), "\(family)")
      }
      #expect(try fixture.datapath.readDropCounters().isEmpty)
    }
  }

  @Test func `swapping the programs and emptying a slot are felt by the next packet`() async throws {
    try await Self.withPod(at: .pod) { fixture, pod, peer in
      let datapath = fixture.datapath
      func answers(milliseconds: Int) async throws -> Bool {
        try await Self.exchange(.udp, from: pod, to: peer, at: Family.v4.peer, port: 7, milliseconds: milliseconds)
      }
      #expect(try await answers(milliseconds: Self.patience))
      try datapath.programs.clear(at: UInt32(POD_PROGRAM_EGRESS))
      #expect(try await !answers(milliseconds: Self.impatience))
      #expect((try datapath.readDropCounters()[.missedTailCall]?.packets ?? 0) >= 1)
      try datapath.programs.setProgram(datapath.fromPod, at: UInt32(POD_PROGRAM_EGRESS))
      #expect(try await answers(milliseconds: Self.patience))
    }
  }

  @Test(arguments: [
    ("IPv4", IPv4Packet(from: PodFixture.pod, to: PodFixture.peer, .udp(from: 1, to: 2)).frame, 42),
    ("ARP", ARPPacket(sender: PodFixture.pod, target: PodFixture.peer).frame, 42),
    ("IPv6", EthernetFrame.bytes(type: 0x86dd, payload: [0x60] + [UInt8](repeating: 0, count: 39)), 54),
  ])
  func `frames cut within the network header are invalid`(what: String, frame: [UInt8], whole: Int) async throws {
    try await Self.withPod(at: .pod) { fixture, pod, peer in
      let frames = (15..<whole).map { Array(frame.prefix($0)) }
      let isSent = try await pod.run { TestSockets.inject(frames, from: "eth0") }
      #expect(isSent)
      let drops = try fixture.datapath.readDropCounters()
      #expect(drops[.invalid]?.packets == UInt64(frames.count))
    }
  }

  @Test func `headers in page fragments are read`() async throws {
    try await Self.withPod(at: .pod) { fixture, pod, peer in
      try await ip("link set eth0 mtu 9000", in: pod)
      try await ip("link set veth1 mtu 9000", in: peer)
      // Beyond a page a packet socket keeps the first 14 bytes together, and no more.
      var packet = IPv4Packet(
        from: PodFixture.pod, to: PodFixture.peer, .udp(from: 4321, to: 1234),
        payload: [UInt8](repeating: 1, count: 6000))
      packet.options = [UInt8](repeating: 1, count: 40)
      let frame = packet.frame
      #expect(try await pod.run { TestSockets.inject([frame], from: "eth0") })
      #expect(try fixture.datapath.readDropCounters().isEmpty)
      let key = try #require(try fixture.datapath.flows.entries().first { $0.0.protocol == 17 }).0
      #expect(UInt16(bigEndian: key.local_port) == 4321 && UInt16(bigEndian: key.peer_port) == 1234)
      packet.source = PodFixture.stranger
      let spoofed = packet.frame
      #expect(try await pod.run { TestSockets.inject([spoofed], from: "eth0") })
      #expect(try fixture.datapath.readDropCounters()[.invalidSource]?.packets == 1)
    }
  }
}
