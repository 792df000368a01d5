// SPDX-License-Identifier: Apache-2.0

import KernelTestSupport
import LinuxSystem
import NetlinkKit
import NetworkTypes
import Testing

/// Desired states on the real kernel: made, found as made, taken back.
@Suite("Desired states")
struct ConvergeKernelTests {
  private let owner = ObjectOwner(protocol: RouteProtocol(84), prefix: "example:")

  /// A pod's wiring in the namespace of `socket`, both ends there.
  private func pod(_ number: Int) throws -> DesiredState {
    var desired = DesiredState(owner: owner)
    let name = try #require(InterfaceName("pod\(number)"))
    let peer = try #require(InterfaceName("peer\(number)"))
    desired.links = [
      DesiredLink(NewLink(name: name, kind: .veth(peer: VethPeer(name: peer)), mtu: 1400, isUp: true)),
      DesiredLink(existing: peer, LinkChanges(isUp: true)),
    ]
    let address = try #require(IPAddress("10.8.\(number).1"))
    let other = try #require(IPAddress("10.8.\(number).7"))
    desired.addresses = [
      DesiredAddress(address, prefixLength: 32, on: name),
      DesiredAddress(try #require(IPAddress("fd00:\(number)::1")), prefixLength: 64, on: name, flags: .noDAD),
    ]
    desired.neighbours = [
      DesiredNeighbour(other, linkLayerAddress: MACAddress("02:00:00:00:00:0\(number)"), on: name)
    ]
    desired.routes = [
      DesiredRoute(Route(destination: IPCIDR(host: other)), on: name),
      DesiredRoute(Route(destination: nil, gateway: other, table: RouteTableID(UInt32(1000 + number))), on: name),
      DesiredRoute(
        Route(destination: IPCIDR("fd01:\(number)::/64"), gateway: IPAddress("fd00:\(number)::9")), on: name),
    ]
    desired.rules = [
      Rule(family: .ipv4, priority: 2048, source: IPCIDR(host: other), table: RouteTableID(UInt32(1000 + number))),
      Rule(family: .ipv6, priority: 2049, destination: IPCIDR("fd02:\(number)::/64"), mark: 7),
    ]
    return desired
  }

  /// All that ip and tc say of the namespace, but for carriers: Linux notes those later, in work of its own (linkwatch).
  private func everything(_ socket: NetlinkSocket) async throws -> String {
    try await inNamespaceOf(
      socket,
      "ip -br link | awk '{ gsub(/NO-CARRIER,|,LOWER_UP|,M-DOWN/, \"\", $4); print $1, $3, $4 }'; ip -o address show scope global;",
      "ip -d neighbour show nud permanent; ip -d route show table all proto static;",
      "ip -d route show table all proto 84; ip -6 -d route show table all proto 84; ip -d rule; ip -6 -d rule;",
      "tc qdisc show | sort")
  }

  @Test func `a desired state is made, found as made, and changes nothing when it is asked for again`() async throws {
    try await withVeth { socket, _ in
      let desired = try pod(1)
      let changes = try await socket.converge(to: desired)
      #expect(changes.steps.count == 12)
      #expect(try await socket.plan(desired).description == "")
      #expect(try await socket.converge(to: desired).isEmpty)

      let links = try await rows(socket, "ip -j -d link show pod1")
      #expect(links.first?["ifalias"] as? String == "example:pod1")
      #expect(links.first?["mtu"] as? Int == 1400)
      let routes = try await rows(socket, "ip -j route show table all proto 84")
      #expect(routes.compactMap { $0["dst"] as? String } == ["default", "10.8.1.7", "fd01:1::/64"])
      let neighbours = try await rows(socket, "ip -j neigh show nud permanent dev pod1")
      #expect(neighbours.contains { $0["lladdr"] as? String == "02:00:00:00:00:01" })
    }
  }

  @Test func `a change to the state changes only that`() async throws {
    try await withVeth { socket, _ in
      var desired = try pod(1)
      try await socket.converge(to: desired)
      desired.routes[0] = DesiredRoute(
        Route(
          destination: desired.routes[0].route.destination, source: desired.addresses[0].address.address), on: "pod1")
      desired.links[0].settings.mtu = 1300
      desired.rules.removeLast()
      let changes = try await socket.converge(to: desired)
      #expect(
        changes.description == """
          ip link set pod1 mtu 1300
          ip route replace 10.8.1.7/32 scope link src 10.8.1.1 dev pod1 proto 84
          ip -6 rule delete pref 2049 to fd02:1::/64 fwmark 0x7 lookup main proto 84
          """)
    }
  }

