// SPDX-License-Identifier: Apache-2.0

import KernelTestSupport
import LinuxSystem
import NetlinkKit
import NetlinkTesting
import NetworkTypes
import Testing

/// The fake kernel is as good as it answers like the real one: the same requests to both.
@Suite("The fake kernel beside the real one", .serialized, .requires(.root), .timeLimit(.minutes(2)))
struct FakeKernelComparisonTests {
  /// One thing to do, and what is said of how it ended.
  struct Step: Sendable {
    let name: String
    let body: @Sendable (NetlinkSocket) async throws -> String

    init(_ name: String, _ body: @escaping @Sendable (NetlinkSocket) async throws -> Void) {
      self.name = name
      self.body = { socket in
        try await body(socket)
        return "done"
      }
    }

    init(find name: String, _ body: @escaping @Sendable (NetlinkSocket) async throws -> String) {
      self.name = name
      self.body = body
    }

    func run(_ socket: NetlinkSocket) async throws -> String {
      do {
        return "\(name): \(try await body(socket))"
      } catch let error as NetlinkError {
        return "\(name): errno \(error.errno ?? 0)"
      }
    }
  }

  @Test func `each answer is the real kernel's, and so is what is left`() async throws {
    let kernel = FakeKernel()
    try await kernel.socket.links.change(.loopback, LinkChanges(isUp: true))
    try await withScratchNamespace { namespace in
      let socket = try await NetlinkSocket(in: namespace)
      for part in [linkSteps, addressSteps, routeSteps, ruleSteps, neighbourSteps, trafficSteps, endSteps] {
        try await compare(part, kernel.socket, socket)
      }
    }
  }

  /// Does the same with both, and looks whether the same is said, and left.
  private func compare(_ part: [Step], _ fake: NetlinkSocket, _ real: NetlinkSocket) async throws {
    for step in part {
      let (fakes, reals) = (try await step.run(fake), try await step.run(real))
      #expect(fakes == reals)
    }
    let fakes = try await state(fake)
    var reals = try await state(real)
    // Linux notes that a carrier came or went in work of its own, up to a second later (linkwatch).
    for _ in 0..<1000 where reals != fakes {
      try await Task.sleep(for: .milliseconds(10))
      reals = try await state(real)
    }
    let onlyFake = fakes.filter { !reals.contains($0) }
    let onlyReal = reals.filter { !fakes.contains($0) }
    #expect([onlyFake, onlyReal] == [[], []], "after \"\(part.last?.name ?? "")\"")
    #expect(fakes.count == reals.count)
  }

  /// Everything that both have; without what the real one makes by itself.
  private func state(_ socket: NetlinkSocket) async throws -> [String] {
    let links = try await socket.links.all()
    let names = Dictionary(uniqueKeysWithValues: links.map { ($0.index, $0.name.rawValue) })
    func name(_ index: InterfaceIndex?) -> String { index.flatMap { names[$0] } ?? "none" }
    var lines = links.map { link in
      "link \(link.name) \(link.kind?.name ?? "-") mtu \(link.mtu) up \(link.flags.contains(.up)) runs "
        + "\(link.flags.contains(.running)) master \(name(link.masterIndex)) alias \(link.alias ?? "-") group "
        + "\(link.group.map { "\($0)" } ?? "-") names \(link.alternativeNames) address "
        + "\(link.address.map { $0.rawValue >> 40 == 6 ? "\($0)" : "some" } ?? "-")"
    }.sorted()
    for address in try await socket.addresses.all() where name(address.index) != "lo" {
      if case .v6(let own) = address.address, own.high >> 48 == 0xfe80 { continue }
      lines.append(
        "address \(address.address)/\(address.prefixLength) \(name(address.index)) label \(address.label ?? "-") scope "
          + "\(address.scope) flags \(address.flags.subtracting([.tentative])) ")
    }
    for route in try await socket.routes.all() where route.protocol == .static {
      lines.append(
        "route \(route.destination.map { "\($0)" } ?? "default") \(route.family) \(route.type) via "
          + "\(route.gateway.map { "\($0)" } ?? "-") dev \(route.type == .unicast ? name(route.interface) : "-") table "
          + "\(route.table) priority \(route.priority.map { "\($0)" } ?? "-") src \(route.source.map { "\($0)" } ?? "-")"
      )
    }
    lines += try await socket.rules.all().map { rule in
      "rule \(rule.family) \(rule.priority) from \(rule.source.map { "\($0)" } ?? "all") table \(rule.table) mark "
        + "\(rule.mark ?? 0) action \(rule.action.rawValue)"
    }
    for entry in try await socket.neighbours.all() where entry.isProxy || entry.state.contains(.permanent) {
      lines.append(
        "neighbour \(entry.address) \(name(entry.interface)) \(entry.linkLayerAddress.map { "\($0)" } ?? "-") "
          + "\(entry.isProxy)")
    }
    for qdisc in try await socket.qdiscs.all() where qdisc.parent == .clsact {
      lines.append("qdisc \(qdisc.kind) \(name(qdisc.interface)) \(qdisc.handle)")
    }
    return lines.sorted()
  }

