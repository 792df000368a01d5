// SPDX-License-Identifier: Apache-2.0

import KernelTestSupport
import LinuxSystem
import NetlinkKit
import NetworkTypes
import Testing

@Suite("Addresses, routes, rules and neighbours in the kernel", .serialized, .requires(.root))
struct TableKernelTests {
  @Test(arguments: [("10.1.0.1", 24), ("169.254.1.1", 32), ("fd00::1", 64)])
  func `an address is added, replaced, found by link, and removed`(text: String, length: Int) async throws {
    try await withVeth { socket, link in
      let value = try #require(IPAddress(text))
      let flags: AddressFlags = value.family == .ipv6 ? [.noDAD, .noPrefixRoute] : [.noPrefixRoute]
      let address = InterfaceAddress(index: link.index, address: value, prefixLength: length, flags: flags)
      try await socket.addresses.add(address)
      let found = try #require(try await socket.addresses.all(on: link.index).first { $0.address == value })
      #expect(found.prefixLength == length)
      #expect(found.flags.isSuperset(of: flags.union(.permanent)))
      #expect(found.peer == nil)
      #expect(try await socket.addresses.all(on: .loopback).allSatisfy { $0.index == .loopback })

      let twice = await #expect(throws: NetlinkError.self) { try await socket.addresses.add(address) }
      #expect(twice?.code == .exists)
      try await socket.addresses.replace(address)

      try await socket.addresses.remove(address)
      #expect(try await socket.addresses.all(on: link.index).allSatisfy { $0.address != value })
      let gone = await #expect(throws: NetlinkError.self) { try await socket.addresses.remove(address) }
      #expect(gone?.code == .notFound)
      #expect(gone?.message.contains("remove address \(text)/\(length) on link \(link.index)") == true)
    }
  }

  @Test(arguments: [("10.2.0.0/16", "192.0.2.1"), ("fd02::/64", "fe80::9")])
  func `a route with every property comes back as it was sent`(block: String, next: String) async throws {
    try await withVeth { socket, link in
      let destination = try #require(IPCIDR(block))
      let gateway = try #require(IPAddress(next))
      let source = try #require(IPAddress(gateway.family == .ipv4 ? "10.1.0.1" : "fd01::1"))
      try await socket.addresses.add(
        InterfaceAddress(
          index: link.index, address: source, prefixLength: gateway.family.bitWidth, flags: .noDAD))
      let route = Route(
        destination: destination, gateway: gateway, interface: link.index, source: source, table: RouteTableID(1000),
        protocol: RouteProtocol(77), priority: 5, isOnLink: true)
      try await socket.routes.add(route)
      let found = try #require(try await socket.routes.all(table: RouteTableID(1000)).first)
      #expect(found.settings == route.settings)
      #expect(found.otherAttributes.isEmpty)
      #expect(try await socket.routes.all(table: RouteTableID(1000)).count == 1)
      let twice = await #expect(throws: NetlinkError.self) { try await socket.routes.add(route) }
      #expect(twice?.code == .exists)
      try await socket.routes.replace(route)
      try await socket.routes.remove(route)
      #expect(try await socket.routes.all(table: RouteTableID(1000)).isEmpty)
      let gone = await #expect(throws: NetlinkError.self) { try await socket.routes.remove(route) }
      #expect(gone?.code == .notFound)
    }
  }

  @Test func `every route that is listed can be removed as it was listed`() async throws {
    try await withVeth { socket, link in
      let source = try #require(IPAddress("10.1.0.1"))
      try await socket.addresses.add(
        InterfaceAddress(index: link.index, address: source, prefixLength: 24))
      try await socket.routes.add(Route(destination: nil, gateway: IPAddress("10.1.0.254")))
      try await socket.routes.add(Route(destination: IPCIDR("10.7.0.0/16"), type: .blackhole))
      try await socket.routes.add(
        Route(
          destination: IPCIDR("10.8.0.0/16"), gateway: IPAddress("fe80::1"),
          interface: link.index))
      let crossed = try await socket.routes.all().first { $0.destination?.description == "10.8.0.0/16" }
      #expect(crossed?.gateway?.description == "fe80::1")
      for route in try await socket.routes.all(table: .main, family: .ipv4) { try await socket.routes.remove(route) }
      #expect(try await socket.routes.all(table: .main, family: .ipv4).isEmpty)
    }
  }

