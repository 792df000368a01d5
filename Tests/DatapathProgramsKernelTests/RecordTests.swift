// SPDX-License-Identifier: Apache-2.0

import BPFMaps
import BPFTesting
import DatapathPrograms
import KernelTestSupport
import LinuxSystem
import NetworkTypes
import Testing

@Suite("Flow records", .serialized, .requires(.root))
struct RecordTests {
  /// The next records, as lines.
  static func lines(_ count: Int, of fixture: borrowing PodFixture) async throws -> [String] {
    var lines: [String] = []
    for try await record in try fixture.datapath.flowEvents.records() {
      lines.append(FlowRecord(record).description)
      if lines.count == count { break }
    }
    return lines
  }

  @Test(.timeLimit(.minutes(5)))
  func `each drop and each new flow is told once, in an operator's words`() async throws {
    let fixture = try PodFixture(recordsAllowedFlows: true)
    try fixture.publish(
      generation: 5,
      ingress: [.init(classID: 4, isAllow: false, decision: 31)],
      egress: [.init(classID: 4, ipProtocol: .tcp, ports: .exact(8080), decision: 12)])
    _ = try fixture.fromPod(.tcp(from: 41234, to: 8080, flags: .syn))
    _ = try fixture.fromPod(.tcp(from: 41234, to: 8080))
    _ = try fixture.toPod(.tcp(from: 8080, to: 41234))
    _ = try fixture.fromPod(.udp(from: 5353, to: 53))
    _ = try fixture.toPod(.udp(from: 9, to: 10))
    _ = try fixture.send(
      Message.echoRequest(identifier: 3).packet(from: Family.v4.stranger, to: Family.v4.peer), .egress)
    _ = try fixture.send(EthernetFrame.bytes(type: 0x8847, payload: [1, 2, 3, 4]), .ingress)
    _ = try fixture.toPod(.udp(from: 9, to: 10), .v6)
    _ = try fixture.fromPod(.echoRequest(identifier: 3), .v6)
    _ = try fixture.send(ExtensionTests.packet([ExtensionTests.route(segmentsLeft: 1)]), .egress)
    #expect(
      try await Self.lines(8, of: fixture) == [
        "ALLOW: 10.0.0.5:41234 -> 10.0.0.9:8080 TCP, egress of endpoint 3 (decision 12, generation 5)",
        "DROP 133 policy: 10.0.0.5:5353 -> 10.0.0.9:53 UDP, egress of endpoint 3 (decision 12, generation 5)",
        "DROP 181 policy denied: 10.0.0.9:9 -> 10.0.0.5:10 UDP, ingress of endpoint 3 (decision 31, generation 5)",
        "DROP 132 invalid source: 10.0.7.7 -> 10.0.0.9 ICMP echo request 3, egress of endpoint 3",
        "DROP 139 unsupported L3: frame of 18 bytes, ingress of endpoint 3",
        "DROP 181 policy denied: [fd00::9]:9 -> [fd00::5]:10 UDP, ingress of endpoint 3 (decision 31, generation 5)",
        "DROP 133 policy: fd00::5 -> fd00::9 ICMPv6 echo request 3, egress of endpoint 3 (decision 12, generation 5)",
        "DROP 156 invalid extension header: IPv6 fd00::5 -> fd00::9, egress of endpoint 3",
      ])
  }

  @Test(.timeLimit(.minutes(5)))
  func `allowed flows are told only when asked for`() async throws {
    let fixture = try PodFixture()
    _ = try fixture.fromPod(.udp(from: 1, to: 2))
    try fixture.publish(egress: [])
    _ = try fixture.fromPod(.udp(from: 3, to: 4))
    #expect(
      try await Self.lines(1, of: fixture) == ["DROP 133 policy: 10.0.0.5:3 -> 10.0.0.9:4 UDP, egress of endpoint 3"])
  }

  @Test func `records that find the ring full are counted, and the packets dropped all the same`() throws {
    let fixture = try PodFixture(limits: .smallRing)
    try fixture.publish(egress: [])
    let capacity = Int(fixture.datapath.flowEvents.capacity) / 72
    for _ in 0..<capacity + 10 { #expect(try fixture.fromPod(.udp(from: 3, to: 4)) == .drops(.policy)) }
    let lost = try fixture.datapath.readLostEventCount()
    #expect((9...12).contains(lost))
    #expect(try fixture.datapath.readDropCounters()[.policy]?.packets == UInt64(capacity + 10))
  }
}

extension DatapathLimits {
  fileprivate static var smallRing: DatapathLimits {
    var limits = DatapathLimits.small
    limits.eventBytes = 4096
    return limits
  }
}
