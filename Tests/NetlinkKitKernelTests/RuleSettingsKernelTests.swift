// SPDX-License-Identifier: Apache-2.0

import KernelTestSupport
import LinuxSystem
import NetlinkKit
import NetworkTypes
import Testing

@Suite("Everything of a rule in the kernel", .serialized, .requires(.root))
struct RuleSettingsKernelTests {
  private func ours(_ socket: NetlinkSocket, _ family: AddressFamily) async throws -> [Rule] {
    try await socket.rules.all(family: family).filter { (1..<32766).contains($0.priority) }
  }

  private func rules(_ family: AddressFamily) -> [Rule] {
    let isFour = family == .ipv4
    var full = Rule(
      family: family, priority: 7, source: IPCIDR(isFour ? "10.0.0.0/8" : "fd00::/8"),
      destination: IPCIDR(isFour ? "10.1.0.0/16" : "fd01::/16"), inputInterface: "v0", outputInterface: "v1",
      mark: 0x10,
      markMask: 0xff, table: RouteTableID(1000), protocol: RouteProtocol(77), isInverted: true,
      suppressedPrefixLength: 0)
    full.userIDs = 1...5
    full.suppressedGroup = LinkGroup(5)
    full.ipProtocol = .tcp
    full.sourcePorts = 1...2
    full.destinationPorts = 80...90
    full.typeOfService = 0x10
    if isFour { full.realms = 0x3_0004 }
    var vrf = Rule(family: family, priority: 8)
    vrf.usesVRFTable = true
    var jump = Rule(family: family, priority: 9, action: .goTo)
    jump.target = 10
    var tunnel = Rule(family: family, priority: 10, table: RouteTableID(5))
    tunnel.tunnelID = 0x1_0000_0009
    var zero = Rule(family: family, priority: 11, mark: 0, markMask: 0xff, table: RouteTableID(5))
    zero.userIDs = 0...0
    return [
      full, vrf, jump, tunnel, zero, Rule(family: family, priority: 12, action: .none),
      Rule(family: family, priority: 13, inputInterface: "nolink", action: .prohibit),
    ]
  }

  @Test(arguments: AddressFamily.allCases)
  func `every rule is listed as it was added, and again when it was removed and added as listed`(
    family: AddressFamily
  ) async throws {
    try await withVeth { socket, _ in
      let rules = rules(family)
      for rule in rules { try await socket.rules.add(rule) }
      for _ in 0..<2 {
        let listed = try await ours(socket, family)
        #expect(listed.map(\.settings) == rules.map(\.settings))
        #expect(listed.last?.isInputInterfaceMissing == true)
        #expect(listed.allSatisfy { $0.otherAttributes.isEmpty && !$0.isTargetMissing })
        try await socket.perform(listed.map { .remove($0) }).get()
        #expect(try await ours(socket, family).isEmpty)
        for rule in listed.reversed() { try await socket.rules.add(rule) }
      }
    }
  }

  @Test func `the kernel takes a rule for any source for the same as one for some, ensure does not`() async throws {
    try await withVeth { socket, _ in
      let table = RouteTableID(1000)
      let some = Rule(family: .ipv4, priority: 100, source: IPCIDR("10.0.0.0/8"), table: table)
      let any = Rule(family: .ipv4, priority: 100, table: table)
      var added = [try await socket.rules.ensure(some), try await socket.rules.ensure(some)]
      #expect(added == [true, false])
      let refused = await #expect(throws: NetlinkError.self) { try await socket.rules.add(any) }
      #expect(refused?.code == .exists)
      added = [try await socket.rules.ensure(any), try await socket.rules.ensure(any)]
      #expect(added == [true, false])
      #expect(try await ours(socket, .ipv4).map(\.source) == [IPCIDR("10.0.0.0/8"), nil])
    }
  }

  @Test func `removal compares what is said, and neither target nor whether it is inverted`() async throws {
    try await withVeth { socket, _ in
      let table = RouteTableID(1000)
      func add(_ body: (inout Rule) -> Void) async throws -> Rule {
        var rule = Rule(family: .ipv4, priority: 100, mark: 1, table: table, protocol: RouteProtocol(77))
        body(&rule)
        try await socket.rules.add(rule)
        return rule
      }
      let inverted = try await add { $0.isInverted = true }
      var other = inverted
      other.isInverted = false
      // The inverted one is taken for the same, too.
      let twin = await #expect(throws: NetlinkError.self) { try await socket.rules.add(other) }
      #expect(twin?.code == .exists)
      var wrong = inverted
      wrong.mark = 2
      let gone = await #expect(throws: NetlinkError.self) { try await socket.rules.remove(wrong) }
      #expect(gone?.code == .notFound)
      try await socket.rules.remove(other)
      #expect(try await ours(socket, .ipv4).isEmpty)

      _ = try await add { $0.source = IPCIDR("10.0.0.0/8") }
      // What is left out matches anything.
      try await socket.rules.remove(
        Rule(family: .ipv4, priority: 100, table: RouteTableID(0), protocol: .unspecified, action: .unspecified))
      #expect(try await ours(socket, .ipv4).isEmpty)
    }
  }

  @Test func `a target that is missing is said so`() async throws {
    try await withVeth { socket, _ in
      var jump = Rule(family: .ipv6, priority: 9, action: .goTo)
      jump.target = 500
      try await socket.rules.add(jump)
      #expect(try await ours(socket, .ipv6).map(\.isTargetMissing) == [true])
      try await socket.rules.add(Rule(family: .ipv6, priority: 500))
      #expect(try await ours(socket, .ipv6).map(\.isTargetMissing) == [false, false])
    }
  }

  /// Linux 6.13 knows it; others would take the rule for one without.
  @Test func `a code point is there, or the rule is not`() async throws {
    try await withVeth { socket, _ in
      var rule = Rule(family: .ipv4, priority: 100, table: RouteTableID(1000))
      rule.codePoint = 46
      var failure: NetlinkError?
      do throws(NetlinkError) { try await socket.rules.add(rule) } catch { failure = error }
      let left = try await ours(socket, .ipv4)
      if let failure {
        #expect(failure.code == .notSupported)
        #expect(failure.message.contains("Linux 6.13"))
        #expect(left.isEmpty)
      } else {
        #expect(left.map(\.codePoint) == [46])
      }
    }
  }
}