  private var absent: InterfaceIndex { InterfaceIndex(rawValue: 4711) ?? .loopback }

  private static func index(_ socket: NetlinkSocket, _ name: InterfaceName) async throws -> InterfaceIndex {
    try #require(try await socket.links.link(named: name)?.index)
  }

  private func change(
    _ text: String, _ name: InterfaceName, _ changes: LinkChanges
  ) -> Step {
    Step("\(text) \(name)") { socket in
      try await socket.links.change(try await FakeKernelComparisonTests.index(socket, name), changes)
    }
  }

  private var linkSteps: [Step] {
    [
      Step("create a pair") {
        try await $0.links.create(
          NewLink(name: "v0", kind: .veth(peer: VethPeer(name: "v1", address: MACAddress("06:00:00:00:00:01")))))
      },
      Step("create it again") { try await $0.links.create(NewLink(name: "v0", kind: .veth())) },
      Step("create one whose peer is there") {
        try await $0.links.create(NewLink(name: "v2", kind: .veth(peer: VethPeer(name: "v1"))))
      },
      Step("create an unknown kind") { try await $0.links.create(NewLink(name: "x0", kind: .other("nosuchkind"))) },
      Step("create with a taken index") {
        try await $0.links.create(NewLink(name: "x0", kind: .bridge, index: .loopback))
      },
      Step("create with an address that none can have") {
        try await $0.links.create(NewLink(name: "x0", kind: .veth(), address: MACAddress("01:00:00:00:00:01")))
      },
      Step("create bridges") {
        try await $0.links.create(NewLink(name: "br0", kind: .bridge, mtu: 1400, group: LinkGroup(7)))
        try await $0.links.create(NewLink(name: "br1", kind: .bridge, alias: "a text", group: LinkGroup(7)))
      },
      Step(find: "find an absent one", { "\(try await $0.links.link(named: "nosuch") == nil)" }),
      Step("change an absent one") {
        try await $0.links.change(absent, LinkChanges(isUp: true))
      },
      Step("remove an absent one") { try await $0.links.remove(named: "nosuch") },
      Step("remove the loopback") { try await $0.links.remove(.loopback) },
      Step("remove an empty group") { try await $0.links.remove(group: LinkGroup(99)) },
      Step("remove the default group") { try await $0.links.remove(group: .default) },
      change("set a small MTU of", "v0", LinkChanges(mtu: 67)),
      change("set a large MTU of", "v0", LinkChanges(mtu: 70000)),
      change("set the MTU of", "v0", LinkChanges(mtu: 1300)),
      change("set a bad address of", "v0", LinkChanges(address: MACAddress("01:00:00:00:00:01"))),
      change("set the address of", "v0", LinkChanges(address: MACAddress("06:00:00:00:00:02"))),
      change("set a long alias of", "v0", LinkChanges(alias: String(repeating: "x", count: 300))),
      change("set the alias of", "v0", LinkChanges(alias: "another text")),
      change("give a taken name to", "v0", LinkChanges(name: "v1")),
      change("rename", "v1", LinkChanges(name: "w1")),
      change("name again", "w1", LinkChanges(name: "v1")),
      change("enslave to nobody", "v0", LinkChanges(master: InterfaceIndex(rawValue: 4711))),
      Step("enslave to a veth") {
        let master = try await FakeKernelComparisonTests.index($0, "v1")
        try await $0.links.change(
          try await FakeKernelComparisonTests.index($0, "v0"), LinkChanges(master: master))
      },
      Step("enslave a bridge to a bridge") {
        let master = try await FakeKernelComparisonTests.index($0, "br0")
        try await $0.links.change(
          try await FakeKernelComparisonTests.index($0, "br1"), LinkChanges(master: master))
      },
      Step("enslave to a bridge") {
        let master = try await FakeKernelComparisonTests.index($0, "br0")
        try await $0.links.change(
          try await FakeKernelComparisonTests.index($0, "v0"), LinkChanges(master: master))
      },
      Step(
        find: "list the ports",
        {
          let master = try await FakeKernelComparisonTests.index($0, "br0")
          return "\(try await $0.links.all(master: master).map(\.name))"
        }),
      Step(find: "list a kind", { "\(try await $0.links.all(kind: "bridge").map(\.name))" }),
      change("release", "v0", LinkChanges(master: .some(nil))),
      Step("add a name") {
        try await $0.links.addAlternativeNames(["second"], to: try await FakeKernelComparisonTests.index($0, "v0"))
      },
      Step("add a name that is taken") {
        try await $0.links.addAlternativeNames(["v1"], to: try await FakeKernelComparisonTests.index($0, "v0"))
      },
      Step(find: "find by that name", { "\(try await $0.links.link(alternativelyNamed: "second")?.name ?? "?")" }),
      Step("remove an absent name") {
        try await $0.links.removeAlternativeNames(["third"], from: try await FakeKernelComparisonTests.index($0, "v0"))
      },
      Step("remove another's name") {
        try await $0.links.removeAlternativeNames(["v1"], from: try await FakeKernelComparisonTests.index($0, "v0"))
      },
    ]
  }

