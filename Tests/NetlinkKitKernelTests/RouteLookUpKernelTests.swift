// SPDX-License-Identifier: Apache-2.0

import KernelTestSupport
import LinuxSystem
import NetlinkKit
import NetworkTypes
import Testing

@Suite("Look-ups of routes in the kernel", .serialized, .requires(.root))
struct RouteLookUpKernelTests {
  /// Rules that each send one kind of packet to a table of its own, whose only route is a blackhole's friend: `v1`.
  private func withRules(
    _ family: AddressFamily, _ body: (NetlinkSocket, Link, RouteQuery) async throws -> Void
  ) async throws {
    try await withVeth { socket, link in
      let isFour = family == .ipv4
      let own = try #require(IPAddress(isFour ? "10.1.0.1" : "fd01::1"))
      try await socket.addresses.add(
        InterfaceAddress(index: link.index, address: own, prefixLength: isFour ? 24 : 64, flags: .noDAD))
      let peer = try #require(try await socket.links.link(named: "v1"))
      try await socket.routes.add(
        Route(destination: nil, gateway: IPAddress(isFour ? "10.1.0.9" : "fd01::9"), interface: link.index))
      for number: UInt32 in 1...5 {
        var rule = Rule(family: family, priority: 100 + number, table: RouteTableID(1000 + number))
        switch number {
        case 1: rule.mark = 7
        case 2: rule.userIDs = 4000...5000
        case 3:
          rule.ipProtocol = .udp
          rule.sourcePorts = 1000...1001
          rule.destinationPorts = 53...53
        case 4: rule.inputInterface = "v0"
        default: rule.source = IPCIDR(isFour ? "10.1.0.77/32" : "fd01::77/128")
        }
        try await socket.rules.add(rule)
        try await socket.routes.add(
          Route(destination: nil, interface: peer.index, table: RouteTableID(1000 + number), family: family))
      }
      try await inNamespaceOf(socket, "sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1")
      let query = RouteQuery(destination: try #require(IPAddress(isFour ? "10.9.9.9" : "fd09::9")))
      try await body(socket, link, query)
    }
  }

  @Test(arguments: AddressFamily.allCases)
  func `every property of a packet is what rules are asked about`(family: AddressFamily) async throws {
    try await withRules(family) { socket, link, plain in
      func table(_ body: (inout RouteQuery) -> Void) async throws -> RouteTableID? {
        var query = plain
        body(&query)
        return try await socket.routes.route(for: query)?.table
      }
      #expect(try await table { _ in } == .main)
      #expect(try await table { $0.mark = 7 } == RouteTableID(1001))
      #expect(try await table { $0.mark = 8 } == .main)
      #expect(try await table { $0.userID = 4500 } == RouteTableID(1002))
      #expect(
        try await table {
          $0.protocol = .udp
          $0.sourcePort = 1001
          $0.destinationPort = 53
        } == RouteTableID(1003))
      #expect(
        try await table {
          $0.protocol = .tcp
          $0.sourcePort = 1001
          $0.destinationPort = 53
        } == .main)
      let other = try #require(IPAddress(family == .ipv4 ? "10.1.0.78" : "fd01::78"))
      #expect(
        try await table {
          $0.inputInterface = link.index
          $0.source = other
        } == RouteTableID(1004))
      #expect(try await table { $0.outputInterface = link.index } == .main)
    }
  }

  @Test(arguments: AddressFamily.allCases)
  func `the answer is for one destination, or the table's entry`(family: AddressFamily) async throws {
    try await withRules(family) { socket, link, plain in
      let made = try #require(try await socket.routes.route(for: plain))
      #expect(made.destination == IPCIDR(host: plain.destination))
      #expect(made.isCached == (family == .ipv4))
      #expect(made.source == IPAddress(family == .ipv4 ? "10.1.0.1" : "fd01::1"))
      var query = plain
      query.wantsTableEntry = true
      let entry = try #require(try await socket.routes.route(for: query))
      #expect(entry.destination == nil)
      #expect(!entry.isCached)
      #expect(entry.gateway == IPAddress(family == .ipv4 ? "10.1.0.9" : "fd01::9"))
      var marked = plain
      marked.mark = 7
      if family == .ipv4 { #expect(try await socket.routes.route(for: marked)?.mark == 7) }
      #expect(try await socket.routes.all(family: family).allSatisfy { !$0.isCached })
    }
  }

  @Test func `an absent link and a prohibited destination are errors, no route is none`() async throws {
    try await withVeth { socket, link in
      let far = try #require(IPAddress("10.9.9.9"))
      #expect(try await socket.routes.route(for: RouteQuery(destination: far)) == nil)
      let missing = await #expect(throws: NetlinkError.self) {
        try await socket.routes.route(
          for: RouteQuery(destination: far, outputInterface: InterfaceIndex(rawValue: 4711)))
      }
      #expect(missing?.code == .notFound)
      #expect(missing?.message.contains("look up the route to 10.9.9.9 out through link 4711") == true)
      try await socket.routes.add(Route(destination: IPCIDR("10.9.9.0/24"), type: .prohibit))
      let prohibited = await #expect(throws: NetlinkError.self) { try await socket.routes.route(to: far) }
      #expect(prohibited?.code == .permissionDenied)
    }
  }
}
