// SPDX-License-Identifier: Apache-2.0

import CDatapathABI
import DatapathPrograms
import NetworkTypes
import Testing

@Suite("Flow records")
struct FlowRecordTests {
  static func record(
    ipProtocol: UInt8 = 6, ports: (UInt16, UInt16) = (41234, 8080), direction: UInt8 = 0, verdict: UInt8 = 0,
    reason: UInt8 = 133, decision: UInt32 = 0, isRead: Bool = true, isIPv6: Bool = false
  ) -> flow_record {
    var record = flow_record()
    record.timestamp = 5
    let source = isIPv6 ? IPAddress.v6(IPv6Address(high: 0xfd00 << 48, low: 5)) : .v4(IPv4Address(10, 0, 0, 5))
    let destination = isIPv6 ? IPAddress.v6(IPv6Address(high: 0xfd00 << 48, low: 9)) : .v4(IPv4Address(10, 0, 0, 9))
    if isRead { (record.source, record.destination) = (ip_address(source), ip_address(destination)) }
    record.source_port = ports.0.bigEndian
    record.destination_port = ports.1.bigEndian
    record.endpoint = 3
    record.decision = decision
    record.generation = 2
    record.length = 74
    record.protocol = ipProtocol
    record.direction = direction
    record.verdict = verdict
    record.reason = reason
    return record
  }

  @Test(arguments: [
    (record(), "DROP 133 policy: 10.0.0.5:41234 -> 10.0.0.9:8080 TCP, egress of endpoint 3"),
    (
      record(ipProtocol: 17, direction: 1, reason: 181, decision: 12),
      "DROP 181 policy denied: 10.0.0.5:41234 -> 10.0.0.9:8080 UDP, ingress of endpoint 3 (decision 12, generation 2)"
    ),
    (
      record(ipProtocol: 132, verdict: 1, reason: 0, decision: 7),
      "ALLOW: 10.0.0.5:41234 -> 10.0.0.9:8080 SCTP, egress of endpoint 3 (decision 7, generation 2)"
    ),
    (
      record(ipProtocol: 1, ports: (77, 0)),
      "DROP 133 policy: 10.0.0.5 -> 10.0.0.9 ICMP echo request 77, egress of endpoint 3"
    ),
    (
      record(ipProtocol: 1, ports: (0, 77)),
      "DROP 133 policy: 10.0.0.5 -> 10.0.0.9 ICMP echo reply 77, egress of endpoint 3"
    ),
    (
      record(ipProtocol: 47, ports: (0, 0), reason: 137),
      "DROP 137 unknown protocol: 10.0.0.5 -> 10.0.0.9 protocol 47, egress of endpoint 3"
    ),
    (
      record(ipProtocol: 0, ports: (0, 0), reason: 132),
      "DROP 132 invalid source: ARP 10.0.0.5 -> 10.0.0.9, egress of endpoint 3"
    ),
    (
      record(decision: 12, isIPv6: true),
      "DROP 133 policy: [fd00::5]:41234 -> [fd00::9]:8080 TCP, egress of endpoint 3 (decision 12, generation 2)"
    ),
    (
      record(ipProtocol: 58, ports: (77, 0), isIPv6: true),
      "DROP 133 policy: fd00::5 -> fd00::9 ICMPv6 echo request 77, egress of endpoint 3"
    ),
    (
      record(ipProtocol: 0, ports: (0, 0), reason: 156, isIPv6: true),
      "DROP 156 invalid extension header: IPv6 fd00::5 -> fd00::9, egress of endpoint 3"
    ),
    (
      record(ipProtocol: 0, ports: (0, 0), reason: 139, isRead: false),
      "DROP 139 unsupported L3: frame of 74 bytes, egress of endpoint 3"
    ),
  ])
  func `a record reads as one line in an operator's words`(record: flow_record, line: String) {
    #expect(FlowRecord(record).description == line)
  }

  @Test func `a number that this version does not know is kept, not trapped on`() {
    let record = FlowRecord(Self.record(direction: 9, verdict: 9, reason: 250))
    #expect(record.verdict == .droppedForUnknownReason(250))
    #expect(record.description == "DROP 250: 10.0.0.5:41234 -> 10.0.0.9:8080 TCP, ingress of endpoint 3")
  }

  @Test func `fields are decoded from network order`() {
    let record = FlowRecord(Self.record(verdict: 1, reason: 0, decision: 7))
    #expect(record.source == .v4(IPv4Address(10, 0, 0, 5)))
    #expect(record.destination == .v4(IPv4Address(10, 0, 0, 9)))
    #expect(record.sourcePort == 41234 && record.destinationPort == 8080)
    #expect(record.verdict == .allowed && record.direction == .egress && record.ipProtocol == .tcp)
    #expect(record.timestamp == 5 && record.length == 74 && record.decision == 7 && record.generation == 2)
  }
}
