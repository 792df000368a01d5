// SPDX-License-Identifier: Apache-2.0

import KernelTestSupport
import LinuxSystem
import NetlinkKit
import NetworkTypes
import Testing

@Suite("Forwarding entries in the kernel", .serialized, .requires(.root))
struct ForwardingKernelTests {
  private let mac = MACAddress(truncating: 0x0200_0000_0005)

  /// Runs `body` with a VXLAN tunnel.
  private func withTunnel(_ body: (NetlinkSocket, Link) async throws -> Void) async throws {
    try await withVeth { socket, _ in
      try await inNamespaceOf(socket, "ip addr add 10.1.0.1/24 dev v0")
      try await inNamespaceOf(socket, "ip link add vx0 type vxlan id 7 dstport 4789 local 10.1.0.1")
      try await inNamespaceOf(socket, "ip link set vx0 up")
      try await body(socket, try #require(try await socket.links.link(named: "vx0")))
    }
  }

  @Test func `a tunnel's entry comes back as it was sent, with destination, port, identifier and link`() async throws {
    try await withTunnel { socket, tunnel in
      let v0 = try #require(try await socket.links.link(named: "v0"))
      var entry = ForwardingEntry(
        interface: tunnel.index, address: mac, flags: .self, destination: IPAddress("10.1.0.7"), vni: 9, port: 4790)
      entry.outputInterface = v0.index
      try await socket.forwarding.add(entry)
      let found = try #require(try await socket.forwarding.all(on: tunnel.index).first { $0.address == mac })
      #expect(found.destination == IPAddress("10.1.0.7"))
      #expect(found.port == 4790)
      #expect(found.vni == 9)
      #expect(found.outputInterface == v0.index)
      #expect(found.flags == .self)
      #expect(found.state == [.permanent, .noARP])
      #expect(found.bridge == nil)
      #expect(found.usage != nil)
      #expect(found.otherAttributes.isEmpty)
      let twice = await #expect(throws: NetlinkError.self) { try await socket.forwarding.add(entry) }
      #expect(twice?.code == .exists)
      entry.destination = IPAddress("10.1.0.8")
      try await socket.forwarding.replace(entry)
      #expect(
        try await socket.forwarding.all(on: tunnel.index).filter { $0.address == mac }.map(\.destination)
          == [IPAddress("10.1.0.8")])
      try await socket.forwarding.remove(entry)
      let gone = await #expect(throws: NetlinkError.self) { try await socket.forwarding.remove(entry) }
      #expect(gone?.code == .notFound)
      #expect(gone?.message.contains("remove forwarding entry 02:00:00:00:00:05 to 10.1.0.8 on link") == true)
    }
  }

  @Test func `a tunnel sends to each of several machines, and one is taken away again`() async throws {
    try await withTunnel { socket, tunnel in
      let nobody = MACAddress(truncating: 0)
      let machines = (0..<200).map { IPAddress.v4(IPv4Address(rawValue: 0x0a01_0100 + UInt32($0))) }
      let entries = machines.map {
        ForwardingEntry(interface: tunnel.index, address: nobody, flags: .self, destination: $0)
      }
      try await socket.perform(entries.map { .append($0) }).get()
      func destinations() async throws -> Set<IPAddress> {
        var found: Set<IPAddress> = []
        try await socket.forwarding.forEach(on: tunnel.index) { entry in
          if entry.address == nobody, let destination = entry.destination { found.insert(destination) }
        }
        return found
      }
      #expect(try await destinations() == Set(machines))
      try await socket.perform([.remove(entries[7])]).get()
      #expect(try await destinations() == Set(machines).subtracting([machines[7]]))
      // Once more is not twice; without a destination all are meant.
      try await socket.forwarding.append(entries[8])
      #expect(try await socket.forwarding.all(on: tunnel.index).count { $0.destination == machines[8] } == 1)
      try await socket.forwarding.remove(ForwardingEntry(interface: tunnel.index, address: nobody, flags: .self))
      #expect(try await destinations().isEmpty)
    }
  }

  @Test func `an entry may lead to a group of machines`() async throws {
    try await withTunnel { socket, tunnel in
      for command in ["id 12 via 10.1.0.7 fdb", "id 13 via 10.1.0.8 fdb", "id 102 group 12/13 fdb"] {
        try await inNamespaceOf(socket, "ip nexthop add \(command)")
      }
      var entry = ForwardingEntry(interface: tunnel.index, address: mac, flags: .self)
      entry.nextHopID = NextHopID(102)
      try await socket.forwarding.add(entry)
      let found = try await socket.forwarding.all(on: tunnel.index).first { $0.address == mac }
      #expect(found?.nextHopID == NextHopID(102))
      #expect(found?.destination == nil)
    }
  }

