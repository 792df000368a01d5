// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import Testing

@testable import NetlinkKit

@Suite("Captured rules")
struct RuleRoundTripTests {
  static let replies = [
    "rule-reply", "rule-reply6", "rule-reply-l3mdev", "rule-reply-goto", "rule-reply-tunnel", "rule-reply-mask",
    "rule-reply-detached", "rule-reply-prohibit",
  ]

  @Test(arguments: replies)
  func `every byte of a rule comes back`(name: String) throws {
    try Fixture(name).expectRoundTrip(headerSize: Rule.headerSize) { message, span, writer in
      let rule = try #require(try Rule(message, in: span))
      rule.encodeReply(into: writer)
    }
  }

  @Test(arguments: replies)
  func `any cut and any changed byte of a real rule gives a value or an error`(name: String) throws {
    let outcomes = try readDamaged(name) { message, span throws(WireError) in _ = try Rule(message, in: span) }
    #expect(outcomes == [true, false])
  }

  private func rule(_ name: String) throws -> Rule {
    try Fixture(name).read { message, span throws(WireError) in try Rule(message, in: span) }
  }

  /// An IPv4 rule that says all a rule can say.
  static var full: Rule {
    var rule = Rule(
      family: .ipv4, priority: 7, source: IPCIDR("10.0.0.0/8"), destination: IPCIDR("10.1.0.0/16"),
      inputInterface: "v0",
      outputInterface: "v1", mark: 0x10, markMask: 0xff, table: RouteTableID(1000), protocol: RouteProtocol(77),
      suppressedPrefixLength: 0)
    rule.userIDs = 1...5
    rule.suppressedGroup = LinkGroup(5)
    rule.ipProtocol = .tcp
    rule.sourcePorts = 1...2
    rule.destinationPorts = 80...90
    rule.typeOfService = 0x10
    rule.realms = 0x3_0004
    return rule
  }

  static var inverted: Rule {
    var rule = Rule(
      family: .ipv6, priority: 7, source: IPCIDR("fd00::/8"), destination: IPCIDR("fd00::1/128"), inputInterface: "v0",
      mark: 0x10, markMask: 0xff, table: RouteTableID(100), protocol: RouteProtocol(77), isInverted: true)
    rule.userIDs = 1...5
    rule.ipProtocol = .udp
    rule.destinationPorts = 53...53
    rule.typeOfService = 0x10
    return rule
  }

  @Test func `a rule says all that was asked for`() throws {
    #expect(try rule("rule-reply").settings == RuleRoundTripTests.full.settings)
    #expect(try rule("rule-reply").otherAttributes.isEmpty)
    #expect(try rule("rule-reply6").settings == RuleRoundTripTests.inverted.settings)
    #expect(try rule("rule-reply-goto").target == 32766)
    #expect(try rule("rule-reply-goto").action == .goTo)
    #expect(try rule("rule-reply-tunnel").tunnelID == 9)
    #expect(try rule("rule-reply-l3mdev").usesVRFTable)
    let detached = try rule("rule-reply-detached")
    #expect(detached.isInputInterfaceMissing)
    #expect(!detached.isOutputInterfaceMissing)
    #expect(!detached.isTargetMissing)
  }

  @Test func `a mask for the mark 0 is not lost`() throws {
    let rule = try rule("rule-reply-mask")
    #expect(rule.mark == 0)
    #expect(rule.markMask == 0xff)
  }

  @Test func `a range the wrong way round is kept as it was`() throws {
    let backwards = Bytes.of(UInt16(5)) + Bytes.of(UInt16(4))
    let bytes = Bytes.message(
      32, [2, 0, 0, 0, 254, 0, 0, 1] + Bytes.of(UInt32(0)) + Bytes.attribute(23, backwards), sequence: 1)
    let span = unsafe bytes.span.bytes
    var cursor = MessageCursor()
    let message = try #require(try cursor.next(in: span))
    let rule = try #require(try Rule(message, in: span))
    #expect(rule.sourcePorts == nil)
    #expect(rule.otherAttributes[23] == [backwards])
  }

  private func expect(_ rule: Rule, _ change: ChangeRule.Change = .add, like name: String) throws {
    let request = ChangeRule(change: change, rule: rule)
    #expect(request.objection == nil)
    try Fixture(name).expectSame(as: request, headerSize: Rule.headerSize)
  }

  @Test func `a request is what ip sends for it`() throws {
    try expect(RuleRoundTripTests.full, like: "rule-request")
    try expect(RuleRoundTripTests.inverted, like: "rule-request6")
    var vrf = Rule(family: .ipv4, priority: 8, protocol: RouteProtocol(77))
    vrf.usesVRFTable = true
    try expect(vrf, like: "rule-request-l3mdev")
    var jump = Rule(family: .ipv4, priority: 9, protocol: RouteProtocol(77), action: .goTo)
    jump.target = 32766
    try expect(jump, like: "rule-request-goto")
    var tunnel = Rule(family: .ipv4, priority: 11, table: RouteTableID(5), protocol: RouteProtocol(77))
    tunnel.tunnelID = 9
    try expect(tunnel, like: "rule-request-tunnel")
    tunnel.tunnelID = 8
    // To ip any action will do; a rule of ours says which.
    tunnel.action = .unspecified
    #expect(ChangeRule(change: .remove, rule: tunnel).objection == nil)
  }

  @Test func `what was listed is sent as it was asked for`() throws {
    try expect(try rule("rule-reply"), like: "rule-request")
    try expect(try rule("rule-reply6"), like: "rule-request6")
    try expect(try rule("rule-reply-goto"), like: "rule-request-goto")
    try expect(try rule("rule-reply-l3mdev"), like: "rule-request-l3mdev")
    try expect(try rule("rule-reply-tunnel"), like: "rule-request-tunnel")
  }

  @Test func `a rule that means nothing is refused`() throws {
    let rule = Rule(family: .ipv4, priority: 9)
    func objection(_ body: (inout Rule) -> Void) -> String? {
      var rule = rule
      body(&rule)
      return ChangeRule(change: .add, rule: rule).objection
    }
    #expect(objection { $0.source = IPCIDR("fd00::/8") } == "the rule is ipv4, fd00::/8 is not")
    #expect(objection { $0.markMask = 1 } == "a mask without a mark means nothing")
    #expect(objection { $0.action = .goTo } == "a rule that goes on at another one names it")
    #expect(objection { $0.target = 10 } == "only a rule that goes on at another one names it")
    #expect(
      objection {
        $0.action = .goTo
        $0.target = 9
      } == "a rule goes on only at one of a higher number")
    #expect(objection { $0.action = .unspecified } == "a rule that is added does something")
    #expect(
      objection {
        $0.family = .ipv6
        $0.realms = 1
      } == "IPv6 has no realms")
  }

  @Test func `a code point is one attribute, and not for a batch`() {
    var rule = Rule(family: .ipv4, priority: 9)
    rule.codePoint = 46
    let writer = MessageWriter()
    writer.begin(type: 32, flags: 0, sequence: 1)
    rule.encode(into: writer)
    #expect(Array(writer.bytes.suffix(8)) == Bytes.attribute(25, [46]))
    #expect(NetlinkOperation.add(rule).objection?.contains("use rules.add") == true)
    #expect(NetlinkOperation.remove(rule).objection == nil)
  }
}
