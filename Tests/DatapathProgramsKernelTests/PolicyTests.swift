// SPDX-License-Identifier: Apache-2.0

import BPFMaps
import CDatapathABI
import DatapathPrograms
import KernelTestSupport
import LinuxSystem
import NetworkTypes
import Testing

@Suite("Policy", .serialized, .requires(.root))
struct PolicyTests {
  typealias Rule = PodFixture.Rule
  static let syn = TCPFlags.syn

  @Test func `a direction that no rule set restricts passes`() throws {
    let fixture = try PodFixture()
    try fixture.publish(ingress: [], egress: nil)
    #expect(try fixture.fromPod(.tcp(from: 1, to: 80, flags: .syn)) == .passes)
    #expect(try fixture.toPod(.tcp(from: 1, to: 80, flags: .syn)) == .drops(.policy))
  }

  @Test(arguments: [
    ("exact port", UInt16(80), PodFixture.Outcome.passes), ("port below", 79, .drops(.policy)),
    ("port above", 81, .drops(.policy)), ("first of a block", 8192, .passes), ("inside a block", 8200, .passes),
    ("last of a block", 8207, .passes),
    ("below a block", 8191, .drops(.policy)), ("above a block", 8208, .drops(.policy)),
    ("denied port in a block", 8201, .drops(.policyDeny)),
  ])
  func `ports match exactly or by block, and the longer prefix wins`(
    what: String, port: UInt16, outcome: PodFixture.Outcome
  ) throws {
    let fixture = try PodFixture()
    let rules = [
      Rule(classID: 4, ipProtocol: .tcp, ports: .exact(80)),
      Rule(classID: 4, ipProtocol: .tcp, ports: .block(8192, bits: 12)),
      Rule(classID: 4, ipProtocol: .tcp, ports: .exact(8201), isAllow: false),
    ]
    try fixture.publish(ingress: rules, egress: rules)
    #expect(try fixture.fromPod(.tcp(from: 1, to: port, flags: .syn)) == outcome)
    #expect(try fixture.toPod(.tcp(from: 1, to: port, flags: .syn)) == outcome)
    // The other end's port is nobody's rule.
    #expect(try fixture.fromPod(.tcp(from: port, to: 1, flags: .syn)) == .drops(.policy))
    #expect(try fixture.toPod(.tcp(from: port, to: 1, flags: .syn)) == .drops(.policy))
    // Nor is another protocol's.
    #expect(try fixture.fromPod(.udp(from: 1, to: port)) == .drops(.policy))
  }

  @Test func `classes tell peers apart, and every other address has the default class`() throws {
    let fixture = try PodFixture()
    let block = PodFixture.PeerClass(address: IPv4Address(10, 0, 0, 0), prefixLength: 16, id: 6)
    try fixture.publish(
      egress: [
        Rule(classID: PodFixture.peerClassID, ipProtocol: .udp), Rule(classID: 6, ipProtocol: .sctp),
        Rule(classID: PodFixture.defaultClass, ipProtocol: .tcp),
      ], classes: PodFixture.classes + [block])
    let far = IPv4Address(192, 0, 2, 1)
    #expect(try fixture.fromPod(.udp(from: 1, to: 9)) == .passes)
    #expect(try fixture.fromPod(.sctp(from: 1, to: 9)) == .drops(.policy))
    #expect(try fixture.fromPod(.sctp(from: 1, to: 9), to: PodFixture.stranger) == .passes)
    #expect(try fixture.fromPod(.udp(from: 1, to: 9), to: PodFixture.stranger) == .drops(.policy))
    #expect(try fixture.fromPod(.tcp(from: 1, to: 9, flags: .syn), to: far) == .passes)
    #expect(try fixture.fromPod(.udp(from: 1, to: 9), to: far) == .drops(.policy))
  }

  @Test func `the node itself and the pod itself are always allowed`() throws {
    let fixture = try PodFixture()
    try fixture.publish(ingress: [], egress: [])
    #expect(try fixture.toPod(.tcp(from: 1, to: 8080, flags: .syn), from: PodFixture.node) == .passes)
    #expect(try fixture.fromPod(.tcp(from: 1, to: 10250, flags: .syn), to: PodFixture.node) == .passes)
    #expect(try fixture.fromPod(.udp(from: 1, to: 53), to: PodFixture.pod) == .passes)
    #expect(try fixture.toPod(.udp(from: 1, to: 53), from: PodFixture.pod) == .passes)
    #expect(try fixture.fromPod(.udp(from: 1, to: 53)) == .drops(.policy))
  }

  @Test func `other protocols are judged by rules without protocol, packet by packet`() throws {
    let fixture = try PodFixture()
    try fixture.publish(egress: [Rule(classID: 4, ipProtocol: nil), Rule(classID: 0, ipProtocol: .tcp)])
    #expect(try fixture.fromPod(.other(47), payload: [1, 2, 3, 4]) == .passes)
    #expect(try fixture.fromPod(.icmp(type: 13, code: 0)) == .passes)
    #expect(try fixture.fromPod(.tcp(from: 1, to: 2, flags: .syn)) == .passes)
    #expect(try fixture.fromPod(.other(47), to: PodFixture.stranger) == .drops(.unknownProtocol))
    #expect(try fixture.fromPod(.icmp(type: 13, code: 0), to: PodFixture.stranger) == .drops(.policy))
    #expect(try fixture.datapath.flows.entries().count == 1)
    #expect(try fixture.toPod(.other(47)) == .passes)
  }

  @Test func `before the first generation only endpoints that need policy wait`() throws {
    let fixture = try PodFixture()
    #expect(try fixture.fromPod(.udp(from: 1, to: 53)) == .passes)
    let careful = try PodFixture(isPolicyRequired: true)
    #expect(try careful.fromPod(.udp(from: 1, to: 53)) == .drops(.endpointNotReady))
    #expect(try careful.toPod(.udp(from: 1, to: 53)) == .drops(.endpointNotReady))
    try careful.publish()
    #expect(try careful.fromPod(.udp(from: 1, to: 53)) == .passes)
  }

  @Test(arguments: [(false, PodFixture.Outcome.passes), (true, .drops(.endpointNotReady))])
  func `an endpoint that the active generation left out is not judged by an older one`(
    isRequired: Bool, outcome: PodFixture.Outcome
  ) throws {
    let fixture = try PodFixture(isPolicyRequired: isRequired)
    try fixture.publish(generation: 1, egress: [])
    let required: PodFixture.Outcome = .drops(.policy)
    #expect(try fixture.fromPod(.udp(from: 1, to: 53)) == required)
    for generation in [UInt32(2), 3] {
      try fixture.datapath.policyState.setValue(policy_state(generation: generation, padding: 0), at: 0)
      #expect(try fixture.fromPod(.udp(from: 1, to: 53)) == outcome, "generation \(generation)")
    }
  }

  @Test func `a generation does not see the classes of another`() throws {
    let fixture = try PodFixture()
    try fixture.publish(generation: 1, egress: [Rule(classID: 4)])
    #expect(try fixture.fromPod(.udp(from: 1, to: 53)) == .passes)
    try fixture.publish(generation: 2, egress: [Rule(classID: 4)], classes: [])
    #expect(try fixture.fromPod(.udp(from: 2, to: 53)) == .drops(.policy))
  }
}