  private func address(
    _ text: String, _ value: String, _ length: Int,
    _ body: @escaping @Sendable (AddressTable, InterfaceAddress) async throws -> Void
  ) -> Step {
    Step("\(text) \(value)/\(length)") { socket in
      let index = try await FakeKernelComparisonTests.index(socket, "v0")
      let address = try #require(IPAddress(value))
      let flags: AddressFlags = address.family == .ipv6 ? .noDAD : []
      try await body(
        socket.addresses, InterfaceAddress(index: index, address: address, prefixLength: length, flags: flags))
    }
  }

  private var addressSteps: [Step] {
    let add: @Sendable (AddressTable, InterfaceAddress) async throws -> Void = { try await $0.add($1) }
    let replace: @Sendable (AddressTable, InterfaceAddress) async throws -> Void = { try await $0.replace($1) }
    let remove: @Sendable (AddressTable, InterfaceAddress) async throws -> Void = { try await $0.remove($1) }
    return [
      change("raise", "v0", LinkChanges(isUp: true)), change("raise", "v1", LinkChanges(isUp: true)),
      address("add", "10.9.0.1", 24, add), address("add again", "10.9.0.1", 24, add),
      address("add to another network", "10.9.0.1", 25, add), address("add a second one of", "10.9.0.2", 24, add),
      address("replace", "10.9.0.1", 24, replace), address("remove an absent one", "10.9.0.7", 24, remove),
      address("remove with another length", "10.9.0.1", 26, remove), address("remove", "10.9.0.1", 25, remove),
      address("add", "fd00:9::1", 64, add), address("add with another length", "fd00:9::1", 65, add),
      address("replace", "fd00:9::1", 64, replace), address("remove an absent one", "fd00:9::7", 64, remove),
      Step("add to an absent link") {
        try await $0.addresses.add(
          InterfaceAddress(
            index: absent, address: try #require(IPAddress("10.0.0.1")),
            prefixLength: 24))
      },
      Step("list on an absent link") {
        _ = try await $0.addresses.all(on: absent)
      },
    ]
  }

  private func route(
    _ text: String, _ destination: String, via: String? = nil, on name: InterfaceName? = nil, source: String? = nil,
    type: RouteType = .unicast, table: RouteTableID = .main, priority: UInt32? = nil, isOnLink: Bool = false,
    _ body: @escaping @Sendable (RouteTable, Route) async throws -> Void = { try await $0.add($1) }
  ) -> Step {
    Step("\(text) \(destination)") { socket in
      var index: InterfaceIndex?
      if let name { index = try await FakeKernelComparisonTests.index(socket, name) }
      try await body(
        socket.routes,
        Route(
          destination: IPCIDR(destination), gateway: via.flatMap { IPAddress($0) }, interface: index,
          source: source.flatMap { IPAddress($0) }, type: type, table: table, priority: priority, isOnLink: isOnLink))
    }
  }

