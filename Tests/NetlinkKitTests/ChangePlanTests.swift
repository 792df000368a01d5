// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import Testing

@testable import NetlinkKit

/// What a planner makes of a state and of what is there, as text.
@Suite("Change plans as text")
struct ChangePlanTests {
  private let owner = ObjectOwner(protocol: RouteProtocol(84), prefix: "example:")

  private func desired(_ describe: (inout DesiredState) throws -> Void) rethrows -> DesiredState {
    var desired = DesiredState(owner: owner)
    try describe(&desired)
    return desired
  }

  private func plan(
    _ desired: DesiredState, _ stale: StaleObjects = .remove, over found: NamespaceSnapshot = NamespaceSnapshot()
  ) throws -> [String] {
    var planner = Planner(desired, stale, found: found)
    return try planner.plan().steps.map(\.description)
  }

  /// Everything that a pod's end needs.
  private func pod() throws -> DesiredState {
    try desired { desired in
      desired.links.append(
        DesiredLink(NewLink(name: "pod0", kind: .veth(peer: VethPeer(name: "pod1")), mtu: 1400, isUp: true)))
      desired.filters.append(
        DesiredFilter(
          BPFFilter(interface: .loopback, direction: .ingress, programDescriptor: 9, name: "in"), on: "pod0"))
      desired.addresses.append(DesiredAddress(try ip("10.8.0.1"), prefixLength: 32, on: "pod0"))
      desired.neighbours.append(
        DesiredNeighbour(try ip("10.8.0.7"), linkLayerAddress: try mac("02:00:00:00:00:07"), on: "pod0"))
      desired.routes.append(
        DesiredRoute(Route(destination: nil, gateway: try ip("10.8.0.7"), table: RouteTableID(1000)), on: "pod0"))
      desired.routes.append(DesiredRoute(Route(destination: try block("10.8.0.7/32")), on: "pod0"))
      desired.rules.append(Rule(family: .ipv4, priority: 512, destination: try block("10.8.0.7/32")))
    }
  }