  @Test(.requires(.bridgeVLANs)) func `a bridge's entries are per VLAN, and say how long they stay`() async throws {
    try await withVeth { socket, port in
      try await inNamespaceOf(socket, "ip link add br0 type bridge vlan_filtering 1")
      try await inNamespaceOf(socket, "ip link set v0 master br0")
      let bridge = try #require(try await socket.links.link(named: "br0"))
      func entry(_ state: NeighbourState, _ vlan: UInt16?, _ more: NeighbourFlags = []) -> ForwardingEntry {
        ForwardingEntry(
          interface: port.index, address: mac, flags: more.union(.master), state: state, vlan: vlan)
      }
      func found() async throws -> [ForwardingEntry] {
        try await socket.forwarding.all(of: bridge.index).filter { $0.address == mac }
      }
      try await socket.forwarding.add(entry(.noARP, 1))
      let first = try await found()
      #expect(first.map(\.state) == [.noARP])
      #expect(first.map(\.vlan) == [1])
      #expect(first.map(\.bridge) == [bridge.index])
      try await socket.forwarding.replace(entry(.reachable, 1, .externallyLearned))
      #expect(try await found().map(\.flags) == [.externallyLearned])
      let wrong = await #expect(throws: NetlinkError.self) { try await socket.forwarding.add(entry(.noARP, 77)) }
      #expect(wrong?.code == .invalidArgument)
      // Without a VLAN it is for all of the port, and for frames without.
      try await socket.forwarding.remove(entry(.noARP, 1))
      try await socket.forwarding.add(entry(.noARP, nil))
      #expect(Set(try await found().map(\.vlan)) == [nil, 1])
      #expect(try await socket.forwarding.all(on: port.index).contains { $0.address == mac })
    }
  }

  @Test func `what bridge prints is what is listed`() async throws {
    try await withTunnel { socket, tunnel in
      for command in [
        "bridge fdb add 02:00:00:00:00:05 dev vx0 dst 10.1.0.7 port 4790 vni 9 via v0 self permanent",
        "bridge fdb append 00:00:00:00:00:00 dev vx0 dst 10.1.0.8 self permanent",
        "bridge fdb append 00:00:00:00:00:00 dev vx0 dst 10.1.0.9 self permanent", "ip link add br0 type bridge",
        "ip link set v1 master br0", "ip link set br0 up", "bridge fdb add 02:00:00:00:00:07 dev v1 master static",
        "bridge fdb replace 02:00:00:00:00:08 dev v1 master dynamic extern_learn",
        "bridge fdb add 02:00:00:00:00:09 dev v1 self permanent",
      ] { try await inNamespaceOf(socket, command) }
      // The bridge learns by itself for a while.
      var ours: [ForwardingEntry] = []
      var theirs: [[String: Any]] = []
      for _ in 0..<50 {
        ours = try await socket.forwarding.all()
        theirs = try await rows(socket, "bridge -j -d fdb")
        if ours.count == theirs.count, try await socket.forwarding.all().map(\.address) == ours.map(\.address) { break }
        try await Task.sleep(for: .milliseconds(200))
      }
      #expect(ours.count == theirs.count)
      #expect(ours.count > 8)
      let names = Dictionary(uniqueKeysWithValues: try await socket.links.all().map { ($0.index, $0.name.rawValue) })
      for (our, their) in zip(ours, theirs) {
        #expect(our.address.description == their["mac"] as? String)
        #expect(names[our.interface] == their["ifname"] as? String)
        #expect(our.vlan.map(Int.init) == their["vlan"] as? Int)
        #expect(our.destination?.description == their["dst"] as? String)
        #expect(our.port.map(Int.init) == their["port"] as? Int)
        #expect(our.vni.map(Int.init) == their["vni"] as? Int)
        #expect(our.outputInterface.flatMap { names[$0] } == their["viaIf"] as? String)
        #expect(our.bridge.flatMap { names[$0] } == their["master"] as? String)
        let flags = try #require(their["flags"] as? [String])
        #expect(our.flags.contains(.self) == flags.contains("self"))
        #expect(our.flags.contains(.externallyLearned) == flags.contains("extern_learn"))
        let state = our.state.contains(.permanent) ? "permanent" : our.state.contains(.noARP) ? "static" : ""
        #expect(state == their["state"] as? String)
      }
    }
  }

  @Test func `a link without entries and an absent one are told apart`() async throws {
    try await withVeth { socket, link in
      let entry = ForwardingEntry(interface: link.index, address: mac, flags: .master, state: .noARP)
      let alone = await #expect(throws: NetlinkError.self) { try await socket.forwarding.add(entry) }
      #expect(alone?.code == .notSupported || alone?.code == .invalidArgument)
      var missing = entry
      missing.interface = try #require(InterfaceIndex(rawValue: 4711))
      let absent = await #expect(throws: NetlinkError.self) { try await socket.forwarding.add(missing) }
      #expect(absent?.code == .notFound)
      #expect(absent?.message.contains("link 4711 not found") == true)
    }
  }
}