  @Test func `what went missing or was changed is made again, what is another's stays`() async throws {
    try await withVeth { socket, _ in
      let desired = try pod(1)
      try await socket.converge(to: desired)
      try await inNamespaceOf(
        socket, "ip route del 10.8.1.7; ip link set pod1 down; ip route add 10.9.0.0/16 dev v0;",
        "ip addr add 192.0.2.1/32 dev pod1; ip rule add pref 99 lookup 99")
      let before = try await everything(socket)
      #expect(before.contains("192.0.2.1"))
      try await socket.converge(to: desired)
      let after = try await everything(socket)
      #expect(after.contains("10.8.1.7"))
      #expect(after.contains("192.0.2.1"))
      #expect(after.contains("99:"))
      #expect(try await inNamespaceOf(socket, "ip route show 10.9.0.0/16").contains("10.9.0.0/16"))
    }
  }

  @Test func `an empty state removes all that bears the mark, and nothing else`() async throws {
    try await withVeth { socket, _ in
      let before = try await everything(socket)
      try await socket.converge(to: try pod(1))
      try await socket.converge(to: try pod(2), stale: .keep)
      #expect(try await socket.converge(to: DesiredState(owner: owner)).isEmpty == false)
      #expect(try await everything(socket) == before)
    }
  }

  @Test func `one part of the owner's objects is made and removed without the rest`() async throws {
    try await withVeth { socket, _ in
      try await socket.converge(to: try pod(1), stale: .keep)
      let one = try await everything(socket)
      try await socket.converge(to: try pod(2), stale: .keep)
      try await socket.apply(try await socket.plan(removing: try pod(2)))
      #expect(try await everything(socket) == one)
      #expect(try await socket.plan(removing: try pod(2)).isEmpty)
    }
  }

  @Test func `when a step fails all before it is taken back`() async throws {
    try await withVeth { socket, _ in
      let before = try await everything(socket)
      var desired = try pod(1)
      // The gateway is on no link.
      desired.routes.append(
        DesiredRoute(Route(destination: IPCIDR("10.99.0.0/16"), gateway: IPAddress("172.31.255.1"))))
      let error = await #expect(throws: NetlinkError.self) { try await socket.converge(to: desired) }
      #expect(error?.code == .unreachable)
      #expect(error?.operation == "ip route add 10.99.0.0/16 via 172.31.255.1 proto 84")
      #expect(error?.reason.contains("not taken back") == false)
      #expect(try await everything(socket) == before)
    }
  }

  @Test func `when a step fails nothing that is stale is gone, and what was changed is as before`() async throws {
    try await withVeth { socket, _ in
      try await socket.converge(to: try pod(1))
      let before = try await everything(socket)
      var desired = try pod(2)
      desired.links.append(
        DesiredLink(NewLink(name: "pod1", kind: .veth(peer: VethPeer(name: "peer1")), mtu: 1280)))
      desired.routes.append(
        DesiredRoute(Route(destination: IPCIDR("10.99.0.0/16"), gateway: IPAddress("172.31.255.1"))))
      await #expect(throws: NetlinkError.self) { try await socket.converge(to: desired) }
      #expect(try await everything(socket) == before)
    }
  }

  @Test func `what stands in the way is named before anything is touched`() async throws {
    try await withVeth { socket, _ in
      try await inNamespaceOf(socket, "ip route add 10.8.1.7/32 dev v0 proto static")
      let before = try await everything(socket)
      let error = await #expect(throws: NetlinkError.self) { try await socket.converge(to: try pod(1)) }
      #expect(error?.code == .conflict)
      #expect(error?.reason.contains("10.8.1.7/32 scope link dev v0 proto static") == true)
      #expect(try await everything(socket) == before)
    }
  }

  @Test func `what was applied can be taken back later`() async throws {
    try await withVeth { socket, _ in
      let before = try await everything(socket)
      let applied = try await socket.converge(to: try pod(1))
      try await socket.takeBack(applied)
      #expect(try await everything(socket) == before)
      // Once more is no error: it is gone already.
      try await socket.takeBack(applied)
    }
  }