  @Test func `an empty namespace gets the link, then what belongs to it, and only then is the link up`() throws {
    #expect(
      try plan(pod()) == [
        "ip link add pod0 mtu 1400 type veth peer name pod1",
        "ip link set pod0 alias example:pod0",
        "tc qdisc add dev pod0 clsact",
        "tc filter add dev pod0 ingress pref 1 handle 1 bpf direct-action name example:in",
        "ip address add 10.8.0.1/32 dev pod0",
        "ip link set pod0 up",
        "ip neighbour replace 10.8.0.7 lladdr 02:00:00:00:00:07 nud permanent dev pod0",
        "ip route add 10.8.0.7/32 scope link dev pod0 proto 84",
        "ip route add default via 10.8.0.7 table 1000 dev pod0 proto 84",
        "ip rule add pref 512 to 10.8.0.7/32 lookup main proto 84",
      ])
  }

  @Test func `what is there as desired needs nothing`() throws {
    var found = NamespaceSnapshot()
    found.links = [try link(7, "pod0", .veth(), mtu: 1400, isUp: true, alias: "example:pod0")]
    found.clsacts = [try index(7)]
    found.filters = [try filter(7, "example:in")]
    found.addresses = [try address(7, "10.8.0.1", 32, tag: 84)]
    found.neighbours = [try neighbour(7, "10.8.0.7", "02:00:00:00:00:07", .permanent, tag: 84)]
    found.routes = [
      Route(
        destination: nil, gateway: try ip("10.8.0.7"), interface: try index(7), table: RouteTableID(1000),
        protocol: owner.protocol),
      Route(destination: try block("10.8.0.7/32"), interface: try index(7), protocol: owner.protocol),
    ]
    found.rules = [Rule(family: .ipv4, priority: 512, destination: try block("10.8.0.7/32"), protocol: owner.protocol)]
    #expect(try plan(pod(), over: found) == [])
  }

  @Test func `ARP is set after the link is up, which may make the link forget it`() throws {
    let state = desired {
      $0.links.append(DesiredLink(existing: "eth1", LinkChanges(mtu: 1400, isUp: true, isARPEnabled: false)))
    }
    var found = NamespaceSnapshot()
    found.links = [try link(3, "eth1", nil, mtu: 1500, isUp: false, alias: nil)]
    #expect(
      try plan(state, over: found) == [
        "ip link set eth1 mtu 1400", "ip link set eth1 up", "ip link set eth1 arp off",
      ])
  }

  @Test func `a link of the owner's of another kind is made anew, with all that was on it`() throws {
    let state = try desired {
      $0.links.append(DesiredLink(NewLink(name: "pod0", kind: .veth(peer: VethPeer(name: "pod1")))))
      $0.addresses.append(DesiredAddress(try ip("10.8.0.1"), prefixLength: 32, on: "pod0"))
    }
    var found = NamespaceSnapshot()
    found.links = [try link(7, "pod0", .macvlan(parent: try index(2)), mtu: 1500, isUp: false, alias: "example:pod0")]
    found.addresses = [try address(7, "10.8.0.1", 32, tag: 84)]
    #expect(
      try plan(state, over: found) == [
        "ip link delete pod0", "ip link add pod0 type veth peer name pod1", "ip link set pod0 alias example:pod0",
        "ip address add 10.8.0.1/32 dev pod0",
      ])
  }

  @Test func `a setting of the kind that is not given does not count, and one that is does`() throws {
    var found = NamespaceSnapshot()
    found.links = [
      try link(7, "sub0", .macvlan(parent: try index(2), mode: .vepa), mtu: 1500, isUp: false, alias: "example:x")
    ]
    let same = desired {
      $0.links.append(DesiredLink(NewLink(name: "sub0", kind: .macvlan(parent: .two, mode: .vepa))))
    }
    #expect(try plan(same, over: found) == [])
    let other = desired {
      $0.links.append(DesiredLink(NewLink(name: "sub0", kind: .macvlan(parent: .two, mode: .bridge))))
    }
    #expect(try plan(other, over: found) == ["ip link set sub0 type macvlan (settings)"])
    // A setting that is fixed when the link is created.
    let elsewhere = desired {
      $0.links.append(DesiredLink(NewLink(name: "sub0", kind: .macvlan(parent: .loopback, mode: .vepa))))
    }
    #expect(try plan(elsewhere, over: found).first == "ip link delete sub0")
    var kept = elsewhere
    kept.links[0].isReplaceable = false
    #expect(throws: NetlinkError.self) { try plan(kept, over: found) }
  }

  @Test func `links on links and ports of bridges are named by name until they have an index`() throws {
    let state = desired {
      $0.links.append(DesiredLink(NewLink(name: "br0", kind: .bridge, isUp: true)))
      $0.links.append(DesiredLink(NewLink(name: "sub0", kind: .macvlan(parent: .loopback)), parent: "br0"))
      $0.links.append(DesiredLink(existing: "eth1", master: "br0"))
    }
    var found = NamespaceSnapshot()
    found.links = [try link(3, "eth1", nil, mtu: 1500, isUp: false, alias: nil)]
    var planner = Planner(state, .remove, found: found)
    let plan = try planner.plan()
    #expect(
      plan.steps.map(\.description) == [
        "ip link add br0 type bridge", "ip link set br0 alias example:br0",
        "ip link add sub0 link br0 type macvlan mode bridge", "ip link set sub0 alias example:sub0",
        "ip link set eth1 master br0", "ip link set br0 up",
      ])
    #expect(plan.runs.map(\.count) == [2, 4])
  }

  @Test func `an address with another prefix length is taken off first when it is the owner's`() throws {
    let state = try desired { $0.addresses.append(DesiredAddress(try ip("10.8.0.1"), prefixLength: 24, on: "eth1")) }
    var found = NamespaceSnapshot()
    found.links = [try link(3, "eth1", nil, mtu: 1500, isUp: true, alias: nil)]
    found.addresses = [try address(3, "10.8.0.1", 32, tag: 84)]
    #expect(
      try plan(state, over: found) == [
        "ip address delete 10.8.0.1/32 dev eth1", "ip address add 10.8.0.1/24 dev eth1",
      ])
    found.addresses = [try address(3, "10.8.0.1", 32, tag: nil)]
    let error = #expect(throws: NetlinkError.self) { try plan(state, over: found) }
    #expect(error?.code == .conflict)
    #expect(
      error?.message == "ip address add 10.8.0.1/24 dev eth1: in the way, and not ours to change: 10.8.0.1/32 dev eth1")
  }

  @Test func `what the kernel learnt is replaced, what somebody made permanent is not`() throws {
    let state = try desired {
      $0.neighbours.append(
        DesiredNeighbour(try ip("10.8.0.7"), linkLayerAddress: try mac("02:00:00:00:00:07"), on: "eth1"))
    }
    var found = NamespaceSnapshot()
    found.links = [try link(3, "eth1", nil, mtu: 1500, isUp: true, alias: nil)]
    found.neighbours = [try neighbour(3, "10.8.0.7", "02:00:00:00:00:08", .reachable, tag: nil)]
    #expect(try plan(state, over: found).count == 1)
    found.neighbours = [try neighbour(3, "10.8.0.7", "02:00:00:00:00:08", .permanent, tag: nil)]
    #expect(throws: NetlinkError.self) { try plan(state, over: found) }
    // It is as desired, whoever made it.
    found.neighbours = [try neighbour(3, "10.8.0.7", "02:00:00:00:00:07", .permanent, tag: nil)]
    #expect(try plan(state, over: found) == [])
  }

  @Test func `a route of the owner's is replaced in place, another's is a conflict`() throws {
    let state = try desired {
      $0.routes.append(DesiredRoute(Route(destination: try block("10.8.0.0/24"), gateway: try ip("10.0.0.9"))))
    }
    var found = NamespaceSnapshot()
    found.routes = [
      Route(destination: try block("10.8.0.0/24"), gateway: try ip("10.0.0.8"), protocol: owner.protocol)
    ]
    #expect(try plan(state, over: found) == ["ip route replace 10.8.0.0/24 via 10.0.0.9 proto 84"])
    found.routes = [Route(destination: try block("10.8.0.0/24"), gateway: try ip("10.0.0.9"), protocol: .static)]
    #expect(throws: NetlinkError.self) { try plan(state, over: found) }
    // With another priority it is another route.
    found.routes[0].priority = 100
    #expect(try plan(state, over: found) == ["ip route add 10.8.0.0/24 via 10.0.0.9 proto 84"])
  }

  @Test func `with stale objects kept, the owner's route by another link is somebody's`() throws {
    let state = try desired {
      $0.links.append(DesiredLink(NewLink(name: "pod0", kind: .veth())))
      $0.routes.append(DesiredRoute(Route(destination: try block("10.8.0.7/32")), on: "pod0"))
    }
    var found = NamespaceSnapshot()
    found.links = [
      try link(7, "pod0", .veth(), mtu: 1500, isUp: true, alias: "example:pod0"),
      try link(8, "pod9", .veth(), mtu: 1500, isUp: true, alias: "example:pod9"),
    ]
    found.routes = [Route(destination: try block("10.8.0.7/32"), interface: try index(8), protocol: owner.protocol)]
    let error = #expect(throws: NetlinkError.self) { try plan(state, .keep, over: found) }
    #expect(error?.reason == "in the way, and not ours to change: 10.8.0.7/32 scope link dev pod9 proto 84")
    #expect(
      try plan(state, .remove, over: found) == [
        "ip route replace 10.8.0.7/32 scope link dev pod0 proto 84", "ip link delete pod9",
      ])
    var contradiction = state
    contradiction.links = []
    let refusal = #expect(throws: NetlinkError.self) { try plan(contradiction, .remove, over: found) }
    #expect(refusal?.reason == "link \"pod0\" is not desired itself, and would be removed")
  }

  @Test func `a rule to another table is added before the old one goes`() throws {
    let state = try desired {
      $0.rules.append(Rule(family: .ipv4, priority: 2048, source: try block("10.8.0.7/32"), table: RouteTableID(1001)))
    }
    var found = NamespaceSnapshot()
    found.rules = [
      Rule(
        family: .ipv4, priority: 2048, source: try block("10.8.0.7/32"), table: RouteTableID(1000),
        protocol: owner.protocol)
    ]
    let both = [
      "ip rule add pref 2048 from 10.8.0.7/32 lookup 1001 proto 84",
      "ip rule delete pref 2048 from 10.8.0.7/32 lookup 1000 proto 84",
    ]
    #expect(try plan(state, .keep, over: found) == both)
    #expect(try plan(state, .remove, over: found) == both)
    found.rules[0].protocol = .static
    #expect(throws: NetlinkError.self) { try plan(state, over: found) }
  }

  @Test func `what is stale goes last, rules first and links last, and only what bears the mark`() throws {
    var found = NamespaceSnapshot()
    found.links = [
      try link(1, "lo", nil, mtu: 65536, isUp: true, alias: nil),
      try link(7, "old0", .veth(), mtu: 1500, isUp: true, alias: "example:old0"),
      try link(8, "theirs", .veth(), mtu: 1500, isUp: true, alias: "other:theirs"),
    ]
    found.filters = [try filter(7, "example:in"), try filter(8, "other:in")]
    found.addresses = [try address(1, "10.8.0.1", 32, tag: 84), try address(8, "10.8.0.2", 32, tag: nil)]
    found.routes = [
      Route(destination: try block("10.8.0.7/32"), interface: try index(8), protocol: owner.protocol),
      Route(destination: try block("10.9.0.0/16"), interface: try index(8), protocol: .static),
    ]
    found.rules = [
      Rule(family: .ipv4, priority: 5, protocol: owner.protocol), Rule(family: .ipv4, priority: 6, protocol: .static),
    ]
    let state = desired { _ in }
    #expect(
      try plan(state, over: found) == [
        "ip rule delete pref 5 lookup main proto 84", "ip route delete 10.8.0.7/32 scope link dev theirs proto 84",
        "tc filter delete dev old0 ingress pref 1 handle 1 bpf name example:in",
        "ip address delete 10.8.0.1/32 dev lo", "ip link delete old0",
      ])
    #expect(try plan(state, .keep, over: found) == [])
  }

  @Test func `a removal takes what is there and the owner's, and nothing else`() throws {
    var found = NamespaceSnapshot()
    found.links = [try link(7, "pod0", .veth(), mtu: 1400, isUp: true, alias: "example:pod0")]
    found.addresses = [try address(7, "10.8.0.1", 32, tag: 84)]
    found.routes = [Route(destination: try block("10.8.0.7/32"), interface: try index(7), protocol: owner.protocol)]
    found.rules = [Rule(family: .ipv4, priority: 512, destination: try block("10.8.0.7/32"), protocol: owner.protocol)]
    var planner = Planner(try pod(), .keep, found: found)
    #expect(
      try planner.planRemoval().steps.map(\.description) == [
        "ip rule delete pref 512 to 10.8.0.7/32 lookup main proto 84",
        "ip route delete 10.8.0.7/32 scope link dev pod0 proto 84", "ip link delete pod0",
      ])
    found.links[0].alias = "other:pod0"
    found.rules[0].protocol = .static
    planner = Planner(try pod(), .keep, found: found)
    #expect(
      try planner.planRemoval().steps.map(\.description) == [
        "ip route delete 10.8.0.7/32 scope link dev pod0 proto 84", "ip address delete 10.8.0.1/32 dev pod0",
      ])
  }

  @Test func `removals that can't be taken back wait until all else has succeeded`() throws {
    let state = try desired { $0.rules.append(Rule(family: .ipv4, priority: 7, source: try block("10.0.0.0/8"))) }
    var found = NamespaceSnapshot()
    found.links = [try link(7, "old0", .veth(), mtu: 1500, isUp: true, alias: "example:old0")]
    var planner = Planner(state, .remove, found: found)
    let plan = try planner.plan()
    #expect(plan.steps.map(\.isReversible) == [true, false])
    #expect(plan.runs.map(\.count) == [1, 1])
  }

  @Test(arguments: [UInt8(0), 2, 3, 4])
  func `a protocol that everybody uses proves nothing`(number: UInt8) {
    let state = DesiredState(owner: ObjectOwner(protocol: RouteProtocol(number), prefix: "example:"))
    let error = #expect(throws: NetlinkError.self) { try plan(state) }
    #expect(error?.code == .invalidArgument)
  }

  @Test(arguments: ["", String(repeating: "x", count: 256), "a\0b"])
  func `a prefix is neither empty nor too long for an alias`(prefix: String) {
    let state = DesiredState(owner: ObjectOwner(protocol: RouteProtocol(84), prefix: prefix))
    let error = #expect(throws: NetlinkError.self) { try plan(state) }
    #expect(error?.code == .invalidArgument)
  }

  @Test func `what can't be planned is said by name`() throws {
    func reason(_ describe: (inout DesiredState) throws -> Void) throws -> String? {
      let state = try desired(describe)
      return #expect(throws: NetlinkError.self) { try plan(state) }?.reason
    }
    let veth = NewLink(name: "pod0", kind: .veth(peer: VethPeer(name: "pod1")))
    #expect(
      try reason { $0.links = [DesiredLink(veth), DesiredLink(veth)] } == "it is desired twice; describe it once")
    #expect(
      try reason { $0.links = [DesiredLink(existing: "eth9")] }
        == "it is not there, and not to be created; whoever makes it comes first")
    #expect(
      try reason { $0.addresses = [DesiredAddress(try ip("10.0.0.1"), prefixLength: 8, on: "eth9")] }
        == "there is no link \"eth9\", and none is to be created")
    #expect(
      try reason {
        var link = veth
        link.alias = "mine"
        $0.links = [DesiredLink(link)]
      } == "its alias \"mine\" does not begin with \"example:\", and would not prove whose it is")
    #expect(
      try reason { $0.links = [DesiredLink(existing: "lo", LinkChanges(name: "lo2"))] }
        == "a desired link is neither renamed nor moved")
  }
}