  @Test func `a look-up names table and source, and is nil without a route`() async throws {
    try await withVeth { socket, link in
      let source = try #require(IPAddress("10.1.0.1"))
      try await socket.addresses.add(InterfaceAddress(index: link.index, address: source, prefixLength: 24))
      let route = try await socket.routes.route(to: try #require(IPAddress("10.1.0.9")))
      #expect(route?.interface == link.index)
      #expect(route?.source == source)
      #expect(route?.table == .main)
      // Until there are rules of our own the kernel keeps the local and the main table as one, and says main.
      let own = try await socket.routes.route(to: source)
      #expect(own?.type == .local)
      try await socket.rules.add(Rule(family: .ipv4, priority: 100, table: RouteTableID(1000)))
      try await socket.routes.add(
        Route(destination: IPCIDR("10.9.9.0/24"), interface: link.index, table: RouteTableID(1000)))
      let far = try await socket.routes.route(to: try #require(IPAddress("10.9.9.9")))
      #expect(far?.table == RouteTableID(1000))
      #expect(try await socket.routes.route(to: try #require(IPAddress("10.10.9.9"))) == nil)
      #expect(try await socket.routes.route(to: try #require(IPAddress("2001:db8::1"))) == nil)
    }
  }

  @Test func `rules of both families come back as they were sent, in order`() async throws {
    try await withVeth { socket, _ in
      for family in AddressFamily.allCases {
        let from = try #require(IPCIDR(family == .ipv4 ? "10.1.0.7/32" : "fd00::7/128"))
        let to = try #require(IPCIDR(family == .ipv4 ? "10.0.0.0/8" : "fd00::/8"))
        let rules = [
          Rule(family: family, priority: 512, destination: to, table: .main, protocol: RouteProtocol(77)),
          Rule(family: family, priority: 2048, source: from, inputInterface: "v0", table: RouteTableID(1003)),
          Rule(
            family: family, priority: 3000, outputInterface: "v1", mark: 0x20, markMask: 0xff,
            table: RouteTableID(77), isInverted: true, suppressedPrefixLength: 0),
          Rule(family: family, priority: 4000, source: from, action: .unreachable),
        ]
        for rule in rules { try await socket.rules.add(rule) }
        func ours() async throws -> [Rule] {
          try await socket.rules.all(family: family).filter { (1..<32766).contains($0.priority) }
        }
        var listed = try await ours()
        #expect(listed.map(\.priority) == [512, 2048, 3000, 4000])
        // Rules without a table to ask name none.
        #expect(listed[3].action == .unreachable)
        #expect(listed.map(\.settings) == rules.map(\.settings))
        #expect(listed.allSatisfy { $0.otherAttributes.isEmpty })
        let twice = await #expect(throws: NetlinkError.self) { try await socket.rules.add(rules[0]) }
        #expect(twice?.code == .exists)
        for rule in rules { try await socket.rules.remove(rule) }
        listed = try await ours()
        #expect(listed.isEmpty)
        let gone = await #expect(throws: NetlinkError.self) { try await socket.rules.remove(rules[0]) }
        #expect(gone?.code == .notFound)
      }
    }
  }

  @Test(arguments: ["10.1.0.9", "fd00::9"])
  func `permanent and proxy neighbours are set, listed by link and removed`(text: String) async throws {
    try await withVeth { socket, link in
      let address = try #require(IPAddress(text))
      let first = try #require(MACAddress("02:00:00:00:00:07"))
      let second = try #require(MACAddress("02:00:00:00:00:08"))
      var entry = Neighbour(interface: link.index, address: address, linkLayerAddress: first)
      try await socket.neighbours.replace(entry)
      entry.linkLayerAddress = second
      try await socket.neighbours.replace(entry)
      let proxy = Neighbour(interface: link.index, address: address, isProxy: true)
      try await socket.neighbours.replace(proxy)
      let listed = try await socket.neighbours.all(on: link.index).filter { $0.address == address }
      #expect(listed.map(\.isProxy) == [false, true])
      #expect(listed.first?.linkLayerAddress == second)
      #expect(listed.first?.state == .permanent)
      #expect(try await socket.neighbours.all(on: .loopback).allSatisfy { $0.interface == .loopback })
      try await socket.neighbours.remove(entry)
      try await socket.neighbours.remove(proxy)
      let gone = await #expect(throws: NetlinkError.self) { try await socket.neighbours.remove(entry) }
      #expect(gone?.code == .notFound)
    }
  }

  @Test func `ten thousand routes are listed completely`() async throws {
    try await withVeth { socket, link in
      let table = RouteTableID(5000)
      for number in 0..<10_000 {
        let address = IPv4Address(rawValue: 0x0b00_0000 | UInt32(number))
        try await socket.routes.add(
          Route(destination: IPCIDR(host: .v4(address)), interface: link.index, table: table))
      }
      let routes = try await socket.routes.all(table: table)
      #expect(routes.count == 10_000)
      #expect(Set(routes.map(\.destination)).count == 10_000)
    }
  }
}