  private func lookUp(_ destination: String) -> Step {
    Step(
      find: "look up \(destination)",
      { socket in
        let route = try await socket.routes.route(to: try #require(IPAddress(destination)))
        var name: InterfaceName?
        if let index = route?.interface { name = try await socket.links.link(at: index)?.name }
        return "\(route.map { "\($0.type) \($0.table) \($0.gateway.map { "\($0)" } ?? "-")" } ?? "none") "
          + "\(name?.rawValue ?? "-") \(route?.source.map { "\($0)" } ?? "-")"
      })
  }

  private var routeSteps: [Step] {
    let replace: @Sendable (RouteTable, Route) async throws -> Void = { try await $0.replace($1) }
    let remove: @Sendable (RouteTable, Route) async throws -> Void = { try await $0.remove($1) }
    let other = RouteTableID(1000)
    return [
      route("on a link that is down,", "10.1.0.0/16", on: "br0"),
      route("on a link that is down,", "fd01::/32", on: "br0"),
      route("add", "10.1.0.0/16", on: "v0"), route("add again", "10.1.0.0/16", on: "v0"),
      route("with another priority,", "10.1.0.0/16", on: "v0", priority: 5),
      route("replace", "10.1.0.0/16", via: "10.9.0.77", replace), route("bits beyond", "10.2.0.1/16", on: "v0"),
      route("no link for", "10.2.0.0/16"), route("no link for", "fd02::/32"),
      route("a far gateway for", "10.2.0.0/16", via: "192.0.2.1"),
      route("a far gateway for", "fd02::/32", via: "fd99::1"),
      route("a far gateway on link for", "10.2.0.0/16", via: "192.0.2.1", on: "v0", isOnLink: true),
      route("a near gateway for", "fd02::/32", via: "fd00:9::5"),
      route("add", "fd01::/32", on: "v0"), route("add again", "fd01::/32", on: "v0"),
      route("a foreign source for", "10.3.0.0/16", on: "v0", source: "192.0.2.9"),
      route("a source for", "10.3.0.0/16", on: "v0", source: "10.9.0.2"),
      route("a blackhole for", "10.80.0.0/16", type: .blackhole),
      route("prohibit", "10.81.0.0/16", type: .prohibit), route("refuse", "10.82.0.0/16", type: .unreachable),
      route("in a table of its own,", "10.4.0.0/16", on: "v0", table: other),
      route("remove from the wrong table", "10.4.0.0/16", table: .main, remove),
      route("remove an absent one", "10.79.0.0/16", remove), route("remove an absent one", "fd79::/32", remove),
      route("remove from an absent table", "10.79.0.0/16", table: RouteTableID(999), remove),
      route("remove with the wrong link", "10.2.0.0/16", on: "v1", remove),
      route("remove one of two", "10.1.0.0/16", on: "v0", priority: 5, remove),
      Step(
        find: "list a table", { "\(try await $0.routes.all(table: other).map { $0.destination.map { "\($0)" } })" }),
      Step(find: "list an absent table", { "\(try await $0.routes.all(table: RouteTableID(999)).count)" }),
      lookUp("10.1.2.3"), lookUp("10.2.2.3"), lookUp("10.3.2.3"), lookUp("10.80.0.1"), lookUp("10.81.0.1"),
      lookUp("10.82.0.1"), lookUp("198.51.100.1"), lookUp("fd88::1"), lookUp("10.9.0.1"),
    ]
  }

  private var ruleSteps: [Step] {
    let rule = Rule(family: .ipv4, priority: 100, source: IPCIDR("10.8.0.7/32"), table: RouteTableID(1000))
    let marked = Rule(family: .ipv6, priority: 0, mark: 7, table: .main)
    return [
      Step("add a rule") { try await $0.rules.add(rule) }, Step("add it again") { try await $0.rules.add(rule) },
      Step("add a rule at 0") { try await $0.rules.add(marked) },
      Step("add it again at 0") { try await $0.rules.add(marked) },
      Step("remove an absent rule") { try await $0.rules.remove(Rule(family: .ipv4, priority: 101)) },
      Step("remove one with another source") {
        try await $0.rules.remove(
          Rule(family: .ipv4, priority: 100, source: IPCIDR("10.8.0.8/32"), table: RouteTableID(1000)))
      },
      Step("add a prohibition") {
        try await $0.rules.add(
          Rule(family: .ipv4, priority: 50, destination: IPCIDR("10.3.0.0/16"), action: .prohibit))
      },
      lookUp("10.3.2.3"),
      Step("remove the rule at 0") { try await $0.rules.remove(marked) },
    ]
  }

  private func neighbour(
    _ text: String, _ value: String, isProxy: Bool = false, address: String = "06:00:00:00:00:09",
    _ body: @escaping @Sendable (NeighbourTable, Neighbour) async throws -> Void
  ) -> Step {
    Step("\(text) \(value)") { socket in
      let index = try await FakeKernelComparisonTests.index(socket, "v0")
      try await body(
        socket.neighbours,
        Neighbour(
          interface: index, address: try #require(IPAddress(value)),
          linkLayerAddress: isProxy ? nil : MACAddress(address), isProxy: isProxy))
    }
  }

  private var neighbourSteps: [Step] {
    let add: @Sendable (NeighbourTable, Neighbour) async throws -> Void = { try await $0.add($1) }
    let replace: @Sendable (NeighbourTable, Neighbour) async throws -> Void = { try await $0.replace($1) }
    let remove: @Sendable (NeighbourTable, Neighbour) async throws -> Void = { try await $0.remove($1) }
    return [
      neighbour("add", "10.9.0.9", add), neighbour("add again", "10.9.0.9", add),
      neighbour("replace", "10.9.0.9", address: "06:00:00:00:00:0a", replace), neighbour("add", "fd00:9::9", add),
      neighbour("remove an absent one", "10.9.0.10", remove), neighbour("proxy", "10.9.0.11", isProxy: true, add),
      neighbour("proxy again", "10.9.0.11", isProxy: true, add),
      neighbour("remove an absent proxy", "10.9.0.9", isProxy: true, remove),
      Step("add on an absent link") {
        try await $0.neighbours.add(
          Neighbour(
            interface: absent, address: try #require(IPAddress("10.0.0.1"))))
      },
    ]
  }

  private var trafficSteps: [Step] {
    let index = FakeKernelComparisonTests.index
    return [
      Step(find: "see to clsact", { "\(try await $0.qdiscs.ensureClsact(on: try await index($0, "v0")))" }),
      Step(find: "see to it again", { "\(try await $0.qdiscs.ensureClsact(on: try await index($0, "v0")))" }),
      Step("remove it where it is not") { try await $0.qdiscs.removeClsact(on: try await index($0, "v1")) },
      Step("remove it of an absent link") {
        try await $0.qdiscs.removeClsact(on: absent)
      },
      Step(find: "list filters of none", { "\(try await $0.filters.all(on: try await index($0, "v1")).count)" }),
      Step(
        find: "list filters of nobody",
        { "\(try await $0.filters.all(on: absent).count)" }),
      Step("remove an absent filter") {
        try await $0.filters.remove(on: try await index($0, "v0"), direction: .ingress, priority: 3, handle: 1)
      },
      Step("remove a filter without clsact") {
        try await $0.filters.remove(on: try await index($0, "v1"), direction: .ingress, priority: 3, handle: 1)
      },
    ]
  }

  /// A link that goes down takes much with it, and one that goes takes everything.
  private var endSteps: [Step] {
    [
      change("lower", "v0", LinkChanges(isUp: false)),
      Step("remove by a second name") { try await $0.links.remove(named: "second") },
      Step("remove a group") { try await $0.links.remove(group: LinkGroup(7)) },
    ]
  }

  @Test func `a link that goes down takes as much with it`() async throws {
    let kernel = FakeKernel()
    try await kernel.socket.links.change(.loopback, LinkChanges(isUp: true))
    try await withScratchNamespace { namespace in
      let socket = try await NetlinkSocket(in: namespace)
      for part in [Array(linkSteps.prefix(1)), addressSteps, Array(routeSteps.dropFirst(2)), neighbourSteps] {
        try await compare(part, kernel.socket, socket)
      }
      try await compare([change("lower", "v0", LinkChanges(isUp: false))], kernel.socket, socket)
      #expect(try await state(kernel.socket).contains { $0.hasPrefix("address 10.9.0.1") })
    }
  }
}