  @Test func `a cancelled task leaves nothing behind`() async throws {
    try await withVeth { socket, _ in
      let before = try await everything(socket)
      var desired = try pod(1)
      for number in 0..<2000 {
        desired.routes.append(
          DesiredRoute(Route(destination: IPCIDR("10.\(100 + number / 250).\(number % 250).0/24")), on: "pod1"))
      }
      let state = desired
      for delay in [0, 1, 3, 10, 30] {
        let task = Task { try await socket.converge(to: state) }
        try await Task.sleep(for: .milliseconds(delay))
        task.cancel()
        switch await task.result {
        case .failure: #expect(try await everything(socket) == before, "after \(delay) ms")
        case .success(let applied): try await socket.takeBack(applied)
        }
      }
      #expect(try await everything(socket) == before)
    }
  }

  @Test func `a link of another kind under that name is made anew when it is the owner's`() async throws {
    try await withVeth { socket, parent in
      var desired = DesiredState(owner: owner)
      desired.links = [DesiredLink(NewLink(name: "sub0", kind: .macvlan(parent: parent.index, mode: .vepa)))]
      try await socket.converge(to: desired)
      desired.links = [DesiredLink(NewLink(name: "sub0", kind: .bridge))]
      let changes = try await socket.converge(to: desired)
      #expect(changes.steps.first?.isReversible == false)
      let rows = try await rows(socket, "ip -j -d link show sub0")
      let information = rows.first?["linkinfo"] as? [String: Any]
      #expect(information?["info_kind"] as? String == "bridge")
    }
  }

  @Test func `settings of a kind are changed in place, and put back when a later step fails`() async throws {
    try await withVeth { socket, parent in
      var desired = DesiredState(owner: owner)
      var bridge = BridgeSettings()
      bridge.forwardDelay = 400
      desired.links = [
        DesiredLink(NewLink(name: "sub0", kind: .macvlan(parent: parent.index, mode: .vepa))),
        DesiredLink(NewLink(name: "br0", kind: .bridge(bridge))),
      ]
      try await socket.converge(to: desired)
      bridge.forwardDelay = 500
      desired.links = [
        DesiredLink(NewLink(name: "sub0", kind: .macvlan(parent: parent.index, mode: .bridge))),
        DesiredLink(NewLink(name: "br0", kind: .bridge(bridge))),
      ]
      let applied = try await socket.converge(to: desired)
      let reversible = applied.steps.map(\.isReversible)
      #expect(!reversible.contains(false))
      let after = try await inNamespaceOf(socket, "ip -d link show br0; ip -d link show sub0")
      #expect(after.contains("mode bridge") && after.contains("forward_delay 500"))
      try await socket.takeBack(applied)
      let before = try await inNamespaceOf(socket, "ip -d link show br0; ip -d link show sub0")
      #expect(before.contains("mode vepa") && before.contains("forward_delay 400"))
    }
  }

  @Test func `links on links and ports come from one state`() async throws {
    try await withVeth { socket, _ in
      var desired = DesiredState(owner: owner)
      desired.links = [
        DesiredLink(NewLink(name: "br0", kind: .bridge, isUp: true)),
        DesiredLink(NewLink(name: "sub0", kind: .macvlan(parent: .loopback, mode: .bridge)), parent: "br0"),
        DesiredLink(existing: "v1", master: "br0"),
      ]
      try await socket.converge(to: desired)
      let bridge = try #require(try await socket.links.link(named: "br0"))
      #expect(try await socket.links.link(named: "sub0")?.parentIndex == bridge.index)
      #expect(try await socket.links.link(named: "v1")?.masterIndex == bridge.index)
    }
  }

  @Test func `a thousand pods' routes take few system calls, and nothing is sent when all is there`() async throws {
    try await withVeth { socket, _ in
      var desired = DesiredState(owner: owner)
      for number in 0..<1000 {
        desired.routes.append(
          DesiredRoute(Route(destination: IPCIDR("10.\(number / 250).\(number % 250).0/24")), on: "v0"))
      }
      let applied = try await socket.converge(to: desired)
      #expect(applied.steps.count == 1000)
      let routes = try await socket.routes.all(table: .main, family: .ipv4)
      #expect(routes.filter { $0.protocol == owner.protocol }.count == 1000)
      let rest = try await socket.plan(desired)
      #expect(rest.isEmpty)
    }
  }
}