// What is there, put together by hand.
extension ChangePlanTests {
  private func ip(_ text: String) throws -> IPAddress { try #require(IPAddress(text)) }
  private func mac(_ text: String) throws -> MACAddress { try #require(MACAddress(text)) }
  private func block(_ text: String) throws -> IPCIDR { try #require(IPCIDR(text)) }
  private func index(_ number: UInt32) throws -> InterfaceIndex { try #require(InterfaceIndex(rawValue: number)) }

  /// A link as it would be read from the kernel.
  private func link(
    _ number: UInt32, _ name: InterfaceName, _ kind: LinkKind?, mtu: UInt32, isUp: Bool, alias: String?
  ) throws -> Link {
    let writer = MessageWriter()
    var new = NewLink(name: name, kind: kind ?? .other(""), mtu: mtu, isUp: isUp)
    new.index = try index(number)
    writer.begin(type: 16, flags: 0, sequence: 0)
    CreateLink(link: new).encode(into: writer)
    let bytes = writer.bytes
    let span = unsafe bytes.span.bytes
    var cursor = MessageCursor()
    let message = try #require(try cursor.next(in: span))
    var link = try Link(message, in: span)
    if kind == nil { link.kind = nil }
    link.alias = alias
    return link
  }

  private func address(_ link: UInt32, _ text: String, _ length: Int, tag: UInt8?) throws -> InterfaceAddress {
    var address = InterfaceAddress(index: try index(link), address: try ip(text), prefixLength: length)
    address.protocol = tag.map { AddressProtocol(rawValue: $0) }
    return address
  }

  private func neighbour(
    _ link: UInt32, _ text: String, _ linkLayer: String, _ state: NeighbourState, tag: UInt8?
  ) throws -> Neighbour {
    var neighbour = Neighbour(
      interface: try index(link), address: try ip(text), linkLayerAddress: try mac(linkLayer), state: state)
    neighbour.protocol = tag.map { RouteProtocol($0) }
    return neighbour
  }

  private func filter(_ link: UInt32, _ name: String) throws -> TrafficFilter {
    var program = FilterSettings.BPF(descriptor: 9, name: name)
    program.identifier = 5
    return TrafficFilter(
      on: try index(link), at: .clsactIngress, priority: 1, handle: 1, settings: .bpf(program))
  }
}

extension InterfaceIndex {
  fileprivate static var two: InterfaceIndex { InterfaceIndex(rawValue: 2) ?? .loopback }
}
